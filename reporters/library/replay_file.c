/*
 * replay_file - tracker_file: an opened capture that answers several questions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "own.h"
#include "snapshot.h"
#include "source.h"

/* A name that no file can have: the text parsed with it is a point. */
#define NOWHERE "/dev/null/@"

struct tracker_file {
	struct source *source;
};

tracker_file *tracker_file_open(const char *path)
{
	OWN_MEMORY;
	struct tracker_file *const f = path ? calloc(1, sizeof(*f)) : NULL;

	if (!path)
		failure(TRACKER_EINVAL, "tracker_file_open was given NULL");
	else if (!f)
		failure_no_memory();
	if (!f || source_open(&f->source, path) == TRACKER_OK)
		return f;
	free(f);
	return NULL;
}

void tracker_file_free(tracker_file *f)
{
	OWN_MEMORY;
	if (!f)
		return;
	source_drop(f->source);
	free(f);
}

/* A code. */
static int parse_point(const char *point, struct point_range *ret)
{
	struct trk_fault fault = { 0 };
	char *text, *file = NULL;
	int err;

	if (asprintf(&text, NOWHERE "%s", point ? point : "peak") < 0)
		return failure_no_memory();
	err = point_parse(text, &file, ret, &fault);
	free(text);
	free(file);
	if (err == TRK_ERR_NOMEM)
		return failure_no_memory();
	return err ? failure(TRACKER_EINVAL, "@%s: %s", point, fault.why) : TRACKER_OK;
}

tracker_snapshot *tracker_file_snapshot(tracker_file *f, const char *point)
{
	OWN_MEMORY;
	struct point_range at;

	if (!f) {
		failure(TRACKER_EINVAL, "tracker_file_snapshot was given NULL");
		return NULL;
	}
	return parse_point(point, &at) == TRACKER_OK ? snapshot_at(f->source, &at) : NULL;
}

/* Of the caller's structure, which may be of an older or a newer version. */
static void give(void *out, size_t bytes, const void *answer, size_t known)
{
	memset(out, 0, bytes);
	memcpy(out, answer, bytes < known ? bytes : known);
}

int tracker_file_totals(tracker_file *f, tracker_totals *out, size_t bytes)
{
	OWN_MEMORY;
	const struct view_options o = { .what = VIEW_LIVE, .at.from.kind = POINT_END, .process = UINT32_MAX };
	struct view v;
	int code;

	if (!f || !out)
		return failure(TRACKER_EINVAL, "tracker_file_totals was given NULL");
	code = source_view(f->source, &o, &v);
	if (code)
		return code;
	const struct heap_totals *const t = &v.totals;

	give(out, bytes, &(struct tracker_totals){
				 .allocations = t->allocations,
				 .frees = t->frees,
				 .bytes_allocated = t->bytes_allocated,
				 .peak_bytes = t->peak_bytes,
				 .peak_blocks = t->peak_blocks,
				 .peak_time_ns = t->peak_time_ns,
				 .leaked_bytes = t->live_bytes,
				 .leaked_blocks = t->live_blocks,
				 .temporary = t->temporary,
				 .temporary_bytes = t->temporary_bytes,
				 .end_ns = capture_end(source_capture(f->source)),
				 .lost = t->lost,
				 .sample_bytes = v.sample_bytes,
			 },
	     sizeof(*out));
	view_finish(&v);
	return TRACKER_OK;
}

int tracker_file_process(const tracker_file *f, size_t index, tracker_process *out, size_t bytes)
{
	const struct capture *const c = f ? source_capture(f->source) : NULL;

	if (!f || !out)
		return failure(TRACKER_EINVAL, "tracker_file_process was given NULL");
	if (index >= c->process_count)
		return failure(TRACKER_EINVAL, "there is no process %zu: the capture has %u", index, (unsigned)c->process_count);
	const struct trk_process *const p = &c->processes[index];

	give(out, bytes, &(struct tracker_process){
				 .pid = p->pid,
				 .parent_pid = p->ppid,
				 .name = p->name,
				 .executable = p->executable,
				 .start_ns = p->start_ns,
				 .end_ns = p->end_ns,
				 .status = p->ended == TRK_EXITED ? (int)p->code : -1,
				 .signal = p->ended == TRK_KILLED ? (int)p->code : 0,
			 },
	     sizeof(*out));
	return TRACKER_OK;
}

/* ---- events ---- */

static struct tracker_event as_event(const struct capture *c, const struct trk_event *e)
{
	return (struct tracker_event){
		.kind = trk_kind_name(e->kind),
		.time_ns = e->time_ns,
		.address = e->address,
		.size = e->size,
		.old_address = e->old_address,
		.old_size = e->old_size,
		.pid = e->process < c->process_count ? c->processes[e->process].pid : 0,
		.tid = e->thread < c->thread_count ? c->threads[e->thread].tid : 0,
		.domain = e->domain,
		.stack = e->node,
		.label = e->label_bytes ? e->label : NULL,
		.label_bytes = e->label_bytes,
	};
}

/* TRK_END, or an error, or TRK_OK and the value that `each` returned. */
static int each_event(struct cursor *k, const struct capture *c, int (*each)(const tracker_event *, void *), void *data, int *ret)
{
	const struct trk_event *events;
	size_t n;
	int err = 0;

	while (!*ret && (err = cursor_batch(k, &events, &n)) == 0)
		for (size_t i = 0; i < n && !*ret; i++) {
			const struct tracker_event event = as_event(c, &events[i]);

			*ret = each(&event, data);
		}
	return err;
}

int tracker_file_events(tracker_file *f, int (*each)(const tracker_event *event, void *data), void *data)
{
	const struct capture *const c = f ? source_capture(f->source) : NULL;
	struct cursor *k = NULL;
	int err, ret = 0;

	if (!f || !each)
		return failure(TRACKER_EINVAL, "tracker_file_events was given NULL");
	if (capture_is_aggregated(c))
		return failure(TRACKER_ENOTSUP, "%s: the capture is aggregated: it has no events; record without --aggregate", c->path);
	err = cursor_open(&k, (struct capture *)c, UINT32_MAX);
	if (!err)
		err = each_event(k, c, each, data, &ret);
	cursor_close(k);
	if (err == TRK_ERR_NOMEM)
		return failure_no_memory();
	return err < 0 ? failure(TRACKER_EIO, "%s: %s", c->path, capture_why(c, err)) : ret;
}

const tracker_traceback *tracker_file_traceback(tracker_file *f, unsigned stack)
{
	OWN_MEMORY;
	const struct tracker_traceback *ret;

	if (!f || stack >= source_capture(f->source)->node_count) {
		failure(TRACKER_EINVAL, f ? "there is no stack %u" : "tracker_file_traceback was given NULL", stack);
		return NULL;
	}
	source_lock(f->source);
	ret = source_traceback(f->source, stack);
	source_unlock(f->source);
	if (!ret)
		failure_no_memory();
	return ret;
}
