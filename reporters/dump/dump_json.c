/* dump_json - a line of tracker-dump as a JSON object. */
#include "dump/dump_writer.h"

#include <stdlib.h>

static void json_frame(struct ui_json *j, const struct source_frame *f)
{
	ui_json_object(j, NULL);
	ui_json_string(j, "function", f->function[0] ? f->function : NULL);
	ui_json_string(j, "file", f->file);
	ui_json_uint(j, "line", f->line);
	ui_json_string(j, "module", f->module);
	ui_json_uint(j, "offset", f->offset);
	ui_json_bool(j, "inlined", f->inlined);
	ui_json_end(j);
}

static void frames(FILE *f, const struct source_frame *frames, size_t count)
{
	struct ui_json j;

	ui_json_init(&j, f, true);
	ui_json_array(&j, NULL);
	for (size_t i = 0; i < count; i++)
		json_frame(&j, &frames[i]);
	ui_json_end(&j);
}

static void put_depth(struct dump_writer *w, uint32_t node)
{
	if (!node || w->depths[node])
		dump_put_field(w, ",\"total_nframe\":", w->depths[node]);
	else
		dump_put(w, ",\"total_nframe\":null");
}

/* ,"key":"..." by the JSON writer: an object without its braces. */
static int put_text(struct dump_writer *w, const char *key, const char *words, size_t bytes)
{
	char *text = NULL, *open;
	size_t size;
	FILE *m = open_memstream(&text, &size);
	struct ui_json j;

	if (!m)
		return TRK_ERR_NOMEM;
	ui_json_init(&j, m, true);
	ui_json_object(&j, NULL);
	ui_json_string_n(&j, key, words, bytes);
	ui_json_end(&j);
	text = ui_memstream_end(m, &text);
	if (!text)
		return TRK_ERR_NOMEM;
	open = strchr(text, '{');
	*strrchr(text, '}') = '\0';
	dump_put(w, ",");
	dump_writer_flush(w);
	fputs(open + 1, w->file);
	free(text);
	return 0;
}

static int put_domain(struct dump_writer *w, const struct trk_event *e)
{
	char room[DOMAIN_NAME_ROOM];
	const char *const name = dump_domain_name(w, e, room);

	dump_put_field(w, ",\"domain\":", e->domain);
	return name ? put_text(w, "domain_name", name, strlen(name)) : 0;
}

static int put_stack(struct dump_writer *w, uint32_t node)
{
	const char *text = dump_stack(w, node);

	if (!text)
		return TRK_ERR_NOMEM;
	dump_put(w, ",\"frames\":");
	dump_writer_flush(w);
	fputs(text, w->file);
	return 0;
}

/* Of kinds of address space: words that need no escape. */
static void put_details(struct dump_writer *w, const struct trk_event *e, unsigned has)
{
	if (e->kind == TRK_RESERVE)
		dump_put(w, ",\"reserved\":true");
	if (e->kind == TRK_ARENA)
		dump_put(w, ",\"arena\":true");
	if (has & HAS_ACCESS) {
		dump_put(w, ",\"access\":\"");
		dump_put(w, dump_access_name(e));
		dump_put(w, "\"");
	}
	if (has & HAS_ADVICE) {
		dump_put(w, ",\"advice\":\"");
		dump_put(w, dump_advice_name(e));
		dump_put(w, "\"");
	}
	if (has & HAS_CALL) {
		dump_put(w, ",\"call\":\"");
		dump_put(w, trk_kind_name((uint8_t)e->detail));
		dump_put_field(w, "\",\"alignment\":", e->old_size);
	}
}

static int line(struct dump_writer *w, const struct dump_line *l)
{
	const struct capture *c = w->report->capture;
	const struct trk_event *const e = l->event;
	int err = 0;

	dump_put_field(w, "{\"seq\":", w->sequence++);
	dump_put_field(w, ",\"time_ns\":", e->time_ns);
	dump_put_field(w, ",\"pid\":", c->processes[e->process].pid);
	dump_put_field(w, ",\"tid\":", c->threads[e->thread].tid);
	dump_put(w, ",\"kind\":\"");
	dump_put(w, l->kind);
	dump_put(w, "\"");
	if (l->half) {
		dump_put_field(w, ",\"id\":", l->id);
		dump_put(w, ",\"half\":\"");
		dump_put(w, l->half);
		dump_put(w, "\"");
	}
	if (l->failed)
		dump_put(w, ",\"address\":null,\"failed\":true");
	else if (l->has & HAS_ADDRESS)
		dump_put_field(w, ",\"address\":", l->address);
	if (l->has & HAS_SIZE)
		dump_put_field(w, ",\"size\":", l->size);
	if (l->has & HAS_OLD)
		dump_put_field(w, ",\"old_address\":", e->old_address);
	if (l->has & HAS_OLD_SIZE)
		dump_put_field(w, ",\"old_size\":", e->old_size);
	if (l->has & HAS_DOMAIN)
		err = put_domain(w, e);
	if (l->has & HAS_LOST)
		dump_put_field(w, ",\"lost\":", e->size);
	if (l->has & (HAS_COUNT | HAS_OBJECTS))
		dump_put_field(w, ",\"count\":", e->size);
	if (l->has & HAS_NUMBER)
		dump_put_field(w, ",\"number\":", e->size);
	put_details(w, e, l->has);
	if (l->has & HAS_STACK) {
		dump_put_field(w, ",\"stack\":", capture_stack(c, e->node));
		put_depth(w, e->node);
	}
	if (!err && (l->has & HAS_LABEL))
		err = put_text(w, "label", e->label ? e->label : "", e->label_bytes);
	if (!err && (l->has & HAS_STACK) && w->with_stacks)
		err = put_stack(w, e->node);
	dump_put(w, "}\n");
	return err;
}

const struct dump_form dump_json = {
	.line = line,
	.frames = frames,
};
