/*
 * emit_people - the back end of emit that writes text: sentences, aligned tables, trees. It remembers the figures, since the
 * sentences that name them may come long after them.
 */
#include "ui/emit_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "ui/emit_aligned.h"

#define STEPS_MAX 2050
#define STEP_COLUMNS 4

struct remembered {
	char *name; /* with the names of its groups */
	struct emit_value value;
	char *words; /* its own copy */
};

struct state {
	struct remembered *figures;
	size_t count, room;
	struct aligned rows; /* of the aligned table that is open */
	const char *steps[STEPS_MAX]; /* in front of a branch of the tree, per branching */
	size_t step_count;
	bool utf8;
};

const size_t emit_people_bytes = sizeof(struct state);

/* ---- figures ---- */

static struct remembered *find(const struct state *s, const char *name)
{
	for (size_t i = s->count; i-- > 0;)
		if (strcmp(s->figures[i].name, name) == 0)
			return &s->figures[i];
	return NULL;
}

static struct remembered *add(struct emit *e, const char *name)
{
	struct state *const s = e->state;
	char *const copy = strdup(name);

	if (!copy || !ARRAY_ROOM(s->figures, s->room, s->count + 1, 32)) {
		free(copy);
		e->no_memory = true;
		return NULL;
	}
	s->figures[s->count] = (struct remembered){ .name = copy };
	return &s->figures[s->count++];
}

static void remember(struct emit *e, const char *name, const struct emit_value *v)
{
	struct remembered *const known = find(e->state, name), *const r = known ? known : add(e, name);

	if (!r)
		return;
	free(r->words);
	r->words = NULL;
	r->value = *v;
	if (v->type != EMIT_WORDS)
		return;
	r->words = strdup(v->words);
	r->value = emit_words(r->words);
	e->no_memory |= !r->words;
}

static bool is_in_a_row(const struct emit *e)
{
	return e->depth && e->levels[e->depth - 1].kind >= EMIT_IN_TABLE;
}

/* Figures inside rows are for programs: there are as many as rows. */
static void figure(struct emit *e, const char *key, const struct emit_value *v)
{
	char name[EMIT_PATH_ROOM];

	if (!is_in_a_row(e))
		remember(e, emit_path(e, key, name), v);
}

/* Of the innermost row that has such a column, or of the group around the sentence, or of the document. */
static const struct emit_value *value_of(struct emit *e, const char *key)
{
	char name[EMIT_PATH_ROOM];

	for (size_t d = e->depth; d-- > 0;) {
		const struct emit_level *const l = &e->levels[d];

		for (size_t i = 0; l->values && i < l->table->column_count; i++)
			if (l->table->columns[i].key && strcmp(l->table->columns[i].key, key) == 0)
				return &l->values[i];
	}
	const struct remembered *r = find(e->state, emit_path(e, key, name));

	if (!r)
		r = find(e->state, key);
	assert(r || e->no_memory);
	return r ? &r->value : NULL;
}

/* ---- as people read them ---- */

static int64_t bytes_of(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n; /* only a hostile capture */
}

static void print_margin(FILE *f, const struct emit_value *v, bool utf8)
{
	char text[32];

	if (v->has_margin)
		fprintf(f, " %s %s", utf8 ? "\xc2\xb1" : "+-",
			v->type == EMIT_SIZE ? ui_size(text, sizeof(text), bytes_of(v->margin), false) :
					       ui_count(text, sizeof(text), v->margin));
}

static void print_share(FILE *f, double percent, const char *form)
{
	const enum ui_paint paint = ui_share_paint(percent);

	if (paint != UI_PLAIN)
		ui_paint(f, paint);
	fprintf(f, form, percent);
	if (paint != UI_PLAIN)
		ui_paint(f, UI_PLAIN);
}

static void print_value(FILE *f, const struct emit_value *v)
{
	char text[48];

	switch (v->type) {
	case EMIT_ABSENT:
	case EMIT_NULL:
		break;
	case EMIT_WORDS:
		ui_text(f, v->words);
		break;
	case EMIT_COUNT:
		fputs(ui_count(text, sizeof(text), v->number), f);
		break;
	case EMIT_NUMBER:
		fprintf(f, "%" PRIu64, v->number);
		break;
	case EMIT_SIZE:
		fputs(ui_size(text, sizeof(text), bytes_of(v->number), false), f);
		break;
	case EMIT_AVERAGE:
		fputs(ui_size_fraction(text, sizeof(text), v->ratio, false), f);
		break;
	case EMIT_CHANGE:
		fprintf(f, "%+" PRId64, v->change);
		break;
	case EMIT_SIZE_CHANGE:
		fputs(ui_size(text, sizeof(text), v->change, true), f);
		break;
	case EMIT_TIME:
		fprintf(f, "%.3f s", (double)v->number / 1e9);
		break;
	case EMIT_TENTHS:
		fprintf(f, "%.1f s", (double)v->number / 1e9);
		break;
	case EMIT_RATIO:
		fprintf(f, "%.2f", v->ratio);
		break;
	case EMIT_PERCENT:
		print_share(f, v->ratio, "%.2f%%");
		break;
	case EMIT_FLAG:
		fputs(v->flag ? "yes" : "no", f);
		break;
	}
}

