/*
 * heap - applies events to the live set; definitions in heap.h.
 *
 * Each process has a live set and totals of its own; of the whole tree only
 * what cannot be summed afterwards (the peak) is kept as events pass.
 */
#include "replay/heap.h"

#include <stdlib.h>

#include "replay/blocks.h"
#include "replay/ranges.h"

struct heap_process {
	struct heap_totals totals;
	struct blocks blocks;
	uint32_t ranges; /* root in heap.ranges */
	bool ended;
};

struct heap {
	struct heap_observer observer;
	struct heap_process **processes; /* NULL: nothing seen of it */
	uint32_t process_room;
	uint32_t *thread_allocations; /* per thread, modulo 2^32 */
	uint32_t thread_room;
	struct ranges ranges;
	uint32_t threshold;
	uint32_t page_bytes;
	uint64_t events, numbers;
	uint64_t now_bytes, now_blocks; /* of the processes that have not ended */
	struct heap_totals totals; /* peak_*: kept; the rest: summed when asked for */
};

/* One event on its way through. */
struct step {
	struct heap *heap;
	struct heap_process *process;
	const struct trk_event *event;
};

int heap_new(struct heap **ret, uint32_t temporary_threshold, const struct heap_observer *o)
{
	struct heap *h = calloc(1, sizeof(*h));

	if (!h)
		return TRK_ERR_NOMEM;
	if (o)
		h->observer = *o;
	h->threshold = temporary_threshold;
	h->page_bytes = 4096;
	*ret = h;
	return 0;
}

void heap_free(struct heap *h)
{
	if (!h)
		return;
	for (uint32_t i = 0; i < h->process_room; i++) {
		if (h->processes[i])
			blocks_finish(&h->processes[i]->blocks);
		free(h->processes[i]);
	}
	ranges_finish(&h->ranges);
	free(h->processes);
	free(h->thread_allocations);
	free(h);
}

void heap_set_page_bytes(struct heap *h, uint32_t page_bytes)
{
	const uint32_t largest = 1u << 21;

	if (page_bytes && page_bytes <= largest && !(page_bytes & (page_bytes - 1)))
		h->page_bytes = page_bytes;
}

/* ---- who ---- */

static struct heap_process *new_process(struct heap *h, uint32_t index)
{
	if (index >= h->process_room) {
		const uint32_t room = index + index / 2 + 8;
		struct heap_process **p =
			realloc(h->processes, (size_t)room * sizeof(struct heap_process *));

		if (!p)
			return NULL;
		for (uint32_t i = h->process_room; i < room; i++)
			p[i] = NULL;
		h->processes = p;
		h->process_room = room;
	}
	h->processes[index] = calloc(1, sizeof(struct heap_process));
	return h->processes[index];
}

static int reach_thread(struct heap *h, uint32_t index)
{
	const uint32_t room = index + index / 2 + 64;
	uint32_t *t;

	if (index < h->thread_room)
		return 0;
	t = realloc(h->thread_allocations, (size_t)room * sizeof(*t));
	if (!t)
		return TRK_ERR_NOMEM;
	for (uint32_t i = h->thread_room; i < room; i++)
		t[i] = 0;
	h->thread_allocations = t;
	h->thread_room = room;
	return 0;
}

/* ---- what happens to a block ---- */

static void add_live(struct step *s, uint64_t bytes)
{
	s->process->totals.live_bytes += bytes;
	s->process->totals.live_blocks++;
	s->heap->now_bytes += bytes;
	s->heap->now_blocks++;
}

static void take_live(struct step *s, uint64_t bytes, uint64_t blocks)
{
	s->process->totals.live_bytes -= bytes;
	s->process->totals.live_blocks -= blocks;
	s->heap->now_bytes -= bytes;
	s->heap->now_blocks -= blocks;
}

static void tell_died(const struct step *s, const struct heap_block *b, uint64_t bytes, bool whole,
		      bool temporary)
{
	const struct heap_observer *o = &s->heap->observer;

	if (o->died)
		o->died(o->data, b, bytes, whole, temporary, s->event);
}

