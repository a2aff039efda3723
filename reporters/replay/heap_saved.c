/* heap_saved - see heap_saved.h. */
#include "replay/heap_saved.h"

#include "format/array.h"

#include <stdlib.h>

#include "replay/heap_private.h"

#define PROGRESS_BLOCKS 4096u

/* ---- taking out ---- */

struct place {
	uint64_t address;
	uint32_t slot;
};

struct saving {
	const struct heap_saver *saver;
	const struct heap *heap;
	uint32_t told; /* since the last progress */
	uint32_t *last_piece; /* by mapping: number of its last piece in this process, + 1 */
	uint32_t piece;
};

static void step(struct saving *s, uint32_t blocks)
{
	s->told += blocks;
	if (s->told < PROGRESS_BLOCKS)
		return;
	s->told = 0;
	if (s->saver->progress)
		s->saver->progress(s->saver->data);
}

#define DIGIT_BITS 11u
#define DIGITS (1u << DIGIT_BITS)

/* By 11 bits of the address, into `to`; the order of equal ones stays. */
static void sort_by_digit(struct saving *s, const struct place *from, struct place *to, uint32_t n,
			  unsigned shift)
{
	uint32_t starts[DIGITS] = { 0 }, at = 0;

	for (uint32_t i = 0; i < n; i++)
		starts[from[i].address >> shift & (DIGITS - 1)]++;
	for (uint32_t i = 0; i < DIGITS; i++) {
		const uint32_t count = starts[i];

		starts[i] = at;
		at += count;
	}
	for (uint32_t done = 0; done < n;) {
		const uint32_t end = n - done > PROGRESS_BLOCKS ? done + PROGRESS_BLOCKS : n;

		for (uint32_t i = done; i < end; i++)
			to[starts[from[i].address >> shift & (DIGITS - 1)]++] = from[i];
		step(s, end - done);
		done = end;
	}
}

/* Digits that all addresses have in common take no pass. Returns the half that is sorted. */
static struct place *sort(struct saving *s, struct place *a, struct place *b, uint32_t n)
{
	uint64_t differ = 0;

	for (uint32_t i = 1; i < n; i++)
		differ |= a[i].address ^ a[0].address;
	for (unsigned shift = 0; shift < 64; shift += DIGIT_BITS) {
		struct place *const from = a;

		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		sort_by_digit(s, a, b, n, shift);
		a = b;
		b = from;
	}
	return a;
}

static void tell_block(struct saving *s, const struct block *b)
{
	const struct keyframe_block told = {
		.address = b->b.address,
		.size = b->b.size,
		.time_ns = b->b.time_ns,
		.thread = b->b.thread,
		.node = b->b.node,
		.domain = b->b.domain,
		.aside_thread = b->b.aside ? b->space & ~BLOCKS_ASIDE(0) : 0,
		.kind = b->b.kind,
		.aside = b->b.aside,
	};

	s->saver->block(s->saver->data, &told);
	step(s, 1);
}

static int save_blocks(struct saving *s, const struct blocks *blocks)
{
	struct place *const a = malloc(((size_t)blocks->slot_count * 2 + 1) * sizeof(*a));
	const struct place *sorted;
	uint32_t n = 0;

	if (!a)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < blocks->slot_count; i++) {
		if (blocks_slot(blocks, i)->b.kind)
			a[n++] = (struct place){ blocks_slot(blocks, i)->b.address, i };
		if (i % PROGRESS_BLOCKS == 0)
			step(s, PROGRESS_BLOCKS);
	}
	sorted = sort(s, a, a + blocks->slot_count, n);
	for (uint32_t i = 0; i < n; i++) {
		if (i + 8 < n)
			__builtin_prefetch(blocks_slot(blocks, sorted[i + 8].slot));
		tell_block(s, blocks_slot(blocks, sorted[i].slot));
	}
	free(a);
	return 0;
}

static int save_piece(void *data, const struct heap_block *b)
{
	const struct range *const r = (const struct range *)b; /* its first member */
	struct saving *const s = data;
	uint32_t *const last = &s->last_piece[r->mapping - 1];

	s->piece++;
	const struct keyframe_block told = {
		.address = b->address,
		.size = b->size,
		.time_ns = b->time_ns,
		.end = r->end,
		.asked = r->asked,
		.back = *last ? s->piece - *last : 0,
		.thread = b->thread,
		.node = b->node,
		.domain = b->domain,
		.kind = b->kind,
		.reserved = b->reserved,
		.arena = b->arena,
		.untouched = b->untouched,
	};

	s->saver->block(s->saver->data, &told);
	*last = s->piece;
	step(s, 1);
	return 0;
}

uint64_t heap_save_bound(const struct heap *h)
{
	uint64_t blocks = h->ranges.count;

	for (uint32_t i = 0; i < h->process_room; i++)
		if (h->processes[i] && !h->processes[i]->ended)
			blocks += h->processes[i]->blocks.live;
	return blocks;
}

