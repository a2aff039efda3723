/* growth_private - what growth_find.c and growth_histories.c share. */
#ifndef REPORTERS_GROWTH_PRIVATE_H
#define REPORTERS_GROWTH_PRIVATE_H

#include "common/growth.h"

/* growth_find.c. TRK_ERR_NOMEM. */
int growth_add_row(struct growth *g, const struct growth_row *row);
/* After the last row: sorts them and adds them up. */
void growth_sum(struct growth *g);

/* growth_histories.c: the processes of an aggregated capture that grow. TRK_ERR_NOMEM, TRK_ERR_ARG. */
int growth_of_histories(struct growth *g, const struct report *r, const struct growth_options *o, struct trk_fault *fault);

#endif
