/* keyframe - see keyframe.h. Both sides walk the same columns in the same order. */
#include "format/array.h"
#include "format/keyframe.h"

#include "format/event.h"

#include <stdlib.h>

enum column { PROCESSES,
	      ADDRESSES,
	      SIZES,
	      NODES,
	      THREADS,
	      TIMES,
	      KINDS,
	      OTHERS };

#define FLAG_LAST 1u

#define KIND_MASK 0x1fu
#define ASIDE 0x20u /* of a block: OTHERS names the thread; of a fragment: size of its mapping, and how far back another one of that is */
#define HAS_DOMAIN 0x40u /* OTHERS names it */
#define HAS_STATE 0x80u /* of a fragment: a varint of OTHERS has its state */

/* The state of a piece. */
#define STATE_MPROTECT 1u /* its kind is mprotect; the byte of KINDS says mmap */
#define STATE_RESERVED 2u
#define STATE_ARENA 4u
#define STATE_UNTOUCHED 8u

#define ITEM_BYTES (4u * TRK_VARINT_MAX) /* in one column, at most */

/* ---- writing ---- */

struct column_bytes {
	uint8_t *bytes;
	size_t size, room;
};

struct keyframe_coder {
	struct column_bytes columns[KEYFRAME_COLUMNS];
	struct column_bytes payload;
	struct keyframe_head head;
	struct keyframe_process process;
	uint64_t process_items;
	uint64_t address, time_ns;
	uint32_t thread, node, items, last_index;
	bool has_process, no_memory;
};

struct keyframe_coder *keyframe_coder_new(void)
{
	return calloc(1, sizeof(struct keyframe_coder));
}

void keyframe_coder_free(struct keyframe_coder *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++)
		free(c->columns[i].bytes);
	free(c->payload.bytes);
	free(c);
}

/* Makes room for n more bytes. NULL: there is no memory, and there will be none for this keyframe. */
static uint8_t *reserve(struct keyframe_coder *c, struct column_bytes *t, size_t n)
{
	c->no_memory |= !ARRAY_ROOM(t->bytes, t->room, t->size + n, 1024);
	return c->no_memory ? NULL : t->bytes + t->size;
}

void keyframe_begin(struct keyframe_coder *c, const struct keyframe_head *h)
{
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++)
		c->columns[i].size = 0;
	if (h->part == 0)
		c->has_process = false;
	c->head = *h;
	c->process_items = 0;
	c->address = c->time_ns = 0;
	c->thread = c->node = c->items = c->last_index = 0;
}

static void put_process(struct keyframe_coder *c)
{
	struct column_bytes *const t = &c->columns[PROCESSES];
	uint8_t *p;

	if (!c->has_process)
		return;
	p = reserve(c, t, ITEM_BYTES);
	if (!p)
		return;
	p = put_varint(p, c->process.index - c->last_index);
	p = put_varint(p, c->process.events);
	p = put_varint(p, c->process.marks);
	p = put_varint(p, c->process_items);
	t->size = (size_t)(p - t->bytes);
	c->last_index = c->process.index;
}

void keyframe_process(struct keyframe_coder *c, const struct keyframe_process *p)
{
	put_process(c);
	c->process = *p;
	c->process_items = 0;
	c->has_process = true;
}

static inline void put_one(struct keyframe_coder *c, enum column column, uint64_t value)
{
	struct column_bytes *const t = &c->columns[column];
	uint8_t *const p = reserve(c, t, ITEM_BYTES);

	if (p)
		t->size = (size_t)(put_varint(p, value) - t->bytes);
}

static unsigned state_of(const struct keyframe_block *b)
{
	return (b->kind == TRK_MPROTECT ? STATE_MPROTECT : 0) | (b->reserved ? STATE_RESERVED : 0) |
	       (b->arena ? STATE_ARENA : 0) | (b->untouched ? STATE_UNTOUCHED : 0);
}

