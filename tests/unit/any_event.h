/* any_event - events of every kind with random fields, and their comparison. */
#ifndef TEST_ANY_EVENT_H
#define TEST_ANY_EVENT_H

#include "unit.h"

#include "format/trk.h"

static const char any_label[] = "after parsing";

static inline uint32_t any_u32(uint64_t *seed)
{
	return (uint32_t)random_any(seed);
}

static inline uint64_t address_not_0(uint64_t *seed)
{
	const uint64_t near = 0x7f0000000000ull + (random_next(seed) % 4096) * 16;

	switch (random_next(seed) % 4) {
	case 0:
		return random_next(seed) | 1;
	case 1:
		return near + 8;
	default:
		return near;
	}
}

/* A legal event: only the fields that its kind carries are set. */
static inline struct trk_event any_event(uint64_t *seed, uint8_t kind, uint64_t time_ns)
{
	struct trk_event e = { .kind = kind, .time_ns = time_ns, .thread = any_u32(seed) };
	const uint64_t a = address_not_0(seed), b = address_not_0(seed), n = random_any(seed);

	if (trk_kind_has_stack(kind))
		e.node = any_u32(seed);
	if (trk_kind_allocates(kind) || trk_kind_releases(kind) || (kind >= TRK_RESERVE && kind != TRK_CLEAR))
		e.address = a;
	if (trk_kind_allocates(kind) || kind == TRK_MUNMAP || kind >= TRK_RESERVE)
		e.size = n;
	if (kind == TRK_TRACK || kind == TRK_UNTRACK)
		e.domain = any_u32(seed);
	if (kind == TRK_REALLOC || kind == TRK_REALLOCARRAY) {
		const unsigned form = random_next(seed) % 4;

		e.old_address = form == 0 ? 0 : form == 1 ? a : b;
		e.address = form == 3 ? 0 : a;
	}
	if (kind == TRK_MREMAP) {
		e.old_address = b;
		e.old_size = random_any(seed);
		e.address = random_next(seed) % 4 ? a : 0;
	}
	if (trk_kind_is_part(kind)) {
		static const uint8_t calls[] = { TRK_REALLOC, TRK_REALLOCARRAY, TRK_MREMAP };

		e.call = calls[random_next(seed) % 3];
		e.old_size = e.call == TRK_MREMAP ? random_any(seed) : 0;
		e.old_address = b;
		e.address = kind == TRK_REALLOC_ACQUIRE ? a : 0;
		e.size = kind == TRK_REALLOC_RELEASE ? 0 : n;
	}
	if (kind >= TRK_MARK && kind <= TRK_EXEC) {
		e.label_bytes = random_next(seed) % sizeof(any_label);
		e.label = e.label_bytes ? any_label : NULL;
	}
	if (kind == TRK_MPROTECT || kind == TRK_MADVISE)
		e.detail = any_u32(seed);
	if (kind == TRK_GAP || kind == TRK_SKIPPED || kind == TRK_CLEAR)
		e.size = n;
	return e;
}

static inline void assert_event_equal(const struct trk_event *a, const struct trk_event *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_int_equal(a->call, b->call);
	assert_true(a->time_ns == b->time_ns);
	assert_true(a->address == b->address);
	assert_true(a->size == b->size);
	assert_true(a->old_address == b->old_address);
	assert_true(a->old_size == b->old_size);
	assert_true(a->thread == b->thread);
	assert_true(a->node == b->node);
	assert_true(a->domain == b->domain);
	assert_true(a->detail == b->detail);
	assert_int_equal(a->label_bytes, b->label_bytes);
	if (a->label_bytes)
		assert_memory_equal(a->label, b->label, a->label_bytes);
}

static inline bool is_kind(uint8_t kind)
{
	return kind >= 1 && kind <= TRK_CLEAR;
}

#endif
