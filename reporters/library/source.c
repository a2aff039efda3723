/* source - see source.h. */
#include "source.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "failure.h"
#include "own_modules.h"
#include "traceback_object.h"

struct source {
	atomic_uint users;
	pthread_mutex_t lock; /* for everything below: names are looked up when they are asked for */
	struct capture *capture;
	struct own_modules *own; /* NULL: it is any capture */
	struct stacks *stacks;
	struct tracker_traceback **tracebacks; /* by node; NULL: not made yet */
};

static int open_stacks(struct source *s)
{
	const struct stacks_options own = { .lookup = own_modules_lookup, .lookup_data = s->own };

	s->tracebacks = calloc((size_t)s->capture->node_count + 1, sizeof(*s->tracebacks));
	return s->tracebacks && stacks_new(&s->stacks, s->capture, s->own ? &own : NULL) == 0 ? TRACKER_OK : failure_no_memory();
}

/* own: the recorder has made it of this program. */
static int open_source(struct source **ret, const char *path, bool own, const unsigned *numbers, size_t count)
{
	struct source *const s = calloc(1, sizeof(*s));
	struct trk_fault fault = { 0 };
	int code;

	if (!s)
		return failure_no_memory();
	atomic_init(&s->users, 1);
	pthread_mutex_init(&s->lock, NULL);
	if (capture_open(&s->capture, path, &fault) == 0) {
		s->capture->depths_apart = true; /* how deep a stack was is part of its traceback */
		s->own = own ? own_modules_new(s->capture, numbers, count) : NULL;
		code = own && !s->own ? failure_no_memory() : open_stacks(s);
	} else {
		code = failure_to_open(path, &fault, errno);
	}
	if (code)
		source_drop(s);
	else
		*ret = s;
	return code;
}

int source_open(struct source **ret, const char *path)
{
	return open_source(ret, path, false, NULL, 0);
}

int source_open_own(struct source **ret, const char *path, const unsigned *numbers, size_t count)
{
	return open_source(ret, path, true, numbers, count);
}

struct source *source_keep(struct source *s)
{
	atomic_fetch_add_explicit(&s->users, 1, memory_order_relaxed);
	return s;
}

void source_drop(struct source *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->users, 1, memory_order_acq_rel) > 1)
		return;
	for (uint32_t i = 0; s->tracebacks && i < s->capture->node_count; i++)
		traceback_drop(s->tracebacks[i]);
	free(s->tracebacks);
	stacks_free(s->stacks);
	own_modules_free(s->own);
	capture_close(s->capture);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int source_view(struct source *s, const struct view_options *o, struct view *ret)
{
	struct trk_fault fault;
	int err;

	pthread_mutex_lock(&s->lock);
	err = view_build(s->capture, o, ret, &fault);
	pthread_mutex_unlock(&s->lock);
	if (!err)
		return TRACKER_OK;
	if (err == TRK_ERR_NOMEM)
		return failure_no_memory();
	if (err != TRK_ERR_ARG)
		return failure(TRACKER_EIO, "%s: %s", s->capture->path, fault.why);
	return failure(capture_is_aggregated(s->capture) ? TRACKER_ENOTSUP : TRACKER_ENOENT, "%s: %s", s->capture->path, fault.why);
}

struct stacks *source_lock(struct source *s)
{
	pthread_mutex_lock(&s->lock);
	return s->stacks;
}

void source_unlock(struct source *s)
{
	pthread_mutex_unlock(&s->lock);
}

const struct capture *source_capture(const struct source *s)
{
	return s->capture;
}

/* How deep the stack was, if the node says it. Of missing frames it counts only those that are not inlined. */
static void add_depth(const struct capture *c, uint32_t node, const struct source_frame *frames, size_t n, struct tracker_traceback *t)
{
	const uint64_t depth = capture_depth(c, node);
	uint64_t kept = 0;

	for (size_t i = 0; i < n; i++)
		kept += !frames[i].inlined && !frames[i].cut;
	if (depth > kept && t->total < t->count + depth - kept)
		t->total = t->count + depth - kept;
}

const struct tracker_traceback *source_traceback(struct source *s, uint32_t node)
{
	size_t n;

	if (!s->tracebacks[node]) {
		const struct source_frame *const all = stacks_frames(s->stacks, node, &n);
		const size_t skipped = group_skipped(all, n), behind = stacks_behind_limit(s->stacks);

		/* names that there was no memory for are missing, and would be missing for ever */
		if (!stacks_short_of_memory(s->stacks))
			s->tracebacks[node] = traceback_new(all + skipped, n + behind - skipped);
		if (s->tracebacks[node]) {
			add_depth(s->capture, node, all, n + behind, s->tracebacks[node]);
			if (s->tracebacks[node]->count > n - skipped)
				s->tracebacks[node]->count = n - skipped;
		}
	}
	return s->tracebacks[node];
}
