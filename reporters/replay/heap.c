/*
 * heap - applies events to the live set; definitions in heap.h.
 *
 * Each process has a live set and totals of its own. For the whole tree, only what cannot be summed afterwards (the
 * peak) is kept as events pass.
 */
#include "replay/heap_quick.h"

/* ---- finding blocks ---- */

/* A live block, and its place in its table unless it is loose. b NULL: there is none. */
struct found {
	struct block *b;
	uint32_t place;
	bool brief; /* b is a copy, and that table is the other one */
};

static struct found found_at(const struct blocks *blocks, uint32_t place)
{
	if (place == BLOCKS_NONE)
		return (struct found){ NULL, BLOCKS_NONE, false };
	return (struct found){ blocks_at(blocks, place), place, false };
}

static struct found find_brief(struct step *s, uint64_t address)
{
	struct heap_block *const b = &s->heap->brief.b;
	const uint32_t place = briefs_find(&s->process->blocks.briefs, address);
	const struct brief *brief;

	if (place == BRIEFS_NONE)
		return (struct found){ NULL, BLOCKS_NONE, false };
	brief = &s->process->blocks.briefs.table[place];
	b->address = address;
	b->size = brief->size;
	b->user = brief->user;
	b->process = s->event->process;
	return (struct found){ &s->heap->brief, place, true };
}

/* For domain 0 with brief or loose blocks, which only a reader has. It is out of the recorder's way. */
static __attribute__((noinline)) struct found find_among_all(struct step *s, uint64_t address)
{
	struct blocks *const blocks = &s->process->blocks;
	struct found f = find_brief(s, address);

	if (!f.b)
		f = found_at(blocks, blocks_find(blocks, BLOCKS_DOMAIN(0), address));
	if (f.b || blocks->settled == blocks->newest)
		return f;
	if (blocks_settle(blocks) != 0)
		s->no_memory = true;
	f = find_brief(s, address);
	return f.b ? f : found_at(blocks, blocks_find(blocks, BLOCKS_DOMAIN(0), address));
}

static struct found find_address(struct step *s, uint32_t space, uint64_t address)
{
	const struct blocks *const blocks = &s->process->blocks;

	if (space == BLOCKS_DOMAIN(0) && (blocks->settled < blocks->newest || blocks->briefs.used))
		return find_among_all(s, address);
	return found_at(blocks, blocks_find(blocks, space, address));
}

/* The block of domain 0 at `address`, which the event ends: found by its number if it has one. */
static inline struct found find_ended(struct step *s, uint64_t address)
{
	struct blocks *const blocks = &s->process->blocks;
	const uint32_t ref = s->event->ref;

	if (ref != TRK_REF_UNKNOWN && ref != TRK_REF_NONE && ref <= s->process->numbers) {
		struct block *const b = blocks_recent(blocks, s->process->numbers + 1 - ref);

		if (b && b->b.address == address && b->space == BLOCKS_LOOSE)
			return (struct found){ b, BLOCKS_NONE, false };
	}
	return find_address(s, BLOCKS_DOMAIN(0), address);
}

static inline void remove_block(struct step *s, const struct found *f)
{
	if (f->b->b.number)
		s->ref = (uint32_t)(s->process->numbers + 1 - f->b->b.number);
	if (f->brief)
		briefs_remove(&s->process->blocks.briefs, f->place);
	else if (f->place == BLOCKS_NONE)
		blocks_remove_loose(&s->process->blocks, f->b);
	else
		blocks_remove(&s->process->blocks, f->place);
}

/* ---- allocations and releases ---- */

/* The address is given out again, so the release of the block that had it was lost. */
static SELDOM void overwrite(struct step *s, const struct found *f)
{
	const struct heap_block b = f->b->b;
	struct sampling_estimate e;

	estimate(s->heap, &b, &e);
	s->process->totals.overwritten += e.count;
	take_live(s, &e);
	remove_block(s, f);
	/* One ref cannot also name the old block of a realloc, or a block without a number. */
	if (s->event->old_address || !b.number)
		s->ref = TRK_REF_UNKNOWN;
	tell_died(s, &b, &e, false);
}