static void put_others(struct keyframe_coder *c, const struct keyframe_block *b, uint8_t kind)
{
	struct column_bytes *const t = &c->columns[OTHERS];
	const bool piece = trk_kind_is_piece(b->kind);
	uint8_t *p = reserve(c, t, ITEM_BYTES);

	if (!p)
		return;
	if (kind & HAS_DOMAIN)
		p = put_varint(p, b->domain);
	if (piece)
		p = put_varint(p, b->end - b->address - b->size);
	if (kind & ASIDE && piece)
		p = put_varint(put_varint(p, b->asked), b->back);
	else if (kind & ASIDE)
		p = put_varint(p, b->aside_thread);
	if (kind & HAS_STATE)
		p = put_varint(p, state_of(b));
	t->size = (size_t)(p - t->bytes);
}

static uint8_t kind_of(const struct keyframe_block *b)
{
	const bool more = trk_kind_is_piece(b->kind) ? b->back || b->asked != b->size : b->aside;

	return (uint8_t)((b->kind == TRK_MPROTECT ? TRK_MMAP : b->kind & KIND_MASK) | (more ? ASIDE : 0) |
			 (b->domain ? HAS_DOMAIN : 0) | (state_of(b) ? HAS_STATE : 0));
}

void keyframe_block(struct keyframe_coder *c, const struct keyframe_block *b)
{
	struct column_bytes *const addresses = &c->columns[ADDRESSES];
	struct column_bytes *const kinds = &c->columns[KINDS];
	uint8_t *p = reserve(c, addresses, ITEM_BYTES);
	const uint8_t kind = kind_of(b);

	if (p)
		addresses->size = (size_t)(put_block_address(p, c->address, b->address) -
					   addresses->bytes);
	put_one(c, SIZES, b->size);
	put_one(c, NODES, zigzag((int64_t)b->node - (int64_t)c->node));
	put_one(c, THREADS, zigzag((int64_t)b->thread - (int64_t)c->thread));
	put_one(c, TIMES, zigzag((int64_t)(b->time_ns - c->time_ns)));
	p = reserve(c, kinds, 1);
	if (p)
		kinds->bytes[kinds->size++] = kind;
	if (kind & (ASIDE | HAS_DOMAIN) || trk_kind_is_piece(b->kind))
		put_others(c, b, kind);
	c->address = b->address;
	c->node = b->node;
	c->thread = b->thread;
	c->time_ns = b->time_ns;
	c->items++;
	c->process_items++;
}

bool keyframe_full(const struct keyframe_coder *c)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++)
		bytes += c->columns[i].size;
	return bytes >= KEYFRAME_PART_BYTES;
}

const uint8_t *keyframe_end(struct keyframe_coder *c, bool last, uint32_t *ret_bytes,
			    uint32_t *ret_items)
{
	size_t want = (4 + KEYFRAME_COLUMNS) * TRK_VARINT_MAX;
	uint8_t *p;

	put_process(c);
	c->process_items = 0; /* it may go on in the next part */
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++)
		want += c->columns[i].size;
	c->payload.size = 0;
	p = reserve(c, &c->payload, want);
	if (!p)
		return NULL;
	p = put_varint(p, c->head.part);
	p = put_varint(p, last ? FLAG_LAST : 0);
	p = put_varint(p, c->head.events);
	p = put_varint(p, c->head.marks);
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++)
		p = put_varint(p, c->columns[i].size);
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++) {
		if (c->columns[i].size)
			memcpy(p, c->columns[i].bytes, c->columns[i].size);
		p += c->columns[i].size;
	}
	*ret_bytes = (uint32_t)(p - c->payload.bytes);
	*ret_items = c->items;
	return c->payload.bytes;
}

/* ---- reading ---- */

int keyframe_open(struct keyframe_decoder *d, const uint8_t *raw, size_t bytes)
{
	struct byte_reader r = byte_reader_of(raw, bytes);
	uint64_t lengths[KEYFRAME_COLUMNS];
	const uint64_t part = get_varint(&r);

	*d = (struct keyframe_decoder){ 0 };
	d->head.part = (uint32_t)part;
	d->head.last = get_varint(&r) & FLAG_LAST;
	d->head.events = get_varint(&r);
	d->head.marks = get_varint(&r);
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++)
		lengths[i] = get_varint(&r);
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++) {
		const uint8_t *const at = get_bytes(&r, lengths[i]);

		d->columns[i] = at ? byte_reader_of(at, lengths[i]) : byte_reader_of("", 0);
	}
	return r.failed || part > UINT32_MAX ? TRK_ERR_CORRUPT : 0;
}

