/*
 * suppress - which leaks are not worth reporting: those that suppression files of LeakSanitizer or valgrind name, and those that
 * the C and C++ runtimes keep for themselves.
 */
#ifndef SUPPRESS_H
#define SUPPRESS_H

#include "common/suppress_valgrind.h"
#include "symbols/stack.h"

struct suppression {
	char *pattern; /* for people: as written, its name in valgrind's files, or what it stands for */
	struct valgrind_rule *rule; /* of valgrind's; NULL: it is none */
	uint64_t count, bytes; /* what it kept silent */
};

struct suppressions {
	struct suppression *items;
	size_t count, room;
	size_t builtin_count; /* the first ones */
};

/* With the built-in ones, or none. TRK_ERR_NOMEM. */
int suppressions_init(struct suppressions *s, bool builtin);
void suppressions_finish(struct suppressions *s); /* NULL-safe, zero-safe */

/*
 * Adds "leak:PATTERN" lines, and blocks in braces (valgrind's) that are about leaks; empty lines and those that begin with # are skipped, other kinds of
 * suppression (race:, vptr: ... Memcheck:Cond ...) ignored. TRK_ERR_IO (errno), _NOMEM, TRK_ERR_ARG with the number of the line that is not a suppression.
 */
int suppressions_read(struct suppressions *s, const char *path, unsigned *ret_line);

/* The first one that matches the stack (most recent frame first) and what is known of its blocks (NULL: nothing); NULL: none. */
struct suppression *suppressions_match(struct suppressions *s, const struct source_frame *frames,
				       size_t count, const struct suppressed *what);

/* LSan's: a substring; * is anything, ^ and $ are the ends. */
bool suppress_pattern_matches(const char *pattern, const char *text);

#endif
