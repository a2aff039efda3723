/* places - see places.h. */
#include "report/places.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"

#define NAME_ROOM 512u

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

void places_say_one(struct sheet *s, const char *before, enum ui_paint paint, struct stacks *stacks, uint32_t node)
{
	char name[NAME_ROOM] = "a stack that is not known", where[NAME_ROOM] = "", via[NAME_ROOM], from[NAME_ROOM];
	struct sheet_name n = { name, where, { NULL, NULL } };
	size_t count;

	if (node) {
		const struct source_frame *const frames = group_frames(stacks, node, &count);
		const char *const caller = caller_of(frames, count);

		name_frame(frames, name, where, sizeof(name));
		snprintf(via, sizeof(via), " via %s", frames->via ? frames->via : "");
		snprintf(from, sizeof(from), " from %s", caller ? caller : "");
		n.extras[0] = frames->via ? via : NULL;
		n.extras[1] = caller ? from : NULL;
	}
	sheet_named(s, before, paint, &n);
}

void places_describe(struct emit *e, const char *key, struct stacks *stacks, const struct ranking *places, uint64_t total)
{
	const struct emit_table table = { EMIT_TABLE(key, columns), .sentence = "" };

	emit_table(e, &table);
	for (size_t i = 0; i < places->count; i++) {
		const struct ranked *const p = &places->items[i];
		size_t count;
		const struct source_frame *const f = group_frames(stacks, p->node, &count);

		emit_row(e, (struct emit_value[COLUMNS]){
				    [FUNCTION] = emit_words(f->function[0] ? f->full_function : NULL),
				    [FILE_NAME] = emit_words(f->file),
				    [LINE] = emit_number(f->line),
				    [VIA] = emit_words(f->via),
				    [CALLER] = emit_words(caller_of(f, count)),
				    [SIZE] = emit_size(p->bytes),
				    [COUNT] = emit_count(p->count),
				    [SHARE] = emit_ratio(share(p->bytes, total)),
			    });
	}
	emit_end(e);
}

static void say_place(struct sheet *s, struct stacks *stacks, const struct ranked *p, uint64_t total)
{
	char numbers[96], size[32], count[32];

	snprintf(numbers, sizeof(numbers), "%9s %3.0f%% %7s block%s  ", ui_size(size, sizeof(size), (int64_t)p->bytes, false), share(p->bytes, total),
		 ui_count(count, sizeof(count), p->count), p->count == 1 ? " " : "s");
	places_say_one(s, numbers, ui_share_paint(share(p->bytes, total)), stacks, p->node);
}

void places_say(struct sheet *s, struct stacks *stacks, const struct ranking *places, uint64_t total, unsigned limit)
{
	for (size_t i = 0; i < places->count && i < limit; i++)
		say_place(s, stacks, &places->items[i], total);
}
