/* look_parts - see look_parts.h. */
#include "format/look_parts.h"

#include "format/columnar.h"
#include "format/event.h"

#include <stdlib.h>
#include <string.h>

enum look_column { ROOTS,
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

struct look_coder {
	struct columns columns;
	uint8_t head[RECORD_BYTES];
	size_t head_bytes;
	uint32_t number, part, items;
	uint64_t first;
	uint32_t run_block; /* of the last run in this part */
	bool graph;
};

struct look_coder *look_coder_new(void)
{
	return calloc(1, sizeof(struct look_coder));
}

void look_coder_free(struct look_coder *c)
{
	if (!c)
		return;
	columns_free(&c->columns);
	free(c);
}

void look_coder_begin(struct look_coder *c, const struct trk_look *head)
{
	const uint64_t fields[] = { head->time_ns, head->pid, head->why, head->how, head->flags, head->threads, head->stopped_ns, head->took_ns, head->memory_bytes, head->blocks };
	uint8_t *p = c->head;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		p = put_varint(p, fields[i]);
	p = put_cut_text(p, head->label, head->label_bytes, LOOK_LABEL_BYTES);
	p = put_cut_text(p, head->reason, head->reason_bytes, LOOK_LABEL_BYTES);
	c->head_bytes = (size_t)(p - c->head);
	c->number = head->number;
	c->part = c->items = 0;
	c->first = 0;
	c->run_block = 0;
	c->graph = head->graph;
	columns_empty(&c->columns);
}

void look_coder_root(struct look_coder *c, const struct trk_look_root *r)
{
	uint8_t body[RECORD_BYTES], *end = body;

	end = put_varint(end, r->kind);
	end = put_varint(end, r->start);
	end = put_varint(end, r->end);
	end = put_varint(end, r->tid);
	end = put_cut_text(end, r->name, r->name_bytes, LOOK_LABEL_BYTES);
	columns_record(&c->columns, ROOTS, body, (size_t)(end - body));
}

void look_coder_type(struct look_coder *c, const struct trk_look_type *told)
{
	uint8_t body[RECORD_BYTES], *end = put_cut_text(body, told->name, told->name_bytes, LOOK_LABEL_BYTES);

	if (c->graph)
		end = put_cut_text(end, told->bases, told->bases_bytes, LOOK_LABEL_BYTES);
	columns_record(&c->columns, TYPES, body, (size_t)(end - body));
}

void look_coder_run(struct look_coder *c, uint32_t block, const uint32_t *targets, uint32_t count)
{
	uint8_t *p = columns_reserve(&c->columns, REFERENCES, RUN_BYTES);
	uint32_t last = block;

	if (!p || !count || count > LOOK_RUN_MAX)
		return;
	p = put_varint(put_varint(p, block - c->run_block), count);
	for (uint32_t i = 0; i < count; i++) {
		p = put_zigzag(p, (int64_t)targets[i] - (int64_t)last);
		last = targets[i];
	}
	c->run_block = block;
	columns_reach(&c->columns, REFERENCES, p);
}

void look_coder_block(struct look_coder *c, const struct trk_look_block *b)
{
	struct columns *const to = &c->columns;
	uint8_t *const v = columns_reserve(to, VERDICTS, 1), *p = columns_reserve(to, PARENTS, ITEM_BYTES), *const t = columns_reserve(to, TYPE_OF, ITEM_BYTES);

	if (!v || !p || !t)
		return;
	*v = (uint8_t)((b->verdict & VERDICT_MASK) | (b->from & FROM_MASK) << FROM_SHIFT);
	columns_reach(to, VERDICTS, v + 1);
	if (b->from == LOOK_FROM_BLOCK)
		p = put_zigzag(p, (int64_t)b->parent - (int64_t)(c->first + c->items));
	if (b->from == LOOK_FROM_ROOT)
		p = put_varint(put_varint(p, b->parent), b->offset);
	columns_reach(to, PARENTS, p);
	columns_reach(to, TYPE_OF, put_varint(t, b->type ? 1 + (uint64_t)(b->type - 1) * LOOK_HELDS + b->held : 0));
	c->items++;
}

bool look_coder_full(const struct look_coder *c)
{
	return columns_bytes(&c->columns) >= LOOK_PART_BYTES;
}

const uint8_t *look_coder_end(struct look_coder *c, bool last, uint32_t *ret_bytes, uint32_t *ret_items)
{
	const uint64_t numbers[] = { c->number, c->part, (last ? FLAG_LAST : 0) | FLAG_TYPES | (c->graph ? FLAG_REFERENCES : 0), c->first };
	const uint8_t *const payload = columns_payload(&c->columns, numbers, 4, c->head, c->head_bytes, c->graph ? LOOK_COLUMNS : REFERENCES, ret_bytes);

	if (!payload)
		return NULL;
	*ret_items = c->items;
	c->first += c->items;
	c->items = 0;
	c->run_block = 0;
	c->head_bytes = 0;
	c->part++;
	return payload;
}

/* ---- reading ---- */

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
	h->label = get_counted_text(r, &h->label_bytes);
	h->reason = get_counted_text(r, &h->reason_bytes);
}

static uint32_t columns_there(uint64_t flags)
{
	return 1u << ROOTS | 1u << VERDICTS | 1u << PARENTS | (flags & FLAG_TYPES ? 1u << TYPES | 1u << TYPE_OF : 0) | (flags & FLAG_REFERENCES ? 1u << REFERENCES : 0);
}

int look_open(struct look_decoder *d, const uint8_t *raw, size_t bytes)
{
	struct byte_reader r = byte_reader_of(raw, bytes), head;
	uint64_t flags;

	*d = (struct look_decoder){ 0 };
	d->head.number = get_number32(&r);
	d->part = get_number32(&r);
	flags = get_varint(&r);
	d->last = flags & FLAG_LAST;
	d->first = d->index = get_varint(&r);
	head = get_record(&r);
	get_head(&head, &d->head);
	get_columns(&r, d->columns, LOOK_COLUMNS, columns_there(flags));
	d->types = flags & FLAG_TYPES;
	d->head.graph = flags & FLAG_REFERENCES;
	return r.failed || head.failed || !d->head.number ? TRK_ERR_CORRUPT : 0;
}

int look_next_root(struct look_decoder *d, struct trk_look_root *ret)
{
	struct byte_reader *const r = &d->columns[ROOTS], body;

	if (!bytes_left(r))
		return TRK_END;
	body = get_record(r);
	ret->kind = (uint32_t)get_field(&body);
	ret->start = get_field(&body);
	ret->end = get_field(&body);
	ret->tid = (uint32_t)get_field(&body);
	ret->name = get_counted_text(&body, &ret->name_bytes);
	return r->failed || body.failed ? TRK_ERR_CORRUPT : 0;
}

int look_next_type(struct look_decoder *d, struct trk_look_type *ret)
{
	struct byte_reader *const r = &d->columns[TYPES], body;

	if (!bytes_left(r))
		return TRK_END;
	body = get_record(r);
	ret->name = get_counted_text(&body, &ret->name_bytes);
	ret->bases = get_counted_text(&body, &ret->bases_bytes);
	return r->failed || body.failed ? TRK_ERR_CORRUPT : 0;
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
		d->block += get_number32(r);
		d->left = get_number32(r);
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
