/* span - see span.h. */
#include "replay/span.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int span_init(struct span *s, const char *region, uint32_t threads, uint32_t processes)
{
	*s = (struct span){ .region = region, .threads = threads, .processes = processes };
	s->depth = calloc((size_t)threads + 1, sizeof(*s->depth));
	s->of = calloc((size_t)processes + 1, sizeof(*s->of));
	return s->depth && s->of ? 0 : TRK_ERR_NOMEM;
}

void span_finish(struct span *s)
{
	if (!s)
		return;
	free(s->depth);
	free(s->of);
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

bool span_holds(struct span *s, const struct trk_event *e)
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
	snprintf(fault->why, sizeof(fault->why), "no region '%.40s'%s%.100s", s->region,
		 s->names[0] ? "; there are: " : ": the capture has none", s->names);
	return TRK_ERR_ARG;
}

/* ---- the totals ---- */

/* The last one takes what no process of the capture owns. */
static struct heap_totals *of_process(struct span *s, const struct heap_block *b)
{
	return &s->of[b->process < s->processes ? b->process : s->processes];
}

static void look_for_peak(struct heap_totals *t, uint64_t bytes, uint64_t blocks, uint64_t time_ns)
{
	if (bytes < t->peak_bytes)
		return;
	t->peak_bytes = bytes;
	t->peak_blocks = blocks;
	t->peak_time_ns = time_ns;
}

static void count_allocation(struct heap_totals *t, const struct heap_block *b)
{
	t->allocations++;
	t->bytes_allocated += b->size;
	t->kind_count[b->kind % 32]++;
	t->kind_bytes[b->kind % 32] += b->size;
	t->live_bytes += b->size;
	t->live_blocks++;
}

void span_born(struct span *s, const struct heap_block *b)
{
	struct heap_totals *const p = of_process(s, b);

	count_allocation(&s->all, b);
	count_allocation(p, b);
	s->now_bytes += b->size;
	s->now_blocks++;
	look_for_peak(&s->all, s->now_bytes, s->now_blocks, b->time_ns);
	look_for_peak(p, p->live_bytes, p->live_blocks, b->time_ns);
}

static void count_death(struct heap_totals *t, const struct heap_block *b, uint64_t bytes,
			bool whole, bool temporary, bool wiped)
{
	if (!b->aside) {
		t->live_bytes -= bytes;
		t->live_blocks -= whole;
	}
	if (wiped) {
		t->wiped_bytes += bytes;
		t->wiped_blocks += whole;
		return;
	}
	t->bytes_freed += bytes;
	t->frees += whole;
	if (temporary) {
		t->temporary++;
		t->temporary_bytes += bytes;
	}
}

void span_died(struct span *s, const struct heap_block *b, uint64_t bytes, bool whole,
	       bool temporary, const struct trk_event *by)
{
	const bool wiped = by && by->kind == TRK_EXEC;

	count_death(&s->all, b, bytes, whole, temporary, wiped);
	count_death(of_process(s, b), b, bytes, whole, temporary, wiped);
	if (!b->aside) {
		s->now_bytes -= bytes;
		s->now_blocks -= whole;
	}
}

void span_aside(struct span *s, const struct heap_block *b)
{
	struct heap_totals *const p = of_process(s, b);
	const uint64_t bytes = b->aside ? -b->size : b->size, blocks = b->aside ? UINT64_MAX : 1;

	s->all.live_bytes += bytes;
	s->all.live_blocks += blocks;
	p->live_bytes += bytes;
	p->live_blocks += blocks;
	s->now_bytes += bytes;
	s->now_blocks += blocks;
}

void span_end_process(struct span *s, uint32_t process)
{
	if (process >= s->processes)
		return;
	s->now_bytes -= s->of[process].live_bytes;
	s->now_blocks -= s->of[process].live_blocks;
}
