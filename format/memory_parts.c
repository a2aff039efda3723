/* memory_parts - see memory_parts.h. */
#include "format/memory_parts.h"

#include "format/columnar.h"
#include "format/event.h"

#include <stdlib.h>
#include <string.h>

#define FLAG_LAST 1u
#define STATE_BITS 2u
#define KIND_BITS 3u
#define AREA_BYTES (MEMORY_NAME_BYTES + 9u * TRK_VARINT_MAX)
#define HEAD_BYTES (MEMORY_NAME_BYTES + 9u * TRK_VARINT_MAX)
#define ITEM_BYTES (3u * TRK_VARINT_MAX)
#define GRANULE 16u

/* ---- writing ---- */

struct memory_coder {
	struct columns columns;
	uint8_t head[HEAD_BYTES];
	size_t head_bytes;
	uint32_t number, part, items;
	uint64_t chunk_end, next_block;
};

struct memory_coder *memory_coder_new(void)
{
	return calloc(1, sizeof(struct memory_coder));
}

void memory_coder_free(struct memory_coder *c)
{
	if (!c)
		return;
	columns_free(&c->columns);
	free(c);
}

void memory_coder_begin(struct memory_coder *c, const struct trk_memory *head)
{
	const uint64_t fields[] = { head->flags, head->page_bytes, head->resident, head->resident_anonymous, head->resident_files, head->resident_shared, head->swapped, head->took_ns };
	uint8_t *p = c->head;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		p = put_varint(p, fields[i]);
	p = put_cut_text(p, head->lacks, head->lacks_bytes, MEMORY_NAME_BYTES);
	c->head_bytes = (size_t)(p - c->head);
	c->number = head->number;
	c->part = c->items = 0;
	c->chunk_end = c->next_block = 0;
	columns_empty(&c->columns);
}

void memory_coder_area(struct memory_coder *c, const struct trk_memory_area *a)
{
	const uint64_t fields[] = { a->kind, a->start, a->end - a->start, a->resident, a->swapped, a->huge, a->tid };
	uint8_t body[AREA_BYTES], *end = body;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		end = put_varint(end, fields[i]);
	end = put_cut_text(end, a->name, a->name_bytes, MEMORY_NAME_BYTES);
	columns_record(&c->columns, MEMORY_AREAS, body, (size_t)(end - body));
	c->items++;
}

static void put(struct memory_coder *c, enum memory_column column, const uint64_t *values, unsigned count)
{
	uint8_t *p = columns_reserve(&c->columns, column, ITEM_BYTES);

	if (!p)
		return;
	for (unsigned i = 0; i < count; i++)
		p = put_varint(p, values[i]);
	columns_reach(&c->columns, column, p);
	c->items++;
}

void memory_coder_run(struct memory_coder *c, uint64_t pages, enum memory_page state)
{
	put(c, MEMORY_RUNS, (const uint64_t[]){ pages << STATE_BITS | (unsigned)state }, 1);
}

void memory_coder_chunk(struct memory_coder *c, const struct trk_memory_chunk *chunk)
{
	put(c, MEMORY_CHUNKS, (const uint64_t[]){ (chunk->start - c->chunk_end) / GRANULE, chunk->bytes / GRANULE << KIND_BITS | chunk->kind }, 2);
	c->chunk_end = chunk->start + chunk->bytes;
}

void memory_coder_extra(struct memory_coder *c, const struct trk_memory_extra *e)
{
	put(c, MEMORY_EXTRAS, (const uint64_t[]){ e->block - c->next_block, e->slack, e->header }, 3);
	c->next_block = e->block + 1ull;
}

void memory_coder_content(struct memory_coder *c, uint64_t content)
{
	put(c, MEMORY_CONTENTS, &content, 1);
}

bool memory_coder_full(const struct memory_coder *c)
{
	return columns_bytes(&c->columns) >= MEMORY_PART_BYTES;
}

const uint8_t *memory_coder_end(struct memory_coder *c, bool last, uint32_t *ret_bytes, uint32_t *ret_items)
{
	const uint64_t numbers[] = { c->number, c->part, last ? FLAG_LAST : 0 };
	const uint8_t *const payload = columns_payload(&c->columns, numbers, 3, c->head, c->head_bytes, MEMORY_COLUMNS, ret_bytes);

	if (!payload)
		return NULL;
	*ret_items = c->items;
	c->items = 0;
	c->head_bytes = 0;
	c->part++;
	return payload;
}

