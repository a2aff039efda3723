/* faults - what tracker lint looks for: each fault's name, how grave it is, what is said of it, and what to do about it. */
#ifndef REPORTERS_LINT_FAULTS_H
#define REPORTERS_LINT_FAULTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/suppress.h"

enum lint_rule {
	LINT_MISMATCHED,
	LINT_DOUBLE,
	LINT_INVALID,
	LINT_ALIGNMENT,
	LINT_HANDLER,
	LINT_FORK,
	LINT_HUGE,
	LINT_UNEVEN,
	LINT_FAILED,
	LINT_ZERO,
	LINT_SAME_SIZE,
	LINT_RULES,
};

enum lint_level {
	LINT_NOTE, /* it may be meant */
	LINT_WARNING, /* it goes well until it does not */
	LINT_ERROR, /* undefined behaviour */
	LINT_LEVELS,
};

/* The names of levels, and of rules, up to a NULL. Those of SARIF. */
extern const char *const lint_levels[LINT_LEVELS + 1];
extern const char *const lint_names[LINT_RULES + 1];

struct lint_rule_row {
	enum lint_level level;
	const char *what; /* of any finding: "a block is released by a function that does not fit its allocation" */
	const char *advice; /* NULL: it depends on the finding */
};
extern const struct lint_rule_row lint_rules[LINT_RULES];
/* The rules as files of suppressions call them; about: a bit for each. */
extern const struct suppress_kind lint_suppressed[];

/* The functions that one must release with the same hand: malloc's, new's, new[]'s. 0: no function of the heap. */
enum lint_family {
	LINT_FAMILY_MALLOC = 1,
	LINT_FAMILY_NEW,
	LINT_FAMILY_NEW_ARRAY,
};
enum lint_family lint_family(uint8_t kind);
/* Whether a call of kind `release` may release, or reallocate, what one of kind `allocation` allocated. */
bool lint_fits(uint8_t allocation, uint8_t release);
/* As programs call it: "malloc", "new[]", "delete[]". */
const char *lint_function(uint8_t kind);

struct lint_finding;
#define LINT_TEXT_ROOM 200u
/* "free released what new[] allocated": one finding. Returns buf. */
char *lint_text(const struct lint_finding *f, char buf[LINT_TEXT_ROOM]);
/* What to do about it. */
const char *lint_advice(const struct lint_finding *f);

#endif
