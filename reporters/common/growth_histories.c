/*
 * growth_histories - growth in an aggregated capture. It says how much memory each process held over the time, but not
 * who allocated it: so its rows are processes.
 */
#include <stdio.h>
#include <string.h>

#include "common/growth_private.h"

static int refuse(struct trk_fault *fault, const char *what)
{
	*fault = (struct trk_fault){ .code = TRK_ERR_ARG };
	snprintf(fault->why, sizeof(fault->why), "the capture is aggregated: %s; record without --aggregate", what);
	return TRK_ERR_ARG;
}

/* The span in which that time lies. Before the first one and behind the last, nothing changes. */
static uint32_t span_at(const struct cap_history *h, uint64_t time_ns)
{
	const uint64_t at = time_ns >> h->shift;

	return at <= h->first ? 0 : at - h->first < h->count ? (uint32_t)(at - h->first) :
							       h->count - 1;
}

/* The beginning of a bin, exact for all times that a capture can say. */
static uint64_t bin_at(uint64_t from_ns, uint64_t to_ns, uint32_t bin)
{
	const uint64_t all = to_ns - from_ns;

	return from_ns + all / RISE_BINS * bin + all % RISE_BINS * bin / RISE_BINS;
}

/* The spans of a history, in bins of the time from the first of them to the end. */
static void series_of(const struct capture *c, const struct cap_history *h, uint64_t from_ns, uint64_t to_ns, struct rise_series *ret)
{
	*ret = (struct rise_series){ .count = RISE_BINS, .seconds = (double)(to_ns - from_ns) / 1e9 };
	for (uint32_t i = 0; i < RISE_BINS; i++) {
		struct rise_point *const p = &ret->points[i];
		const uint32_t first = span_at(h, bin_at(from_ns, to_ns, i));
		const uint32_t last = span_at(h, bin_at(from_ns, to_ns, i + 1));

		*p = (struct rise_point){ .bin = { (uint8_t)i, (uint8_t)i }, .has_level = true, .low = UINT64_MAX };
		for (uint32_t k = first; k <= last && (k < last || k == first); k++) {
			p->level = c->history_spans[h->first_span + k];
			p->low = p->level < p->low ? p->level : p->low;
		}
	}
}

static uint64_t live_at_end(const struct capture *c, uint32_t process, uint64_t *ret_count)
{
	for (uint32_t i = 0; i < c->total_count; i++)
		if (c->totals[i].process == process) {
			*ret_count = c->totals[i].values[TRK_TOTAL_LIVE_BLOCKS];
			return c->totals[i].values[TRK_TOTAL_LIVE_BYTES];
		}
	*ret_count = 0;
	return 0;
}

/* A process that was the only one has no history of its own: that of all processes is its. */
static bool counts(const struct capture *c, const struct report *r, const struct cap_history *h)
{
	if (h->process == TRK_ALL_PROCESSES)
		return c->history_count == 1;
	return h->process < c->process_count && (r->process == UINT32_MAX || r->process == h->process);
}

int growth_of_histories(struct growth *g, const struct report *r, const struct growth_options *o, struct trk_fault *fault)
{
	const struct capture *const c = r->capture;
	int err = 0;

	if (r->threads)
		return refuse(fault, "it does not say when threads held how much");
	if (r->has_point && (r->at.is_range || (r->at.from.kind != POINT_END && r->at.from.kind != POINT_PEAK)))
		return refuse(fault, "its growth can only be judged as a whole");
	if (r->filters.count)
		return refuse(fault, "it does not say when a stack held how much");
	g->by_process = true;
	g->to_ns = capture_end(c);
	g->events = c->event_count;
	for (uint32_t i = 0; i < c->history_count && !err; i++) {
		const struct cap_history *const h = &c->histories[i];
		const uint32_t process = h->process == TRK_ALL_PROCESSES ? (r->process == UINT32_MAX ? 0 : r->process) : h->process;
		const uint64_t ended = process < c->process_count ? c->processes[process].end_ns : UINT64_MAX;
		const uint64_t from_ns = h->first << h->shift, to_ns = ended < g->to_ns ? ended : g->to_ns;
		struct growth_row row = { .process = process, .processes = 1 };
		struct rise_series s;
		struct rise rise;

		if (!counts(c, r, h) || !h->count || to_ns <= from_ns || h->first > UINT64_MAX >> h->shift)
			continue;
		series_of(c, h, from_ns, to_ns, &s);
		rise_judge(&s, &rise);
		row.kind = rise.kind;
		row.last = rise.last;
		row.per_second = (double)rise.bytes / s.seconds;
		row.bytes = live_at_end(c, h->process, &row.count);
		if (rise.kind)
			err = growth_add_row(g, &row);
	}
	growth_sum(g);
	return err;
}
