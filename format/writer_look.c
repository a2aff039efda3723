/* writer_look - what looks at the memory found, in as many blocks as it takes; see writer.h. */
#include "format/writer_private.h"

#include <errno.h>

static void write_part(struct writer *w, bool last)
{
	struct trk_block_header h = w->look_header;
	const uint8_t *const raw = look_coder_end(w->look, last, &h.raw_bytes, &h.items);

	if (raw)
		writer_write_block(w, &h, raw);
	else
		writer_stop(w, ENOMEM);
}

void writer_look_begin(struct writer *w, const struct trk_look *head)
{
	writer_flush(w);
	writer_make_room(w, head->blocks, TRK_BLOCK_HEADER_BYTES);
	if (!w->look)
		w->look = look_coder_new();
	if (!w->look) {
		writer_stop(w, ENOMEM);
		return;
	}
	w->look_header = (struct trk_block_header){ .type = TRK_BLOCK_LOOK, .process = head->process };
	look_coder_begin(w->look, head);
}

void writer_look_root(struct writer *w, const struct trk_look_root *r)
{
	if (w->error)
		return;
	if (look_coder_full(w->look))
		write_part(w, false);
	look_coder_root(w->look, r);
}

void writer_look_block(struct writer *w, const struct trk_look_block *b)
{
	if (w->error)
		return;
	if (look_coder_full(w->look))
		write_part(w, false);
	look_coder_block(w->look, b);
}

void writer_look_type(struct writer *w, const struct trk_look_type *t)
{
	if (w->error)
		return;
	if (look_coder_full(w->look))
		write_part(w, false);
	look_coder_type(w->look, t);
}

void writer_look_references(struct writer *w, uint32_t block, const uint32_t *targets, uint32_t count)
{
	while (count && !w->error) {
		const uint32_t some = count < LOOK_RUN_MAX ? count : LOOK_RUN_MAX;

		if (look_coder_full(w->look))
			write_part(w, false);
		look_coder_run(w->look, block, targets, some);
		targets += some;
		count -= some;
	}
}

void writer_look_end(struct writer *w)
{
	if (!w->error)
		write_part(w, true);
}

void writer_look_again(struct writer *w, uint32_t process, const struct trk_block_header *h, const uint8_t *raw)
{
	struct trk_block_header mine = { .type = h->type, .process = process, .raw_bytes = h->raw_bytes, .items = h->items };

	writer_flush(w);
	writer_write_block(w, &mine, raw);
}
