/* traced - see traced.h. */
#include "traced.h"

#include <stdlib.h>

#include "format/array.h"
#include "format/shm.h"
#include "replay/heap_saved.h"

struct domain {
	uint32_t number;
	struct trace_memory memory;
};

struct trace {
	struct heap *heap; /* of one process, whose index there is 0 */
	uint32_t nframe;
	uint64_t lost; /* for want of memory */
	struct trace_memory all;
	struct domain *domains; /* there are few; the heap is the first one */
	uint32_t domain_count, domain_room;
};

/* ---- what the heap tells ---- */

static void add(struct trace_memory *m, uint64_t bytes)
{
	m->bytes += bytes;
	if (m->bytes > m->peak_bytes)
		m->peak_bytes = m->bytes;
}

/* The place of a domain. Without memory for another place it is the first, whose figure is too large then. */
static uint32_t domain_of(struct trace *t, uint32_t number)
{
	for (uint32_t i = 0; i < t->domain_count; i++)
		if (t->domains[i].number == number)
			return i;
	if (!ARRAY_ROOM(t->domains, t->domain_room, t->domain_count + 1, 4))
		return 0;
	t->domains[t->domain_count] = (struct domain){ .number = number };
	return t->domain_count++;
}

static void grow(struct trace *t, uint32_t domain, uint64_t bytes)
{
	add(&t->domains[domain].memory, bytes);
	add(&t->all, bytes);
}

static void shrink(struct trace *t, uint32_t domain, uint64_t bytes)
{
	t->domains[domain].memory.bytes -= bytes;
	t->all.bytes -= bytes;
}

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct trace *const t = data;

	b->user = domain_of(t, b->domain);
	grow(t, b->user, e->bytes);
}

static void grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	grow(data, b->user, e->bytes);
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary, const struct trk_event *by)
{
	(void)temporary;
	(void)by;
	if (!b->aside && !b->reserved)
		shrink(data, b->user, e->bytes);
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	if (b->aside)
		shrink(data, b->user, e->bytes);
	else
		grow(data, b->user, e->bytes);
}

static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	struct trace *const t = data;

	(void)asked;
	b->user = domain_of(t, b->domain);
	if (!b->aside)
		grow(t, b->user, e->bytes);
}

/* ---- beginning and end ---- */

struct trace *trace_new(uint32_t nframe, uint32_t page_bytes)
{
	struct trace *const t = calloc(1, sizeof(*t));
	const struct heap_observer observer = {
		.data = t, .born = born, .grew = grew, .died = died, .aside = aside, .restored = restored
	};

	if (!t)
		return NULL;
	t->nframe = nframe;
	(void)domain_of(t, 0);
	if (!t->domain_count || heap_new(&t->heap, 0, &observer) != 0) {
		trace_free(t);
		return NULL;
	}
	heap_set_page_bytes(t->heap, page_bytes);
	return t;
}

void trace_free(struct trace *t)
{
	if (!t)
		return;
	if (t->heap)
		heap_free(t->heap);
	free(t->domains);
	free(t);
}

/* ---- forked processes ---- */

struct copying {
	struct heap_restorer to;
	int err;
};

static void copy_process(void *data, const struct keyframe_process *p)
{
	struct copying *const c = data;

	if (!c->err)
		c->err = heap_restore_process(&c->to, p);
}

static void copy_block(void *data, const struct keyframe_block *b)
{
	struct copying *const c = data;

	if (!c->err)
		c->err = heap_restore_block(&c->to, b);
}

struct trace *trace_copy(const struct trace *parent, uint32_t page_bytes)
{
	struct trace *const t = trace_new(parent->nframe, page_bytes);
	struct copying c = { .err = 0 };
	const struct heap_saver saver = { .data = &c, .process = copy_process, .block = copy_block };

	if (!t)
		return NULL;
	c.to = heap_restore(t->heap);
	if (heap_save(parent->heap, &saver) != 0)
		c.err = TRK_ERR_NOMEM;
	heap_restore_end(&c.to, 0);
	heap_restore_finish(&c.to);
	if (!c.err)
		return t;
	trace_free(t);
	return NULL;
}

uint64_t trace_blocks(const struct trace *t)
{
	return heap_save_bound(t->heap);
}

/* ---- events ---- */

void trace_apply(struct trace *t, const struct trk_event *e)
{
	struct trk_event own = *e;

	own.process = 0;
	own.ref = TRK_REF_UNKNOWN; /* it counts the recording's allocations */
	if (heap_apply(t->heap, &own) < 0)
		t->lost++;
	if (e->kind == TRK_CLEAR)
		trace_reset_peak(t);
}

/* ---- answers ---- */

uint32_t trace_last_ref(const struct trace *t)
{
	return heap_last_ref(t->heap);
}

uint32_t trace_nframe(const struct trace *t)
{
	return t->nframe;
}

uint64_t trace_lost(const struct trace *t)
{
	return t->lost + heap_process_totals(t->heap, 0)->lost;
}

const struct heap *trace_heap(const struct trace *t)
{
	return t->heap;
}

struct trace_memory trace_memory(const struct trace *t, uint64_t domain)
{
	if (domain == SHM_ALL_DOMAINS)
		return t->all;
	for (uint32_t i = 0; i < t->domain_count; i++)
		if (t->domains[i].number == domain)
			return t->domains[i].memory;
	return (struct trace_memory){ 0 };
}

void trace_reset_peak(struct trace *t)
{
	t->all.peak_bytes = t->all.bytes;
	for (uint32_t i = 0; i < t->domain_count; i++)
		t->domains[i].memory.peak_bytes = t->domains[i].memory.bytes;
}

struct seeking {
	uint32_t domain;
	uint64_t address;
	struct heap_block *ret;
};

static int is_there(void *data, const struct heap_block *b)
{
	const struct seeking *const s = data;
	const uint64_t bytes = b->size ? b->size : 1; /* a block of no bytes is found only by its address */

	if (b->domain != s->domain || b->aside || b->reserved || s->address - b->address >= bytes)
		return 0;
	*s->ret = *b;
	return 1;
}

bool trace_block(const struct trace *t, uint32_t domain, uint64_t address, struct heap_block *ret)
{
	struct seeking s = { domain, address, ret };

	/* all blocks are searched for one that holds the address */
	return heap_find(t->heap, 0, domain, address, ret) || heap_each(t->heap, is_there, &s) == 1;
}
