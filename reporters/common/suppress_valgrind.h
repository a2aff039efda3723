/*
 * suppress_valgrind - one suppression in valgrind's syntax, for leaks:
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

/* Blocks of a stack, of which a suppression may say that they are not worth reporting. */
struct suppressed {
	uint8_t kind; /* enum trk_kind, of the allocation; 0: not known */
	uint8_t verdict; /* enum look_verdict */
	bool judged; /* looks say verdicts in this report: a rule for some of them says nothing of a block without one */
};

/*
 * Takes the lines of a block one by one, from the one with the "{" on. *rule: NULL at first, and again when the block has ended; then *ret_rule is
 * what stood in it, or NULL: it is not about leaks. TRK_ERR_ARG: that line cannot be part of it; TRK_ERR_NOMEM.
 */
int valgrind_rule_line(struct valgrind_rule **rule, const char *line, struct valgrind_rule **ret_rule);
void valgrind_rule_free(struct valgrind_rule *r); /* NULL-safe */

const char *valgrind_rule_name(const struct valgrind_rule *r);
bool valgrind_rule_matches(const struct valgrind_rule *r, const struct source_frame *frames, size_t count, const struct suppressed *what);

#endif
