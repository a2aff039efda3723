/* snapshot - the blocks that were live at one moment, and their sums by stack. */
#ifndef LIBRARY_SNAPSHOT_H
#define LIBRARY_SNAPSHOT_H

#include "replay/view.h"
#include "source.h"

/* Fixed, once it is made. */
struct tracker_snapshot {
	struct source *source;
	struct view view; /* its rows, blocks and time */
};

/* The snapshot of the source at a point. NULL: a failure. */
struct tracker_snapshot *snapshot_at(struct source *s, const struct point_range *at);

#endif
