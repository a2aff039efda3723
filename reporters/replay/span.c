/* span - see span.h. */
#include "replay/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int span_init(struct span *s, const char *region, uint32_t threads, uint32_t processes)
{
	*s = (struct span){ .region = region, .threads = threads, .processes = processes };
	s->depth = calloc((size_t)threads + 1, sizeof(*s->depth));
	return s->depth ? process_totals_init(&s->of, processes + 1) : TRK_ERR_NOMEM;
}

void span_finish(struct span *s)
{
	if (!s)
		return;
	free(s->depth);
	process_totals_finish(&s->of);
	*s = (struct span){ 0 };
}

/* ---- the region ---- */

static bool in_list(const char *list, const char *name, size_t bytes)
{
	for (const char *p = list; *p; p += strspn(p, ", ")) {
		const size_t n = strcspn(p, ",");

		if (n == bytes && memcmp(p, name, n) == 0)
			return true;
		p += n;
	}
	return false;
}

static void note_name(struct span *s, const struct trk_event *e)
{
	const size_t used = strlen(s->names);
	const size_t bytes = e->label_bytes < 40 ? e->label_bytes : 40;

	if (used + bytes + 3 < sizeof(s->names) && !in_list(s->names, e->label, bytes))
		snprintf(s->names + used, sizeof(s->names) - used, "%s%.*s", used ? ", " : "",
			 (int)bytes, e->label);
}

bool span_step(struct span *s, const struct trk_event *e)
{
	uint32_t *const depth = &s->depth[e->thread < s->threads ? e->thread : s->threads];

	if (e->kind != TRK_REGION_BEGIN && e->kind != TRK_REGION_END)
		return *depth > 0;
	if (e->kind == TRK_REGION_BEGIN && !s->met)
		note_name(s, e);
	if (e->label_bytes != strlen(s->region) || memcmp(e->label, s->region, e->label_bytes) != 0)
		return *depth > 0;
	if (e->kind == TRK_REGION_BEGIN) {
		s->met = true;
		*depth += 1;
	} else if (*depth) {
		*depth -= 1;
	}
	return *depth > 0;
}

int span_check(const struct span *s, struct trk_fault *fault)
{
	if (s->met)
		return 0;
	*fault = (struct trk_fault){ .code = TRK_ERR_ARG };
	snprintf(fault->why, sizeof(fault->why), "the capture has no region '%.40s'%s%.100s", s->region,
		 s->names[0] ? "; its regions are: " : ": the program named none", s->names);
	return TRK_ERR_ARG;
}

/* ---- the totals ---- */

/* The last entry takes what no process of the capture owns, and, if there is no memory, figures that nobody sees. */
static struct heap_totals *of_process(struct span *s, uint32_t process)
{
	const uint32_t index = process < s->processes ? process : s->processes;
	struct heap_totals *const t = process_totals_reach(&s->of, index);

	s->no_memory |= !t;
	return t ? t : &s->lost;
}

static void look_for_peak(struct heap_totals *t, uint64_t bytes, uint64_t blocks,
			  const struct sampling_error *error, uint64_t time_ns)
{
	if (bytes < t->peak_bytes)
		return;
	t->peak_bytes = bytes;
	t->peak_blocks = blocks;
	t->peak_error = *error;
	t->peak_time_ns = time_ns;
}

static void add_live(struct heap_totals *t, const struct sampling_estimate *e)
{
	t->live_bytes += e->bytes;
	t->live_blocks += e->count;
	sampling_add(&t->live_error, e);
}

static void take_live(struct heap_totals *t, const struct sampling_estimate *e)
{
	t->live_bytes -= e->bytes;
	t->live_blocks -= e->count;
	sampling_take(&t->live_error, e);
}

static void add_now(struct span *s, const struct sampling_estimate *e)
{
	s->now_bytes += e->bytes;
	s->now_blocks += e->count;
	sampling_add(&s->now_error, e);
}

static void take_now(struct span *s, const struct sampling_estimate *e)
{
	s->now_bytes -= e->bytes;
	s->now_blocks -= e->count;
	sampling_take(&s->now_error, e);
}

static void count_allocation(struct heap_totals *t, const struct heap_block *b,
			     const struct sampling_estimate *e)
{
	t->allocations += e->count;
	t->bytes_allocated += e->bytes;
	t->kind_count[b->kind] += e->count;
	t->kind_bytes[b->kind] += e->bytes;
	sampling_add(&t->allocated_error, e);
	add_live(t, e);
}

static void count_growth(struct heap_totals *t, const struct heap_block *b,
			 const struct sampling_estimate *e)
{
	t->bytes_allocated += e->bytes;
	t->kind_bytes[b->kind] += e->bytes;
	add_live(t, e);
}

/* A block counts for the peak when it comes, or when more of it does. */
static void look(struct span *s, struct heap_totals *p, uint64_t time_ns)
{
	look_for_peak(&s->all, s->now_bytes, s->now_blocks, &s->now_error, time_ns);
	look_for_peak(p, p->live_bytes, p->live_blocks, &p->live_error, time_ns);
}

void span_restored(struct span *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct heap_totals *const p = of_process(s, b->process);

	add_live(&s->all, e);
	add_live(p, e);
	add_now(s, e);
	look(s, p, b->time_ns);
}

void span_grew(struct span *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct heap_totals *const p = of_process(s, b->process);

	count_growth(&s->all, b, e);
	count_growth(p, b, e);
	add_now(s, e);
	look(s, p, b->time_ns);
}

void span_born(struct span *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct heap_totals *const p = of_process(s, b->process);

	count_allocation(&s->all, b, e);
	count_allocation(p, b, e);
	add_now(s, e);
	look(s, p, b->time_ns);
}

static void count_death(struct heap_totals *t, const struct heap_block *b,
			const struct sampling_estimate *e, bool temporary, bool wiped)
{
	if (!b->aside)
		take_live(t, e);
	if (wiped) {
		t->wiped_bytes += e->bytes;
		t->wiped_blocks += e->count;
		return;
	}
	t->bytes_freed += e->bytes;
	t->frees += b->reserved ? 0 : e->count; /* it lives on, as no heap */
	sampling_add(&t->freed_error, e);
	if (temporary) {
		t->temporary += e->count;
		t->temporary_bytes += e->bytes;
		sampling_add(&t->temporary_error, e);
	}
}

void span_died(struct span *s, const struct heap_block *b, const struct sampling_estimate *e,
	       bool temporary, const struct trk_event *by)
{
	const bool wiped = by && trk_kind_wipes(by->kind);

	count_death(&s->all, b, e, temporary, wiped);
	count_death(of_process(s, b->process), b, e, temporary, wiped);
	if (!b->aside)
		take_now(s, e);
}

void span_aside(struct span *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct heap_totals *const p = of_process(s, b->process);

	if (b->aside) {
		take_live(&s->all, e);
		take_live(p, e);
		take_now(s, e);
	} else {
		add_live(&s->all, e);
		add_live(p, e);
		add_now(s, e);
	}
}

void span_cleared(struct span *s, const struct trk_event *e)
{
	struct heap_totals *const p = of_process(s, e->process);

	s->all.peak_bytes = p->peak_bytes = 0;
	look(s, p, e->time_ns);
}

void span_end_process(struct span *s, uint32_t process)
{
	const struct heap_totals *const t = process_totals_get(&s->of, process);

	take_now(s, &(struct sampling_estimate){ t->live_bytes, t->live_blocks,
						 t->live_error.bytes, t->live_error.count });
}
