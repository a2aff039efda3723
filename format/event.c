/*
 * event - the coder and the decoder of EVENTS blocks.
 *
 * The recorder codes every event of a program here, and the reporters decode every one again, so both are one table
 * look-up and a straight run of varints. The form of a kind, in format/kind.h, says which fields it has.
 */
#include "format/event.h"

enum realloc_form { FORM_NEW,
		    FORM_MOVED,
		    FORM_STAYED,
		    FORM_FAILED,
		    FORM_PART };

/* What FORM_PART says about a call. The last value is no part, but a whole mremap that failed. */
enum half { HALF_RELEASE,
	    HALF_ACQUIRE,
	    HALF_WITHDRAW,
	    HALF_FAILED };

#define HAS_NODE 0x80u /* a bit beside the form: the event has the current node */
#define SHAPE_MASK 0x1fu
#define KIND_MASK 0x1fu
#define KIND_LATER 0u /* in the head: the kind, one from 32 on, is the byte behind it */
#define KIND_LATER_MAX TRK_CLEAR /* kinds after this one stand behind the escape, which is TRK_UNKNOWN in that byte */
#define PART_THREAD 0x20u
#define PART_TIME 0x40u
#define PART_NODE 0x80u

/*
 * The form of each kind. Kinds 24 to 26 in the head of an event are parts as they were written when only reallocs had
 * parts, and withdrawals had no stack.
 */
#define SHAPE(a, id, number, name, form, does, told, flags) \
	[number] = TRK_FORM_##form |                        \
		   (((flags)&TRK_HAS_STACK) && TRK_FORM_##form != TRK_FORM_WITHDRAW ? HAS_NODE : 0),

static const uint8_t shapes[TRK_KINDS] = { TRK_KIND_TABLE(SHAPE, ) };

_Static_assert(TRK_FORMS <= SHAPE_MASK, "a form has room beside HAS_NODE");
_Static_assert((TRK_KINDS_ALL & ~TRK_KINDS_WITH(TRK_ESCAPED)) >> (KIND_LATER_MAX + 1) == 1ull << (TRK_UNKNOWN - KIND_LATER_MAX - 1),
	       "kinds from 38 on stand behind the escape, and only there");

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

/* Kinds that are written as a form of realloc. */
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
	const uint8_t call = half == HALF_FAILED ? TRK_MREMAP : e->call ? e->call :
									  TRK_REALLOC;

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

	const enum realloc_form form = !e->address ? FORM_FAILED : !e->old_address	? FORM_NEW :
							   e->address == e->old_address ? FORM_STAYED :
											  FORM_MOVED;

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
	case TRK_FORM_ACCESS ... TRK_FORM_REQUEST:
		p = put_address(s, p, e->address);
		p = put_varint(p, e->size);
		p = put_varint(p, e->detail);
		return trk_kinds[e->kind].form == TRK_FORM_REQUEST ? put_varint(p, e->old_size) : p;
	case TRK_FORM_TYPED:
		p = put_address(s, p, e->address);
		p = put_varint(p, e->size);
		return put_label(p, e);
	default:
		return p;
	}
}

