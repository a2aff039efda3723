/*
 * heap_map - events of mappings -> pages that are heap and pages that are reserved; definitions in heap.h.
 *
 * A process has two sets of fragments (`pieces` of ranges.h), which never overlap: heap, with arenas (of which
 * fragments may be untouched), and reservations. Each event cuts the pages that it replaces out of both. A third set,
 * of windows, says where address space was reserved; it may overlap the others.
 */
#include <stdlib.h>

#include "replay/heap_private.h"

void heap_add_reserved(struct heap *h, struct heap_totals *t, uint64_t bytes, uint64_t mappings)
{
	t->reserved_bytes += bytes;
	t->reserved_mappings += mappings;
	h->now_reserved_bytes += bytes;
	h->now_reserved_mappings += mappings;
	if (t->reserved_bytes > t->most_reserved_bytes) {
		t->most_reserved_bytes = t->reserved_bytes;
		t->most_reserved_mappings = t->reserved_mappings;
	}
	if (h->now_reserved_bytes > h->totals.most_reserved_bytes) {
		h->totals.most_reserved_bytes = h->now_reserved_bytes;
		h->totals.most_reserved_mappings = h->now_reserved_mappings;
	}
}

static void add_reserved(struct step *s, uint64_t bytes, uint64_t mappings)
{
	heap_add_reserved(s->heap, &s->process->totals, bytes, mappings);
}

static void take_reserved(struct step *s, uint64_t bytes, uint64_t mappings)
{
	struct heap_totals *const t = &s->process->totals;

	t->reserved_bytes -= bytes;
	t->reserved_mappings -= mappings;
	s->heap->now_reserved_bytes -= bytes;
	s->heap->now_reserved_mappings -= mappings;
}

/* ---- taking away ---- */

/* What a cut takes from the heap; for an untouched fragment of an arena, no bytes. */
static struct sampling_estimate taken(struct step *s, const struct heap_block *piece, uint64_t bytes,
				      bool whole)
{
	take_reserved(s, piece->untouched ? bytes : 0, piece->arena && whole);
	return (struct sampling_estimate){ .bytes = piece->untouched ? 0 : bytes, .count = whole };
}

static void heap_cut(void *data, const struct heap_block *piece, uint64_t bytes, bool whole)
{
	const struct sampling_estimate e = taken(data, piece, bytes, whole);

	heap_died(data, piece, &e);
}

/* Reserved by a call of mmap, whose block this was; not by mprotect. */
static bool is_of_call(const struct heap_block *piece)
{
	return piece->kind != TRK_MPROTECT && !piece->restored;
}

static void reserved_cut(void *data, const struct heap_block *piece, uint64_t bytes, bool whole)
{
	struct step *const s = data;

	s->process->totals.frees += whole && is_of_call(piece);
	take_reserved(s, bytes, whole);
}

static int unmap(struct step *s, uint64_t start, uint64_t size)
{
	const uint64_t end = range_end(s->heap, start, size);
	int err;

	if (size == 0 || start >= end)
		return 0;
	err = ranges_cut(&s->heap->ranges, &s->process->ranges, start, end, heap_cut, s);
	return err ? err : ranges_cut(&s->heap->ranges, &s->process->reserved, start, end, reserved_cut, s);
}

/* ---- windows ---- */

static void window_cut(void *data, const struct heap_block *piece, uint64_t bytes, bool whole)
{
}

static int close_window(struct step *s, uint64_t start, uint64_t size)
{
	const uint64_t end = range_end(s->heap, start, size);

	if (size == 0 || start >= end)
		return 0;
	return ranges_cut(&s->heap->ranges, &s->process->windows, start, end, window_cut, s);
}

