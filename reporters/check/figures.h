/* figures - what tracker check can hold against a limit, each with the function that measures it. */
#ifndef REPORTERS_CHECK_FIGURES_H
#define REPORTERS_CHECK_FIGURES_H

#include "check/no_alloc.h"
#include "common/suppress.h"

#define FIGURE_TOLD_ROOM 200u

struct figure_found {
	uint64_t amount;
	struct no_alloc_stack biggest; /* that most of it comes from; node 0: none is known */
	char told[FIGURE_TOLD_ROOM]; /* more about it, for people; "": nothing */
};

struct figure {
	const char *option; /* "max-peak" */
	const char *baseline; /* its name when it is compared with an older capture; NULL: it is not */
	bool is_size;
	bool always_zero; /* its option is a flag: none of it is allowed */
	const char *of; /* for people: "the peak is", */
	const char *rule; /* ... and what is wrong when it is above its limit: "the peak is too high" */
	/* r: open, with stacks and a view of all allocations. An exit code, having said why; TRK_ERR_NOMEM. */
	int (*measure)(struct report *r, const struct ui_list *suppressions, struct figure_found *ret);
};

enum {
	FIGURE_PEAK,
	FIGURE_ALLOCATIONS,
	FIGURE_LEAK,
	FIGURE_LEAK_PER_SITE,
	FIGURE_TEMPORARY,
	FIGURE_MISMATCH,
	FIGURES,
};
extern const struct figure figures[FIGURES];

#endif
