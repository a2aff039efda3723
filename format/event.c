/*
 * event - the coder and the decoder of EVENTS blocks.
 *
 * The recorder codes every event of a program here and the reporters decode
 * every one again, so both are one table lookup and a straight run of varints.
 * What a kind carries is its form, in format/kind.h.
 */
#include "format/event.h"

enum realloc_form { FORM_NEW, FORM_MOVED, FORM_STAYED, FORM_FAILED, FORM_PART };

/* What FORM_PART says of a call. The last is no part, but an mremap that failed, whole. */
enum half { HALF_RELEASE, HALF_ACQUIRE, HALF_WITHDRAW, HALF_FAILED };

#define HAS_NODE 0x80u /* beside the form: the current node is this event's */
#define SHAPE_MASK 0x1fu
#define KIND_MASK 0x1fu
#define KIND_LATER 0u /* in the head: a byte behind it is the kind, one from 32 on */
#define PART_THREAD 0x20u
#define PART_TIME 0x40u
#define PART_NODE 0x80u

/*
 * By kind: its form. Kinds 24 to 26 in the head of an event are parts as they were written when only reallocs had
 * any, and a withdrawal had no stack.
 */
#define SHAPE(a, id, number, name, form, does, told, flags) \
	[number] = TRK_FORM_##form | \
		   (((flags) & TRK_HAS_STACK) && TRK_FORM_##form != TRK_FORM_WITHDRAW ? HAS_NODE : 0),

static const uint8_t shapes[TRK_KINDS] = { TRK_KIND_TABLE(SHAPE, ) };

_Static_assert(TRK_FORMS <= SHAPE_MASK, "a form has room beside HAS_NODE");

/* ---- coder ---- */

static inline uint8_t *put_address(struct event_state *s, uint8_t *p, uint64_t address)
{
	p = put_block_address(p, s->address, address);
	s->address = address;
	return p;
}

static uint8_t *put_label(uint8_t *p, const struct trk_event *e)
{
	const uint32_t n = e->label_bytes < TRK_LABEL_MAX ? e->label_bytes : TRK_LABEL_MAX;

	p = put_varint(p, n);
	if (n)
		memcpy(p, e->label, n);
	return p + n;
}

/* Written as a form of realloc. */
static bool is_part(const struct trk_event *e)
{
	return trk_kind_is_part(e->kind) || (e->kind == TRK_MREMAP && !e->address);
}

static enum half half_of(const struct trk_event *e)
{
	switch (e->kind) {
	case TRK_REALLOC_RELEASE: return HALF_RELEASE;
	case TRK_REALLOC_ACQUIRE: return HALF_ACQUIRE;
	case TRK_REALLOC_WITHDRAW: return HALF_WITHDRAW;
	default: return HALF_FAILED;
	}
}

static uint8_t *put_part(struct event_state *s, uint8_t *p, const struct trk_event *e)
{
	const enum half half = half_of(e);
	const uint8_t call = half == HALF_FAILED ? TRK_MREMAP : e->call ? e->call : TRK_REALLOC;

	*p++ = FORM_PART;
	*p++ = (uint8_t)half;
	*p++ = call;
	p = put_address(s, p, e->old_address);
	if (call == TRK_MREMAP)
		p = put_varint(p, e->old_size);
	if (half == HALF_ACQUIRE)
		p = put_address(s, p, e->address);
	return half == HALF_RELEASE ? p : put_varint(p, e->size);
}

static uint8_t *put_realloc(struct event_state *s, uint8_t *p, const struct trk_event *e)
{
	if (is_part(e))
		return put_part(s, p, e);

	const enum realloc_form form = !e->address		     ? FORM_FAILED
				       : !e->old_address	     ? FORM_NEW
				       : e->address == e->old_address ? FORM_STAYED
								      : FORM_MOVED;

	*p++ = (uint8_t)form;
	if (form == FORM_MOVED || form == FORM_FAILED)
		p = put_address(s, p, e->old_address);
	if (form != FORM_FAILED)
		p = put_address(s, p, e->address);
	return put_varint(p, e->size);
}

static uint8_t *put_rare(struct event_state *s, uint8_t *p, const struct trk_event *e)
{
	switch (shapes[e->kind % TRK_KINDS] & SHAPE_MASK) {
	case TRK_FORM_MREMAP:
		p = put_address(s, p, e->old_address);
		p = put_varint(p, e->old_size);
		p = put_address(s, p, e->address);
		return put_varint(p, e->size);
	case TRK_FORM_TRACK:
		p = put_varint(p, e->domain);
		p = put_address(s, p, e->address);
		return put_varint(p, e->size);
	case TRK_FORM_UNTRACK:
		p = put_varint(p, e->domain);
		return put_address(s, p, e->address);
	case TRK_FORM_LABEL:
		return put_label(p, e);
	case TRK_FORM_LOST ... TRK_FORM_BARE:
		return put_varint(p, e->size);
	case TRK_FORM_ACCESS ... TRK_FORM_ADVICE:
		p = put_address(s, p, e->address);
		p = put_varint(p, e->size);
		return put_varint(p, e->detail);
	default:
		return p;
	}
}

uint8_t *event_encode(struct event_state *s, const struct trk_event *e, uint8_t *p)
{
	const uint8_t kind = is_part(e) ? (uint8_t)TRK_REALLOC : e->kind % TRK_KINDS;
	const uint8_t shape = e->kind == TRK_REALLOC_RELEASE ? TRK_FORM_REALLOC : shapes[kind];
	uint8_t *head = p++;
	uint8_t parts = kind;

	if (parts > KIND_MASK) {
		*p++ = parts;
		parts = KIND_LATER;
	}
	if (e->thread != s->thread) {
		parts |= PART_THREAD;
		p = put_varint(p, e->thread);
		s->thread = e->thread;
	}
	if (e->time_ns > s->time_ns) { /* a clock that ran backwards stands still */
		parts |= PART_TIME;
		p = put_varint(p, e->time_ns - s->time_ns);
		s->time_ns = e->time_ns;
	}
	if ((shape & HAS_NODE) && e->node != s->node) {
		parts |= PART_NODE;
		p = put_zigzag(p, (int64_t)e->node - (int64_t)s->node);
		s->node = e->node;
	}
	*head = parts;
	switch (shape & SHAPE_MASK) {
	case TRK_FORM_BLOCK:
		p = put_address(s, p, e->address);
		return put_varint(p, e->size);
	case TRK_FORM_ADDRESS:
		return put_address(s, p, e->address);
	case TRK_FORM_REALLOC:
		return put_realloc(s, p, e);
	default:
		return put_rare(s, p, e);
	}
}

/* ---- decoder ---- */

static inline uint64_t get_address(struct event_state *s, struct byte_reader *r)
{
	s->address = get_block_address(r, s->address);
	return s->address;
}

static inline uint32_t get_u32_varint(struct byte_reader *r)
{
	const uint64_t v = get_varint(r);

	if (v > UINT32_MAX)
		r->failed = true;
	return (uint32_t)v;
}

static void get_part(struct event_state *s, struct byte_reader *r, struct trk_event *e)
{
	static const uint8_t kinds[] = { TRK_REALLOC_RELEASE, TRK_REALLOC_ACQUIRE,
					 TRK_REALLOC_WITHDRAW, TRK_MREMAP };
	const uint8_t half = get_byte(r), call = get_byte(r);

	if (half > HALF_FAILED || !trk_kind_reallocates(call) ||
	    (half == HALF_FAILED && call != TRK_MREMAP)) {
		r->failed = true;
		return;
	}
	e->kind = kinds[half];
	e->call = half == HALF_FAILED ? 0 : call;
	e->old_address = get_address(s, r);
	if (call == TRK_MREMAP)
		e->old_size = get_varint(r);
	if (half == HALF_ACQUIRE)
		e->address = get_address(s, r);
	if (half != HALF_RELEASE)
		e->size = get_varint(r);
}

static void get_realloc(struct event_state *s, struct byte_reader *r, struct trk_event *e)
{
	const uint64_t form = get_varint(r);

	if (form == FORM_PART && e->kind == TRK_REALLOC) {
		get_part(s, r, e);
		return;
	}
	if (form > FORM_FAILED) {
		r->failed = true;
		return;
	}
	if (form == FORM_MOVED || form == FORM_FAILED)
		e->old_address = get_address(s, r);
	if (form != FORM_FAILED)
		e->address = get_address(s, r);
	if (form == FORM_STAYED)
		e->old_address = e->address;
	e->size = get_varint(r);
}

static void get_label(struct byte_reader *r, struct trk_event *e)
{
	const uint64_t n = get_varint(r);
	const uint8_t *p = get_bytes(r, n);

	if (!p)
		return;
	e->label = (const char *)p;
	e->label_bytes = (uint32_t)n; /* a block is at most 1 MiB */
}

/* Kinds 24 to 26, as they were written when only reallocs had parts. */
static void get_old_part(struct event_state *s, struct byte_reader *r, struct trk_event *e)
{
	e->call = TRK_REALLOC;
	e->old_address = get_address(s, r);
	if (e->kind == TRK_REALLOC_ACQUIRE)
		e->address = get_address(s, r);
	if (e->kind != TRK_REALLOC_RELEASE)
		e->size = get_varint(r);
}

static void get_rare(struct event_state *s, struct byte_reader *r, struct trk_event *e)
{
	switch (shapes[e->kind] & SHAPE_MASK) {
	case TRK_FORM_MREMAP:
		e->old_address = get_address(s, r);
		e->old_size = get_varint(r);
		e->address = get_address(s, r);
		e->size = get_varint(r);
		return;
	case TRK_FORM_TRACK:
		e->domain = get_u32_varint(r);
		e->address = get_address(s, r);
		e->size = get_varint(r);
		return;
	case TRK_FORM_UNTRACK:
		e->domain = get_u32_varint(r);
		e->address = get_address(s, r);
		return;
	case TRK_FORM_RELEASE ... TRK_FORM_WITHDRAW:
		get_old_part(s, r, e);
		return;
	case TRK_FORM_LABEL:
		get_label(r, e);
		return;
	case TRK_FORM_LOST ... TRK_FORM_BARE:
		e->size = get_varint(r);
		return;
	case TRK_FORM_ACCESS ... TRK_FORM_ADVICE:
		e->address = get_address(s, r);
		e->size = get_varint(r);
		e->detail = get_u32_varint(r);
		return;
	default:
		r->failed = true; /* no kind */
	}
}

static inline void get_parts(struct event_state *s, struct byte_reader *r, uint8_t head,
			     uint8_t shape)
{
	if (head & PART_THREAD)
		s->thread = get_u32_varint(r);
	if (head & PART_TIME) {
		const uint64_t step = get_varint(r);

		if (step > UINT64_MAX - s->time_ns)
			r->failed = true;
		s->time_ns += step;
	}
	if (head & PART_NODE) {
		const uint64_t node = s->node + (uint64_t)get_zigzag(r);

		if (node > UINT32_MAX || !(shape & HAS_NODE))
			r->failed = true;
		s->node = (uint32_t)node;
	}
}

/* Kinds from 32 on; what is none becomes 0. */
static uint8_t get_later_kind(struct byte_reader *r)
{
	const uint8_t kind = get_byte(r);

	return kind > KIND_MASK && kind < TRK_KINDS ? kind : 0;
}

/* Straight into *ret: a copy at the end would wait for the single fields to be stored. */
int event_decode(struct event_state *s, struct byte_reader *r, struct trk_event *ret)
{
	if (!bytes_left(r))
		return r->failed ? TRK_ERR_CORRUPT : TRK_END;

	const uint8_t head = get_byte(r);
	const uint8_t kind = head & KIND_MASK ? head & KIND_MASK : get_later_kind(r);
	const uint8_t shape = shapes[kind];
	const uint32_t process = ret->process;

	*ret = (struct trk_event){ 0 };
	ret->process = process;
	ret->kind = kind;
	if (head & (PART_THREAD | PART_TIME | PART_NODE))
		get_parts(s, r, head, shape);
	switch (shape & SHAPE_MASK) {
	case TRK_FORM_BLOCK:
		ret->address = get_address(s, r);
		ret->size = get_varint(r);
		break;
	case TRK_FORM_ADDRESS:
		ret->address = get_address(s, r);
		break;
	case TRK_FORM_REALLOC:
		get_realloc(s, r, ret);
		break;
	default:
		get_rare(s, r, ret);
	}
	if (r->failed)
		return TRK_ERR_CORRUPT;
	ret->time_ns = s->time_ns;
	ret->thread = s->thread;
	ret->node = shape & HAS_NODE ? s->node : 0;
	if (ret->kind == TRK_REALLOC_RELEASE) { /* who asked stands in the second part */
		if (head & PART_NODE)
			return TRK_ERR_CORRUPT;
		ret->node = 0;
	}
	return 0;
}