static void tell_aside(const struct step *s, const struct heap_block *b)
{
	if (s->heap->observer.aside)
		s->heap->observer.aside(s->heap->observer.data, b);
}

static void set_peak(struct heap_totals *t, uint64_t bytes, uint64_t blocks, const struct step *s)
{
	t->peak_bytes = bytes;
	t->peak_blocks = blocks;
	t->peak_time_ns = s->event->time_ns;
	t->peak_event = s->heap->events;
}

/* After an event that added bytes: ties go to the later one. */
static inline void look_for_peak(const struct step *s)
{
	struct heap *h = s->heap;
	struct heap_totals *t = &s->process->totals;

	if (t->live_bytes >= t->peak_bytes)
		set_peak(t, t->live_bytes, t->live_blocks, s);
	if (h->now_bytes >= h->totals.peak_bytes) {
		set_peak(&h->totals, h->now_bytes, h->now_blocks, s);
		if (h->observer.peak)
			h->observer.peak(h->observer.data, s->event);
	}
}

/* Field by field into its place: a copy of the whole would wait for its parts to be stored. */
static void fill_block(struct heap_block *b, const struct step *s, uint8_t kind)
{
	const struct trk_event *e = s->event;

	b->address = e->address;
	b->size = e->size;
	b->time_ns = e->time_ns;
	b->number = s->heap->numbers++;
	b->process = e->process;
	b->thread = e->thread;
	b->node = e->node;
	b->domain = e->domain;
	b->user = 0;
	b->kind = kind;
	b->aside = false;
}

static void count_allocation(struct step *s, struct heap_block *b)
{
	struct heap_totals *t = &s->process->totals;

	t->allocations++;
	t->bytes_allocated += b->size;
	t->kind_count[b->kind]++;
	t->kind_bytes[b->kind] += b->size;
	add_live(s, b->size);
	if (s->heap->observer.born)
		s->heap->observer.born(s->heap->observer.data, b);
}

/* The address is given out again, so the free of the block that had it was lost. */
static void overwrite(struct step *s, uint32_t place)
{
	const struct heap_block b = blocks_at(&s->process->blocks, place)->b;

	s->process->totals.overwritten++;
	take_live(s, b.size, 1);
	blocks_remove(&s->process->blocks, place);
	tell_died(s, &b, b.size, true, false);
}

static bool is_temporary(const struct step *s, const struct block *b)
{
	const uint32_t since =
		s->heap->thread_allocations[s->event->thread] - b->thread_number - 1;

	return b->b.thread == s->event->thread && since <= s->heap->threshold;
}

/* The block at that place of the table is freed. */
static void free_block(struct step *s, uint32_t place)
{
	struct heap_totals *t = &s->process->totals;
	const struct block *b = blocks_at(&s->process->blocks, place);
	const bool temporary = is_temporary(s, b);

	t->frees++;
	t->bytes_freed += b->b.size;
	if (temporary) {
		t->temporary++;
		t->temporary_bytes += b->b.size;
	}
	if (!b->b.aside)
		take_live(s, b->b.size, 1);
	tell_died(s, &b->b, b->b.size, true, temporary);
	blocks_remove(&s->process->blocks, place);
}

static int allocate(struct step *s, uint8_t kind, uint32_t space)
{
	struct heap *h = s->heap;
	struct blocks *blocks = &s->process->blocks;
	const uint32_t place = blocks_find(blocks, space, s->event->address);
	struct block *b;

	if (place != BLOCKS_NONE && kind == TRK_TRACK) /* tracked anew: an update */
		free_block(s, place);
	else if (place != BLOCKS_NONE)
		overwrite(s, place);
	b = blocks_add(blocks, space, s->event->address);
	if (!b)
		return TRK_ERR_NOMEM;
	fill_block(&b->b, s, kind);
	b->thread_number = h->thread_allocations[s->event->thread]++;
	count_allocation(s, &b->b);
	return 0;
}

