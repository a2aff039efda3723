/* class_stats - objects one by one, as pympler prints them; see class_reports.h. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "classes/class_reports.h"

/* ---- order ---- */

enum key { CLASSNAME,
	   TSIZE,
	   BIRTH,
	   DEATH,
	   NAME,
	   REPR,
	   SIZE,
	   KEYS };
static const char *const keys[KEYS] = { "classname", "tsize", "birth", "death", "name", "repr", "size" };

static struct {
	enum key keys[KEYS];
	unsigned count;
	bool reverse;
	const struct classes *c;
} order;

void classes_check_stats(const struct classes_options *o)
{
	const char *at = o->sort;
	char *end;

	if (*o->limit && (strtod(*o->limit, &end) < 0 || *end || end == *o->limit))
		ui_usage_error("argument --limit: '%s' is no number of rows; use 10, 0 for all, or with stats a share like 0.5", *o->limit);
	order.count = 0;
	order.reverse = o->reverse;
	for (; at && order.count < KEYS; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		const size_t n = strcspn(at, ",");
		unsigned k = 0;

		while (k < KEYS && (strlen(keys[k]) != n || strncmp(keys[k], at, n) != 0))
			k++;
		if (k == KEYS)
			ui_usage_error("argument --sort: Invalid sort criteria '%.*s': use classname, tsize, birth, death, name, repr or size", (int)n, at);
		order.keys[order.count++] = (enum key)k;
	}
	for (unsigned k = 0; !o->sort && k < KEYS; k++)
		order.keys[order.count++] = (enum key)k;
}

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static uint64_t last_size(const struct tracked *t, const struct tracked_object *o)
{
	return o->last_size ? t->sizes[o->last_size - 1].size : 0;
}

static uint64_t death(const struct tracked_object *o)
{
	return o->died ? o->end_ns : UINT64_MAX;
}

static int by_key(enum key key, const struct tracked_object *a, const struct tracked_object *b)
{
	const struct tracked *const t = &order.c->t;

	switch (key) {
	case TSIZE:
		return compare(b->largest, a->largest);
	case SIZE:
		return compare(last_size(t, b), last_size(t, a));
	case BIRTH:
		return compare(a->birth_ns, b->birth_ns);
	case DEATH:
		return compare(death(a), death(b));
	case REPR:
		return strcmp(tracked_text(&t->names, a->label), tracked_text(&t->names, b->label));
	default:
		return strcmp(tracked_text(&t->names, a->class), tracked_text(&t->names, b->class));
	}
}

static int in_order(const void *left, const void *right)
{
	const struct tracked_object *const a = *(const struct tracked_object *const *)left, *const b = *(const struct tracked_object *const *)right;
	int ret = 0;

	for (unsigned i = 0; i < order.count && !ret; i++)
		ret = by_key(order.keys[i], a, b);
	if (!ret)
		ret = compare(a->number, b->number);
	return order.reverse ? -ret : ret;
}

/* ---- text ---- */

static void print_trace(const struct classes *c, FILE *f, const struct tracked_object *o)
{
	size_t n;
	const struct source_frame *const frames = stacks_frames(c->t.report->stacks, o->node, &n);

	for (size_t i = n; i-- > 0;)
		if (!frames[i].skipped && !frames[i].runtime && !frames[i].cut) {
			char function[256], file[512];

			fprintf(f, "  %s:%4" PRIu32 " in %s\n", classes_cut(frames[i].file, 500, true, file), frames[i].line, classes_cut(frames[i].function, 250, false, function));
		}
}

static void print_sizes(const struct classes *c, FILE *f, const struct tracked_object *o)
{
	const struct tracked *const t = &c->t;

	for (uint32_t i = o->first_size; i; i = t->sizes[i - 1].next) {
		const struct tracked_size *const s = &t->sizes[i - 1];
		char clock[32], size[32], name[256], cut[64];

		fprintf(f, "  %-30s %10s\n", classes_clock(t->snapshots[s->snapshot].at_ns, clock), ui_size(size, sizeof(size), (int64_t)s->size, false));
		for (uint32_t k = 0; k < s->referent_count; k++) {
			const struct tracked_referent *const r = &t->referents[s->referents + k];

			snprintf(name, sizeof(name), "%*s%s", (int)(r->level * 2 + 2 < 40 ? r->level * 2 + 2 : 40), "", tracked_text(&t->names, r->name));
			fprintf(f, "%-50s %-14s %3d%% [%" PRIu32 "]\n", classes_cut(name, 50, false, cut), ui_size(size, sizeof(size), (int64_t)r->size, false),
				s->size ? (int)(100 * r->size / s->size) : 0, r->level);
		}
	}
}

