/* dump_writer - see dump_writer.h. */
#include "dump/dump_writer.h"

#include <stdlib.h>

#include "common/depths.h"

#define STACKS_KEPT 4096u

struct dump_stack { /* by node modulo STACKS_KEPT */
	uint32_t node;
	char *text;
};

int dump_writer_start(struct dump_writer *w)
{
	w->at = w->buffer;
	w->depths = depths_new(w->report->capture);
	w->stacks = calloc(STACKS_KEPT, sizeof(*w->stacks));
	if (!w->depths || !w->stacks)
		return TRK_ERR_NOMEM;
	if (w->form->begin)
		w->form->begin(w);
	return 0;
}

void dump_writer_finish(struct dump_writer *w)
{
	for (size_t i = 0; w->stacks && i < STACKS_KEPT; i++)
		free(w->stacks[i].text);
	free(w->stacks);
	free(w->depths);
}

void dump_writer_flush(struct dump_writer *w)
{
	fwrite(w->buffer, 1, (size_t)(w->at - w->buffer), w->file);
	w->at = w->buffer;
}

int dump_writer_line(struct dump_writer *w, const struct dump_line *l)
{
	if (w->mute) {
		w->sequence++;
		return 0;
	}
	if ((size_t)(w->at - w->buffer) > sizeof(w->buffer) - DUMP_LINE_ROOM)
		dump_writer_flush(w);
	return w->form->line(w, l);
}

/* ---- a line, piece by piece ---- */

void dump_put_number(struct dump_writer *w, uint64_t n)
{
	char digits[20];
	int i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(w->at, digits + i, sizeof(digits) - (size_t)i);
	w->at += sizeof(digits) - (size_t)i;
}

void dump_put_hex(struct dump_writer *w, uint64_t n)
{
	char digits[16];
	int i = sizeof(digits);

	do
		digits[--i] = "0123456789abcdef"[n % 16];
	while (n /= 16);
	dump_put(w, "0x");
	memcpy(w->at, digits + i, sizeof(digits) - (size_t)i);
	w->at += sizeof(digits) - (size_t)i;
}

/* ---- stacks ---- */

/* malloc'ed; NULL: no memory. */
static char *render(struct dump_writer *w, uint32_t node)
{
	char *text = NULL;
	size_t size, n;
	const struct source_frame *const frames = stacks_frames(w->report->stacks, node, &n);
	FILE *const m = open_memstream(&text, &size);

	if (!m)
		return NULL;
	w->form->frames(m, frames, n);
	text = ui_memstream_end(m, &text);
	if (text && size && text[size - 1] == '\n')
		text[size - 1] = '\0';
	return text;
}

const char *dump_domain_name(const struct dump_writer *w, const struct trk_event *e, char room[DOMAIN_NAME_ROOM])
{
	return domain_name(w->report->capture, e->process, e->domain, room);
}

const char *dump_stack(struct dump_writer *w, uint32_t node)
{
	struct dump_stack *const kept = &w->stacks[node % STACKS_KEPT];

	if (kept->text && kept->node == node)
		return kept->text;
	free(kept->text);
	*kept = (struct dump_stack){ node, render(w, node) };
	return kept->text;
}
