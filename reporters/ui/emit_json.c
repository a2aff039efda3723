/* emit_json - the back end of emit that writes JSON. Groups, rows and branches are objects, tables are arrays. */
#include "ui/emit_private.h"

#include <stdlib.h>

#define MARGINS_MAX 32u /* of one object; more are not kept */

struct state {
	struct ui_json json;
	struct {
		const char *key;
		uint64_t margin;
	} margins[MARGINS_MAX]; /* of the innermost object, not written yet */
	size_t margin_count;
};

const size_t emit_json_bytes = sizeof(struct state);

struct ui_json *emit_json(struct emit *e)
{
	return e->form == EMIT_JSON || e->form == EMIT_JSON_LINE ? &((struct state *)e->state)->json : NULL;
}

static void write_margins(struct state *s)
{
	char name[80];

	for (size_t i = 0; i < s->margin_count; i++) {
		snprintf(name, sizeof(name), "%s_margin", s->margins[i].key);
		ui_json_uint(&s->json, name, s->margins[i].margin);
	}
	s->margin_count = 0;
}

void emit_margins(struct emit *e)
{
	if (emit_json(e))
		write_margins(e->state);
}

static void write_value(struct ui_json *j, const char *key, const struct emit_value *v)
{
	switch (v->type) {
	case EMIT_ABSENT:
		break;
	case EMIT_NULL:
		ui_json_null(j, key);
		break;
	case EMIT_WORDS:
		ui_json_string(j, key, v->words);
		break;
	case EMIT_COUNT:
	case EMIT_NUMBER:
	case EMIT_SIZE:
	case EMIT_TIME:
	case EMIT_TENTHS:
		ui_json_uint(j, key, v->number);
		break;
	case EMIT_CHANGE:
	case EMIT_SIZE_CHANGE:
		ui_json_int(j, key, v->change);
		break;
	case EMIT_AVERAGE:
	case EMIT_RATIO:
	case EMIT_PERCENT:
		ui_json_double(j, key, v->ratio);
		break;
	case EMIT_FLAG:
		ui_json_bool(j, key, v->flag);
		break;
	}
}

static void figure(struct emit *e, const char *key, const struct emit_value *v)
{
	struct state *const s = e->state;

	write_value(&s->json, key, v);
	if (v->has_margin && s->margin_count < MARGINS_MAX) {
		s->margins[s->margin_count].key = key;
		s->margins[s->margin_count++].margin = v->margin;
	}
}

static void texts(struct emit *e, const char *key, const char *before, const char *const *all, size_t count)
{
	struct state *const s = e->state;

	(void)before;
	write_margins(s);
	ui_json_array(&s->json, key);
	for (size_t i = 0; i < count; i++)
		ui_json_string(&s->json, NULL, all[i]);
	ui_json_end(&s->json);
}

static void figures_of(struct emit *e, const struct emit_level *l)
{
	for (size_t i = 0; i < l->table->column_count; i++)
		if (emit_is_data(&l->table->columns[i]))
			figure(e, l->table->columns[i].key, &l->values[i]);
}

static void open(struct emit *e, const struct emit_level *l)
{
	struct state *const s = e->state;

	write_margins(s);
	switch (l->kind) {
	case EMIT_IN_DOCUMENT:
		ui_json_init(&s->json, e->file, e->form == EMIT_JSON_LINE);
		ui_json_object(&s->json, NULL);
		break;
	case EMIT_IN_GROUP:
		ui_json_object(&s->json, l->key);
		break;
	case EMIT_IN_TABLE:
		ui_json_array(&s->json, l->key);
		break;
	case EMIT_IN_ROW:
		ui_json_object(&s->json, NULL);
		figures_of(e, l);
		break;
	case EMIT_IN_BRANCH:
		ui_json_object(&s->json, l->key);
		figures_of(e, l);
		write_margins(s);
		ui_json_array(&s->json, "children");
	}
}

static void close(struct emit *e, const struct emit_level *l)
{
	struct state *const s = e->state;

	write_margins(s);
	if (l->kind == EMIT_IN_BRANCH)
		ui_json_end(&s->json);
	ui_json_end(&s->json);
}

const struct emit_back_end emit_json_end = { .figure = figure, .texts = texts, .open = open, .close = close };
