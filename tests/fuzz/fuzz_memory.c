/*
 * fuzz_memory - a MEMORY payload out of any bytes. Decoding ends, gives no more than there are bytes, and what it gives can be written
 * and read again.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "format/memory_parts.h"

static size_t left_in(const struct memory_part *p)
{
	size_t sum = 0;

	for (unsigned i = 0; i < MEMORY_COLUMNS; i++)
		sum += bytes_left(&p->columns[i]);
	return sum;
}

static int copy_heaps(struct memory_decoder *d, struct memory_coder *to)
{
	struct trk_memory_area area;
	enum memory_page state;
	uint64_t pages;
	int err;

	while (!(err = memory_next_area(d, &area))) {
		MUST(area.end >= area.start);
		memory_coder_area(to, &area);
	}
	while (err == TRK_END && !(err = memory_next_run(d, &pages, &state))) {
		MUST(pages && state < MEMORY_PAGES);
		memory_coder_run(to, pages, state);
		err = TRK_END;
	}
	return err;
}

static int copy_blocks(struct memory_decoder *d, struct memory_coder *to)
{
	struct trk_memory_chunk chunk;
	struct trk_memory_extra extra;
	uint64_t content, end = 0;
	int err;

	while (!(err = memory_next_chunk(d, &chunk))) {
		MUST(chunk.start >= end && chunk.bytes && chunk.start % 16 == 0 && chunk.bytes % 16 == 0 && chunk.kind < MEMORY_CHUNK_KINDS);
		end = chunk.start + chunk.bytes;
		memory_coder_chunk(to, &chunk);
	}
	while (err == TRK_END && !(err = memory_next_extra(d, &extra))) {
		memory_coder_extra(to, &extra);
		err = TRK_END;
	}
	while (err == TRK_END && !(err = memory_next_content(d, &content))) {
		memory_coder_content(to, content);
		err = TRK_END;
	}
	return err;
}

static int read_all(const uint8_t *data, size_t size, struct memory_coder *to)
{
	struct memory_decoder d = { 0 };
	struct memory_part p;
	int err = memory_part_open(&p, data, size);

	if (err)
		return err;
	MUST(p.head.number && left_in(&p) <= size);
	memory_coder_begin(to, &p.head);
	memcpy(d.columns, p.columns, sizeof(d.columns));
	err = copy_heaps(&d, to);
	return err == TRK_END ? copy_blocks(&d, to) : err;
}

static void must_be_same_again(const uint8_t *payload, uint32_t bytes)
{
	uint8_t *const copy = malloc(bytes);
	struct memory_coder *const to = memory_coder_new();
	uint32_t again_bytes, items;
	const uint8_t *again;

	MUST(copy && to);
	memcpy(copy, payload, bytes);
	MUST(read_all(copy, bytes, to) == TRK_END);
	again = memory_coder_end(to, true, &again_bytes, &items);
	MUST(again && again_bytes == bytes && memcmp(again, copy, bytes) == 0);
	memory_coder_free(to);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memory_coder *const to = memory_coder_new();
	uint32_t bytes, items;

	if (to && read_all(data, size, to) == TRK_END) {
		const uint8_t *const payload = memory_coder_end(to, true, &bytes, &items);

		if (payload)
			must_be_same_again(payload, bytes);
	}
	memory_coder_free(to);
	return 0;
}
