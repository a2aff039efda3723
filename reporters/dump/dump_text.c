/* dump_text - a line of tracker-dump for people. */
#include "dump/dump_writer.h"

#include <inttypes.h>

#include "common/traceback.h"
#include "format/event.h"

static void text_frame(FILE *m, const struct source_frame *f)
{
	if (f->cut) {
		traceback_print_cut(m, "    ", f);
		return;
	}
	fputs("    ", m);
	ui_text(m, f->function[0] ? f->function : "???");
	fputs(" (", m);
	ui_text(m, f->file);
	fprintf(m, ":%" PRIu32 ")%s\n", f->line, f->inlined ? " inlined" : "");
}

static void frames(FILE *f, const struct source_frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++)
		text_frame(f, &frames[i]);
}

static void put_details(struct dump_writer *w, const struct trk_event *e, unsigned has)
{
	if (e->kind == TRK_RESERVE)
		dump_put(w, " reserved");
	if (e->kind == TRK_ARENA)
		dump_put(w, " arena");
	if (has & HAS_ACCESS) {
		dump_put(w, " access ");
		dump_put(w, dump_access_name(e));
	}
	if (has & HAS_ADVICE) {
		dump_put(w, " advice ");
		dump_put(w, dump_advice_name(e));
	}
	if (has & HAS_CALL) {
		dump_put(w, " call ");
		dump_put(w, trk_kind_name((uint8_t)e->detail));
		dump_put_field(w, " alignment ", e->old_size);
	}
}

static void put_label(struct dump_writer *w, const struct trk_event *e)
{
	char label[TRK_LABEL_MAX + 1] = "";

	if (e->label)
		memcpy(label, e->label,
		       e->label_bytes < TRK_LABEL_MAX ? e->label_bytes : TRK_LABEL_MAX);
	dump_writer_flush(w);
	ui_text(w->file, label);
}

static void put_domain(struct dump_writer *w, const struct trk_event *e)
{
	char room[DOMAIN_NAME_ROOM];
	const char *const name = dump_domain_name(w, e, room);

	dump_put_field(w, " domain ", e->domain);
	if (!name)
		return;
	dump_put(w, " (");
	dump_writer_flush(w);
	ui_text(w->file, name);
	dump_put(w, ")");
}

static void put_operands(struct dump_writer *w, const struct dump_line *l)
{
	const struct trk_event *const e = l->event;

	if (l->has & HAS_OLD) {
		dump_put_hex(w, e->old_address);
		if (l->has & HAS_OLD_SIZE)
			dump_put_field(w, " size ", e->old_size);
		dump_put(w, " -> ");
	}
	if (l->failed)
		dump_put(w, "failed");
	else if (l->has & HAS_ADDRESS)
		dump_put_hex(w, l->address);
	if (l->has & HAS_SIZE)
		dump_put_field(w, " size ", l->size);
	if (l->has & HAS_DOMAIN)
		put_domain(w, e);
	if (l->has & HAS_LOST)
		dump_put_field(w, "lost ", e->size);
	if (l->has & HAS_COUNT)
		dump_put_field(w, "allocations ", e->size);
	if (l->has & HAS_NUMBER)
		dump_put_field(w, "number ", e->size);
	put_details(w, e, l->has);
	if (l->has & HAS_OBJECTS) {
		dump_put_field(w, " objects ", e->size);
		dump_put(w, " of ");
	}
	if (l->has & HAS_LABEL)
		put_label(w, e);
	if (l->half)
		dump_put_field(w, " id ", l->id);
	if ((l->has & HAS_STACK) && e->node)
		dump_put_field(w, " stack ", capture_stack(w->report->capture, e->node));
	dump_put(w, "\n");
}

static int line(struct dump_writer *w, const struct dump_line *l)
{
	const struct capture *c = w->report->capture;
	const struct trk_event *const e = l->event;

	w->sequence++;
	w->at += sprintf(w->at, "%" PRIu64 ".%09" PRIu64 " ", e->time_ns / 1000000000u,
			 e->time_ns % 1000000000u);
	dump_put_number(w, c->processes[e->process].pid);
	dump_put(w, "/");
	dump_put_hex(w, c->threads[e->thread].tid); /* as every report shows threads */
	dump_put(w, " ");
	dump_put(w, l->kind);
	dump_put(w, " ");
	put_operands(w, l);
	if (w->with_stacks && (l->has & HAS_STACK)) {
		const char *text = dump_stack(w, e->node);

		if (!text)
			return TRK_ERR_NOMEM;
		dump_writer_flush(w);
		fputs(text, w->file);
		dump_put(w, "\n");
	}
	return 0;
}

const struct dump_form dump_text = {
	.line = line,
	.frames = frames,
};
