/*
 * lost - what was never freed, by what a look at the memory says of it (docs/LOOK.md): definitely lost, possibly lost, still reachable.
 */
#ifndef REPORTERS_LOST_H
#define REPORTERS_LOST_H

#include "common/alike.h"
#include "common/report.h"
#include "common/suppress.h"
#include "replay/looks.h"

struct lost_sum {
	uint64_t bytes, count;
};

/* Blocks of one verdict. */
struct lost_section {
	struct alike_stack *rows; /* by stack as it is printed, the biggest first */
	size_t row_count;
	struct lost_sum all; /* without those that suppressions name */
};

/* One block that was not freed, by its stack. */
struct lost_block {
	uint64_t size;
	const struct looked *look;
	uint32_t node, number; /* of the block in the look */
	uint8_t verdict, kind;
};

struct lost {
	bool any; /* at least one process was looked at */
	bool at_mark; /* the question is what was lost at the mark of r->at: looks that were taken there count, and no others */
	const struct looked *other_way; /* one that counts, and was not taken in the usual way; NULL */
	const struct looked *early; /* the last look at a process that went on after it, if that is the one which counts; NULL */
	const struct looked *refused; /* a look that could not be taken; NULL */
	struct lost_sum suppressed; /* by suppressions for some verdicts, which know no blocks without one */
	struct lost_section sections[LOOK_VERDICTS]; /* UNKNOWN: blocks that no look judged */
	struct looks looks;
	const struct looked **of; /* by process: the look that counts for it, or NULL */
	struct lost_block *blocks; /* by stack, and in it the biggest first */
	size_t block_count;
	uint32_t **leaders; /* of each look, or NULL */
};

/* Reads the looks, and whether r->at is a mark at which the memory was looked at. TRK_ERR_NOMEM. */
int lost_read(struct lost *l, struct report *r);
/* From r->view.blocks. TRK_ERR_NOMEM, or an error of the capture. */
int lost_find(struct lost *l, struct report *r, struct suppressions *s);
void lost_finish(struct lost *l); /* zero-safe */

/*
 * How the biggest block of a row is reached: "a variable of app (0x4028) -> 40 B of keep (a.c:6) -> this". malloc'ed; NULL: it is lost, or
 * there is no memory.
 */
char *lost_way(const struct lost *l, const struct report *r, enum look_verdict verdict, uint32_t node);

#endif
