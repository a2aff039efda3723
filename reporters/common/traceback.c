/*
 * traceback - stacks in the tables of reports; see traceback.h.
 */
#include "common/traceback.h"

#include <inttypes.h>
#include <stdlib.h>

/* Columns for programs, then those for people. */
enum {
	FILE_NAME,
	LINE,
	FUNCTION,
	MODULE,
	VIA,
	WORD,
	NAME,
	SOURCE,
	OBJECT,
	OFFSET,
	CLOSING,
	SHOWN_VIA,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[FUNCTION] = { "function" },
	[MODULE] = { "module" },
	[VIA] = { "via" },
	[WORD] = { "word", EMIT_FOR_PEOPLE },
	[NAME] = { "name", EMIT_FOR_PEOPLE },
	[SOURCE] = { "source", EMIT_FOR_PEOPLE },
	[OBJECT] = { "object", EMIT_FOR_PEOPLE },
	[OFFSET] = { "offset", EMIT_FOR_PEOPLE },
	[CLOSING] = { "closing", EMIT_FOR_PEOPLE },
	[SHOWN_VIA] = { "shown_via", EMIT_FOR_PEOPLE },
};

/* paths: how people read names of files; NULL: as they are. */
static void emit_frame(struct emit *e, const struct source_frame *s, bool first, const struct short_paths *paths)
{
	const bool is_known = s->function[0] || s->has_source || s->offset;
	const char *const unknown = is_known ? "???" : "<unknown>";
	const char *const shown = paths ? short_paths_of(paths, s->file) : s->file;

	const struct emit_value values[COLUMNS] = {
		[FILE_NAME] = emit_words(s->file),
		[LINE] = emit_number(s->line),
		[FUNCTION] = emit_words(*s->function ? s->function : NULL),
		[MODULE] = emit_words(s->module),
		[VIA] = emit_optional(s->via),
		[WORD] = emit_words(first ? "at" : "by"),
		[NAME] = emit_words(*s->function ? s->function : unknown),
		[SOURCE] = emit_optional(s->has_source ? shown : NULL),
		[OBJECT] = emit_optional(is_known && !s->has_source ? paths ? short_paths_of(paths, s->module) : s->module : NULL),
		[OFFSET] = *s->function ? emit_absent() : emit_number(s->offset),
		[CLOSING] = emit_optional(is_known && !s->has_source ? ")" : NULL),
		[SHOWN_VIA] = emit_optional(is_known && first ? s->via : NULL),
	};

	emit_row(e, values);
}

static void emit_frames(struct emit *e, const char *key, const struct source_frame *frames, size_t count)
{
	static const struct emit_table table = { .columns = columns, .column_count = COLUMNS, .sentence = "" };
	struct emit_table named = table;

	named.key = key;
	emit_table(e, &named);
	for (size_t i = 0; i < count; i++)
		emit_frame(e, &frames[i], i == 0, NULL);
	emit_end(e);
}

void traceback_emit(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const struct traceback_options *o)
{
	FILE *const f = emit_people(e);

	if (!f)
		emit_frames(e, key, frames, count);
	else if (o)
		traceback_print(f, frames, count, o);
}

/* "... 34 more frames (--depth 0 shows all)" */
static void print_rest(FILE *f, const struct traceback_calls *o)
{
	const uint32_t most = o->most_frames - o->depth;

	fprintf(f, "   ... ");
	if (o->least_frames <= o->depth)
		fprintf(f, "up to ");
	else if (o->least_frames < o->most_frames)
		fprintf(f, "%" PRIu32 " to ", o->least_frames - o->depth);
	fprintf(f, "%" PRIu32 " more frame%s (--depth 0 shows all)\n", most, most == 1 ? "" : "s");
}

/* In a line below the call. */
static void say_source(struct emit *e, const struct source_frame *frame, const struct traceback_calls *o)
{
	char *const source = traceback_call_source(frame, o);

	emit_aside(e, "source_line", emit_optional(source));
	emit_say(e, "[      | {source_line}\n]");
	free(source);
}

static void emit_for_people(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const struct traceback_calls *o)
{
	const struct emit_table table = {
		EMIT_TABLE(key, columns),
		.sentence = "   {word} {name}[ ({source}:{line})][ (in {object}][+0x{offset:hex}][{closing}][ via {shown_via}]\n",
	};
	FILE *const f = emit_people(e);
	const bool cut = frames[count - 1].cut;
	const size_t shown = count - cut < o->depth ? count - cut : o->depth;

	emit_table(e, &table);
	for (size_t i = 0; i < shown; i++) {
		emit_frame(e, &frames[i], i == 0, o->paths);
		if (i == 0 && frames[i].has_source)
			say_source(e, &frames[i], o);
	}
	emit_end(e);
	if (o->most_frames > o->depth)
		print_rest(f, o);
	if (cut)
		traceback_print_cut(f, "   ", &frames[count - 1]);
}

void traceback_emit_calls(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const struct traceback_calls *o)
{
	if (emit_people(e))
		emit_for_people(e, key, frames, count, o);
	else
		emit_frames(e, key, frames, count);
}

char *traceback_folded(const struct emit *e, const struct source_frame *frames, size_t count)
{
	char *text = NULL;
	size_t size;
	FILE *const m = emit_form(e) == EMIT_CSV ? open_memstream(&text, &size) : NULL;

	if (!m)
		return NULL;
	traceback_print_folded(m, frames, count);
	return ui_memstream_end(m, &text);
}

void traceback_emit_source(struct emit *e, const char *file, uint64_t line, const struct traceback_options *o)
{
	if (emit_people(e))
		traceback_print_source(emit_people(e), file, line, o);
}
