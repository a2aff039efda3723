/* look_read - see look_read.h. */
#include "look_read.h"
#include "proc.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES (64u << 10)

bool look_read_begin(struct look_read *r, uint32_t pid, const struct look_pages *pages)
{
	*r = (struct look_read){ .pid = pid, .pages = pages, .bytes = malloc(PIECE_BYTES) };
	return r->bytes != NULL;
}

void look_read_finish(struct look_read *r)
{
	free(r->bytes);
	*r = (struct look_read){ 0 };
}

static bool get(struct look_read *r, uint64_t address, size_t bytes)
{
	r->total += bytes;
	return proc_read(r->pid, address, r->bytes + (address - r->start), bytes) == bytes;
}

/* The piece from `address` on: as far as memory was touched without a hole, but at least `bytes`. */
static bool fill(struct look_read *r, uint64_t address, size_t bytes)
{
	const struct look_pages *const p = r->pages;
	uint64_t at = address, end = address + PIECE_BYTES;
	uint32_t i = look_pages_from(p, address);

	r->start = r->end = address;
	while (at < end) {
		const uint64_t touched = i < p->count && p->runs[i].start < end ? (p->runs[i].start > at ? p->runs[i].start : at) : end;
		const uint64_t behind = i < p->count && p->runs[i].end < end ? p->runs[i].end : end;

		if (touched > at && at >= address + bytes) /* a hole: the piece ends */
			break;
		memset(r->bytes + (at - address), 0, touched - at);
		r->end = touched;
		if (touched == end)
			break;
		if (p->runs[i].state != MEMORY_ZERO && !get(r, touched, behind - touched))
			break;
		if (p->runs[i].state == MEMORY_ZERO)
			memset(r->bytes + (touched - address), 0, behind - touched);
		r->end = at = behind;
		i++;
	}
	return r->end - address >= bytes;
}

const uint8_t *look_read_bytes(struct look_read *r, uint64_t address, size_t bytes)
{
	if (address < r->start || address + bytes > r->end)
		if (!fill(r, address, bytes))
			return NULL;
	return r->bytes + (address - r->start);
}

uint64_t look_read_word(struct look_read *r, uint64_t address)
{
	const uint8_t *const at = look_read_bytes(r, address, sizeof(uint64_t));
	uint64_t word = 0;

	if (at)
		memcpy(&word, at, sizeof(word));
	return word;
}