static void release(struct step *s, uint32_t space, uint64_t address)
{
	const uint32_t place = blocks_find(&s->process->blocks, space, address);

	if (place != BLOCKS_NONE)
		free_block(s, place);
	else if (address)
		s->process->totals.unmatched_frees++;
}

/* ---- realloc ---- */

static int reallocate(struct step *s)
{
	if (!s->event->address)
		return 0; /* it failed: nothing happened */
	release(s, BLOCKS_DOMAIN(0), s->event->old_address);
	return allocate(s, s->event->kind, BLOCKS_DOMAIN(0));
}

/* In two parts: until the second one the block waits in its thread's own space. */
static void realloc_release(struct step *s)
{
	struct blocks *blocks = &s->process->blocks;
	const uint32_t space = BLOCKS_ASIDE(s->event->thread);
	const uint64_t old = s->event->old_address;
	uint32_t place = blocks_find(blocks, space, old);
	struct heap_block *b;

	if (place != BLOCKS_NONE) /* the second part of an earlier one was lost */
		free_block(s, place);
	place = blocks_find(blocks, BLOCKS_DOMAIN(0), old);
	if (place == BLOCKS_NONE)
		return;
	b = &blocks_at(blocks, place)->b;
	b->aside = true;
	take_live(s, b->size, 1);
	tell_aside(s, b);
	blocks_move(blocks, place, space);
}

static int realloc_acquire(struct step *s)
{
	release(s, BLOCKS_ASIDE(s->event->thread), s->event->old_address);
	return s->event->address ? allocate(s, TRK_REALLOC, BLOCKS_DOMAIN(0)) : 0;
}

static void realloc_withdraw(struct step *s)
{
	struct blocks *blocks = &s->process->blocks;
	const uint64_t old = s->event->old_address;
	uint32_t place = blocks_find(blocks, BLOCKS_DOMAIN(0), old);
	struct heap_block *b;

	if (place != BLOCKS_NONE)
		overwrite(s, place);
	place = blocks_find(blocks, BLOCKS_ASIDE(s->event->thread), old);
	if (place == BLOCKS_NONE)
		return;
	b = &blocks_at(blocks, place)->b;
	b->aside = false;
	add_live(s, b->size);
	tell_aside(s, b);
	blocks_move(blocks, place, BLOCKS_DOMAIN(0));
}

/* ---- mappings ---- */

static void piece_cut(void *data, const struct heap_block *piece, uint64_t bytes, bool whole)
{
	struct step *s = data;
	struct heap_totals *t = &s->process->totals;

	t->frees += whole;
	t->bytes_freed += bytes;
	take_live(s, bytes, whole);
	tell_died(s, piece, bytes, whole, false);
}

/* First address after the pages of a range. Sizes that no machine has are cut to what has an end. */
static uint64_t range_end(const struct heap *h, uint64_t start, uint64_t size)
{
	const uint64_t mask = h->page_bytes - 1;
	const uint64_t most = UINT64_MAX - mask;

	if (start >= most || size > most - start)
		return most;
	return (start + size + mask) & ~mask;
}

static int unmap(struct step *s, uint64_t start, uint64_t size)
{
	const uint64_t end = range_end(s->heap, start, size);

	if (size == 0 || start >= end)
		return 0;
	return ranges_cut(&s->heap->ranges, &s->process->ranges, start, end, piece_cut, s);
}

static int map(struct step *s, uint8_t kind)
{
	const uint64_t start = s->event->address;
	const uint64_t end = range_end(s->heap, start, s->event->size);
	struct heap_block b, *kept;
	int err;

	if (!start || s->event->size == 0 || start >= end)
		return 0;
	err = unmap(s, start, s->event->size); /* MAP_FIXED replaces what it covers */
	if (err)
		return err;
	fill_block(&b, s, kind);
	if (b.size > end - start)
		b.size = end - start;
	kept = ranges_add(&s->heap->ranges, &s->process->ranges, &b, end);
	if (!kept)
		return TRK_ERR_NOMEM;
	count_allocation(s, kept);
	return 0;
}

