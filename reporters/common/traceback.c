/*
 * traceback - stacks in the tables of reports; see traceback.h.
 */
#include "common/traceback.h"

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
	[SHOWN_VIA] = { "shown_via", EMIT_FOR_PEOPLE },
};

static void emit_frame(struct emit *e, const struct source_frame *s, bool first)
{
	const bool is_known = s->function[0] || s->has_source || s->offset;
	const char *const unknown = is_known ? "???" : "<unknown>";

	const struct emit_value values[COLUMNS] = {
		[FILE_NAME] = emit_words(s->file),
		[LINE] = emit_number(s->line),
		[FUNCTION] = emit_words(*s->function ? s->function : NULL),
		[MODULE] = emit_words(s->module),
		[VIA] = emit_optional(s->via),
		[WORD] = emit_words(first ? "at" : "by"),
		[NAME] = emit_words(*s->function ? s->function : unknown),
		[SOURCE] = emit_optional(s->has_source ? s->file : NULL),
		[OBJECT] = emit_optional(is_known && !s->has_source ? s->module : NULL),
		[OFFSET] = emit_number(s->offset),
		[SHOWN_VIA] = emit_optional(is_known && first ? s->via : NULL),
	};

	emit_row(e, values);
}

static void emit_frames(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const char *sentence)
{
	const struct emit_table table = { EMIT_TABLE(key, columns), .sentence = sentence };

	emit_table(e, &table);
	for (size_t i = 0; i < count; i++) {
		if (frames[i].cut && emit_people(e))
			traceback_print_cut(emit_people(e), "   ", &frames[i]);
		else
			emit_frame(e, &frames[i], i == 0);
	}
	emit_end(e);
}

void traceback_emit(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const struct traceback_options *o)
{
	FILE *const f = emit_people(e);

	if (!f)
		emit_frames(e, key, frames, count, "");
	else if (o)
		traceback_print(f, frames, count, o);
}

void traceback_emit_calls(struct emit *e, const char *key, const struct source_frame *frames, size_t count)
{
	emit_frames(e, key, frames, count, "   {word} {name}[ ({source}:{line})][ (in {object}+0x{offset:hex})][ via {shown_via}]\n");
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
