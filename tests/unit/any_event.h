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

static inline void any_call(struct trk_event *e, uint64_t *seed, uint8_t form)
{
	static const uint8_t calls[] = { TRK_REALLOC, TRK_REALLOCARRAY, TRK_MREMAP };

	e->call = calls[random_next(seed) % 3];
	e->old_size = e->call == TRK_MREMAP ? random_any(seed) : 0;
	e->old_address = address_not_0(seed);
	e->address = form == TRK_FORM_ACQUIRE ? address_not_0(seed) : 0;
	e->size = form == TRK_FORM_RELEASE ? 0 : random_any(seed);
}

static inline void any_realloc(struct trk_event *e, uint64_t *seed)
{
	const unsigned form = random_next(seed) % 4;

	e->address = address_not_0(seed);
	e->size = random_any(seed);
	e->old_address = form == 0 ? 0 : form == 1 ? e->address :
						     address_not_0(seed);
	e->address = form == 3 ? 0 : e->address;
}

#define FORM(form) (1u << TRK_FORM_##form)
#define WITH_DOMAIN (FORM(TRACK) | FORM(UNTRACK))
#define WITH_DETAIL (FORM(ACCESS) | FORM(ADVICE) | FORM(REQUEST))
#define WITH_SIZE (FORM(TYPED) | FORM(BLOCK) | FORM(MREMAP) | FORM(TRACK) | FORM(LOST) | FORM(COUNT) | FORM(BARE) | WITH_DETAIL)
#define WITH_ADDRESS (FORM(BLOCK) | FORM(MREMAP) | FORM(ADDRESS) | FORM(TYPED) | WITH_DOMAIN | WITH_DETAIL)

/* A legal event: only the fields that its kind carries are set. */
static inline struct trk_event any_event(uint64_t *seed, uint8_t kind, uint64_t time_ns)
{
	struct trk_event e = { .kind = kind, .time_ns = time_ns, .thread = any_u32(seed) };
	const uint8_t form = trk_kinds[kind].form;
	const unsigned forms = 1u << form;

	e.node = trk_kind_has_stack(kind) ? any_u32(seed) : 0;
	e.address = forms & WITH_ADDRESS ? address_not_0(seed) : 0;
	e.size = forms & WITH_SIZE ? random_any(seed) : 0;
	e.domain = forms & WITH_DOMAIN ? any_u32(seed) : 0;
	e.detail = forms & WITH_DETAIL ? any_u32(seed) : 0;
	if (form == TRK_FORM_REALLOC)
		any_realloc(&e, seed);
	if (trk_kind_is_part(kind))
		any_call(&e, seed, form);
	if (form == TRK_FORM_MREMAP) {
		e.old_address = address_not_0(seed);
		e.old_size = random_any(seed);
		e.address = random_next(seed) % 4 ? e.address : 0;
	}
	if (form == TRK_FORM_REQUEST)
		e.old_size = random_any(seed);
	if (form == TRK_FORM_LABEL || form == TRK_FORM_TYPED) {
		e.label_bytes = random_next(seed) % sizeof(any_label);
		e.label = e.label_bytes ? any_label : NULL;
	}
	if (form == TRK_FORM_UNKNOWN) {
		e.size = TRK_KINDS + any_u32(seed) % 1000;
		e.detail = random_next(seed) % 2 * TRK_ESCAPE_STACK;
		e.node = e.detail ? e.node : 0;
		e.label_bytes = random_next(seed) % sizeof(any_label);
		e.label = e.label_bytes ? any_label : NULL;
	}
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
	return kind < TRK_KINDS && trk_kinds[kind].name;
}

#endif
