/*
 * predict_ops - the bytes of the first column of a PREDICTED block, and the
 * columns; a private half of predict.h. docs/FORMAT.md has the same table.
 */
#ifndef TRK_PREDICT_OPS_H
#define TRK_PREDICT_OPS_H

#include "format/model.h"

enum predict_column {
	COLUMN_OPS,
	COLUMN_NODES,
	COLUMN_SIZES,
	COLUMN_REFS,
	COLUMN_ADDRESSES,
	COLUMN_DEPTHS,
	COLUMN_TIMES,
	COLUMN_THREADS,
	COLUMN_OTHERS,
	COLUMNS,
};

/* Where a node comes from, and where a size comes from. */
enum { NODE_CONTEXT,
       NODE_NEXT,
       NODE_SAID,
       NODE_SOURCES };
enum { SIZE_CONTEXT,
       SIZE_SITE,
       SIZE_SAID,
       SIZE_SOURCES };

#define RUN_MAX 128u

enum predict_op {
	OP_RUN = 0, /* + events - 1: as the model expects */
	OP_ALLOCATE = OP_RUN + RUN_MAX, /* + (node source * SIZE_SOURCES + size source) * 5 + place */
	OP_ALLOCATE_NEW = OP_ALLOCATE + NODE_SOURCES * SIZE_SOURCES * PLACE_SAME, /* + place: all is said */
	OP_RELEASE = OP_ALLOCATE_NEW + PLACE_SAME, /* + ref mode: of the usual kind */
	OP_RELEASE_KIND = OP_RELEASE + REFS, /* + ref mode: the kind is written */
	OP_REALLOCATE = OP_RELEASE_KIND + REFS, /* + (node source * PLACES + place) * REFS + ref mode */
	OP_LOST = OP_REALLOCATE + NODE_SOURCES * PLACES * REFS, /* + REF_ADDRESS or REF_BACK: the next allocation takes its place */
	OP_OTHER = OP_LOST + 2, /* as in an EVENTS block */
	OP_OTHER_REF = OP_OTHER + 1, /* and a ref stands beside it */
	OP_END = OP_OTHER_REF + 1,
};

_Static_assert(OP_END <= 256, "an op is a byte");

#endif