/* ---- reading ---- */

int memory_part_open(struct memory_part *p, const uint8_t *raw, size_t bytes)
{
	struct byte_reader r = byte_reader_of(raw, bytes), head;

	*p = (struct memory_part){ 0 };
	p->head.number = get_number32(&r);
	p->part = get_number32(&r);
	p->last = get_varint(&r) & FLAG_LAST;
	head = get_record(&r);
	p->head.flags = (uint32_t)get_field(&head);
	p->head.page_bytes = get_field(&head);
	p->head.resident = get_field(&head);
	p->head.resident_anonymous = get_field(&head);
	p->head.resident_files = get_field(&head);
	p->head.resident_shared = get_field(&head);
	p->head.swapped = get_field(&head);
	p->head.took_ns = get_field(&head);
	p->head.lacks = get_counted_text(&head, &p->head.lacks_bytes);
	get_columns(&r, p->columns, MEMORY_COLUMNS, (1u << MEMORY_COLUMNS) - 1);
	return r.failed || head.failed || !p->head.number ? TRK_ERR_CORRUPT : 0;
}

int memory_next_area(struct memory_decoder *d, struct trk_memory_area *ret)
{
	struct byte_reader *const r = &d->columns[MEMORY_AREAS], body;
	uint64_t bytes;

	if (!bytes_left(r))
		return TRK_END;
	body = get_record(r);
	*ret = (struct trk_memory_area){ 0 };
	ret->kind = (uint32_t)get_field(&body);
	ret->start = get_field(&body);
	bytes = get_field(&body);
	ret->resident = get_field(&body);
	ret->swapped = get_field(&body);
	ret->huge = get_field(&body);
	ret->tid = (uint32_t)get_field(&body);
	ret->name = get_counted_text(&body, &ret->name_bytes);
	ret->end = ret->start + bytes;
	return r->failed || body.failed || ret->end < ret->start ? TRK_ERR_CORRUPT : 0;
}

int memory_next_run(struct memory_decoder *d, uint64_t *ret_pages, enum memory_page *ret_state)
{
	struct byte_reader *const r = &d->columns[MEMORY_RUNS];
	uint64_t value;

	if (!bytes_left(r))
		return TRK_END;
	value = get_varint(r);
	*ret_pages = value >> STATE_BITS;
	*ret_state = (enum memory_page)(value & ((1u << STATE_BITS) - 1));
	return r->failed || !*ret_pages ? TRK_ERR_CORRUPT : 0;
}

int memory_next_chunk(struct memory_decoder *d, struct trk_memory_chunk *ret)
{
	struct byte_reader *const r = &d->columns[MEMORY_CHUNKS];
	const uint64_t most = UINT64_MAX / GRANULE >> KIND_BITS;
	uint64_t gap, value;

	if (!bytes_left(r))
		return TRK_END;
	gap = get_varint(r);
	value = get_varint(r);
	if (r->failed || gap > most || value >> KIND_BITS > most || !(value >> KIND_BITS) || d->chunk_end > 1ull << 60)
		return TRK_ERR_CORRUPT;
	ret->start = d->chunk_end + gap * GRANULE;
	ret->bytes = (value >> KIND_BITS) * GRANULE;
	ret->kind = value & ((1u << KIND_BITS) - 1);
	d->chunk_end = ret->start + ret->bytes;
	return 0;
}

int memory_next_extra(struct memory_decoder *d, struct trk_memory_extra *ret)
{
	struct byte_reader *const r = &d->columns[MEMORY_EXTRAS];
	uint64_t gap;

	if (!bytes_left(r))
		return TRK_END;
	gap = get_varint(r);
	ret->slack = get_varint(r);
	ret->header = get_varint(r);
	if (r->failed || gap > UINT32_MAX || d->next_block + gap > UINT32_MAX)
		return TRK_ERR_CORRUPT;
	ret->block = (uint32_t)(d->next_block + gap);
	d->next_block = ret->block + 1ull;
	return 0;
}

int memory_next_content(struct memory_decoder *d, uint64_t *ret)
{
	struct byte_reader *const r = &d->columns[MEMORY_CONTENTS];

	if (!bytes_left(r))
		return TRK_END;
	*ret = get_varint(r);
	return r->failed ? TRK_ERR_CORRUPT : 0;
}
