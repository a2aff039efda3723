/*
 * wire_decode - reads what a target wrote into its shared memory.
 *
 * The recorder runs it on bytes that a dying or hostile program may have filled with anything. Every count is checked
 * before it is used, nothing is allocated, and `pushes`, `text` and `build_id` never point outside the input.
 */
#include "format/event.h" /* TRK_END */
#include "format/shm.h"
#include "format/wire.h"

static uint64_t get_address(struct wire_state *s, struct byte_reader *r)
{
	s->address += (uint64_t)get_zigzag(r);
	return s->address;
}

static const uint8_t *get_string(struct byte_reader *r, uint32_t *ret_bytes)
{
	const uint64_t n = get_varint(r);
	const uint8_t *p = get_bytes(r, n);

	*ret_bytes = p ? (uint32_t)n : 0;
	return p;
}

static inline uint32_t get_bounded(struct byte_reader *r, uint32_t max)
{
	const uint64_t v = get_varint(r);

	if (v > max) {
		r->failed = true;
		return 0;
	}
	return (uint32_t)v;
}

static inline void get_stack(struct byte_reader *r, struct wire_record *ret)
{
	ret->has_stack = true;
	ret->pops = get_bounded(r, UINT32_MAX); /* more than there are: all */

	const uint8_t form = get_byte(r);
	const bool wide = form & WIRE_WIDE;

	if (form == WIRE_WIDE) {
		r->failed |= ret->pops >= WIRE_KNOWN_STACKS;
		ret->known = ret->pops + 1;
		ret->pops = 0;
		return;
	}

	const uint8_t *const pcs = get_bytes(r, (uint64_t)(form >> 1) * (wide ? sizeof(uint64_t) : sizeof(uint32_t)));

	ret->pushes = (struct wire_frames){ .bytes = pcs, .count = pcs ? form >> 1 : 0, .wide = wide };
}

__attribute__((always_inline)) static inline void get_parts(struct wire_state *s, struct byte_reader *r, uint8_t head,
							    struct wire_record *ret)
{
	if (head & WIRE_EPOCH) {
		const uint64_t step = get_varint(r);

		if (step > UINT64_MAX - s->epoch)
			r->failed = true;
		s->epoch += step;
	}
	if (head & WIRE_TIME)
		s->time_ns += (uint64_t)get_zigzag(r);
	if (head & WIRE_STACK)
		get_stack(r, ret);
}

static void get_realloc_kind(struct byte_reader *r, struct wire_record *ret)
{
	ret->realloc_kind = get_byte(r);
	r->failed |= ret->realloc_kind != TRK_REALLOC && ret->realloc_kind != TRK_REALLOCARRAY;
}

static void get_realloc_end(struct wire_state *s, struct byte_reader *r, struct wire_record *ret)
{
	get_realloc_kind(r, ret);
	ret->outcome = get_byte(r);
	ret->address = get_address(s, r);
	ret->size = get_varint(r);
	r->failed |= ret->outcome > WIRE_FREED;
}

static void get_module(struct byte_reader *r, struct wire_record *ret)
{
	ret->bias = get_varint(r);
	ret->start = get_varint(r);
	ret->end = get_varint(r);
	ret->module_flags = get_bounded(r, UINT32_MAX);
	ret->text = (const char *)get_string(r, &ret->text_bytes);
	ret->build_id = get_string(r, &ret->build_id_bytes);
}

/* The bytes of an event's fields. A form that no record has fails. */
static void get_fields(struct wire_state *s, struct byte_reader *r, struct wire_record *ret)
{
	switch ((enum trk_form)trk_kinds[ret->kind].form) {
	case TRK_FORM_MREMAP:
		ret->old_address = get_address(s, r);
		ret->old_size = get_varint(r);
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		return;
	case TRK_FORM_BLOCK:
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		return;
	case TRK_FORM_TRACK:
		ret->domain = get_bounded(r, UINT32_MAX);
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		return;
	case TRK_FORM_ADDRESS:
		ret->address = get_address(s, r);
		return;
	case TRK_FORM_UNTRACK:
		ret->domain = get_bounded(r, UINT32_MAX);
		ret->address = get_address(s, r);
		return;
	case TRK_FORM_LABEL:
		ret->text = (const char *)get_string(r, &ret->text_bytes);
		return;
	case TRK_FORM_LOST:
	case TRK_FORM_COUNT:
	case TRK_FORM_LOOK:
	case TRK_FORM_BARE:
		ret->size = get_varint(r);
		return;
	case TRK_FORM_ACCESS:
	case TRK_FORM_ADVICE:
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		ret->detail = get_bounded(r, UINT32_MAX);
		return;
	case TRK_FORM_REQUEST:
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		ret->detail = get_bounded(r, TRK_KINDS - 1);
		ret->old_size = get_varint(r);
		return;
	case TRK_FORM_TYPED:
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		ret->text = (const char *)get_string(r, &ret->text_bytes);
		return;
	case TRK_FORM_NONE:
	case TRK_FORM_REALLOC: /* a begin and an end */
	case TRK_FORM_RELEASE:
	case TRK_FORM_ACQUIRE:
	case TRK_FORM_WITHDRAW:
	case TRK_FORM_UNKNOWN:
	case TRK_FORMS:
		r->failed = true;
	}
}

