/*
 * dump_csv - a line of tracker-dump as a row of CSV, under the names of the keys that JSON has.
 *
 * Cells are empty if the kind does not have the field, or the value is not known.
 */
#include "dump/dump_writer.h"

#include "common/traceback.h"
#include "ui/emit.h"

static void begin(struct dump_writer *w)
{
	dump_put(w, "seq,time_ns,pid,tid,kind,id,half,address,failed,size,old_address,old_size,domain,lost,count,number,"
		    "reserved,arena,access,advice,stack,total_nframe,label,domain_name,call,alignment");
	dump_put(w, w->with_stacks ? ",frames\n" : "\n");
}

static void put_cell(struct dump_writer *w, bool has, uint64_t n)
{
	dump_put(w, ",");
	if (has)
		dump_put_number(w, n);
}

/* Words that need no quotes; NULL: none. */
static void put_word(struct dump_writer *w, const char *word)
{
	dump_put(w, ",");
	if (word)
		dump_put(w, word);
}

static void put_operands(struct dump_writer *w, const struct dump_line *l)
{
	const struct trk_event *const e = l->event;

	put_cell(w, l->half, l->id);
	put_word(w, l->half);
	put_cell(w, l->has & HAS_ADDRESS && !l->failed, l->address);
	put_word(w, l->failed ? "true" : NULL);
	put_cell(w, l->has & HAS_SIZE, l->size);
	put_cell(w, l->has & HAS_OLD, e->old_address);
	put_cell(w, l->has & HAS_OLD_SIZE, e->old_size);
	put_cell(w, l->has & HAS_DOMAIN, e->domain);
	put_cell(w, l->has & HAS_LOST, e->size);
	put_cell(w, l->has & (HAS_COUNT | HAS_OBJECTS), e->size);
	put_cell(w, l->has & HAS_NUMBER, e->size);
	put_word(w, e->kind == TRK_RESERVE ? "true" : NULL);
	put_word(w, e->kind == TRK_ARENA ? "true" : NULL);
	put_word(w, l->has & HAS_ACCESS ? dump_access_name(e) : NULL);
	put_word(w, l->has & HAS_ADVICE ? dump_advice_name(e) : NULL);
}

static void put_label(struct dump_writer *w, const struct trk_event *e)
{
	dump_writer_flush(w);
	if (e->label)
		emit_csv_words(w->file, e->label, e->label_bytes);
}

static void put_domain_name(struct dump_writer *w, const struct dump_line *l)
{
	char room[DOMAIN_NAME_ROOM];
	const char *const name = l->has & HAS_DOMAIN ? dump_domain_name(w, l->event, room) : NULL;

	dump_put(w, ",");
	if (!name)
		return;
	dump_writer_flush(w);
	emit_csv_words(w->file, name, strlen(name));
}

static int put_frames(struct dump_writer *w, const struct dump_line *l)
{
	const char *const text = l->has & HAS_STACK ? dump_stack(w, l->event->node) : "";

	if (!text)
		return TRK_ERR_NOMEM;
	dump_put(w, ",");
	dump_writer_flush(w);
	emit_csv_words(w->file, text, strlen(text));
	return 0;
}

static int line(struct dump_writer *w, const struct dump_line *l)
{
	const struct capture *const c = w->report->capture;
	const struct trk_event *const e = l->event;
	int err = 0;

	dump_put_number(w, w->sequence++);
	put_cell(w, true, e->time_ns);
	put_cell(w, true, c->processes[e->process].pid);
	put_cell(w, true, c->threads[e->thread].tid);
	put_word(w, l->kind);
	put_operands(w, l);
	put_cell(w, l->has & HAS_STACK, capture_stack(c, e->node));
	put_cell(w, l->has & HAS_STACK && (!e->node || w->depths[e->node]), w->depths[e->node]);
	dump_put(w, ",");
	if (l->has & HAS_LABEL)
		put_label(w, e);
	put_domain_name(w, l);
	put_word(w, l->has & HAS_CALL ? trk_kind_name((uint8_t)e->detail) : NULL);
	put_cell(w, l->has & HAS_CALL, e->old_size);
	if (w->with_stacks)
		err = put_frames(w, l);
	dump_put(w, "\n");
	return err;
}

const struct dump_form dump_csv = {
	.begin = begin,
	.line = line,
	.frames = traceback_print_folded,
};
