/*
 * program - a program that never ran: allocates, releases and reallocates like one, with an
 * allocator that hands out what was freed last. It knows which allocation each of its events
 * ends (trk_event.ref), from its own books. Some releases are lost.
 */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include "unit.h"

#include "format/trk.h"

enum {
	PROGRAM_ADDRESSES = 1 << 19, /* 16 bytes apart */
	PROGRAM_CLASSES = 16, /* of sizes, 64 bytes apart */
	PROGRAM_LIVE = 1 << 14,
	PROGRAM_THREADS = 4,
};

#define PROGRAM_BASE 0x555500000000ull
#define PROGRAM_UNNUMBERED UINT64_MAX

struct program {
	uint64_t seed, time_ns, numbers;
	uint32_t process, lost_percent, other_percent, most_live;
	uint64_t top; /* no address from here on was given out */
	uint64_t live[PROGRAM_LIVE], live_count;
	uint64_t freed[PROGRAM_CLASSES][PROGRAM_LIVE], freed_count[PROGRAM_CLASSES];
	uint8_t size_class[PROGRAM_ADDRESSES];
	uint64_t owner[PROGRAM_ADDRESSES]; /* number of the block there, as the events tell it; 0: none */
	uint64_t aside[PROGRAM_THREADS]; /* address whose realloc is under way */
	bool aside_told[PROGRAM_THREADS];
};

static inline uint64_t program_random(struct program *p, uint64_t n)
{
	return random_next(&p->seed) % n;
}

static inline uint64_t *program_owner(struct program *p, uint64_t address)
{
	return &p->owner[(address - PROGRAM_BASE) / 16];
}

/* The ref of whoever stands in the books at that address. */
static inline uint32_t program_ref(struct program *p, uint64_t address)
{
	const uint64_t number = *program_owner(p, address);

	return number && number != PROGRAM_UNNUMBERED ? (uint32_t)(p->numbers + 1 - number) : TRK_REF_NONE;
}

static inline uint64_t program_give(struct program *p, uint64_t size)
{
	const unsigned class = (unsigned)(size / 64);
	uint64_t address;

	if (p->freed_count[class])
		return p->freed[class][--p->freed_count[class]];
	address = PROGRAM_BASE + p->top * 16;
	p->size_class[p->top] = (uint8_t) class;
	p->top += class * 4 + 4;
	assert_true(p->top < PROGRAM_ADDRESSES);
	return address;
}

static inline void program_take(struct program *p, uint64_t address)
{
	const unsigned class = p->size_class[(address - PROGRAM_BASE) / 16];

	p->freed[class][p->freed_count[class]++] = address;
}

static inline uint64_t program_size(struct program *p)
{
	static const uint64_t usual[] = { 24, 24, 32, 56, 100, 700 };

	return program_random(p, 4) ? usual[program_random(p, 6)] : program_random(p, PROGRAM_CLASSES * 64);
}

/* An address that is in use, and is not any more. */
static inline uint64_t program_pick(struct program *p)
{
	const uint64_t i = program_random(p, 3) ? p->live_count - 1 : program_random(p, p->live_count);
	const uint64_t address = p->live[i];

	p->live[i] = p->live[--p->live_count];
	return address;
}

static inline struct trk_event program_allocate(struct program *p, uint8_t kind)
{
	const uint64_t size = program_size(p), address = program_give(p, size);
	struct trk_event e = { .kind = kind, .size = size, .address = address, .node = (uint32_t)(size * 7 % 100 + 1), .ref = program_ref(p, address) };

	if (*program_owner(p, address) == PROGRAM_UNNUMBERED)
		e.ref = TRK_REF_UNKNOWN;
	*program_owner(p, address) = ++p->numbers;
	p->live[p->live_count++] = address;
	return e;
}

static inline struct trk_event program_release(struct program *p)
{
	const uint64_t address = program_pick(p);
	const struct trk_event e = { .kind = TRK_FREE + (uint8_t)program_random(p, 3), .address = address, .ref = program_ref(p, address) };

	program_take(p, address);
	*program_owner(p, address) = 0;
	return e;
}

