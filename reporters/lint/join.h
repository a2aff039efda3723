/* join - findings that look alike when they are printed are one row: what differs only in what no reader sees. */
#ifndef REPORTERS_LINT_JOIN_H
#define REPORTERS_LINT_JOIN_H

#include "lint/find.h"

/*
 * Takes out what the filters of r, the level, the list of rules (empty: all) and suppressions leave out, joins the rest, and sorts it: the gravest first,
 * then those with most calls. depth: so many frames of a stack are printed. TRK_ERR_NOMEM.
 */
int lint_join(struct lint *l, struct report *r, enum lint_level least, const struct ui_list *rules, struct suppressions *s, uint32_t depth);

/* The stack that says where a finding is: of the call, if it is known; 0: none is known. */
uint32_t lint_place(const struct lint_finding *f);

#endif
