/* writer_memory - what the memory of processes consisted of, in as many blocks as it takes; see writer.h. */
#include "format/writer_private.h"

#include <errno.h>

static void write_part(struct writer *w, bool last)
{
	struct trk_block_header h = w->memory_header;
	const uint8_t *const raw = memory_coder_end(w->memory, last, &h.raw_bytes, &h.items);

	if (raw)
		writer_write_block(w, &h, raw);
	else
		writer_stop(w, ENOMEM);
}

struct memory_coder *writer_memory_begin(struct writer *w, const struct trk_memory *head)
{
	writer_flush(w);
	if (!w->memory)
		w->memory = memory_coder_new();
	if (!w->memory) {
		writer_stop(w, ENOMEM);
		return NULL;
	}
	w->memory_header = (struct trk_block_header){ .type = TRK_BLOCK_MEMORY, .process = head->process };
	memory_coder_begin(w->memory, head);
	return w->memory;
}

void writer_memory_more(struct writer *w)
{
	if (!w->error && memory_coder_full(w->memory))
		write_part(w, false);
}

void writer_memory_end(struct writer *w)
{
	if (!w->error)
		write_part(w, true);
}