static int remap(struct step *s)
{
	const struct trk_event *e = s->event;
	const uint64_t old_bytes = e->old_size ? e->old_size : 1;
	int err;

	if (!ranges_meet(&s->heap->ranges, s->process->ranges, e->old_address,
			 range_end(s->heap, e->old_address, old_bytes))) {
		s->process->totals.unmatched_frees++;
		return 0;
	}
	err = unmap(s, e->old_address, e->old_size);
	return err ? err : map(s, TRK_MREMAP);
}

/* ---- exec ---- */

static void wipe_piece(void *data, const struct heap_block *piece, uint64_t bytes, bool whole)
{
	tell_died(data, piece, bytes, whole, false);
}

static void wipe(struct step *s)
{
	struct heap_process *p = s->process;
	struct heap_totals *t = &p->totals;

	for (uint32_t i = 0; i < p->blocks.slot_count; i++) {
		const struct heap_block *b = &p->blocks.slots[i].b;

		if (b->kind)
			tell_died(s, b, b->size, true, false);
	}
	blocks_finish(&p->blocks);
	/* Whole pieces only: nothing is split, so no memory is asked for. */
	ranges_cut(&s->heap->ranges, &p->ranges, 0, UINT64_MAX, wipe_piece, s);
	t->wiped_blocks += t->live_blocks;
	t->wiped_bytes += t->live_bytes;
	take_live(s, t->live_bytes, t->live_blocks);
}

/* ---- events ---- */

static int apply(struct step *s)
{
	const struct trk_event *e = s->event;

	switch ((enum trk_kind)e->kind) {
	case TRK_MALLOC:
	case TRK_CALLOC:
	case TRK_POSIX_MEMALIGN:
	case TRK_ALIGNED_ALLOC:
	case TRK_MEMALIGN:
	case TRK_VALLOC:
	case TRK_PVALLOC:
	case TRK_NEW:
	case TRK_NEW_ARRAY:
	case TRK_TRACK:
		return e->address ? allocate(s, e->kind, BLOCKS_DOMAIN(e->domain)) : 0;
	case TRK_REALLOC:
	case TRK_REALLOCARRAY:
		return reallocate(s);
	case TRK_MMAP:
		return map(s, TRK_MMAP);
	case TRK_MREMAP:
		return remap(s);
	case TRK_FREE:
	case TRK_DELETE:
	case TRK_DELETE_ARRAY:
	case TRK_FREE_SIZED:
	case TRK_FREE_ALIGNED_SIZED:
	case TRK_CFREE:
	case TRK_UNTRACK:
		release(s, BLOCKS_DOMAIN(e->domain), e->address);
		return 0;
	case TRK_MUNMAP:
		return unmap(s, e->address, e->size);
	case TRK_REALLOC_RELEASE:
		realloc_release(s);
		return 0;
	case TRK_REALLOC_ACQUIRE:
		return realloc_acquire(s);
	case TRK_REALLOC_WITHDRAW:
		realloc_withdraw(s);
		return 0;
	case TRK_EXEC:
		wipe(s);
		return 0;
	case TRK_GAP:
		s->process->totals.lost += e->size;
		return 0;
	case TRK_MARK:
	case TRK_REGION_BEGIN:
	case TRK_REGION_END:
		return 0;
	}
	return 0;
}

/* Kinds that may add bytes to the live set. */
static bool adds_bytes(uint8_t kind)
{
	return trk_kind_allocates(kind) || kind == TRK_REALLOC_ACQUIRE ||
	       kind == TRK_REALLOC_WITHDRAW;
}

int heap_apply(struct heap *h, const struct trk_event *e)
{
	struct step s = { .heap = h, .event = e };
	int err = 0;

	h->events++;
	if (e->process < h->process_room)
		s.process = h->processes[e->process];
	if (!s.process) {
		s.process = new_process(h, e->process);
		if (!s.process)
			return TRK_ERR_NOMEM;
	}
	if (s.process->ended) {
		s.process->totals.late++;
		return 0;
	}
	if (e->thread >= h->thread_room)
		err = reach_thread(h, e->thread);
	if (!err)
		err = apply(&s);
	if (!err && adds_bytes(e->kind))
		look_for_peak(&s);
	return err;
}

