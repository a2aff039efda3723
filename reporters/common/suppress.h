/*
 * suppress - which findings, leaks above all, are not worth reporting: those that suppression files of LeakSanitizer or valgrind name, and those that
 * the C and C++ runtimes keep for themselves.
 */
#ifndef SUPPRESS_H
#define SUPPRESS_H

#include "common/suppress_valgrind.h"
#include "symbols/stack.h"
#include "ui/ui.h"

struct suppression {
	char *pattern; /* for people: as written, its name in valgrind's files, or what it stands for */
	struct valgrind_rule *rule; /* of valgrind's; NULL: it is none */
	uint32_t about; /* of a plain one: bits of struct suppress_kind; 0: whatever it is */
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
 * Adds lines "leak:PATTERN", with the words of kinds, and blocks in braces (valgrind's) of these kinds; empty lines and those that begin with # are skipped, other kinds of
 * suppression (race:, vptr: ... Memcheck:Cond ...) ignored. TRK_ERR_IO (errno), _NOMEM, TRK_ERR_ARG with the number of the line that is not a suppression.
 */
int suppressions_read(struct suppressions *s, const char *path, const struct suppress_kind *kinds, unsigned *ret_line);
/* The files one after another, with what is wrong with them said; example: a line that is right. An exit code. */
int suppressions_read_files(struct suppressions *s, const struct ui_list *files, const struct suppress_kind *kinds, const char *example);
/* For leaks. */
extern const struct suppress_kind suppress_leaks[];

/* The first one that matches the stack (most recent frame first) and what is known of its blocks (NULL: nothing); NULL: none. */
struct suppression *suppressions_match(struct suppressions *s, const struct source_frame *frames,
				       size_t count, const struct suppressed *what);

/* LSan's: a substring; * is anything, ^ and $ are the ends. */
bool suppress_pattern_matches(const char *pattern, const char *text);

#endif