/* A range that is reserved again inside a window is already in it. */
static int open_window(struct step *s, uint64_t start, uint64_t end)
{
	const struct range *const r = ranges_after(&s->heap->ranges, s->process->windows, start);
	const struct heap_block b = { .address = start, .size = end - start };
	int err;

	if (r && r->block.address <= start && r->end >= end)
		return 0;
	err = ranges_cut(&s->heap->ranges, &s->process->windows, start, end, window_cut, s);
	if (err)
		return err;
	return ranges_add(&s->heap->ranges, &s->process->windows, &b, end) ? 0 : TRK_ERR_NOMEM;
}

/* ---- exec ---- */

static void heap_wiped(void *data, const struct heap_block *piece, uint64_t bytes, bool whole)
{
	struct step *const s = data;
	const struct sampling_estimate e = taken(s, piece, bytes, whole);

	if (s->heap->observer.died)
		s->heap->observer.died(s->heap->observer.data, piece, &e, false, s->event);
}

static void reserved_wiped(void *data, const struct heap_block *piece, uint64_t bytes, bool whole)
{
	take_reserved(data, bytes, whole);
}

/* Only whole fragments: nothing is split, so no memory is needed. */
void heap_wipe_mappings(struct step *s)
{
	ranges_cut(&s->heap->ranges, &s->process->ranges, 0, UINT64_MAX, heap_wiped, s);
	ranges_cut(&s->heap->ranges, &s->process->reserved, 0, UINT64_MAX, reserved_wiped, s);
	ranges_cut(&s->heap->ranges, &s->process->windows, 0, UINT64_MAX, window_cut, s);
}

/* ---- mmap ---- */

static int add_reservation(struct step *s, struct heap_block *b, uint64_t end)
{
	const uint64_t bytes = b->size;

	b->reserved = true;
	b->size = 0; /* as an allocation it has no bytes */
	heap_reserved(s, b);
	b->size = bytes;
	if (!ranges_add(&s->heap->ranges, &s->process->reserved, b, end))
		return TRK_ERR_NOMEM;
	add_reserved(s, bytes, 1);
	return 0;
}

static int add_mapping(struct step *s, struct heap_block *b, uint64_t end)
{
	const struct sampling_estimate e = { .bytes = b->arena ? 0 : b->size, .count = 1 };
	struct heap_block *kept;

	b->untouched = b->arena;
	kept = ranges_add(&s->heap->ranges, &s->process->ranges, b, end);
	if (!kept)
		return TRK_ERR_NOMEM;
	if (b->arena)
		add_reserved(s, b->size, 1);
	heap_born(s, kept, &e);
	return 0;
}

/* `as`: TRK_MMAP, TRK_RESERVE or TRK_ARENA. */
static int map(struct step *s, uint8_t kind, uint8_t as, uint64_t start, uint64_t size)
{
	const uint64_t end = range_end(s->heap, start, size);
	struct heap_block b;
	int err;

	if (!start || size == 0 || start >= end)
		return 0;
	err = unmap(s, start, size); /* MAP_FIXED replaces what it covers */
	if (!err && as != TRK_MMAP)
		err = open_window(s, start, end);
	if (err)
		return err;
	heap_fill(&b, s, kind);
	b.address = start;
	b.size = size < end - start ? size : end - start;
	b.arena = as == TRK_ARENA;
	return as == TRK_RESERVE ? add_reservation(s, &b, end) : add_mapping(s, &b, end);
}

/* ---- what of an arena is touched ---- */

static void touch_piece(struct step *s, struct range *piece, bool touched)
{
	const struct sampling_estimate e = { .bytes = piece->block.size };
	const struct heap_block was = piece->block;

	if (!was.arena || was.untouched != touched)
		return;
	piece->block.untouched = !touched;
	if (touched) {
		take_reserved(s, e.bytes, 0);
		heap_grew(s, &piece->block, &e);
	} else {
		add_reserved(s, e.bytes, 0);
		heap_died(s, &was, &e);
	}
}

