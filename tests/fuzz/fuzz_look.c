/*
 * fuzz_look - a LOOK payload out of any bytes. Decoding ends, gives no more than there are bytes, and what it gives can be
 * written and read again.
 */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "format/look_parts.h"

static int read_all(const uint8_t *data, size_t size, struct look_coder *to)
{
	struct look_decoder d;
	struct trk_look_root root;
	struct trk_look_block block;
	size_t items = 0, bytes;
	const char *name;
	int err = look_open(&d, data, size);

	if (err)
		return err;
	MUST(d.head.number);
	look_coder_begin(to, &d.head);
	while (!(err = look_next_root(&d, &root))) {
		MUST(++items <= size && root.name_bytes <= size);
		look_coder_root(to, &root);
	}
	while (err == TRK_END && !(err = look_next_type(&d, &name, &bytes))) {
		MUST(++items <= size && bytes <= size);
		look_coder_type(to, name, bytes);
		err = TRK_END;
	}
	while (err == TRK_END && !(err = look_next_block(&d, &block))) {
		MUST(++items <= size && block.verdict < 8 && block.from < 4 && block.held < LOOK_HELDS);
		look_coder_block(to, &block);
		err = TRK_END;
	}
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