static void print_form(struct emit *e, const struct emit_value *v, const char *form)
{
	FILE *const f = e->file;

	if (strcmp(form, "s") == 0)
		fputs(v->number == 1 ? "" : "s", f);
	else if (strcmp(form, "n") == 0)
		fprintf(f, "%" PRIu64, v->number);
	else if (strcmp(form, "KiB") == 0)
		fprintf(f, "%.1f KiB", (double)v->number / 1024);
	else if (strcmp(form, "hex") == 0)
		fprintf(f, "%" PRIx64, v->number);
	else if (strcmp(form, "share") == 0)
		print_share(f, v->ratio, "%.2f");
	else if (strcmp(form, "bare") == 0)
		print_value(f, v);
	else if (strcmp(form, "prose") == 0)
		ui_prose(f, v->words);
	else if (strcmp(form, "raw") == 0)
		fputs(v->words, f);
	else
		assert(!"a form that does not exist");
}

static bool is_there(const struct emit_value *v)
{
	return v && v->type != EMIT_ABSENT && v->type != EMIT_NULL;
}

/* ---- sentences ---- */

/* "{KEY:FORM}" at `at`: splits it, returns what is behind it. */
static const char *split(const char *at, char key[64], char form[16])
{
	const char *const end = strchr(at, '}');
	const size_t n = end ? (size_t)(end - at - 1) : 0;

	assert(end && n < 64);
	memcpy(key, at + 1, n);
	key[n] = '\0';
	char *const colon = strchr(key, ':');

	form[0] = '\0';
	if (colon) {
		*colon = '\0';
		snprintf(form, 16, "%s", colon + 1);
	}
	return end + 1;
}

/* Whether all figures up to the closing bracket are there. */
static bool holds(struct emit *e, const char *at)
{
	char key[64], form[16];

	while (*at && *at != ']') {
		if (*at != '{') {
			at++;
			continue;
		}
		at = split(at, key, form);
		if (!is_there(value_of(e, key)))
			return false;
	}
	return true;
}

static const char *print_figure(struct emit *e, const char *at)
{
	char key[64], form[16];
	const char *const behind = split(at, key, form);
	const struct emit_value *const v = value_of(e, key);

	if (!is_there(v))
		return behind;
	if (form[0]) {
		print_form(e, v, form);
		return behind;
	}
	print_value(e->file, v);
	print_margin(e->file, v, ((struct state *)e->state)->utf8);
	return behind;
}

static bool is_special(char c)
{
	return c == '[' || c == ']' || c == '{';
}

/* "Health:", in a line of its own. */
static bool is_heading(const struct emit *e, const char *sentence)
{
	const size_t n = strcspn(sentence, "\n");

	return !is_in_a_row(e) && n && sentence[n] && sentence[n - 1] == ':' && *sentence > ' ';
}

/* What stands up to the next figure, bracket or end of a line. */
static const char *print_plain(struct emit *e, const char *at, bool *heading)
{
	const size_t n = strcspn(at, "[]{\n");

	fwrite(at, 1, n, e->file);
	if (at[n] != '\n')
		return at + n;
	if (*heading)
		ui_paint(e->file, UI_PLAIN);
	*heading = false;
	fputc('\n', e->file);
	return at + n + 1;
}

static void say(struct emit *e, const char *sentence)
{
	bool heading = is_heading(e, sentence);

	if (heading)
		ui_paint(e->file, UI_HEADING);
	for (const char *at = sentence; *at;) {
		if (!is_special(*at)) {
			at = print_plain(e, at, &heading);
		} else if (at[1] == *at) {
			fputc(*at, e->file);
			at += 2;
		} else if (*at == '{') {
			at = print_figure(e, at);
		} else if (*at == '[') {
			at = holds(e, at + 1) ? at + 1 : strchr(at, ']') + 1;
		} else if (*at == ']') {
			at++;
		}
	}
}

static void texts(struct emit *e, const char *key, const char *before, const char *const *all, size_t count)
{
	(void)key;
	for (size_t i = 0; i < count; i++) {
		fputs(before, e->file);
		ui_prose(e->file, all[i]); /* sentences: what is cut out of one may be what it says */
		fputc('\n', e->file);
	}
}

/* ---- aligned tables ---- */

static bool is_aligned(const struct emit_table *t)
{
	return !t->sentence;
}