static void get_told(struct wire_state *s, struct byte_reader *r, struct wire_record *ret, enum trk_telling told)
{
	if (ret->kind < TRK_KINDS && trk_kinds[ret->kind].told == told)
		get_fields(s, r, ret);
	else
		r->failed = true;
}

static void get_python(struct byte_reader *r, struct wire_record *ret)
{
	ret->start = get_varint(r);

	const uint64_t units = get_bounded(r, INT32_MAX);

	ret->end = ret->start + units;
	ret->detail = get_byte(r);
	ret->bias = (uint64_t)get_zigzag(r);
	r->failed |= !ret->start || !units || ret->end < ret->start || ret->end >= WIRE_PYTHON_PC;
}

/* What is behind the escape. */
static void get_escaped(struct wire_state *s, struct byte_reader *r, struct wire_record *ret)
{
	ret->kind = get_byte(r);
	switch (ret->kind) {
	case WIRE_QUESTION:
		ret->detail = get_bounded(r, SHM_QUESTIONS - 1);
		return;
	case WIRE_KNOWN:
		ret->detail = get_bounded(r, WIRE_KNOWN_STACKS - 1);
		return;
	case WIRE_FORK:
	case WIRE_FORK_FAILED:
		ret->detail = get_bounded(r, UINT32_MAX);
		return;
	case WIRE_DOMAIN_NAME:
		ret->domain = get_bounded(r, UINT32_MAX);
		ret->text = (const char *)get_string(r, &ret->text_bytes);
		r->failed |= !ret->text_bytes || ret->text_bytes > TRK_DOMAIN_NAME_MAX;
		return;
	case WIRE_UNTRACK_RANGE:
		ret->domain = get_bounded(r, UINT32_MAX);
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		return;
	case WIRE_PYTHON:
		get_python(r, ret);
		return;
	case WIRE_PYTHON_TEXT:
		ret->detail = get_byte(r);
		ret->text = (const char *)get_string(r, &ret->text_bytes);
		r->failed |= ret->detail > WIRE_PYTHON_END;
		return;
	default:
		get_told(s, r, ret, TRK_TOLD_RARE);
	}
}

/* For kinds that are not common; five bits can say no others. */
static void get_operands(struct wire_state *s, struct byte_reader *r, struct wire_record *ret)
{
	switch (ret->kind) {
	case TRK_MMAP:
		ret->kind = get_byte(r);
		get_told(s, r, ret, TRK_TOLD_MAPPED);
		return;
	case WIRE_RARE:
		get_escaped(s, r, ret);
		return;
	case WIRE_MREMAP_BEGIN:
		ret->old_address = get_address(s, r);
		ret->old_size = get_varint(r);
		return;
	case WIRE_REALLOC_BEGIN:
		get_realloc_kind(r, ret);
		ret->old_address = get_address(s, r);
		return;
	case WIRE_REALLOC_END:
		get_realloc_end(s, r, ret);
		return;
	case WIRE_FRAMES:
		r->failed |= !ret->has_stack;
		return;
	case WIRE_MODULE:
		get_module(r, ret);
		return;
	case WIRE_SKIPPED: /* never 0: zeros written over the segment are no record */
		ret->size = get_varint(r);
		r->failed |= !ret->size;
		return;
	default:
		get_told(s, r, ret, TRK_TOLD_PLAIN);
	}
}

/* A record whose kind is not a common one. */
static void get_rare(struct wire_state *s, struct byte_reader *r, uint8_t head,
		     struct wire_record *ret)
{
	*ret = (struct wire_record){ .kind = head & 0x1f };
	get_parts(s, r, head, ret);
	get_operands(s, r, ret);
}

static inline void get_common(struct wire_state *s, struct byte_reader *r, uint8_t head,
			      struct wire_record *ret)
{
	ret->kind = head & 0x1f;
	ret->old_address = ret->old_size = 0;
	ret->domain = ret->detail = ret->pops = ret->known = 0;
	ret->has_stack = false;
	ret->pushes = (struct wire_frames){ 0 };
	ret->text = NULL;
	ret->text_bytes = 0;
	ret->build_id = NULL;
	ret->build_id_bytes = 0;
	if (head & ~0x1fu)
		get_parts(s, r, head, ret);
	ret->address = get_address(s, r);
	ret->size = trk_kind_releases(ret->kind) ? 0 : get_varint(r);
}

int wire_decode(struct wire_state *s, struct byte_reader *r, struct wire_record *ret)
{
	if (!bytes_left(r))
		return r->failed ? TRK_ERR_CORRUPT : TRK_END;

	struct byte_reader in = *r; /* a copy stays in registers */
	const uint8_t head = get_byte(&in);

	if (wire_is_common(head & 0x1f)) {
		get_common(s, &in, head, ret);
		*r = in;
	} else {
		*r = in;
		get_rare(s, r, head, ret);
	}
	if (r->failed)
		return TRK_ERR_CORRUPT;
	ret->epoch = s->epoch;
	ret->time_ns = s->time_ns;
	return 0;
}