static inline uint8_t *put_fields(struct event_state *s, uint8_t *p, const struct trk_event *e, uint8_t form)
{
	switch (form) {
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

static inline uint8_t *put_parts(struct event_state *s, uint8_t *p, const struct trk_event *e, bool has_node,
				 uint8_t *head)
{
	if (e->thread != s->thread) {
		*head |= PART_THREAD;
		p = put_varint(p, e->thread);
		s->thread = e->thread;
	}
	if (e->time_ns > s->time_ns) { /* a clock that ran backwards stands still */
		*head |= PART_TIME;
		p = put_varint(p, e->time_ns - s->time_ns);
		s->time_ns = e->time_ns;
	}
	if (has_node && e->node != s->node) {
		*head |= PART_NODE;
		p = put_zigzag(p, (int64_t)e->node - (int64_t)s->node);
		s->node = e->node;
	}
	return p;
}

/* What stands behind the escape, beside the parts that all events have: a number, flags, and the payload. */
struct escaped {
	uint64_t kind;
	uint8_t flags; /* enum trk_escape */
	const uint8_t *payload;
	uint32_t bytes;
};

static uint8_t *put_escaped(struct event_state *s, uint8_t *p, const struct trk_event *e, const struct escaped *x)
{
	uint8_t *const head = p;

	*p++ = KIND_LATER;
	*p++ = TRK_UNKNOWN;
	p = put_varint(p, x->kind << TRK_ESCAPE_BITS | x->flags);
	p = put_parts(s, p, e, x->flags & TRK_ESCAPE_STACK, head);
	p = put_varint(p, x->bytes);
	if (x->bytes)
		memcpy(p, x->payload, x->bytes);
	return p + x->bytes;
}

/* An event that was read by a build that did not know its kind, either: it is written as it was. */
static uint8_t *put_unknown(struct event_state *s, uint8_t *p, const struct trk_event *e)
{
	return put_escaped(s, p, e, &(struct escaped){
					    .kind = (uint32_t)e->size,
					    .flags = e->detail & (TRK_ESCAPE_REQUIRED | TRK_ESCAPE_STACK),
					    .payload = (const uint8_t *)e->label,
					    .bytes = e->label_bytes < TRK_PAYLOAD_MAX ? e->label_bytes : TRK_PAYLOAD_MAX,
				    });
}

/* A payload is read alone: its addresses begin at 0, and do not change the block's last address. */
static uint8_t *put_known(struct event_state *s, uint8_t *p, const struct trk_event *e)
{
	const struct trk_kind_row *const row = &trk_kinds[e->kind];
	struct event_state own = { 0 };
	uint8_t payload[TRK_PAYLOAD_MAX];

	return put_escaped(s, p, e, &(struct escaped){
					    .kind = e->kind,
					    .flags = (row->flags & TRK_REQUIRED ? TRK_ESCAPE_REQUIRED : 0) | (row->flags & TRK_HAS_STACK ? TRK_ESCAPE_STACK : 0),
					    .payload = payload,
					    .bytes = (uint32_t)(put_fields(&own, payload, e, row->form) - payload),
				    });
}

uint8_t *event_encode(struct event_state *s, const struct trk_event *e, uint8_t *p)
{
	const uint8_t kind = is_part(e) ? (uint8_t)TRK_REALLOC : e->kind % TRK_KINDS;
	const uint8_t shape = e->kind == TRK_REALLOC_RELEASE ? TRK_FORM_REALLOC : shapes[kind];
	uint8_t *const head = p++;

	*head = kind;
	if (kind > KIND_MASK) {
		if (kind == TRK_UNKNOWN)
			return put_unknown(s, head, e);
		if (trk_kinds[kind].flags & TRK_ESCAPED)
			return put_known(s, head, e);
		*head = KIND_LATER;
		*p++ = kind;
	}
	p = put_parts(s, p, e, shape & HAS_NODE, head);
	return put_fields(s, p, e, shape & SHAPE_MASK);
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
	case TRK_FORM_ACCESS ... TRK_FORM_REQUEST:
		e->address = get_address(s, r);
		e->size = get_varint(r);
		e->detail = get_u32_varint(r);
		if (trk_kinds[e->kind].form == TRK_FORM_REQUEST)
			e->old_size = get_varint(r);
		return;
	case TRK_FORM_TYPED:
		e->address = get_address(s, r);
		e->size = get_varint(r);
		return get_label(r, e);
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

static inline void get_fields(struct event_state *s, struct byte_reader *r, struct trk_event *e, uint8_t form)
{
	switch (form) {
	case TRK_FORM_BLOCK:
		e->address = get_address(s, r);
		e->size = get_varint(r);
		return;
	case TRK_FORM_ADDRESS:
		e->address = get_address(s, r);
		return;
	case TRK_FORM_REALLOC:
		get_realloc(s, r, e);
		return;
	default:
		get_rare(s, r, e);
	}
}

/* Kinds that no file has behind the escape: those that stand in their own byte, and those above 32 bits. */
static bool is_misplaced(uint64_t kind)
{
	if (kind <= KIND_LATER_MAX || kind == TRK_UNKNOWN)
		return !(trk_kinds[kind].flags & TRK_ESCAPED);
	return kind > UINT32_MAX;
}

static bool get_escape(struct event_state *s, struct byte_reader *r, uint8_t head, struct escaped *ret)
{
	const uint64_t what = get_varint(r);

	ret->kind = what >> TRK_ESCAPE_BITS;
	ret->flags = what & (TRK_ESCAPE_REQUIRED | TRK_ESCAPE_STACK);
	get_parts(s, r, head, ret->flags & TRK_ESCAPE_STACK ? HAS_NODE : 0);

	const uint64_t bytes = get_varint(r);

	ret->payload = get_bytes(r, bytes);
	ret->bytes = (uint32_t)bytes;
	r->failed |= bytes > TRK_PAYLOAD_MAX || is_misplaced(ret->kind);
	return !r->failed;
}

static int decode_escaped(struct event_state *s, struct byte_reader *r, uint8_t head, struct trk_event *ret)
{
	struct escaped x;

	if (!get_escape(s, r, head, &x))
		return TRK_ERR_CORRUPT;
	ret->time_ns = s->time_ns;
	ret->thread = s->thread;
	ret->node = x.flags & TRK_ESCAPE_STACK ? s->node : 0;
	if (x.kind < TRK_KINDS && trk_kinds[x.kind].name) {
		struct byte_reader own = byte_reader_of(x.payload, x.bytes);

		ret->kind = (uint8_t)x.kind;
		get_fields(&(struct event_state){ 0 }, &own, ret, trk_kinds[x.kind].form);
		r->failed = own.failed; /* bytes behind the fields belong to a later version */
		return r->failed ? TRK_ERR_CORRUPT : 0;
	}
	ret->kind = TRK_UNKNOWN;
	ret->size = x.kind;
	ret->detail = x.flags;
	ret->label = (const char *)x.payload;
	ret->label_bytes = x.bytes;
	return x.flags & TRK_ESCAPE_REQUIRED ? TRK_ERR_FEATURE : 0;
}

/* Kinds from 32 on, and the escape. A byte that is no kind becomes 0. */
static uint8_t get_later_kind(struct byte_reader *r)
{
	const uint8_t kind = get_byte(r);

	return (kind > KIND_MASK && kind <= KIND_LATER_MAX) || kind == TRK_UNKNOWN ? kind : 0;
}

/* Writes directly into *ret: a copy at the end would wait until the single fields are stored. */
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
	if (kind == TRK_UNKNOWN)
		return decode_escaped(s, r, head, ret);
	if (head & (PART_THREAD | PART_TIME | PART_NODE))
		get_parts(s, r, head, shape);
	get_fields(s, r, ret, shape & SHAPE_MASK);
	if (r->failed)
		return TRK_ERR_CORRUPT;
	ret->time_ns = s->time_ns;
	ret->thread = s->thread;
	ret->node = shape & HAS_NODE ? s->node : 0;
	if (ret->kind == TRK_REALLOC_RELEASE) { /* the stack of the call stands in the second part */
		if (head & PART_NODE)
			return TRK_ERR_CORRUPT;
		ret->node = 0;
	}
	return 0;
}
