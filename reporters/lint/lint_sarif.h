/* lint_sarif - findings in the form that code hosts and editors read: SARIF 2.1.0, of OASIS. */
#ifndef REPORTERS_LINT_SARIF_H
#define REPORTERS_LINT_SARIF_H

#include <stdio.h>

#include "lint/find.h"

/* TRK_ERR_NOMEM. */
int lint_write_sarif(const struct lint *l, struct report *r, FILE *f);

#endif