static inline bool is_temporary(const struct step *s, const struct block *b)
{
	const uint32_t since =
		s->heap->ages.allocations[s->event->thread] - b->thread_number - 1;

	return b->b.thread == s->event->thread && since <= s->heap->ages.threshold && !b->b.restored;
}

static inline void free_block(struct step *s, const struct found *f)
{
	struct heap_totals *t = &s->process->totals;
	const struct block *b = f->b;
	const bool temporary = is_temporary(s, b);
	struct sampling_estimate e;

	estimate(s->heap, &b->b, &e);
	t->frees += e.count;
	t->bytes_freed += e.bytes;
	if (temporary) {
		t->temporary += e.count;
		t->temporary_bytes += e.bytes;
	}
	if (s->heap->sample_bytes)
		add_freed_error(t, &e, temporary);
	if (!b->b.aside)
		take_live(s, &e);
	tell_died(s, &b->b, &e, temporary);
	remove_block(s, f);
}

/* The event says which block its allocation replaces: mostly none. */
static struct block *add_known(struct step *s)
{
	const uint64_t address = s->event->address;

	if (s->event->ref != TRK_REF_NONE && !s->event->old_address) {
		const struct found f = find_ended(s, address);

		if (f.b)
			overwrite(s, &f);
	}
	return blocks_add_loose(&s->process->blocks, address, s->process->numbers + 1);
}

static void make_way(struct step *s, uint8_t kind, const struct found *f)
{
	if (kind == TRK_TRACK) /* tracked anew: an update */
		free_block(s, f);
	else
		overwrite(s, f);
}

static struct block *add_unknown(struct step *s, uint8_t kind, uint32_t space)
{
	struct blocks *const blocks = &s->process->blocks;
	const uint64_t address = s->event->address;
	uint32_t there;
	struct block *b;

	if (blocks->settled < blocks->newest && blocks_settle(blocks) != 0)
		return NULL;
	/* More than one only if a capture lies about what its events end. */
	for (struct found f; space == BLOCKS_DOMAIN(0) && blocks->briefs.used && (f = find_brief(s, address)).b;)
		make_way(s, kind, &f);
	while (!(b = blocks_add(blocks, space, address, &there)) && there != BLOCKS_NONE) {
		const struct found f = found_at(blocks, there);

		make_way(s, kind, &f);
	}
	return b;
}

static ALWAYS int allocate(struct step *s, uint8_t kind, uint32_t space)
{
	const bool known = s->event->ref != TRK_REF_UNKNOWN && is_numbered(s->event);
	struct block *const b = known ? add_known(s) : add_unknown(s, kind, space);

	if (!b)
		return TRK_ERR_NOMEM;
	fill_block(&b->b, s, kind);
	b->thread_number = s->heap->ages.allocations[s->event->thread]++;
	b->b.serial = (uint16_t)b->thread_number;
	count_allocation(s, &b->b);
	return 0;
}

