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

/* Returns a code, and leaves the thread's failure. `path` is its name in sentences. */
int source_open(struct source **ret, const char *path);
/*
 * The same for a capture that the recorder has made of this program just now. numbers: which modules of the recorder the
 * capture's are, or NULL.
 */
int source_open_own(struct source **ret, const char *path, const unsigned *numbers, size_t count);
struct source *source_keep(struct source *s);
void source_drop(struct source *s); /* NULL-safe */

/* view_build, by one thread at a time. Returns a code. */
int source_view(struct source *s, const struct view_options *o, struct view *ret);

/* One thread at a time asks for those of a source: between these two. */
struct stacks *source_lock(struct source *s);
void source_unlock(struct source *s);
/* Fixed. */
const struct capture *source_capture(const struct source *s);

/* The traceback of a node; it is the source's. The source must be locked. NULL: there is no memory. */
const struct tracker_traceback *source_traceback(struct source *s, uint32_t node);

#endif
