/* chosen_look - the look at the memory that tracker memory is about. */
#ifndef REPORTERS_MEMORY_CHOSEN_LOOK_H
#define REPORTERS_MEMORY_CHOSEN_LOOK_H

#include "common/report.h"
#include "replay/looks.h"

/*
 * Of each process: with a label the first look at that mark; with the number of a mark the first one at a mark from then on; with a time
 * the last one before it; otherwise the last one. Of several processes it is the one of which most was in memory then. resident: by look, UINT64_MAX where nothing is known
 * of the memory. *ret NULL: none. TRK_ERR_NOMEM, or an error of the cursor, which the number of a mark needs.
 */
int chosen_look(const struct looked **ret, const struct report *r, const struct looks *l, const uint64_t *resident);

#endif
