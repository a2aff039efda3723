/* emit - see emit.h. What all back ends share: which levels are open, and how figures in them are called. */
#include "ui/emit_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"

static const struct {
	const struct emit_back_end *back_end;
	const size_t *bytes; /* of its state; NULL: it has none */
} ends[] = {
	[EMIT_PEOPLE] = { &emit_people_end, &emit_people_bytes },
	[EMIT_JSON] = { &emit_json_end, &emit_json_bytes },
	[EMIT_JSON_LINE] = { &emit_json_end, &emit_json_bytes },
	[EMIT_CSV] = { &emit_csv_end, &emit_csv_bytes },
	[EMIT_NOTHING] = { &emit_nothing_end, NULL },
};

/* ---- the back end that makes nothing of it ---- */

static void no_figure(struct emit *e, const char *key, const struct emit_value *v)
{
	(void)e, (void)key, (void)v;
}

static void no_texts(struct emit *e, const char *key, const char *before, const char *const *texts, size_t count)
{
	(void)e, (void)key, (void)before, (void)texts, (void)count;
}

static void no_level(struct emit *e, const struct emit_level *l)
{
	(void)e, (void)l;
}

const struct emit_back_end emit_nothing_end = {
	.figure = no_figure,
	.texts = no_texts,
	.open = no_level,
	.close = no_level,
};

/* ---- levels ---- */

/* The innermost open level; the document. */
static struct emit_level *top(struct emit *e)
{
	return &e->levels[e->depth - 1];
}

static void open_level(struct emit *e, struct emit_level l)
{
	if (!ARRAY_ROOM(e->levels, e->room, e->depth + 1, 16)) {
		ui_error("out of memory");
		exit(UI_CANNOT);
	}
	if (e->depth && (l.kind == EMIT_IN_ROW || l.kind == EMIT_IN_BRANCH))
		l.number = top(e)->rows++;
	e->levels[e->depth++] = l;
	e->back_end->open(e, &l);
}

void emit_end(struct emit *e)
{
	assert(e->depth > 1);
	const struct emit_level l = e->levels[--e->depth];

	e->back_end->close(e, &l);
}

char *emit_path(const struct emit *e, const char *key, char buf[EMIT_PATH_ROOM])
{
	size_t used = 0;

	for (size_t i = 1; i < e->depth; i++) {
		const struct emit_level *const l = &e->levels[i];
		const int n = l->key ? snprintf(buf + used, EMIT_PATH_ROOM - used, "%s.", l->key) :
				       snprintf(buf + used, EMIT_PATH_ROOM - used, "%zu.", l->number);

		used += n > 0 && (size_t)n < EMIT_PATH_ROOM - used ? (size_t)n : 0;
	}
	snprintf(buf + used, EMIT_PATH_ROOM - used, "%s", key);
	return buf;
}

/* ---- the document ---- */

struct emit *emit_new(enum emit_form form, FILE *file, const char *table)
{
	struct emit *const e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	*e = (struct emit){ .back_end = ends[form].back_end, .form = form, .file = file, .table = table };
	e->state = calloc(1, ends[form].bytes ? *ends[form].bytes : 1);
	if (e->state)
		return e;
	free(e);
	return NULL;
}

int emit_end_all(struct emit *e)
{
	int err;

	if (!e)
		return 0;
	while (e->depth > 1)
		emit_end(e);
	if (e->depth)
		e->back_end->close(e, &e->levels[0]);
	if (e->back_end->finish)
		e->back_end->finish(e);
	err = e->no_memory ? -2 : 0;
	free(e->state);
	free(e->levels);
	free(e);
	return err;
}

void emit_document(struct emit *e, const char *schema, unsigned version)
{
	open_level(e, (struct emit_level){ .kind = EMIT_IN_DOCUMENT });
	emit_figure(e, "schema", emit_words(schema));
	emit_figure(e, "schema_version", emit_number(version));
}

enum emit_form emit_form(const struct emit *e)
{
	return e->form;
}

FILE *emit_people(struct emit *e)
{
	return e->form == EMIT_PEOPLE ? e->file : NULL;
}

void emit_figure(struct emit *e, const char *key, struct emit_value v)
{
	e->back_end->figure(e, key, &v);
}

void emit_data(struct emit *e, const char *key, struct emit_value v)
{
	if (!emit_people(e))
		e->back_end->figure(e, key, &v);
}

void emit_aside(struct emit *e, const char *key, struct emit_value v)
{
	if (e->back_end->aside)
		e->back_end->aside(e, key, &v);
}

void emit_say(struct emit *e, const char *sentence)
{
	if (e->back_end->say)
		e->back_end->say(e, sentence);
}

void emit_line(struct emit *e, const char *before, const char *key, struct emit_value v)
{
	emit_data(e, key, v);
	emit_aside(e, "before", emit_words(before));
	emit_aside(e, "name", emit_words(key));
	emit_aside(e, "value", v);
	emit_say(e, "{before:raw}{name}: {value}\n");
}

void emit_group(struct emit *e, const char *key)
{
	open_level(e, (struct emit_level){ .kind = EMIT_IN_GROUP, .key = key });
}

void emit_texts(struct emit *e, const char *key, const char *before, const char *const *texts, size_t count)
{
	e->back_end->texts(e, key, before, texts, count);
}

/* ---- tables and trees ---- */

void emit_table(struct emit *e, const struct emit_table *t)
{
	open_level(e, (struct emit_level){ .kind = EMIT_IN_TABLE, .key = t->key, .table = t });
}

void emit_row_begin(struct emit *e, const struct emit_value *values)
{
	const struct emit_level *const outer = top(e);

	assert(outer->kind == EMIT_IN_TABLE);
	open_level(e, (struct emit_level){ .kind = EMIT_IN_ROW, .table = outer->table, .values = values });
}

void emit_row(struct emit *e, const struct emit_value *values)
{
	emit_row_begin(e, values);
	emit_end(e);
}

void emit_branch(struct emit *e, const char *key, const struct emit_table *t, const struct emit_branch *b)
{
	open_level(e, (struct emit_level){ .kind = EMIT_IN_BRANCH, .key = key, .table = t, .values = b->values, .branch = b });
}

/* ---- figures as programs read them ---- */

char *emit_raw(const struct emit_value *v, char *buf, size_t room)
{
	buf[0] = '\0';
	switch (v->type) {
	case EMIT_ABSENT:
	case EMIT_NULL:
	case EMIT_WORDS:
		break;
	case EMIT_COUNT:
	case EMIT_NUMBER:
	case EMIT_SIZE:
	case EMIT_TIME:
	case EMIT_TENTHS:
		snprintf(buf, room, "%" PRIu64, v->number);
		break;
	case EMIT_CHANGE:
	case EMIT_SIZE_CHANGE:
		snprintf(buf, room, "%" PRId64, v->change);
		break;
	case EMIT_AVERAGE:
	case EMIT_RATIO:
	case EMIT_PERCENT:
		ui_double(v->ratio, buf, room);
		break;
	case EMIT_FLAG:
		snprintf(buf, room, "%s", v->flag ? "true" : "false");
		break;
	}
	return buf;
}