/* Whether rows are printed as they come. A terminal sees all of them before it gets the first. */
static bool is_at_once(const struct emit *e, const struct emit_table *t)
{
	return is_aligned(t) && t->fixed_widths && !ui_screen_width(e->file);
}

static char *cell_text(struct emit *e, const struct emit_table *t, const struct emit_value *v)
{
	char *text = NULL;
	size_t n;
	FILE *const m = open_memstream(&text, &n);

	if (!m)
		return NULL;
	print_value(m, v);
	if (!t->bare_cells)
		print_margin(m, v, ((struct state *)e->state)->utf8);
	return ui_memstream_end(m, &text);
}

static bool add_cell(struct emit *e, const struct emit_table *t, const struct emit_value *v)
{
	struct state *const s = e->state;

	return aligned_add(&s->rows, cell_text(e, t, v), v->type == EMIT_PERCENT ? ui_share_paint(v->ratio) : UI_PLAIN);
}

static void keep_row(struct emit *e, const struct emit_level *l)
{
	static const struct emit_value none = { .type = EMIT_ABSENT };

	for (size_t i = 0; i < l->table->column_count && !e->no_memory; i++)
		e->no_memory |= !add_cell(e, l->table, aligned_shows(&l->table->columns[i]) ? &l->values[i] : &none);
}

/* ---- trees ---- */

struct drawing {
	const char *caller, *leaf, *branch, *last, *line, *gap;
};

static const struct drawing drawings[] = {
	{ "+ ", "- ", "|-- ", "`-- ", "|   ", "    " },
	{ "\xf0\x9f\x93\x82 ", "\xf0\x9f\x93\x84 ", "\xe2\x94\x9c\xe2\x94\x80\xe2\x94\x80 ",
	  "\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80 ", "\xe2\x94\x82   ", "    " },
};

/* A terminal shows the innermost ones, as the most of its width is for the names. */
static void print_steps(struct emit *e)
{
	const struct state *const s = e->state;
	const int width = ui_screen_width(e->file);
	const size_t most = width ? (size_t)width / (3 * STEP_COLUMNS) : s->step_count;
	const size_t first = s->step_count > most ? s->step_count - most : 0;

	if (first)
		fputs(s->utf8 ? "\xe2\x80\xa6   " : "... ", e->file);
	for (size_t i = first; i < s->step_count; i++)
		fputs(s->steps[i], e->file);
}

/* A chain without a branching is not indented. */
static void print_branch(struct emit *e, const struct emit_level *l)
{
	struct state *const s = e->state;
	const struct drawing *const draw = &drawings[s->utf8];
	const struct emit_branch *const b = l->branch;

	print_steps(e);
	if (!b->only) {
		fputs(b->last ? draw->last : draw->branch, e->file);
		assert(s->step_count < STEPS_MAX);
		s->steps[s->step_count++] = b->last ? draw->gap : draw->line;
	}
	fputs(b->leaf ? draw->leaf : draw->caller, e->file);
	say(e, l->table->sentence);
}

/* ---- levels ---- */

static void open(struct emit *e, const struct emit_level *l)
{
	struct state *const s = e->state;

	if (l->kind == EMIT_IN_DOCUMENT)
		s->utf8 = ui_utf8();
	else if (l->kind == EMIT_IN_BRANCH)
		print_branch(e, l);
	else if (l->kind == EMIT_IN_TABLE && is_at_once(e, l->table))
		e->no_memory |= !aligned_print(&s->rows, l->table, !l->table->no_headings, e->file);
	else if (l->kind == EMIT_IN_ROW && is_aligned(l->table))
		keep_row(e, l);
	else if (l->kind == EMIT_IN_ROW)
		say(e, l->table->sentence);
}

static void close(struct emit *e, const struct emit_level *l)
{
	struct state *const s = e->state;

	if (l->kind == EMIT_IN_BRANCH && !l->branch->only)
		s->step_count--;
	else if (l->kind == EMIT_IN_ROW && is_at_once(e, l->table))
		e->no_memory |= !aligned_print(&s->rows, l->table, false, e->file);
	else if (l->kind == EMIT_IN_TABLE && is_aligned(l->table) && !is_at_once(e, l->table))
		e->no_memory |= !aligned_print(&s->rows, l->table, !l->table->no_headings, e->file);
}

static void finish(struct emit *e)
{
	struct state *const s = e->state;

	for (size_t i = 0; i < s->count; i++) {
		free(s->figures[i].name);
		free(s->figures[i].words);
	}
	free(s->figures);
	aligned_finish(&s->rows);
}

const struct emit_back_end emit_people_end = {
	.figure = figure,
	.aside = remember,
	.say = say,
	.texts = texts,
	.open = open,
	.close = close,
	.finish = finish,
};
