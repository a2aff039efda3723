/* look_parts - see look_parts.h. */
#include "format/look_parts.h"

#include "format/array.h"
#include "format/event.h"

#include <stdlib.h>
#include <string.h>

enum column { ROOTS,
	      VERDICTS,
	      PARENTS,
	      TYPES,
	      TYPE_OF,
	      REFERENCES };

#define FLAG_LAST 1u
#define FLAG_TYPES 2u /* TYPES and TYPE_OF are there */
#define FLAG_REFERENCES 4u /* ... and one more */
#define VERDICT_MASK 7u
#define FROM_SHIFT 3u
#define FROM_MASK 3u
#define ITEM_BYTES (2u * TRK_VARINT_MAX)
#define RECORD_BYTES (3u * LOOK_LABEL_BYTES + 16u * TRK_VARINT_MAX)
#define RUN_BYTES ((LOOK_RUN_MAX + 2u) * TRK_VARINT_MAX)

/* ---- writing ---- */

struct bytes_of {
	uint8_t *bytes;
	size_t size, room;
};

struct look_coder {
	struct bytes_of columns[LOOK_COLUMNS], payload;
	uint8_t head[RECORD_BYTES];
	size_t head_bytes;
	uint32_t number, part, items;
	uint64_t first;
	uint32_t run_block; /* of the last run in this part */
	bool no_memory, graph;
};

struct look_coder *look_coder_new(void)
{
	return calloc(1, sizeof(struct look_coder));
}

void look_coder_free(struct look_coder *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < LOOK_COLUMNS; i++)
		free(c->columns[i].bytes);
	free(c->payload.bytes);
	free(c);
}

static uint8_t *reserve(struct look_coder *c, struct bytes_of *t, size_t n)
{
	c->no_memory |= !ARRAY_ROOM(t->bytes, t->room, t->size + n, 1024);
	return c->no_memory ? NULL : t->bytes + t->size;
}

static uint8_t *put_text(uint8_t *p, const char *text, size_t bytes)
{
	const size_t n = !text ? 0 : bytes < LOOK_LABEL_BYTES ? bytes :
								LOOK_LABEL_BYTES;

	p = put_varint(p, n);
	if (n)
		memcpy(p, text, n);
	return p + n;
}

void look_coder_begin(struct look_coder *c, const struct trk_look *head)
{
	const uint64_t fields[] = { head->time_ns, head->pid, head->why, head->how, head->flags, head->threads, head->stopped_ns, head->took_ns, head->memory_bytes, head->blocks };
	uint8_t *p = c->head;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		p = put_varint(p, fields[i]);
	p = put_text(p, head->label, head->label_bytes);
	p = put_text(p, head->reason, head->reason_bytes);
	c->head_bytes = (size_t)(p - c->head);
	c->number = head->number;
	c->part = c->items = 0;
	c->first = 0;
	c->run_block = 0;
	c->graph = head->graph;
	for (unsigned i = 0; i < LOOK_COLUMNS; i++)
		c->columns[i].size = 0;
}

void look_coder_root(struct look_coder *c, const struct trk_look_root *r)
{
	struct bytes_of *const t = &c->columns[ROOTS];
	uint8_t body[RECORD_BYTES], *end = body;
	uint8_t *p = reserve(c, t, RECORD_BYTES);

	if (!p)
		return;
	end = put_varint(end, r->kind);
	end = put_varint(end, r->start);
	end = put_varint(end, r->end);
	end = put_varint(end, r->tid);
	end = put_text(end, r->name, r->name_bytes);
	p = put_varint(p, (uint64_t)(end - body));
	memcpy(p, body, (size_t)(end - body));
	t->size = (size_t)(p + (end - body) - t->bytes);
}

void look_coder_type(struct look_coder *c, const struct trk_look_type *told)
{
	struct bytes_of *const t = &c->columns[TYPES];
	uint8_t body[RECORD_BYTES], *end = put_text(body, told->name, told->name_bytes), *p = reserve(c, t, RECORD_BYTES);

	if (c->graph)
		end = put_text(end, told->bases, told->bases_bytes);
	if (!p)
		return;
	p = put_varint(p, (uint64_t)(end - body));
	memcpy(p, body, (size_t)(end - body));
	t->size = (size_t)(p + (end - body) - t->bytes);
}

void look_coder_run(struct look_coder *c, uint32_t block, const uint32_t *targets, uint32_t count)
{
	struct bytes_of *const t = &c->columns[REFERENCES];
	uint8_t *p = reserve(c, t, RUN_BYTES);
	uint32_t last = block;

	if (!p || !count || count > LOOK_RUN_MAX)
		return;
	p = put_varint(put_varint(p, block - c->run_block), count);
	for (uint32_t i = 0; i < count; i++) {
		p = put_zigzag(p, (int64_t)targets[i] - (int64_t)last);
		last = targets[i];
	}
	c->run_block = block;
	t->size = (size_t)(p - t->bytes);
}

