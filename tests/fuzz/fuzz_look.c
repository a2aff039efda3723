/*
 * fuzz_look - a LOOK payload out of any bytes. Decoding ends, gives no more than there are bytes, and what it gives can be
 * written and read again.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "format/look_parts.h"

/* Runs of references of one block become as long as they may be. */
static int read_references(struct look_decoder *d, size_t size, struct look_coder *to)
{
	static uint32_t targets[LOOK_RUN_MAX];
	uint32_t count = 0, block = 0, from, target;
	size_t items = 0;
	int err;

	while (!(err = look_next_reference(d, &from, &target))) {
		MUST(++items <= size);
		if (count && (from != block || count == LOOK_RUN_MAX)) {
			look_coder_run(to, block, targets, count);
			count = 0;
		}
		block = from;
		targets[count++] = target;
	}
	look_coder_run(to, block, targets, count);
	return err;
}

static int read_all(const uint8_t *data, size_t size, struct look_coder *to)
{
	struct look_decoder d;
	struct trk_look_root root;
	struct trk_look_block block;
	struct trk_look_type type;
	size_t items = 0;
	int err = look_open(&d, data, size);

	if (err)
		return err;
	MUST(d.head.number);
	look_coder_begin(to, &d.head);
	while (!(err = look_next_root(&d, &root))) {
		MUST(++items <= size && root.name_bytes <= size);
		look_coder_root(to, &root);
	}
	while (err == TRK_END && !(err = look_next_type(&d, &type))) {
		MUST(++items <= size && type.name_bytes <= size && type.bases_bytes <= size);
		look_coder_type(to, &type);
		err = TRK_END;
	}
	while (err == TRK_END && !(err = look_next_block(&d, &block))) {
		MUST(++items <= size && block.verdict < 8 && block.from < 4 && block.held < LOOK_HELDS);
		look_coder_block(to, &block);
		err = TRK_END;
	}
	if (err == TRK_END)
		err = read_references(&d, size, to);
	return err;
}

static void must_be_same_again(const uint8_t *payload, uint32_t bytes)
{
	uint8_t *const copy = malloc(bytes);
	struct look_coder *const to = look_coder_new();
	uint32_t again_bytes, items;
	const uint8_t *again;

	MUST(copy && to);
	memcpy(copy, payload, bytes);
	MUST(read_all(copy, bytes, to) == TRK_END);
	again = look_coder_end(to, true, &again_bytes, &items);
	MUST(again && again_bytes == bytes && memcmp(again, copy, bytes) == 0);
	look_coder_free(to);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct look_coder *const to = look_coder_new();
	uint32_t bytes, items;

	if (to && read_all(data, size, to) == TRK_END) {
		const uint8_t *const payload = look_coder_end(to, true, &bytes, &items);

		if (payload)
			must_be_same_again(payload, bytes);
	}
	look_coder_free(to);
	return 0;
}