static int save_process(struct saving *s, const struct heap_process *p)
{
	const int err = save_blocks(s, &p->blocks);

	s->piece = 0;
	if (!err) {
		ranges_each(&s->heap->ranges, p->ranges, save_piece, s);
		ranges_each(&s->heap->ranges, p->reserved, save_piece, s);
	}
	return err;
}

static int begin_saving(struct saving *s, const struct heap *h, const struct heap_saver *saver)
{
	*s = (struct saving){ .saver = saver, .heap = h };
	s->last_piece = calloc((size_t)h->ranges.mapping_count + 1, sizeof(*s->last_piece));
	return s->last_piece ? 0 : TRK_ERR_NOMEM;
}

int heap_save_process(const struct heap *h, uint32_t process, const struct heap_saver *saver)
{
	struct saving s;
	int err = begin_saving(&s, h, saver);

	if (!err && process < h->process_room && h->processes[process])
		err = save_process(&s, h->processes[process]);
	free(s.last_piece);
	return err;
}

int heap_save(const struct heap *h, const struct heap_saver *saver)
{
	struct saving s;
	int err = begin_saving(&s, h, saver);

	for (uint32_t i = 0; i < h->process_room && !err; i++) {
		const struct heap_process *const p = h->processes[i];

		if (!p || p->ended)
			continue;
		saver->process(saver->data, &(struct keyframe_process){
						    .index = i, .events = p->events, .marks = p->marks });
		err = save_process(&s, p);
	}
	free(s.last_piece);
	return err;
}

/* ---- putting in ---- */

struct heap_restorer heap_restore(struct heap *h)
{
	return (struct heap_restorer){ .heap = h };
}

void heap_restore_finish(struct heap_restorer *r)
{
	free(r->pieces);
	r->pieces = NULL;
}

int heap_restore_process(struct heap_restorer *r, const struct keyframe_process *p)
{
	struct heap *const h = r->heap;

	if (r->process && p->index == r->index)
		return 0;
	if (r->process && p->index < r->index)
		return TRK_ERR_CORRUPT;
	r->process = heap_new_process(h, p->index);
	if (!r->process)
		return TRK_ERR_NOMEM;
	r->process->events = p->events;
	r->process->marks = p->marks;
	r->index = p->index;
	r->count = 0;
	r->last_end = 0;
	r->reserved = false;
	return 0;
}

static struct heap_block as_block(const struct heap_restorer *r, const struct keyframe_block *b)
{
	return (struct heap_block){
		.address = b->address,
		.size = b->size,
		.time_ns = b->time_ns,
		.process = r->index,
		.thread = b->thread,
		.node = b->node,
		.domain = b->domain,
		.kind = b->kind,
		.aside = b->aside,
		.restored = true,
		.reserved = b->reserved,
		.arena = b->arena,
		.untouched = b->untouched,
	};
}

/* A piece that is not heap, or not yet; it counts as one mapping with its first piece. */
static void count_reserved(struct heap_restorer *r, const struct heap_block *b, bool first)
{
	const uint64_t bytes = b->reserved || b->untouched ? b->size : 0;

	heap_add_reserved(r->heap, &r->process->totals, bytes, first && (b->reserved || b->arena));
}

/* It counts as one block with its first piece. */
static void count(struct heap_restorer *r, struct heap_block *b, uint64_t asked, bool first)
{
	struct heap *const h = r->heap;
	struct heap_totals *const t = &r->process->totals;
	struct sampling_estimate e = { .bytes = b->untouched ? 0 : b->size, .count = first };

	if (!trk_kind_is_piece(b->kind))
		heap_estimate(h, b, &e);
	t->restored_blocks += e.count;
	t->restored_bytes += e.bytes;
	if (!b->aside) {
		t->live_bytes += e.bytes;
		t->live_blocks += e.count;
		h->now_bytes += e.bytes;
		h->now_blocks += e.count;
		sampling_add(&t->live_error, &e);
		sampling_add(&h->now_error, &e);
	}
	if (h->observer.restored)
		h->observer.restored(h->observer.data, b, &e, asked);
}

static int restore_heap_block(struct heap_restorer *r, const struct keyframe_block *b)
{
	const uint32_t space = b->aside ? BLOCKS_ASIDE(b->aside_thread) : BLOCKS_DOMAIN(b->domain);
	uint32_t there;
	struct block *place;

	if (space == BLOCKS_LOOSE)
		return TRK_ERR_CORRUPT;
	place = blocks_add(&r->process->blocks, space, b->address, &there);
	if (!place)
		return there == BLOCKS_NONE ? TRK_ERR_NOMEM : TRK_ERR_CORRUPT;
	place->b = as_block(r, b);
	place->thread_number = 0;
	count(r, &place->b, b->size, true);
	return 0;
}

