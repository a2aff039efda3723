/*
 * emit_csv - the back end of emit that writes CSV (RFC 4180, but lines end with a newline alone).
 *
 * If a report has a table of its own, it writes that table with a header; otherwise it writes a line "key,value" for
 * each figure. In a sampled capture, a column with a margin is followed by COLUMN_margin. A tree is a table with the
 * column depth in front.
 */
#include "ui/emit_private.h"

#include <stdlib.h>
#include <string.h>

#include "ui/ui_private.h"

struct state {
	bool in_table; /* in that table, or in the tree */
	bool has_header;
	bool *margins; /* by column: whether the first row has one */
	size_t depth; /* of the branch */
};

const size_t emit_csv_bytes = sizeof(struct state);

static bool needs_quotes(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (memchr(",\"\r\n", s[i], 4))
			return true;
	return false;
}

void emit_csv_words(FILE *f, const char *s, size_t n)
{
	const char *const end = s + n, *const quote = needs_quotes(s, n) ? "\"" : "";

	fputs(quote, f);
	while (s < end) {
		uint32_t code;
		const size_t bytes = ui_utf8_decode(s, (size_t)(end - s), &code);

		if (*s == '"')
			fputc('"', f);
		if (bytes)
			fwrite(s, 1, bytes, f);
		else
			fputs("\xef\xbf\xbd", f);
		s += bytes ? bytes : 1;
	}
	fputs(quote, f);
}

static void write_words(FILE *f, const char *s)
{
	emit_csv_words(f, s, strlen(s));
}

static void write_value(FILE *f, const struct emit_value *v)
{
	char text[48];

	if (v->type == EMIT_WORDS)
		write_words(f, v->words);
	else
		fputs(emit_raw(v, text, sizeof(text)), f);
}

/* ---- figures ---- */

static void write_figure(struct emit *e, const char *key, const char *suffix, const struct emit_value *v)
{
	struct state *const s = e->state;
	char name[EMIT_PATH_ROOM], whole[96];

	if (!s->has_header)
		fputs("key,value\n", e->file);
	s->has_header = true;
	snprintf(whole, sizeof(whole), "%s%s", key, suffix);
	write_words(e->file, emit_path(e, *suffix ? whole : key, name));
	fputc(',', e->file);
	write_value(e->file, v);
	fputc('\n', e->file);
}

static void figure(struct emit *e, const char *key, const struct emit_value *v)
{
	if (e->table || v->type == EMIT_ABSENT)
		return;
	write_figure(e, key, "", v);
	if (v->has_margin)
		write_figure(e, key, "_margin", &(struct emit_value){ .type = EMIT_NUMBER, .number = v->margin });
}

static void texts(struct emit *e, const char *key, const char *before, const char *const *all, size_t count)
{
	char name[64];

	(void)before;
	for (size_t i = 0; !e->table && i < count; i++) {
		snprintf(name, sizeof(name), "%s.%zu", key, i);
		write_figure(e, name, "", &(struct emit_value){ .type = EMIT_WORDS, .words = all[i] });
	}
}

/* ---- the table ---- */

/* values: of the first row, which knows what has a margin; NULL: there is none. */
static void write_header(struct emit *e, const struct emit_table *t, const struct emit_value *values, bool is_tree)
{
	struct state *const s = e->state;
	const char *before = "";

	s->has_header = true;
	free(s->margins);
	s->margins = calloc(t->column_count + 1, sizeof(*s->margins));
	if (!s->margins) {
		e->no_memory = true;
		return;
	}
	if (is_tree) {
		fputs("depth", e->file);
		before = ",";
	}
	for (size_t i = 0; i < t->column_count; i++) {
		if (!emit_is_data(&t->columns[i]))
			continue;
		fprintf(e->file, "%s%s", before, t->columns[i].key);
		s->margins[i] = values && values[i].has_margin;
		if (s->margins[i])
			fprintf(e->file, ",%s_margin", t->columns[i].key);
		before = ",";
	}
	fputc('\n', e->file);
}

static void write_row(struct emit *e, const struct emit_table *t, const struct emit_value *values, bool is_tree)
{
	struct state *const s = e->state;
	const char *before = "";

	if (!s->has_header)
		write_header(e, t, values, is_tree);
	if (!s->margins)
		return;
	if (is_tree) {
		fprintf(e->file, "%zu", s->depth);
		before = ",";
	}
	for (size_t i = 0; i < t->column_count; i++) {
		if (!emit_is_data(&t->columns[i]))
			continue;
		fputs(before, e->file);
		write_value(e->file, &values[i]);
		if (s->margins[i])
			fprintf(e->file, ",%llu", (unsigned long long)values[i].margin);
		before = ",";
	}
	fputc('\n', e->file);
}

static bool is_the_table(const struct emit *e, const struct emit_level *l)
{
	return e->table && l->key && strcmp(l->key, e->table) == 0;
}

/* Other tables of a report without one are figures, called by the number of their row. */
static void write_row_as_figures(struct emit *e, const struct emit_level *l)
{
	for (size_t i = 0; !e->table && i < l->table->column_count; i++)
		if (emit_is_data(&l->table->columns[i]))
			figure(e, l->table->columns[i].key, &l->values[i]);
}

static void open(struct emit *e, const struct emit_level *l)
{
	struct state *const s = e->state;
	const bool enters = is_the_table(e, l) && (l->kind == EMIT_IN_TABLE || l->kind == EMIT_IN_BRANCH);

	if (enters)
		s->in_table = true;
	if (l->kind == EMIT_IN_BRANCH && s->in_table) {
		write_row(e, l->table, l->values, true);
		s->depth++;
	} else if (l->kind == EMIT_IN_ROW && s->in_table && is_the_table(e, &e->levels[e->depth - 2])) {
		write_row(e, l->table, l->values, false);
	} else if (l->kind == EMIT_IN_ROW && !s->in_table) {
		write_row_as_figures(e, l);
	}
}

static void close(struct emit *e, const struct emit_level *l)
{
	struct state *const s = e->state;

	s->depth -= l->kind == EMIT_IN_BRANCH && s->in_table;
	if (!is_the_table(e, l) || (l->kind != EMIT_IN_TABLE && l->kind != EMIT_IN_BRANCH))
		return;
	if (!s->has_header)
		write_header(e, l->table, NULL, false);
	s->in_table = false;
}

static void finish(struct emit *e)
{
	free(((struct state *)e->state)->margins);
}

const struct emit_back_end emit_csv_end = { .figure = figure, .texts = texts, .open = open, .close = close, .finish = finish };
