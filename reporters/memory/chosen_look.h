/* chosen_look - the look at the memory that tracker memory is about. */
#ifndef REPORTERS_MEMORY_CHOSEN_LOOK_H
#define REPORTERS_MEMORY_CHOSEN_LOOK_H

#include "common/report.h"
#include "replay/looks.h"

/*
 * With a label: the first look with that label; with a time: the last one before it; otherwise the last one of each process. Of
 * several processes the one of which most was in memory. resident: by look, UINT64_MAX where nothing is known of the memory. NULL: none.
 */
const struct looked *chosen_look(const struct report *r, const struct looks *l, const uint64_t *resident);

#endif
