/*
 * source - an opened capture, the names of its frames, and the tracebacks of its stacks, each made once: what snapshots of
 * it, and their statistics, have in common. It lives as long as one of them does.
 */
#ifndef LIBRARY_SOURCE_H
#define LIBRARY_SOURCE_H

#include "replay/capture.h"
#include "replay/view.h"
#include "symbols/stack.h"
#include "tracker-replay.h"

struct source;

/* A code, of which the thread's failure tells. `path` is what sentences call it. */
int source_open(struct source **ret, const char *path);
struct source *source_keep(struct source *s);
void source_drop(struct source *s); /* NULL-safe */

/* view_build, once a thread at a time. A code. */
int source_view(struct source *s, const struct view_options *o, struct view *ret);

/* Those of one source are asked for by one thread at a time: between these two. */
struct stacks *source_lock(struct source *s);
void source_unlock(struct source *s);
/* Fixed. */
const struct capture *source_capture(const struct source *s);

/* The traceback of a node, which is the source's. Locked. NULL: no memory. */
const struct tracker_traceback *source_traceback(struct source *s, uint32_t node);

#endif