/* The new block of a realloc: it may take the place of one whose release was lost. */
static inline void program_place(struct program *p, struct trk_event *e, bool numbered)
{
	e->size = program_size(p);
	if (!program_random(p, 3) && e->size / 64 == p->size_class[(e->old_address - PROGRAM_BASE) / 16]) {
		e->address = e->old_address;
	} else {
		e->address = program_give(p, e->size);
		program_take(p, e->old_address);
	}
	if (*program_owner(p, e->address))
		e->ref = TRK_REF_UNKNOWN;
	*program_owner(p, e->address) = numbered ? ++p->numbers : PROGRAM_UNNUMBERED;
	p->live[p->live_count++] = e->address;
}

static inline struct trk_event program_reallocate(struct program *p, uint8_t kind)
{
	const uint64_t old = program_pick(p);
	struct trk_event e = { .kind = kind, .old_address = old, .node = 77, .ref = program_ref(p, old) };

	*program_owner(p, old) = 0;
	program_place(p, &e, kind == TRK_REALLOC);
	return e;
}

/* The first part of a realloc, or the second. */
static inline struct trk_event program_part(struct program *p, uint32_t thread)
{
	struct trk_event e = { .kind = TRK_REALLOC_RELEASE, .call = TRK_REALLOC, .ref = TRK_REF_NONE };

	if (!p->aside[thread]) {
		e.old_address = p->aside[thread] = program_pick(p);
		e.ref = program_ref(p, e.old_address);
		*program_owner(p, e.old_address) = 0;
		return e;
	}
	e.old_address = p->aside[thread];
	p->aside[thread] = 0;
	if (program_random(p, 3)) {
		e.kind = TRK_REALLOC_ACQUIRE;
		program_place(p, &e, false);
		return e;
	}
	e.kind = TRK_REALLOC_WITHDRAW;
	e.size = 5;
	*program_owner(p, e.old_address) = PROGRAM_UNNUMBERED;
	p->live[p->live_count++] = e.old_address;
	return e;
}

static inline struct trk_event program_exec(struct program *p)
{
	memset(p->owner, 0, sizeof(p->owner));
	memset(p->aside, 0, sizeof(p->aside));
	memset(p->freed_count, 0, sizeof(p->freed_count));
	p->live_count = p->top = 0;
	return (struct trk_event){ .kind = TRK_EXEC, .ref = TRK_REF_NONE };
}

static inline struct trk_event program_other(struct program *p, uint32_t thread)
{
	switch (program_random(p, 8)) {
	case 0:
		return (struct trk_event){ .kind = TRK_MALLOC, .size = 1ull << 50, .ref = TRK_REF_NONE };
	case 1:
		return (struct trk_event){ .kind = TRK_REALLOC, .old_address = p->live[0], .size = 1ull << 50, .ref = TRK_REF_NONE };
	case 2:
		return (struct trk_event){ .kind = TRK_TRACK, .domain = 7, .address = p->live[0], .size = 9, .ref = TRK_REF_NONE };
	case 3:
		return program_reallocate(p, TRK_REALLOCARRAY);
	case 4:
		return (struct trk_event){ .kind = TRK_FREE, .address = 8, .ref = TRK_REF_NONE };
	default:
		return program_part(p, thread);
	}
}

static inline void program_init(struct program *p, uint64_t seed, uint32_t lost_percent)
{
	memset(p, 0, sizeof(*p));
	p->seed = seed;
	p->lost_percent = lost_percent;
	p->other_percent = 2;
	p->most_live = 2000;
}

static inline struct trk_event program_next(struct program *p)
{
	const uint32_t thread = (uint32_t)program_random(p, 20) ? 0 : (uint32_t)program_random(p, PROGRAM_THREADS);
	const uint64_t dice = program_random(p, 100);
	struct trk_event e;

	while (p->live_count > 10 && program_random(p, 100) < p->lost_percent)
		program_take(p, program_pick(p)); /* nobody saw it */
	if (p->live_count > 10 && dice < p->other_percent)
		e = program_other(p, thread);
	else if (p->live_count > 10 && (p->live_count == p->most_live || dice < 50))
		e = program_random(p, 8) ? program_release(p) : program_reallocate(p, TRK_REALLOC);
	else
		e = program_allocate(p, dice < 95 ? TRK_MALLOC : dice < 98 ? TRK_NEW :
									     TRK_REALLOC);
	p->time_ns += program_random(p, 50) ? 0 : program_random(p, 10000);
	e.time_ns = p->time_ns;
	e.thread = thread;
	e.process = p->process;
	return e;
}

#endif
