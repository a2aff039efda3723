/* places - see places.h. */
#include "report/places.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NAME_ROOM 512u
#define NARROW 60 /* columns: a screen that has room for names and sizes only */

enum column {
	FUNCTION,
	FILE_NAME,
	LINE,
	VIA,
	CALLER,
	SIZE,
	COUNT,
	SHARE,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[FUNCTION] = { "function" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[VIA] = { "via" },
	[CALLER] = { "caller" },
	[SIZE] = { "size" },
	[COUNT] = { "count" },
	[SHARE] = { "percent" },
};

static double share(uint64_t bytes, uint64_t total)
{
	return total ? 100.0 * (double)bytes / (double)total : 0;
}

static const char *last_part(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* Who called it, if that is a function of the program; NULL: it is not known. */
static const char *caller_of(const struct source_frame *frames, size_t count)
{
	const struct source_frame *const f = frames + 1;

	return count > 1 && !f->runtime && !f->cut && f->function[0] && !f->placeholder ? f->function : NULL;
}

/* What it is called, and where it is. */
static void name_frame(const struct source_frame *f, char *name, char *where, size_t room)
{
	where[0] = '\0';
	if (!f->function[0])
		snprintf(name, room, "%s+0x%" PRIx64, last_part(f->module), f->offset);
	else
		snprintf(name, room, "%s", f->function);
	if (f->has_source)
		snprintf(where, room, " (%s:%" PRIu32 ")", last_part(f->file), f->line);
	else if (f->function[0] && !f->placeholder)
		snprintf(where, room, " (%s)", last_part(f->module));
}

/* A stack in words. */
struct words {
	char name[NAME_ROOM], where[NAME_ROOM], via[NAME_ROOM], from[NAME_ROOM];
	struct sheet_name parts;
};

static void put_into_words(struct words *w, struct origins *origins, uint32_t node)
{
	const char *called = NULL;
	size_t count;
	const struct source_frame *const frames = node ? origins_frames(origins, node, &count, &called) : NULL;
	const char *const caller = frames ? caller_of(frames, count) : NULL;

	*w = (struct words){ .name = "a stack that is not known", .parts = { .name = w->name, .kept = w->where } };
	if (!frames)
		return;
	name_frame(frames, w->name, w->where, NAME_ROOM);
	snprintf(w->via, NAME_ROOM, " via %s", called ? called : "");
	snprintf(w->from, NAME_ROOM, " from %s", caller ? caller : "");
	w->parts.extras[0] = called ? w->via : NULL;
	w->parts.extras[1] = caller ? w->from : NULL;
}

void places_say_one(struct sheet *s, const char *before, enum ui_paint paint, struct origins *origins, uint32_t node)
{
	struct words w;

	put_into_words(&w, origins, node);
	sheet_named(s, before, paint, &w.parts);
}

void places_say_heading(struct sheet *s, const char *before, struct origins *origins, uint32_t node, const char *command, const char *operand)
{
	struct words w;

	put_into_words(&w, origins, node);
	sheet_named_heading(s, before, &w.parts, command, operand);
}

void places_describe(struct emit *e, const char *key, struct origins *origins, const struct ranking *places, uint64_t total)
{
	const struct emit_table table = { EMIT_TABLE(key, columns), .sentence = "" };

	emit_table(e, &table);
	for (size_t i = 0; i < places->count; i++) {
		const struct ranked *const p = &places->items[i];
		const char *via;
		size_t count;
		const struct source_frame *const f = origins_frames(origins, p->node, &count, &via);

		emit_row(e, (struct emit_value[COLUMNS]){
				    [FUNCTION] = emit_words(f->function[0] ? f->full_function : NULL),
				    [FILE_NAME] = emit_words(f->file),
				    [LINE] = emit_number(f->line),
				    [VIA] = emit_words(via),
				    [CALLER] = emit_words(caller_of(f, count)),
				    [SIZE] = emit_size(p->bytes),
				    [COUNT] = emit_count(p->count),
				    [SHARE] = emit_ratio(share(p->bytes, total)),
			    });
	}
	emit_end(e);
}

static void say_place(struct sheet *s, struct origins *origins, const struct ranked *p, uint64_t total)
{
	char numbers[96], size[32], count[32];

	if (s->width < NARROW)
		snprintf(numbers, sizeof(numbers), "%9s  ", ui_size(size, sizeof(size), (int64_t)p->bytes, false));
	else
		snprintf(numbers, sizeof(numbers), "%9s %3.0f%% %7s block%s  ", ui_size(size, sizeof(size), (int64_t)p->bytes, false), share(p->bytes, total),
			 ui_count(count, sizeof(count), p->count), p->count == 1 ? " " : "s");
	places_say_one(s, numbers, ui_share_paint(share(p->bytes, total)), origins, p->node);
}

void places_say(struct sheet *s, struct origins *origins, const struct ranking *places, uint64_t total, unsigned limit)
{
	for (size_t i = 0; i < places->count && i < limit; i++)
		say_place(s, origins, &places->items[i], total);
}