/* A number that fits 32 bits; otherwise the column counts as failed. */
static uint32_t get_u32_of(struct byte_reader *r, uint64_t value)
{
	if (value > UINT32_MAX)
		r->failed = true;
	return (uint32_t)value;
}

static int next_process(struct keyframe_decoder *d)
{
	struct byte_reader *const r = &d->columns[PROCESSES];
	const uint64_t step = get_varint(r), before = d->has_process ? d->process.index : 0;

	if (d->has_process && step == 0)
		return TRK_ERR_CORRUPT;
	if (step > UINT32_MAX)
		return TRK_ERR_CORRUPT;
	d->process.index = get_u32_of(r, before + step);
	d->process.events = get_varint(r);
	d->process.marks = get_varint(r);
	d->blocks_left = get_varint(r);
	d->has_process = true;
	return r->failed ? TRK_ERR_CORRUPT : KEYFRAME_PROCESS;
}

static void get_state(struct byte_reader *r, struct keyframe_block *b)
{
	const uint64_t state = get_varint(r);

	r->failed |= state > (STATE_MPROTECT | STATE_RESERVED | STATE_ARENA | STATE_UNTOUCHED) ||
		     (state & STATE_RESERVED && state & (STATE_ARENA | STATE_UNTOUCHED)) ||
		     (state & STATE_UNTOUCHED && !(state & STATE_ARENA));
	if (state & STATE_MPROTECT)
		b->kind = TRK_MPROTECT;
	b->reserved = state & STATE_RESERVED;
	b->arena = state & STATE_ARENA;
	b->untouched = state & STATE_UNTOUCHED;
}

static void get_others(struct byte_reader *r, uint8_t bits, struct keyframe_block *b)
{
	b->domain = bits & HAS_DOMAIN ? get_u32_of(r, get_varint(r)) : 0;
	if (trk_kind_is_piece(b->kind)) {
		const uint64_t slack = get_varint(r), start = b->address + b->size;

		b->end = start + slack;
		if (start < b->address || b->end < start || b->end == b->address)
			r->failed = true;
		b->asked = bits & ASIDE ? get_varint(r) : b->size;
		if (b->asked < b->size)
			r->failed = true;
		b->back = bits & ASIDE ? get_u32_of(r, get_varint(r)) : 0;
	} else {
		b->aside = bits & ASIDE;
		b->aside_thread = b->aside ? get_u32_of(r, get_varint(r)) : 0;
	}
	if (bits & HAS_STATE)
		get_state(r, b);
}

static int next_block(struct keyframe_decoder *d, struct keyframe_block *b)
{
	struct byte_reader *const c = d->columns;
	const uint8_t bits = get_byte(&c[KINDS]);
	bool failed = false;

	*b = (struct keyframe_block){ .kind = bits & KIND_MASK };
	d->address = get_block_address(&c[ADDRESSES], d->address);
	d->node = get_u32_of(&c[NODES], d->node + (uint64_t)get_zigzag(&c[NODES]));
	d->thread = get_u32_of(&c[THREADS], d->thread + (uint64_t)get_zigzag(&c[THREADS]));
	d->time_ns += (uint64_t)get_zigzag(&c[TIMES]);
	b->address = d->address;
	b->size = get_varint(&c[SIZES]);
	b->node = d->node;
	b->thread = d->thread;
	b->time_ns = d->time_ns;
	failed |= !trk_kind_allocates(b->kind) || (bits & HAS_STATE && !trk_kind_is_piece(b->kind));
	get_others(&c[OTHERS], bits, b);
	for (unsigned i = 0; i < KEYFRAME_COLUMNS; i++)
		failed |= c[i].failed;
	return failed ? TRK_ERR_CORRUPT : KEYFRAME_BLOCK;
}

int keyframe_next(struct keyframe_decoder *d, struct keyframe_block *ret)
{
	if (d->blocks_left) {
		d->blocks_left--;
		return next_block(d, ret);
	}
	if (bytes_left(&d->columns[PROCESSES]))
		return next_process(d);
	return TRK_END;
}
