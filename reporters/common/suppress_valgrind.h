/*
 * suppress_valgrind - one suppression in valgrind's syntax, as for leaks:
 *
 *	{
 *	   any name
 *	   Memcheck:Leak
 *	   match-leak-kinds: definite,possible
 *	   fun:malloc
 *	   ...
 *	   obj:/usr/lib/libfoo.so*
 *	}
 *
 * Lines below the kinds stand for frames, the most recent first, beginning with the function that allocates; "..." is any number of them. In names * is any
 * text, ? any character. Functions have their linkage names, as in valgrind; a demangled name is taken, too.
 */
#ifndef SUPPRESS_VALGRIND_H
#define SUPPRESS_VALGRIND_H

#include "symbols/stack.h"

struct valgrind_rule;

/* What files name, and a report asks for: words of both syntaxes. A row with about 0 ends the list; what is in no row is skipped. */
struct suppress_kind {
	const char *plain, *valgrind; /* "leak", "Leak"; NULL: there is none */
	uint32_t about; /* a bit, or several */
};

/* Blocks of a stack, of which a suppression may say that they are not worth reporting. */
struct suppressed {
	uint8_t kind; /* enum trk_kind, of the allocation; 0: not known */
	uint8_t verdict; /* enum look_verdict */
	uint32_t about; /* bits of struct suppress_kind; 0: whatever suppressions are about */
	bool judged; /* looks say verdicts in this report: a rule for some of them says nothing of a block without one */
};

/*
 * Takes the lines of a block one by one, from the one with the "{" on. *rule: NULL at first, and again when the block has ended; then *ret_rule is
 * what stood in it, or NULL: no kind of the list is its kind. TRK_ERR_ARG: that line cannot be part of it; TRK_ERR_NOMEM.
 */
int valgrind_rule_line(struct valgrind_rule **rule, const char *line, const struct suppress_kind *kinds, struct valgrind_rule **ret_rule);
void valgrind_rule_free(struct valgrind_rule *r); /* NULL-safe */

const char *valgrind_rule_name(const struct valgrind_rule *r);
bool valgrind_rule_matches(const struct valgrind_rule *r, const struct source_frame *frames, size_t count, const struct suppressed *what);

#endif