static int restore_piece(struct heap_restorer *r, const struct keyframe_block *b)
{
	const struct heap_block block = as_block(r, b);
	struct ranges *const ranges = &r->heap->ranges;
	uint32_t piece;

	if (b->reserved && !r->reserved) { /* those come last, from low addresses on again */
		r->reserved = true;
		r->last_end = 0;
	}
	if (!b->reserved && r->reserved)
		return TRK_ERR_CORRUPT;

	if (b->back > r->count || b->address < r->last_end)
		return TRK_ERR_CORRUPT;
	if (!ARRAY_ROOM(r->pieces, r->room, (size_t)r->count + 1, 64))
		return TRK_ERR_NOMEM;
	piece = ranges_restore(ranges, b->reserved ? &r->process->reserved : &r->process->ranges, &block, b->end, b->asked,
			       b->back ? r->pieces[r->count - b->back] : 0);
	if (!piece)
		return TRK_ERR_NOMEM;
	r->pieces[r->count++] = piece;
	r->last_end = b->end;
	count_reserved(r, &block, !b->back);
	if (!b->reserved)
		count(r, &ranges->pieces[piece].block, b->asked, !b->back);
	return 0;
}

int heap_restore_block(struct heap_restorer *r, const struct keyframe_block *b)
{
	if (!r->process)
		return TRK_ERR_CORRUPT;
	return trk_kind_is_piece(b->kind) ? restore_piece(r, b) : restore_heap_block(r, b);
}

static void first_peak(struct heap_totals *t, uint64_t bytes, uint64_t blocks, uint64_t reserved,
		       uint64_t time_ns)
{
	t->peak_bytes = bytes;
	t->peak_blocks = blocks;
	t->peak_time_ns = time_ns;
	t->peak_event = 0;
	t->peak_reserved_bytes = reserved;
}

static void set_peaks(struct heap *h, uint64_t time_ns)
{
	const struct trk_event at = { .time_ns = time_ns };

	for (uint32_t i = 0; i < h->process_room; i++) {
		struct heap_totals *const t = h->processes[i] ? &h->processes[i]->totals : NULL;

		if (!t)
			continue;
		first_peak(t, t->live_bytes, t->live_blocks, t->reserved_bytes, time_ns);
		t->peak_error = t->live_error;
		if (h->observer.own_peak)
			h->observer.own_peak(h->observer.data, i);
	}
	first_peak(&h->totals, h->now_bytes, h->now_blocks, h->now_reserved_bytes, time_ns);
	h->totals.peak_error = h->now_error;
	if (h->observer.peak)
		h->observer.peak(h->observer.data, &at);
}

void heap_restore_end(struct heap_restorer *r, uint64_t time_ns)
{
	set_peaks(r->heap, time_ns);
}

/* ---- a new beginning ---- */

static int forget_piece(void *data, const struct heap_block *b)
{
	struct heap_totals *const t = data;

	((struct heap_block *)b)->restored = true;
	t->restored_bytes += b->reserved || b->untouched ? 0 : b->size;
	return 0;
}

static void begin_process(struct heap *h, struct heap_process *p)
{
	struct heap_totals t = { .live_bytes = p->totals.live_bytes,
				 .live_blocks = p->totals.live_blocks,
				 .live_error = p->totals.live_error,
				 .restored_blocks = p->totals.live_blocks,
				 .reserved_bytes = p->totals.reserved_bytes,
				 .reserved_mappings = p->totals.reserved_mappings,
				 .most_reserved_bytes = p->totals.reserved_bytes,
				 .most_reserved_mappings = p->totals.reserved_mappings };

	for (uint32_t i = 0; i < p->blocks.slot_count; i++) {
		struct heap_block *const b = &blocks_slot(&p->blocks, i)->b;
		struct sampling_estimate e;

		if (!b->kind)
			continue;
		b->restored = true;
		heap_estimate(h, b, &e);
		t.restored_blocks += b->aside ? e.count : 0;
		t.restored_bytes += e.bytes;
	}
	ranges_each(&h->ranges, p->ranges, forget_piece, &t);
	ranges_each(&h->ranges, p->reserved, forget_piece, &t);
	p->totals = t;
	p->events = p->marks = 0;
}

void heap_begin_here(struct heap *h, uint64_t time_ns)
{
	for (uint32_t i = 0; i < h->process_room; i++) {
		struct heap_process *const p = h->processes[i];

		if (p && p->ended) {
			const bool ended = p->ended;

			blocks_finish(&p->blocks);
			*p = (struct heap_process){ .ended = ended };
		} else if (p) {
			begin_process(h, p);
		}
	}
	h->events = 0;
	h->totals.most_reserved_bytes = h->now_reserved_bytes;
	h->totals.most_reserved_mappings = h->now_reserved_mappings;
	set_peaks(h, time_ns);
}