void heap_end_process(struct heap *h, uint32_t process)
{
	struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;

	if (!p || p->ended)
		return;
	p->ended = true;
	h->now_bytes -= p->totals.live_bytes;
	h->now_blocks -= p->totals.live_blocks;
}

/* ---- answers ---- */

static void add_totals(struct heap_totals *sum, const struct heap_totals *t)
{
	sum->allocations += t->allocations;
	sum->frees += t->frees;
	sum->unmatched_frees += t->unmatched_frees;
	sum->bytes_allocated += t->bytes_allocated;
	sum->bytes_freed += t->bytes_freed;
	sum->live_bytes += t->live_bytes;
	sum->live_blocks += t->live_blocks;
	sum->temporary += t->temporary;
	sum->temporary_bytes += t->temporary_bytes;
	sum->lost += t->lost;
	sum->overwritten += t->overwritten;
	sum->wiped_blocks += t->wiped_blocks;
	sum->wiped_bytes += t->wiped_bytes;
	sum->late += t->late;
	for (size_t i = 0; i < sizeof(t->kind_count) / sizeof(*t->kind_count); i++) {
		sum->kind_count[i] += t->kind_count[i];
		sum->kind_bytes[i] += t->kind_bytes[i];
	}
}

const struct heap_totals *heap_totals(const struct heap *h)
{
	/* The sum is kept where the caller may look at it; nothing else changes. */
	struct heap_totals *sum = &((struct heap *)h)->totals;
	const struct heap_totals peak = *sum;

	*sum = (struct heap_totals){
		.peak_bytes = peak.peak_bytes,
		.peak_blocks = peak.peak_blocks,
		.peak_time_ns = peak.peak_time_ns,
		.peak_event = peak.peak_event,
	};
	for (uint32_t i = 0; i < h->process_room; i++) {
		if (h->processes[i])
			add_totals(sum, &h->processes[i]->totals);
	}
	return sum;
}

uint64_t heap_now_bytes(const struct heap *h)
{
	return h->now_bytes;
}

const struct heap_totals *heap_process_totals(const struct heap *h, uint32_t process)
{
	static const struct heap_totals none;

	if (process >= h->process_room || !h->processes[process])
		return &none;
	return &h->processes[process]->totals;
}

const struct heap_block *heap_find(const struct heap *h, uint32_t process, uint64_t address)
{
	const struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;
	uint32_t place;

	if (!p)
		return NULL;
	place = blocks_find(&p->blocks, BLOCKS_DOMAIN(0), address);
	if (place != BLOCKS_NONE)
		return &blocks_at(&p->blocks, place)->b;
	for (uint32_t i = 0; i < p->blocks.slot_count; i++) {
		const struct block *b = &p->blocks.slots[i];

		if (b->b.kind && b->space == BLOCKS_DOMAIN(0) && address >= b->b.address &&
		    address - b->b.address < b->b.size)
			return &b->b;
	}
	return ranges_find(&h->ranges, p->ranges, address);
}

bool heap_is_mapped(const struct heap *h, uint32_t process, uint64_t address, uint64_t size)
{
	const struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;

	return p && size && ranges_meet(&h->ranges, p->ranges, address, range_end(h, address, size));
}

static int each_of_process(const struct heap *h, const struct heap_process *p,
			   int (*f)(void *data, const struct heap_block *b), void *data)
{
	for (uint32_t i = 0; i < p->blocks.slot_count; i++) {
		const struct heap_block *b = &p->blocks.slots[i].b;
		const int stop = b->kind && !b->aside ? f(data, b) : 0;

		if (stop)
			return stop;
	}
	return ranges_each(&h->ranges, p->ranges, f, data);
}

int heap_each(const struct heap *h, int (*f)(void *data, const struct heap_block *b), void *data)
{
	int stop = 0;

	for (uint32_t i = 0; i < h->process_room && !stop; i++) {
		if (h->processes[i])
			stop = each_of_process(h, h->processes[i], f, data);
	}
	return stop;
}