void look_coder_block(struct look_coder *c, const struct trk_look_block *b)
{
	struct bytes_of *const verdicts = &c->columns[VERDICTS], *const parents = &c->columns[PARENTS], *const types = &c->columns[TYPE_OF];
	uint8_t *const v = reserve(c, verdicts, 1), *p = reserve(c, parents, ITEM_BYTES), *const t = reserve(c, types, ITEM_BYTES);

	if (!v || !p || !t)
		return;
	*v = (uint8_t)((b->verdict & VERDICT_MASK) | (b->from & FROM_MASK) << FROM_SHIFT);
	verdicts->size++;
	if (b->from == LOOK_FROM_BLOCK)
		p = put_zigzag(p, (int64_t)b->parent - (int64_t)(c->first + c->items));
	if (b->from == LOOK_FROM_ROOT)
		p = put_varint(put_varint(p, b->parent), b->offset);
	parents->size = (size_t)(p - parents->bytes);
	types->size = (size_t)(put_varint(t, b->type ? 1 + (uint64_t)(b->type - 1) * LOOK_HELDS + b->held : 0) - types->bytes);
	c->items++;
}

bool look_coder_full(const struct look_coder *c)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < LOOK_COLUMNS; i++)
		bytes += c->columns[i].size;
	return bytes >= LOOK_PART_BYTES;
}

const uint8_t *look_coder_end(struct look_coder *c, bool last, uint32_t *ret_bytes, uint32_t *ret_items)
{
	size_t want = (5 + LOOK_COLUMNS) * TRK_VARINT_MAX + c->head_bytes;
	const unsigned columns = c->graph ? LOOK_COLUMNS : REFERENCES;
	uint8_t *p;

	for (unsigned i = 0; i < LOOK_COLUMNS; i++)
		want += c->columns[i].size;
	c->payload.size = 0;
	p = reserve(c, &c->payload, want);
	if (!p)
		return NULL;
	p = put_varint(p, c->number);
	p = put_varint(p, c->part);
	p = put_varint(p, (last ? FLAG_LAST : 0) | FLAG_TYPES | (c->graph ? FLAG_REFERENCES : 0));
	p = put_varint(p, c->first);
	p = put_varint(p, c->head_bytes);
	memcpy(p, c->head, c->head_bytes);
	p += c->head_bytes;
	for (unsigned i = 0; i < columns; i++)
		p = put_varint(p, c->columns[i].size);
	for (unsigned i = 0; i < columns; i++) {
		if (c->columns[i].size)
			memcpy(p, c->columns[i].bytes, c->columns[i].size);
		p += c->columns[i].size;
		c->columns[i].size = 0;
	}
	*ret_bytes = (uint32_t)(p - c->payload.bytes);
	*ret_items = c->items;
	c->first += c->items;
	c->items = 0;
	c->run_block = 0;
	c->head_bytes = 0;
	c->part++;
	return c->payload.bytes;
}

/* ---- reading ---- */

static uint32_t get_u32_of(struct byte_reader *r)
{
	const uint64_t value = get_varint(r);

	if (value > UINT32_MAX)
		r->failed = true;
	return (uint32_t)value;
}

static const char *get_text(struct byte_reader *r, size_t *ret_bytes)
{
	const uint64_t n = get_varint(r);
	const uint8_t *const bytes = get_bytes(r, n);

	*ret_bytes = bytes ? n : 0;
	return bytes ? (const char *)bytes : "";
}

/* Fields that a later version has not written, or an earlier one did not know, are 0. */
static uint64_t get_field(struct byte_reader *r)
{
	return bytes_left(r) ? get_varint(r) : 0;
}

static void get_head(struct byte_reader *r, struct trk_look *h)
{
	h->time_ns = get_field(r);
	h->pid = (uint32_t)get_field(r);
	h->why = (uint32_t)get_field(r);
	h->how = (uint32_t)get_field(r);
	h->flags = (uint32_t)get_field(r);
	h->threads = (uint32_t)get_field(r);
	h->stopped_ns = get_field(r);
	h->took_ns = get_field(r);
	h->memory_bytes = get_field(r);
	h->blocks = get_field(r);
	h->label = h->reason = "";
	if (bytes_left(r))
		h->label = get_text(r, &h->label_bytes);
	if (bytes_left(r))
		h->reason = get_text(r, &h->reason_bytes);
}

static bool is_there(enum column column, uint64_t flags)
{
	return column < TYPES || (column < REFERENCES ? flags & FLAG_TYPES : flags & FLAG_REFERENCES);
}

