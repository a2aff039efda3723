/* columnar - see columnar.h. */
#include "format/columnar.h"

#include "format/array.h"

#include <stdlib.h>
#include <string.h>

/* ---- writing ---- */

void columns_free(struct columns *c)
{
	for (unsigned i = 0; i < COLUMNS_MAX; i++)
		free(c->list[i].bytes);
	free(c->payload.bytes);
}

void columns_empty(struct columns *c)
{
	for (unsigned i = 0; i < COLUMNS_MAX; i++)
		c->list[i].size = 0;
}

size_t columns_bytes(const struct columns *c)
{
	size_t bytes = 0;

	for (unsigned i = 0; i < COLUMNS_MAX; i++)
		bytes += c->list[i].size;
	return bytes;
}

static uint8_t *reserve(struct columns *c, struct column *t, size_t bytes)
{
	c->no_memory |= !ARRAY_ROOM(t->bytes, t->room, t->size + bytes, 1024);
	return c->no_memory ? NULL : t->bytes + t->size;
}

uint8_t *columns_reserve(struct columns *c, unsigned column, size_t bytes)
{
	return reserve(c, &c->list[column], bytes);
}

void columns_reach(struct columns *c, unsigned column, const uint8_t *end)
{
	c->list[column].size = (size_t)(end - c->list[column].bytes);
}

void columns_record(struct columns *c, unsigned column, const uint8_t *body, size_t bytes)
{
	uint8_t *p = columns_reserve(c, column, TRK_VARINT_MAX + bytes);

	if (!p)
		return;
	p = put_varint(p, bytes);
	memcpy(p, body, bytes);
	columns_reach(c, column, p + bytes);
}

const uint8_t *columns_payload(struct columns *c, const uint64_t *numbers, unsigned number_count, const uint8_t *head, size_t head_bytes, unsigned count,
			       uint32_t *ret_bytes)
{
	uint8_t *p;

	c->payload.size = 0;
	p = reserve(c, &c->payload, (number_count + 1 + count) * (size_t)TRK_VARINT_MAX + head_bytes + columns_bytes(c));
	if (!p)
		return NULL;
	for (unsigned i = 0; i < number_count; i++)
		p = put_varint(p, numbers[i]);
	p = put_varint(p, head_bytes);
	memcpy(p, head, head_bytes);
	p += head_bytes;
	for (unsigned i = 0; i < count; i++)
		p = put_varint(p, c->list[i].size);
	for (unsigned i = 0; i < count; i++) {
		if (c->list[i].size)
			memcpy(p, c->list[i].bytes, c->list[i].size);
		p += c->list[i].size;
	}
	columns_empty(c);
	*ret_bytes = (uint32_t)(p - c->payload.bytes);
	return c->payload.bytes;
}

uint8_t *put_cut_text(uint8_t *p, const char *text, size_t bytes, size_t most)
{
	const size_t n = !text ? 0 : bytes < most ? bytes :
						    most;

	p = put_varint(p, n);
	if (n)
		memcpy(p, text, n);
	return p + n;
}

/* ---- reading ---- */

uint32_t get_number32(struct byte_reader *r)
{
	const uint64_t value = get_varint(r);

	if (value > UINT32_MAX)
		r->failed = true;
	return (uint32_t)value;
}

uint64_t get_field(struct byte_reader *r)
{
	return bytes_left(r) ? get_varint(r) : 0;
}

const char *get_counted_text(struct byte_reader *r, size_t *ret_bytes)
{
	const uint64_t n = get_field(r);
	const uint8_t *const bytes = n ? get_bytes(r, n) : NULL;

	*ret_bytes = bytes ? n : 0;
	return bytes ? (const char *)bytes : "";
}

struct byte_reader get_record(struct byte_reader *r)
{
	const uint64_t n = get_varint(r);
	const uint8_t *const at = get_bytes(r, n);

	return at ? byte_reader_of(at, n) : byte_reader_of("", 0);
}

void get_columns(struct byte_reader *r, struct byte_reader *columns, unsigned count, uint32_t there)
{
	uint64_t lengths[COLUMNS_MAX];

	for (unsigned i = 0; i < count; i++)
		lengths[i] = there >> i & 1 ? get_varint(r) : 0;
	for (unsigned i = 0; i < count; i++) {
		const uint8_t *const at = get_bytes(r, lengths[i]);

		columns[i] = at ? byte_reader_of(at, lengths[i]) : byte_reader_of("", 0);
	}
}
