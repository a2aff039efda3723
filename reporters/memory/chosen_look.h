/* chosen_look - the look at the memory that tracker memory is about. */
#ifndef REPORTERS_MEMORY_CHOSEN_LOOK_H
#define REPORTERS_MEMORY_CHOSEN_LOOK_H

#include "common/report.h"
#include "replay/looked_memory.h"
#include "replay/looks.h"

struct chosen_look {
	struct looks looks; /* the heads of all */
	uint64_t *resident; /* by look; UINT64_MAX: nothing is known of the memory */
	uint32_t place; /* of the chosen one among them; UINT32_MAX: none */
	struct looks read; /* it alone */
	struct memory_heads memory_heads;
	const struct looked *look; /* the chosen one; NULL: none */
	struct looked_memory memory; /* of it */
	bool damaged; /* there are looks that cannot be read */
};

/*
 * Of each process: with a label the first look at that mark; with the number of a mark the first one at a mark from then on; with a time
 * the last one before it; otherwise the last one. Of several processes it is the one of which most was in memory then. TRK_ERR_NOMEM,
 * or an error of the cursor.
 */
int chosen_look_find(struct chosen_look *c, struct report *r);
void chosen_look_finish(struct chosen_look *c); /* zero-safe */

#endif
