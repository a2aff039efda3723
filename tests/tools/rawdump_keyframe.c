/* rawdump_keyframe - the live sets that a capture holds. */
#include <stdlib.h>

#include "format/keyframe.h"
#include "rawdump.h"
#include "replay/reader.h"

static void dump_keyframe_block(const struct keyframe_block *b)
{
	begin("keyframe_block");
	put_number("address", b->address);
	put_number("size", b->size);
	put_number("time_ns", b->time_ns);
	put_number("thread", b->thread);
	put_number("node", b->node);
	put_number("kind", b->kind);
	put_number("domain", b->domain);
	put_optional("aside", b->aside ? b->aside_thread : UINT64_MAX, UINT64_MAX);
	put_number("end", b->end);
	put_number("asked", b->asked);
	put_number("back", b->back);
	put_number("state", (b->kind == TRK_MPROTECT) | b->reserved << 1 | b->arena << 2 | b->untouched << 3);
	end();
}

static int dump_part(const uint8_t *raw, size_t bytes)
{
	struct keyframe_decoder d;
	struct keyframe_block b;
	int err = keyframe_open(&d, raw, bytes);

	if (err)
		return err;
	begin("keyframe_part");
	put_number("part", d.head.part);
	put_number("last", d.head.last);
	put_number("events", d.head.events);
	put_number("marks", d.head.marks);
	end();
	while ((err = keyframe_next(&d, &b)) >= 0 && err != TRK_END) {
		if (err == KEYFRAME_BLOCK) {
			dump_keyframe_block(&b);
			continue;
		}
		begin("keyframe_process");
		put_number("index", d.process.index);
		put_number("events", d.process.events);
		put_number("marks", d.process.marks);
		end();
	}
	return err < 0 ? err : 0;
}

int dump_keyframe(const struct capture *c, const struct cap_keyframe *k)
{
	struct buffer stored = { 0 }, raw = { 0 };
	uint64_t offset = k->offset;
	int err = 0;

	begin("keyframe");
	put_number("time_ns", k->time_ns);
	put_number("begins", k->begins);
	put_number("parts", k->parts);
	end();
	for (uint32_t i = 0; i < k->parts && !err; i++) {
		struct trk_block_header h;

		err = reader_unpack_at(c, offset, &stored, &raw, &h);
		if (!err)
			err = dump_part(raw.bytes, h.raw_bytes);
		offset += TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
	}
	free(stored.bytes);
	free(raw.bytes);
	return err;
}