int look_open(struct look_decoder *d, const uint8_t *raw, size_t bytes)
{
	struct byte_reader r = byte_reader_of(raw, bytes), head;
	uint64_t lengths[LOOK_COLUMNS], head_bytes, flags;
	const uint8_t *at;

	*d = (struct look_decoder){ 0 };
	d->head.number = get_u32_of(&r);
	d->part = get_u32_of(&r);
	flags = get_varint(&r);
	d->last = flags & FLAG_LAST;
	d->first = d->index = get_varint(&r);
	head_bytes = get_varint(&r);
	at = get_bytes(&r, head_bytes);
	head = at ? byte_reader_of(at, head_bytes) : byte_reader_of("", 0);
	get_head(&head, &d->head);
	for (unsigned i = 0; i < LOOK_COLUMNS; i++)
		lengths[i] = is_there(i, flags) ? get_varint(&r) : 0;
	for (unsigned i = 0; i < LOOK_COLUMNS; i++) {
		at = get_bytes(&r, lengths[i]);
		d->columns[i] = at ? byte_reader_of(at, lengths[i]) : byte_reader_of("", 0);
	}
	d->types = flags & FLAG_TYPES;
	d->head.graph = flags & FLAG_REFERENCES;
	return r.failed || head.failed || !d->head.number ? TRK_ERR_CORRUPT : 0;
}

int look_next_root(struct look_decoder *d, struct trk_look_root *ret)
{
	struct byte_reader *const r = &d->columns[ROOTS], body;
	uint64_t n;
	const uint8_t *at;

	if (!bytes_left(r))
		return TRK_END;
	n = get_varint(r);
	at = get_bytes(r, n);
	if (!at || r->failed)
		return TRK_ERR_CORRUPT;
	body = byte_reader_of(at, n);
	*ret = (struct trk_look_root){ .name = "" };
	ret->kind = (uint32_t)get_field(&body);
	ret->start = get_field(&body);
	ret->end = get_field(&body);
	ret->tid = (uint32_t)get_field(&body);
	if (bytes_left(&body))
		ret->name = get_text(&body, &ret->name_bytes);
	return body.failed ? TRK_ERR_CORRUPT : 0;
}

int look_next_type(struct look_decoder *d, struct trk_look_type *ret)
{
	struct byte_reader *const r = &d->columns[TYPES], body;
	uint64_t n;
	const uint8_t *at;

	if (!bytes_left(r))
		return TRK_END;
	n = get_varint(r);
	at = get_bytes(r, n);
	if (!at || r->failed)
		return TRK_ERR_CORRUPT;
	body = byte_reader_of(at, n);
	*ret = (struct trk_look_type){ .bases = "" };
	ret->name = get_text(&body, &ret->name_bytes);
	if (bytes_left(&body))
		ret->bases = get_text(&body, &ret->bases_bytes);
	return body.failed ? TRK_ERR_CORRUPT : 0;
}

static int get_type(struct byte_reader *r, struct trk_look_block *ret)
{
	const uint64_t bits = get_varint(r), type = bits ? 1 + (bits - 1) / LOOK_HELDS : 0;

	ret->type = (uint32_t)type;
	ret->held = (uint8_t)(bits ? (bits - 1) % LOOK_HELDS : 0);
	return r->failed || type > UINT32_MAX ? TRK_ERR_CORRUPT : 0;
}

int look_next_block(struct look_decoder *d, struct trk_look_block *ret)
{
	struct byte_reader *const parents = &d->columns[PARENTS];
	uint8_t bits;
	uint64_t parent = 0;

	if (!bytes_left(&d->columns[VERDICTS]))
		return TRK_END;
	bits = get_byte(&d->columns[VERDICTS]);
	*ret = (struct trk_look_block){ .verdict = bits & VERDICT_MASK, .from = bits >> FROM_SHIFT & FROM_MASK };
	if (ret->from == LOOK_FROM_BLOCK)
		parent = d->index + (uint64_t)get_zigzag(parents);
	else if (ret->from == LOOK_FROM_ROOT)
		parent = get_varint(parents);
	if (ret->from == LOOK_FROM_ROOT)
		ret->offset = get_varint(parents);
	ret->parent = (uint32_t)parent;
	d->index++;
	if (d->types && get_type(&d->columns[TYPE_OF], ret))
		return TRK_ERR_CORRUPT;
	return parents->failed || parent > UINT32_MAX ? TRK_ERR_CORRUPT : 0;
}

int look_next_reference(struct look_decoder *d, uint32_t *ret_from, uint32_t *ret_to)
{
	struct byte_reader *const r = &d->columns[REFERENCES];
	int64_t to;

	if (!d->left) {
		if (!bytes_left(r))
			return TRK_END;
		d->block += get_u32_of(r);
		d->left = get_u32_of(r);
		d->target = d->block;
		if (!d->left)
			return TRK_ERR_CORRUPT;
	}
	to = (int64_t)((uint64_t)d->target + (uint64_t)get_zigzag(r));
	if (r->failed || to < 0 || to > UINT32_MAX)
		return TRK_ERR_CORRUPT;
	d->left--;
	*ret_from = d->block;
	*ret_to = d->target = (uint32_t)to;
	return 0;
}
