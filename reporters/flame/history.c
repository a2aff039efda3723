/* history - see history.h. */
#include "flame/history.h"

#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "replay/process_ends.h"
#include "replay/heap.h"
#include "replay/heap_keyframe.h"

struct collector {
	struct history *history;
	struct heap *heap;
	struct process_ends ends; /* blocks that a process leaves behind are no longer in memory */
	uint32_t bin; /* the one being filled */
};

static uint64_t capture_duration(const struct capture *c, uint32_t process)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < c->block_count; i++) {
		if ((process == UINT32_MAX || c->blocks[i].process == process) &&
		    c->blocks[i].last_time_ns > end)
			end = c->blocks[i].last_time_ns;
	}
	/* sums do not tell when the last event of a process was that still ran */
	if (capture_is_aggregated(c) &&
	    (process == UINT32_MAX || c->processes[process].end_ns == UINT64_MAX))
		return capture_end(c);
	for (uint32_t i = 0; i < c->process_count; i++) {
		const uint64_t ended = c->processes[i].end_ns;
		if ((process == UINT32_MAX || i == process) && ended != UINT64_MAX && ended > end)
			end = ended;
	}
	return end;
}

static uint32_t bin_of(const struct history *h, uint64_t time_ns)
{
	const double at = h->duration_ns ? (double)time_ns / (double)h->duration_ns : 0;

	return at >= 1 ? h->bins - 1 : (uint32_t)(at * (h->bins - 1) + 0.5);
}

/* Bins in which nothing happened keep what was live before. */
static void move_to(struct collector *k, uint32_t bin, uint64_t live)
{
	while (k->bin < bin)
		k->history->heap[++k->bin] = live;
}

static void take(struct collector *k, const struct trk_event *e, uint64_t before)
{
	struct history *const h = k->history;
	const uint64_t live = heap_now_bytes(k->heap);

	move_to(k, bin_of(h, e->time_ns), before);
	if (live > h->heap[k->bin])
		h->heap[k->bin] = live;
	if (e->kind == TRK_MARK && h->mark_count < HISTORY_MARKS) {
		struct history_mark *const m = &h->marks[h->mark_count++];
		const size_t n =
			e->label_bytes < sizeof(m->label) ? e->label_bytes : sizeof(m->label) - 1;
		m->time_ns = e->time_ns;
		memcpy(m->label, e->label, n);
		m->label[n] = '\0';
	}
}

static void end_processes(struct collector *k, uint64_t before_ns)
{
	const struct process_end *end;

	while ((end = process_ends_take_before(&k->ends, before_ns))) {
		move_to(k, bin_of(k->history, end->time_ns), heap_now_bytes(k->heap));
		heap_end_process(k->heap, end->process);
	}
}

static int replay(struct collector *k, struct cursor *cursor, struct ui_progress *progress)
{
	struct trk_event e;
	uint64_t seq = 0;
	int err;

	while ((err = cursor_next(cursor, &e, &seq)) == 0) {
		uint64_t before;

		end_processes(k, e.time_ns);
		before = heap_now_bytes(k->heap);
		err = heap_apply(k->heap, &e);
		if (err)
			return err;
		take(k, &e, before);
		if (progress && seq % 65536 == 0)
			ui_progress_step(progress, seq);
	}
	return err == TRK_END ? 0 : err;
}

/* Whether that process had events. */
static bool has_totals(const struct capture *c, uint32_t process)
{
	for (uint32_t i = 0; i < c->total_count; i++)
		if (c->totals[i].process == process)
			return true;
	return false;
}

static const struct cap_history *find_history(const struct capture *c, uint32_t process)
{
	const struct cap_history *all = NULL;

	for (uint32_t i = 0; i < c->history_count; i++) {
		if (c->histories[i].process == process)
			return &c->histories[i];
		if (c->histories[i].process == TRK_ALL_PROCESSES)
			all = &c->histories[i];
	}
	return has_totals(c, process) ? all : NULL; /* a process that was alone has no spans of its own */
}

