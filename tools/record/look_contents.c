/* look_contents - see look_contents.h. */
#include "look_contents.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define UNIT LOOK_READ_MOST
#define ZEROS_HASH 0u /* of a block in which no unit is anything but zeros; others never have it */
#define NOT_READ UINT64_MAX /* such blocks have sizes of their own */

static bool is_zeros(const uint8_t *bytes, size_t count)
{
	return !bytes[0] && !memcmp(bytes, bytes + 1, count - 1);
}

/* Behind the address, up to `end`: where memory begins that was touched. */
static uint64_t touched_from(const struct look_pages *p, uint64_t address, uint64_t end)
{
	for (uint32_t i = look_pages_from(p, address); i < p->count && p->runs[i].start < end; i++)
		if (p->runs[i].state != MEMORY_ZERO)
			return p->runs[i].start > address ? p->runs[i].start : address;
	return end;
}

/* Units of zeros are left out, so that it does not depend on where pages begin, or whether they were touched. False: it cannot be read. */
static bool hash_block(struct look_contents *c, uint64_t address, uint64_t size, uint64_t *ret)
{
	uint64_t hash = ZEROS_HASH, at = 0;

	while (at < size) {
		const uint64_t touched = touched_from(c->read->pages, address + at, address + size) - address;
		const uint8_t *bytes;
		size_t n;

		at = touched / UNIT * UNIT; /* no unit before it was touched */
		if (touched >= size)
			break;
		n = size - at < UNIT ? (size_t)(size - at) : UNIT;
		bytes = look_read_bytes(c->read, address + at, n);
		if (!bytes)
			return false;
		if (!is_zeros(bytes, n))
			hash = XXH3_64bits_withSeed(bytes, n, hash ^ (at + 1)) | 1;
		at += n;
	}
	*ret = hash;
	return true;
}

static int by_content(const void *left, const void *right)
{
	const struct look_content *const a = left, *const b = right;

	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return a->block < b->block ? -1 : a->block > b->block;
}

static void number(struct look_contents *c)
{
	uint32_t next = MEMORY_EQUAL;

	if (c->count)
		qsort(c->list, c->count, sizeof(*c->list), by_content);
	for (uint32_t i = 0, end; i < c->count; i = end) {
		const struct look_content *const first = &c->list[i];
		uint32_t as = MEMORY_UNIQUE;

		for (end = i + 1; end < c->count && c->list[end].hash == first->hash && c->list[end].size == first->size; end++)
			;
		if (first->size == NOT_READ)
			continue;
		if (first->hash == ZEROS_HASH)
			as = MEMORY_ZEROS;
		else if (end - i > 1)
			as = next++;
		for (uint32_t j = i; j < end; j++)
			c->numbers[c->list[j].block] = as;
	}
}

bool look_contents_compare(struct look_contents *c, uint64_t bytes)
{
	const uint64_t stop = c->read->total + bytes;

	if (!c->list) {
		c->list = malloc(((size_t)c->table->count + 1) * sizeof(*c->list));
		c->numbers = calloc((size_t)c->table->count + 1, sizeof(*c->numbers));
		c->no_memory = !c->list || !c->numbers;
	}
	while (!c->no_memory && c->count < c->table->count) {
		const struct look_block *const b = &c->table->blocks[c->count];
		struct look_content *const to = &c->list[c->count];

		*to = (struct look_content){ .size = look_size(b), .block = c->count };
		c->count++;
		if (!to->size || b->flags & LOOK_UNREADABLE || !hash_block(c, look_address(b), to->size, &to->hash))
			to->size = NOT_READ;
		if (c->read->total > stop)
			return false;
	}
	if (!c->no_memory)
		number(c);
	return true;
}

void look_contents_finish(struct look_contents *c)
{
	free(c->list);
	free(c->numbers);
	*c = (struct look_contents){ 0 };
}
