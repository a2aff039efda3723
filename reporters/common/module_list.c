/* module_list - see module_list.h. */
#include "common/module_list.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/debug_link.h"
#include "symbols/made_code.h"
#include "symbols/stack.h"

/* What the capture knows of a module's symbols. */
struct module_symbols {
	uint32_t frames, resolved, open; /* open: never looked up */
	uint32_t lines; /* with a line of the source */
};

static bool has_line(const struct capture *c, const struct cap_frame *f)
{
	return f->symbol_count && f->symbol_count != UINT32_MAX && c->symbols[f->first_symbol].line;
}

static struct module_symbols *count_symbols(const struct capture *c)
{
	struct module_symbols *s = calloc(c->module_count + 1, sizeof(*s));

	for (uint32_t i = 1; s && i < c->frame_count; i++) {
		const struct cap_frame *f = &c->frames[i];

		s[f->module].frames++;
		s[f->module].resolved += stacks_knows_name(c, f);
		s[f->module].open += f->symbol_count == UINT32_MAX;
		s[f->module].lines += has_line(c, f);
	}
	return s;
}

static const char *symbol_state(const struct module_symbols *s)
{
	if (s->frames == 0)
		return "unused";
	if (s->open == s->frames)
		return "not looked up";
	if (s->resolved == s->frames)
		return s->lines ? "embedded" : "names only, no lines";
	if (!s->resolved)
		return "none";
	return s->lines ? "partly embedded" : "partly names, no lines";
}

/* Names or lines of its frames are missing, and the file that would have them is, too. */
static bool wants_debug_file(const struct trk_module *m, const struct module_symbols *s, char file[NAME_MAX + 1])
{
	return s->frames && (!s->lines || s->resolved < s->frames) && !(m->flags & TRK_MODULE_MADE) &&
	       debug_link_missing(m->path, m->build_id, m->build_id_bytes, file, NAME_MAX + 1);
}

static void hex(const struct trk_module *m, char *out, size_t room)
{
	out[0] = '\0';
	for (uint32_t i = 0; i < m->build_id_bytes && 2 * i + 3 <= room; i++)
		snprintf(out + 2 * i, 3, "%02x", m->build_id[i]);
}

enum column {
	PATH,
	BUILD_ID,
	MAIN,
	SYMBOLS,
	FRAMES,
	RESOLVED,
	LINES,
	MISSING,
	WHAT,
	LINK,
	BY_ID,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[PATH] = { "path" },
	[BUILD_ID] = { "build_id" },
	[MAIN] = { "main" },
	[SYMBOLS] = { "symbols" },
	[FRAMES] = { "frames" },
	[RESOLVED] = { "frames_resolved" },
	[LINES] = { "frames_with_lines" },
	[MISSING] = { "debug_file_missing" },
	[WHAT] = { "what", EMIT_FOR_PEOPLE },
	[LINK] = { "link", EMIT_FOR_PEOPLE },
	[BY_ID] = { "by_id", EMIT_FOR_PEOPLE },
};

static const struct emit_table table = {
	EMIT_TABLE("modules", columns),
	.sentence = "  {path}: {what}, symbols {symbols} ({frames_resolved} of {frames} frames)"
		    "[; its debug file (.gnu_debuglink) is missing: {link}][{by_id}]\n",
};

static void describe_module(struct emit *e, const struct trk_module *m, const struct module_symbols *s)
{
	char id[160], what[176], file[NAME_MAX + 1];

	hex(m, id, sizeof(id));
	if (m->flags & TRK_MODULE_PYTHON)
		snprintf(what, sizeof(what), "functions of Python");
	else if (m->flags & TRK_MODULE_MADE)
		snprintf(what, sizeof(what), "code made at run time");
	else
		snprintf(what, sizeof(what), "build-id %.12s", id[0] ? id : "none");
	const bool missing = wants_debug_file(m, s, file), by_id = missing && id[0] && !strncmp(file, id + 2, strlen(id + 2));

	const struct emit_value values[COLUMNS] = {
		[PATH] = emit_words(m->path),
		[BUILD_ID] = emit_words(id[0] ? id : NULL),
		[MAIN] = emit_flag(m->flags & TRK_MODULE_MAIN),
		[SYMBOLS] = emit_words(symbol_state(s)),
		[FRAMES] = emit_number(s->frames),
		[RESOLVED] = emit_number(s->resolved),
		[LINES] = emit_number(s->lines),
		[MISSING] = emit_words(missing ? file : NULL),
		[WHAT] = emit_words(what),
		[LINK] = emit_optional(missing && !by_id ? file : NULL),
		[BY_ID] = emit_optional(by_id ? "; its debug file is missing" : NULL), /* whose name is the rest of the build-id */
	};

	emit_row(e, values);
}

/* The place of a module among those that people see. */
struct place {
	uint32_t frames, module;
};

static int most_frames_first(const void *left, const void *right)
{
	const struct place *const a = left, *const b = right;

	if (a->frames != b->frames)
		return a->frames < b->frames ? 1 : -1;
	return a->module < b->module ? -1 : a->module > b->module;
}

/* All modules, in the order of the capture, or if there are more than `most`, by their frames. NULL: no memory. */
static struct place *places_of(const struct capture *c, const struct module_symbols *symbols, size_t most)
{
	struct place *const places = calloc(c->module_count + 1, sizeof(*places));

	for (uint32_t i = 1; places && i < c->module_count; i++)
		places[i - 1] = (struct place){ symbols[i].frames, i };
	if (places && c->module_count > most + 1)
		qsort(places, c->module_count - 1, sizeof(*places), most_frames_first);
	return places;
}

static void say_rest(struct emit *e, const struct place *places, size_t first, size_t count)
{
	uint64_t frames = 0;

	for (size_t i = first; i < count; i++)
		frames += places[i].frames;
	emit_aside(e, "more_modules", emit_count(count - first));
	emit_aside(e, "more_frames", emit_count(frames));
	if (first < count)
		emit_say(e, "  {more_modules} more, with {more_frames} frame{more_frames:s}; -n 0 shows all\n");
}

int module_list_describe(const struct capture *c, struct emit *e, size_t most)
{
	struct module_symbols *const symbols = count_symbols(c);
	const size_t count = c->module_count ? c->module_count - 1 : 0, shown = emit_people(e) && most < count ? most : count;
	struct place *const places = symbols ? places_of(c, symbols, shown) : NULL;

	if (!places) {
		free(symbols);
		return TRK_ERR_NOMEM;
	}
	emit_say(e, "Modules:\n");
	emit_table(e, &table);
	for (size_t i = 0; i < shown; i++)
		describe_module(e, &c->modules[places[i].module], &symbols[places[i].module]);
	emit_end(e);
	say_rest(e, places, shown, count);
	free(symbols);
	free(places);
	return 0;
}