static inline void release(struct step *s, uint32_t space, uint64_t address)
{
	const struct found f = space == BLOCKS_DOMAIN(0) ? find_ended(s, address) : find_address(s, space, address);

	if (f.b)
		free_block(s, &f);
	else if (address && (!s->heap->sample_bytes || space != BLOCKS_DOMAIN(0)))
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

/* The kind of the block that a realloc in two parts made. */
static uint8_t call_of(const struct trk_event *e)
{
	return e->call == TRK_REALLOCARRAY ? TRK_REALLOCARRAY : TRK_REALLOC;
}

/* The block that was found is a brief one. It gets a slot, and so moves. Nobody asks for the fields that are not known of it. */
static SELDOM int make_whole(struct step *s, struct found *f)
{
	struct blocks *const blocks = &s->process->blocks;
	uint32_t place;
	struct block *const b = blocks_add(blocks, BLOCKS_DOMAIN(0), f->b->b.address, &place);

	if (b) {
		b->b = f->b->b;
		b->thread_number = 0;
		briefs_remove(&blocks->briefs, f->place);
		place = blocks_find(blocks, BLOCKS_DOMAIN(0), b->b.address);
	} else if (place == BLOCKS_NONE) {
		return TRK_ERR_NOMEM;
	} /* else there are two: the capture lies about what its events end */
	*f = found_at(blocks, place);
	return 0;
}

/* In two parts: until the second part the block waits in its thread's own space. The pages of an mremap are gone at once. */
static int realloc_release(struct step *s)
{
	if (s->event->call == TRK_MREMAP)
		return heap_unmap(s, s->event->old_address, s->event->old_size);

	struct blocks *blocks = &s->process->blocks;
	const uint32_t space = BLOCKS_ASIDE(s->event->thread);
	const uint64_t old = s->event->old_address;
	struct found f = find_address(s, space, old);
	struct sampling_estimate e;

	if (f.b) /* the second part of an earlier one was lost */
		free_block(s, &f);
	if (blocks_settle(blocks) != 0)
		return TRK_ERR_NOMEM;
	f = find_address(s, BLOCKS_DOMAIN(0), old);
	if (f.brief && make_whole(s, &f) != 0)
		return TRK_ERR_NOMEM;
	if (!f.b)
		return 0;
	if (f.b->b.number)
		s->ref = (uint32_t)(s->process->numbers + 1 - f.b->b.number);
	f.b->b.number = 0;
	f.b->b.aside = true;
	estimate(s->heap, &f.b->b, &e);
	take_live(s, &e);
	tell_aside(s, &f.b->b, &e);
	blocks_move(blocks, f.place, space);
	return 0;
}

static int realloc_acquire(struct step *s)
{
	if (s->event->call == TRK_MREMAP)
		return heap_map(s, s->event->address, s->event->size);
	release(s, BLOCKS_ASIDE(s->event->thread), s->event->old_address);
	return s->event->address ? allocate(s, call_of(s->event), BLOCKS_DOMAIN(0)) : 0;
}

/* If an mremap failed after all, the old mapping is not restored: its pages are a new mapping. */
static int realloc_withdraw(struct step *s)
{
	if (s->event->call == TRK_MREMAP)
		return heap_map(s, s->event->old_address, s->event->old_size);

	struct blocks *blocks = &s->process->blocks;
	const uint64_t old = s->event->old_address;
	struct found f = find_address(s, BLOCKS_DOMAIN(0), old);
	struct sampling_estimate e;

	if (f.b)
		overwrite(s, &f);
	f = find_address(s, BLOCKS_ASIDE(s->event->thread), old);
	if (!f.b)
		return 0;
	f.b->b.aside = false;
	estimate(s->heap, &f.b->b, &e);
	add_live(s, &e);
	tell_aside(s, &f.b->b, &e);
	blocks_move(blocks, f.place, BLOCKS_DOMAIN(0));
	return 0;
}

/* ---- events ---- */

/* By kind: what it does. */
#define DOES(a, id, number, name, form, does, told, flags) [number] = TRK_DOES_##does,

static const uint8_t actions[TRK_KINDS] = { TRK_KIND_TABLE(DOES, ) };

/* Events that may make more bytes live. */
static ALWAYS bool adds_bytes(enum trk_action does)
{
	return (1u << TRK_DOES_MAKE | 1u << TRK_DOES_REALLOCATE | 1u << TRK_DOES_ACQUIRE | 1u << TRK_DOES_WITHDRAW |
		1u << TRK_DOES_MAP | 1u << TRK_DOES_REMAP | 1u << TRK_DOES_PROTECT | 1u << TRK_DOES_ADVISE |
		1u << TRK_DOES_TOUCH | 1u << TRK_DOES_CLEAR) >>
		       does &
	       1;
}

static ALWAYS int apply(struct step *s, enum trk_action does)
{
	const struct trk_event *e = s->event;

	switch (does) {
	case TRK_DOES_MAKE:
		return e->address ? allocate(s, e->kind, BLOCKS_DOMAIN(e->domain)) : 0;
	case TRK_DOES_REALLOCATE:
		return reallocate(s);
	case TRK_DOES_END:
		release(s, BLOCKS_DOMAIN(e->domain), e->address);
		return 0;
	case TRK_DOES_RELEASE:
		return realloc_release(s);
	case TRK_DOES_ACQUIRE:
		return realloc_acquire(s);
	case TRK_DOES_WITHDRAW:
		return realloc_withdraw(s);
	case TRK_DOES_MAP:
	case TRK_DOES_RESERVE:
	case TRK_DOES_REMAP:
	case TRK_DOES_UNMAP:
	case TRK_DOES_PROTECT:
	case TRK_DOES_ADVISE:
	case TRK_DOES_TOUCH:
		return heap_apply_mapping(s);
	case TRK_DOES_WIPE:
		heap_wipe(s);
		return 0;
	case TRK_DOES_CLEAR:
		heap_wipe(s);
		s->heap->totals.peak_bytes = s->process->totals.peak_bytes = 0; /* the next look finds them here */
		if (s->heap->observer.cleared)
			s->heap->observer.cleared(s->heap->observer.data, e);
		return 0;
	case TRK_DOES_SKIP: /* they count for what is temporary */
		s->heap->ages.allocations[e->thread] += (uint32_t)e->size;
		return 0;
	case TRK_DOES_LOSE:
		s->process->totals.lost += e->size;
		return 0;
	case TRK_DOES_MARK:
		s->process->marks++;
		return 0;
	case TRK_DOES_NOTHING:
		return 0;
	}
	return 0;
}

static ALWAYS int apply_one(struct heap *h, const struct trk_event *e)
{
	const enum trk_action does = actions[e->kind % TRK_KINDS];
	struct step s = { .heap = h, .event = e, .ref = TRK_REF_NONE };
	int err = 0;

	h->events++;
	if (e->process < h->process_room)
		s.process = h->processes[e->process];
	if (!s.process) {
		s.process = heap_new_process(h, e->process);
		if (!s.process)
			return TRK_ERR_NOMEM;
	}
	if (s.process->ended) {
		s.process->totals.late++;
		h->last_ref = TRK_REF_UNKNOWN;
		return 0;
	}
	s.process->events++;
	if (e->thread >= h->thread_room)
		err = heap_reach_thread(h, e->thread);
	if (!err)
		err = apply(&s, does);
	if (s.no_memory)
		err = TRK_ERR_NOMEM;
	if (!err && adds_bytes(does))
		look_for_peak(&s);
	h->last_ref = s.ref;
	return err;
}

/* Out of the way of quick events. */
static __attribute__((noinline)) int apply_long(struct heap *h, const struct trk_event *e)
{
	return apply_one(h, e);
}

int heap_apply_all(struct heap *h, const struct trk_event *events, uint32_t count)
{
	struct heap_process *p = NULL; /* of the event before, if it is a quick one */

	for (uint32_t i = 0; i < count; i++) {
		const struct trk_event *const e = &events[i];

		if (!p || e->process != events[i - 1].process)
			p = known_process(h, e);
		if (p && apply_known(h, p, e, &h->last_ref))
			continue;

		const int err = apply_long(h, e);

		if (err)
			return err;
		p = NULL;
	}
	return 0;
}

int heap_apply_unknown(struct heap *h, struct trk_event *events, uint32_t count)
{
	struct heap_process *p = NULL; /* of the event before, if it is a quick one */
	uint32_t ref = h->last_ref;

	for (uint32_t i = 0; i < count; i++) {
		struct trk_event *const e = &events[i];

		if (!p || e->process != events[i - 1].process)
			p = quick_process(h, e);
		if (!p || !apply_quick(h, p, e, &ref)) {
			const int err = apply_long(h, e);

			if (err)
				return err;
			ref = h->last_ref;
			p = NULL;
		}
		e->ref = ref;
	}
	h->last_ref = ref;
	return 0;
}

int heap_apply(struct heap *h, const struct trk_event *e)
{
	struct heap_process *const p = e->ref == TRK_REF_UNKNOWN ? quick_process(h, e) : NULL;

	if (p && apply_quick(h, p, e, &h->last_ref))
		return 0;
	return apply_long(h, e);
}