/* Whether some fragment of an arena in [start, end) would change; *ret: where it is. */
static bool next_to_touch(const struct step *s, uint64_t start, uint64_t end, bool touched, uint64_t *ret)
{
	const struct range *r;

	for (; (r = ranges_after(&s->heap->ranges, s->process->ranges, start)) && r->block.address < end;
	     start = r->end) {
		*ret = r->block.address > start ? r->block.address : start;
		if (r->block.arena && r->block.untouched == touched)
			return true;
	}
	return false;
}

static int touch(struct step *s, uint64_t start, uint64_t size, bool touched)
{
	const uint64_t end = range_end(s->heap, start, size);
	struct ranges *const r = &s->heap->ranges;
	struct range *piece;

	start &= ~(uint64_t)(s->heap->page_bytes - 1);
	while (next_to_touch(s, start, end, touched, &start)) {
		const int err = ranges_isolate(r, &s->process->ranges, start, end, &piece);
		uint64_t piece_end;

		if (err)
			return err;
		piece_end = piece->end;
		touch_piece(s, piece, touched);
		ranges_join(r, &s->process->ranges, piece_end);
		ranges_join(r, &s->process->ranges, start);
		start = piece_end;
	}
	return 0;
}

static int advise(struct step *s)
{
	const struct trk_event *const e = s->event;

	switch (e->detail) {
	case TRK_POPULATE_WRITE:
		return touch(s, e->address, e->size, true);
	case TRK_DONTNEED:
	case TRK_REMOVE:
		return touch(s, e->address, e->size, false);
	default:
		return 0;
	}
}

/* ---- mremap ---- */

/* A part of the old range that belongs to an arena and was touched: `offset` from its start. */
struct part {
	uint64_t offset, bytes;
};

static int touched_parts(const struct step *s, uint64_t start, uint64_t end, struct part **ret, size_t *count)
{
	const struct range *r;
	uint64_t at = start;
	size_t n = 0;

	for (; (r = ranges_after(&s->heap->ranges, s->process->ranges, at)) && r->block.address < end; at = r->end)
		n += r->block.arena && !r->block.untouched;
	*count = 0;
	*ret = n ? calloc(n, sizeof(**ret)) : NULL;
	if (n && !*ret)
		return TRK_ERR_NOMEM;
	for (at = start; *count < n && (r = ranges_after(&s->heap->ranges, s->process->ranges, at)); at = r->end) {
		const uint64_t from = r->block.address > start ? r->block.address : start;

		if (r->block.arena && !r->block.untouched)
			(*ret)[(*count)++] = (struct part){ from - start, (r->end < end ? r->end : end) - from };
	}
	return 0;
}

/* Moves the pages, and keeps which pages of an arena were touched. */
static int move(struct step *s, uint8_t as, const struct part *parts, size_t count)
{
	const struct trk_event *const e = s->event;
	int err = unmap(s, e->old_address, e->old_size);

	if (!err)
		err = close_window(s, e->old_address, e->old_size);
	if (!err)
		err = map(s, TRK_MREMAP, as, e->address, e->size);
	for (size_t i = 0; i < count && !err && as == TRK_ARENA; i++) {
		const uint64_t left = parts[i].offset < e->size ? e->size - parts[i].offset : 0;

		if (left && e->address)
			err = touch(s, e->address + parts[i].offset,
				    parts[i].bytes < left ? parts[i].bytes : left, true);
	}
	return err;
}

static int remap(struct step *s)
{
	const struct trk_event *e = s->event;
	const uint64_t end = range_end(s->heap, e->old_address, e->old_size ? e->old_size : 1);
	const uint8_t as = heap_mapping_kind(s->heap, e->process, e->old_address);
	struct part *parts;
	size_t count;
	int err;

	if (!e->address) /* it failed */
		return 0;
	if (!heap_is_mapped(s->heap, e->process, e->old_address, e->old_size ? e->old_size : 1)) {
		s->process->totals.unmatched_frees++;
		return 0;
	}
	err = touched_parts(s, e->old_address, end, &parts, &count);
	if (!err)
		err = move(s, as ? as : (uint8_t)TRK_MMAP, parts, count);
	free(parts);
	return err;
}