static void print_object(const struct classes *c, FILE *f, const struct tracked_object *o)
{
	const struct tracked_names *const names = &c->t.names;
	char name[64], label[64], clock[32];

	classes_cut(tracked_text(names, o->class), 32, true, name);
	classes_cut(tracked_text(names, o->label), 35, false, label);
	if (o->died)
		fprintf(f, "%-32s ( free )   %-35s\n", name, label);
	else
		fprintf(f, "%-32s 0x%08" PRIx64 " %-35s\n", name, o->address, label);
	if (o->trace)
		print_trace(c, f, o);
	print_sizes(c, f, o);
	if (o->died)
		fprintf(f, "  %-30s finalize\n", classes_clock(classes_since_start(c, o->process, o->end_ns), clock));
}

/* ---- for programs ---- */

static void describe_sizes(const struct classes *c, struct emit *e, const struct tracked_object *o)
{
	static const struct emit_column columns[] = { { "snapshot" }, { "time_ns" }, { "size" } };
	static const struct emit_table table = { EMIT_TABLE("sizes", columns), .sentence = "" };
	static const struct emit_column referent_columns[] = { { "name" }, { "size" }, { "level" } };
	static const struct emit_table referents = { EMIT_TABLE("referents", referent_columns), .sentence = "" };
	const struct tracked *const t = &c->t;

	emit_table(e, &table);
	for (uint32_t i = o->first_size; i; i = t->sizes[i - 1].next) {
		const struct tracked_size *const s = &t->sizes[i - 1];

		emit_row_begin(e, (struct emit_value[]){ emit_number(s->snapshot + 1), emit_number(t->snapshots[s->snapshot].at_ns), emit_number(s->size) });
		emit_table(e, &referents);
		for (uint32_t k = 0; k < s->referent_count; k++) {
			const struct tracked_referent *const r = &t->referents[s->referents + k];

			emit_row(e, (struct emit_value[]){ emit_words(tracked_text(&t->names, r->name)), emit_number(r->size), emit_number(r->level) });
		}
		emit_end(e);
		emit_end(e);
	}
	emit_end(e);
}

static void describe_object(const struct classes *c, struct emit *e, const struct tracked_object *o)
{
	static const char *const by[] = { "object", "annotation", "frames", "table" };
	const struct capture *const capture = c->t.report->capture;
	const struct source_frame *const top = stacks_top(c->t.report->stacks, o->node);
	char address[32];

	snprintf(address, sizeof(address), "0x%" PRIx64, o->address);
	emit_row_begin(e, (struct emit_value[]){ emit_words(tracked_text(&c->t.names, o->class)), emit_words(address), emit_number(capture->processes[o->process].pid),
						 emit_number(o->thread < capture->thread_count ? capture->threads[o->thread].tid : 0),
						 emit_number(classes_since_start(c, o->process, o->birth_ns)),
						 o->died ? emit_number(classes_since_start(c, o->process, o->end_ns)) : emit_null(), emit_number(o->size),
						 emit_number(o->largest), emit_words(tracked_text(&c->t.names, o->label)), emit_words(by[o->by]), emit_words(top->function),
						 emit_words(top->file), emit_number(top->line), emit_flag(o->kept) });
	describe_sizes(c, e, o);
	emit_end(e);
}

/* ---- the whole ---- */

static size_t limited(const struct classes *c, size_t count)
{
	const double limit = *c->o->limit ? strtod(*c->o->limit, NULL) : 0;
	const double most = limit > 0 && limit < 1 ? limit * (double)count : limit;

	if (limit <= 0)
		return count;
	return most < 1 ? count > 0 : most < (double)count ? (size_t)most :
							     count;
}

int classes_describe_stats(const struct classes *c, struct emit *e)
{
	static const struct emit_column columns[] = { { "class" }, { "address" }, { "pid" }, { "tid" }, { "birth_ns" }, { "death_ns" }, { "size" }, { "largest" }, { "label" }, { "by" }, { "function" }, { "file" }, { "line" }, { "kept" } };
	static const struct emit_table table = { EMIT_TABLE("rows", columns), .sentence = "" };
	const struct tracked_object **const list = malloc((c->t.object_count + 1) * sizeof(*list));
	FILE *const people = emit_people(e);
	size_t count = 0;

	if (!list)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < c->t.object_count; i++)
		if (c->t.objects[i].class && (!c->o->class || strstr(tracked_text(&c->t.names, c->t.objects[i].class), c->o->class)))
			list[count++] = &c->t.objects[i];
	order.c = c;
	qsort(list, count, sizeof(*list), in_order);
	emit_figure(e, "object_count", emit_count(count));
	emit_table(e, &table);
	for (size_t i = 0; i < limited(c, count); i++)
		if (people)
			print_object(c, people, list[i]);
		else
			describe_object(c, e, list[i]);
	emit_end(e);
	if (!count)
		emit_say(e, "No objects were tracked.\n");
	else if (c->t.left_out)
		emit_say(e, "{left_out} objects or sizes more: there was no room for them\n");
	free(list);
	return 0;
}
