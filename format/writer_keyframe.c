/* writer_keyframe - keyframes, in as many blocks as they take; see writer.h. */
#include "format/writer_private.h"

#include <errno.h>

static void begin_part(struct writer *w)
{
	keyframe_begin(w->keyframe, &w->keyframe_head);
}

static void write_part(struct writer *w, bool last)
{
	struct trk_block_header h = w->keyframe_header;
	const uint8_t *const raw = keyframe_end(w->keyframe, last, &h.raw_bytes, &h.items);

	if (!raw) {
		writer_stop(w, ENOMEM);
		return;
	}
	writer_write_block(w, &h, raw);
	w->keyframe_head.part++;
}

void writer_keyframe_begin(struct writer *w, uint64_t time_ns, uint64_t events, uint64_t marks,
			   uint64_t blocks, bool begins)
{
	writer_flush(w);
	writer_make_room(w, blocks, TRK_BLOCK_HEADER_BYTES); /* its parts leave none for padding */
	if (!w->keyframe)
		w->keyframe = keyframe_coder_new();
	if (!w->keyframe) {
		writer_stop(w, ENOMEM);
		return;
	}
	w->keyframe_header = (struct trk_block_header){
		.type = TRK_BLOCK_KEYFRAME,
		.flags = begins ? TRK_BLOCK_MUST_UNDERSTAND : 0,
		.process = TRK_NO_PROCESS,
		.first_time_ns = time_ns,
		.last_time_ns = time_ns,
	};
	w->keyframe_head = (struct keyframe_head){ .events = events, .marks = marks };
	begin_part(w);
}

void writer_keyframe_process(struct writer *w, const struct keyframe_process *p)
{
	if (!w->error)
		keyframe_process(w->keyframe, p);
}

void writer_keyframe_block(struct writer *w, const struct keyframe_block *b)
{
	if (w->error)
		return;
	if (keyframe_full(w->keyframe)) {
		write_part(w, false);
		begin_part(w);
	}
	keyframe_block(w->keyframe, b);
}

void writer_keyframe_end(struct writer *w)
{
	if (!w->error)
		write_part(w, true);
}