/* Of an aggregated capture: its spans, each a part of one bin or in several. */
static void collect_spans(struct history *h, const struct capture *c, uint32_t process)
{
	const struct cap_history *const s = find_history(c, process);
	uint32_t bin = 0;

	for (uint32_t i = 0; s && i < s->count; i++) {
		const uint64_t start = (s->first + i) << s->shift;
		const uint64_t end = start + (1ull << s->shift) - 1;
		const uint32_t last = bin_of(h, end);

		for (bin = bin_of(h, start); bin <= last; bin++)
			if (c->history_spans[s->first_span + i] > h->heap[bin])
				h->heap[bin] = c->history_spans[s->first_span + i];
	}
	/* the last of them goes on until the end */
	for (; s && s->count && bin < h->bins; bin++)
		h->heap[bin] = c->history_spans[s->first_span + s->count - 1];
}

/* A process's last sample: where it is, how much, and whether there is one. */
struct rss_state {
	uint64_t bytes;
	uint32_t bin;
	bool known;
};

/* A sample counts from its bin up to (not with) bin `end`. */
static void add_rss(struct history *h, const struct rss_state *s, uint32_t end)
{
	for (uint32_t i = s->bin; s->known && i < end; i++)
		h->rss[i] += s->bytes;
}

/* Up to the next sample of its process, or up to the end of the process. Processes are added up. */
static int collect_rss(struct history *h, const struct capture *c, uint32_t process)
{
	struct rss_state *const last = calloc((size_t)c->process_count + 1, sizeof(*last));

	if (!last)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->rss_count; i++) {
		const struct cap_rss *const r = &c->rss[i];
		if (r->process >= c->process_count ||
		    (process != UINT32_MAX && r->process != process))
			continue;
		struct rss_state *const s = &last[r->process];
		const uint32_t bin = bin_of(h, r->time_ns);
		const bool same_bin = s->known && bin == s->bin;
		add_rss(h, s, bin);
		s->bytes = same_bin && s->bytes > r->rss_bytes ? s->bytes : r->rss_bytes;
		s->bin = bin;
		s->known = h->has_rss = true;
	}
	for (uint32_t i = 0; i < c->process_count; i++) {
		const uint64_t end_ns = c->processes[i].end_ns;
		const bool ended = end_ns < h->duration_ns;
		add_rss(h, &last[i], ended ? bin_of(h, end_ns) + 1 : h->bins);
	}
	free(last);
	return 0;
}

static int collect_events(struct history *h, struct capture *c, uint32_t process,
			  struct ui_progress *progress)
{
	struct collector k = { .history = h };
	struct cursor *cursor = NULL;
	int err = heap_new(&k.heap, 0, NULL);

	if (!err)
		heap_keep_sums_only(k.heap);
	if (!err)
		heap_set_sampling(k.heap, c->header.sample_bytes);
	if (!err)
		heap_set_page_bytes(k.heap, c->header.page_bytes);
	if (!err)
		err = process_ends_init(&k.ends, c);
	if (!err)
		err = heap_keyframe_begin(c, process, k.heap);
	if (!err)
		h->heap[0] = heap_now_bytes(k.heap);
	if (!err)
		err = cursor_open(&cursor, c, process);
	if (!err)
		err = replay(&k, cursor, progress);
	if (!err) {
		end_processes(&k, UINT64_MAX);
		move_to(&k, h->bins - 1, heap_now_bytes(k.heap));
	}
	cursor_close(cursor);
	process_ends_finish(&k.ends);
	heap_free(k.heap);
	return err;
}

int history_collect(struct history *h, struct capture *c, uint32_t process,
		    struct ui_progress *progress)
{
	int err = 0;

	*h = (struct history){ .bins = HISTORY_BINS, .duration_ns = capture_duration(c, process) };
	if (capture_is_aggregated(c))
		collect_spans(h, c, process);
	else
		err = collect_events(h, c, process, progress);
	if (!err)
		err = collect_rss(h, c, process);
	if (h->duration_ns == 0)
		h->bins = 0; /* too short for the clock: nothing to draw */
	return err;
}