/* ---- mprotect ---- */

/* The fragments that one call moves from one set to the other are one mapping there. */
struct crossing {
	uint32_t last; /* piece of it, 0: none yet */
	struct heap_block block;
};

static int cross(struct step *s, uint32_t *to, const struct range *from, struct crossing *c)
{
	struct ranges *const r = &s->heap->ranges;

	c->block.address = from->block.address;
	c->block.size = from->block.size;
	c->last = ranges_restore(r, to, &c->block, from->end, c->block.size, c->last);
	return c->last ? 0 : TRK_ERR_NOMEM;
}

/* Reserved pages that the program may touch now: heap. */
static int commit(struct step *s, uint64_t start, uint64_t end)
{
	struct crossing c = { 0 };
	struct range *found;
	int err;

	heap_fill(&c.block, s, TRK_MPROTECT);
	while (!(err = ranges_isolate(&s->heap->ranges, &s->process->reserved, start, end, &found)) && found) {
		const struct range from = *found;
		const bool first = !c.last;

		err = ranges_cut(&s->heap->ranges, &s->process->reserved, from.block.address, from.end,
				 reserved_cut, s);
		if (!err)
			err = cross(s, &s->process->ranges, &from, &c);
		if (err)
			return err;
		heap_born(s, &s->heap->ranges.pieces[c.last].block,
			  &(struct sampling_estimate){ .bytes = from.block.size, .count = first });
		start = from.end;
	}
	return err;
}

/* Heap that the program may not touch any more: reserved. */
static int withdraw(struct step *s, uint64_t start, uint64_t end)
{
	struct crossing c = { 0 };
	struct range *found;
	int err = open_window(s, start, end);

	heap_fill(&c.block, s, TRK_MPROTECT);
	c.block.reserved = true;
	while (!err && !(err = ranges_isolate(&s->heap->ranges, &s->process->ranges, start, end, &found)) && found) {
		const struct range from = *found;
		const bool first = !c.last;

		err = ranges_cut(&s->heap->ranges, &s->process->ranges, from.block.address, from.end,
				 heap_cut, s);
		if (!err)
			err = cross(s, &s->process->reserved, &from, &c);
		if (err)
			return err;
		add_reserved(s, from.block.size, first);
		start = from.end;
	}
	return err;
}

static int protect(struct step *s)
{
	const uint64_t end = range_end(s->heap, s->event->address, s->event->size);

	if (!s->event->size || s->event->address >= end)
		return 0;
	return s->event->detail == TRK_ACCESS_NONE ? withdraw(s, s->event->address, end) :
						     commit(s, s->event->address, end);
}

/* ---- all of them ---- */

static int release(struct step *s)
{
	const int err = unmap(s, s->event->address, s->event->size);

	return err ? err : close_window(s, s->event->address, s->event->size);
}

int heap_unmap(struct step *s, uint64_t start, uint64_t size)
{
	return unmap(s, start, size);
}

int heap_map(struct step *s, uint64_t start, uint64_t size)
{
	return map(s, TRK_MREMAP, TRK_MMAP, start, size);
}

int heap_apply_mapping(struct step *s)
{
	const struct trk_event *const e = s->event;

	switch (trk_kinds[e->kind].does) {
	case TRK_DOES_MAP:
	case TRK_DOES_RESERVE:
		return map(s, TRK_MMAP, e->kind, e->address, e->size);
	case TRK_DOES_REMAP:
		return remap(s);
	case TRK_DOES_UNMAP:
		return release(s);
	case TRK_DOES_PROTECT:
		return protect(s);
	case TRK_DOES_ADVISE:
		return advise(s);
	case TRK_DOES_TOUCH:
		return touch(s, e->address, e->size, true);
	default:
		return 0;
	}
}
