/* results - what was found of each budget: one row a check, whatever form it is written in. */
#ifndef REPORTERS_CHECK_RESULTS_H
#define REPORTERS_CHECK_RESULTS_H

#include "check/no_alloc.h"

#define RESULT_UNKNOWN UINT64_MAX

struct check_result {
	const char *check; /* "max-peak", "baseline-peak", "no-alloc-under" */
	const char *option; /* that asked for it: "max-peak", "baseline" */
	const char *subject; /* what the option names: a pattern of functions, an older capture; NULL: a limit, or nothing */
	const char *of; /* for people: "the peak is" */
	bool is_size, passed;
	uint64_t limit; /* RESULT_UNKNOWN: none is asked for */
	uint64_t found;
	uint64_t bytes; /* of found allocations; RESULT_UNKNOWN */
	uint64_t was; /* in the older capture; RESULT_UNKNOWN */
	const struct no_alloc_stack *stacks; /* that show where, the biggest first */
	size_t stack_count;
	const char *told; /* more about it; "": nothing */
	const struct no_alloc_function *function; /* of no-alloc-under; NULL */
};

struct check_results {
	struct check_result *items;
	size_t count, failed;
	bool asked; /* false: figures that could have a limit are shown */
	const char *incomplete; /* a capture that must be whole is not: what it lacks; NULL: it passes */
};

#define RESULT_ROOM 640u
/* "max-peak", "no-alloc-under Audio::process_block". Returns buf. */
char *check_name(const struct check_result *c, char buf[RESULT_ROOM]);
/* "the peak is 1115 B, at most 1109 B are allowed". Returns buf. */
char *check_sentence(const struct check_result *c, char buf[RESULT_ROOM]);
/*
 * Of the first stack of a failed check, most recent first, without the allocator's frames and those below main. *ret_count 0: there are none.
 * Until the next call that asks for frames.
 */
const struct source_frame *check_frames(const struct check_result *c, struct stacks *stacks, size_t *ret_count);

/* All checks in a form that other programs read, and what they are called in. TRK_ERR_NOMEM. */
struct check_form {
	const char *name;
	int (*write)(const struct check_results *all, struct report *r, FILE *f);
};
extern const struct check_form check_forms[]; /* up to a name of NULL */

int check_write_sarif(const struct check_results *all, struct report *r, FILE *f);

#endif
