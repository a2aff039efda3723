/*
 * export_dhat - the profiles of valgrind's DHAT, which its dh_view.html and the Firefox Profiler open
 * (https://valgrind.org/docs/manual/dh-manual.html; version 2 of the file).
 *
 * They tell of each stack how many of its bytes were live at most, and how long its blocks lived. So all events are read once more.
 */
#include <stdlib.h>

#include "export/export.h"
#include "format/event.h"
#include "replay/heap.h"

/* ---- stacks ---- */

struct life {
	uint64_t bytes, count; /* live now */
	uint64_t most_bytes, most_count; /* when the bytes were most */
	uint64_t lived_ns; /* all blocks together */
};

/*
 * A viewer refuses a stack that stands in the file twice. Those that differ in frames that are left out, or in addresses of one
 * line, are one stack here.
 */
struct stack {
	struct export_amount of[EXPORT_METRICS];
	struct life life;
	bool is_whole; /* not only the beginning of others */
};

struct lives {
	struct heap *heap;
	uint64_t end_ns; /* of the process */
	struct export_stacks all;
	struct stack *stacks; /* by node of all.tree */
};

static int find_stacks(struct lives *l, struct export *x)
{
	const int err = export_stacks_find(&l->all, x);

	l->stacks = err ? NULL : calloc(l->all.tree.count, sizeof(*l->stacks));
	for (size_t i = 0; i < x->row_count && l->stacks; i++) {
		struct stack *const s = &l->stacks[l->all.of_node[x->rows[i].node]];

		s->is_whole = true;
		for (unsigned m = 0; m < EXPORT_METRICS; m++) {
			s->of[m].bytes += x->rows[i].of[m].bytes;
			s->of[m].count += x->rows[i].of[m].count;
		}
	}
	return l->stacks ? 0 : TRK_ERR_NOMEM;
}

/* ---- lives ---- */

static struct life *life_of(const struct lives *l, const struct heap_block *b)
{
	return &l->stacks[l->all.of_node[b->node]].life;
}

static void add(struct lives *l, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct life *const s = life_of(l, b);

	s->bytes += e->bytes;
	s->count += e->count;
	if (s->bytes > s->most_bytes) {
		s->most_bytes = s->bytes;
		s->most_count = s->count;
	}
}

static void take(struct lives *l, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct life *const s = life_of(l, b);

	s->bytes -= e->bytes;
	s->count -= e->count;
}

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	add(data, b, e);
}

static void grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	add(data, b, e);
}

static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	(void)asked;
	if (!b->aside)
		add(data, b, e);
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary, const struct trk_event *by)
{
	struct lives *const l = data;

	(void)temporary;
	if (!b->aside)
		take(l, b, e);
	if (by->time_ns > b->time_ns)
		life_of(l, b)->lived_ns += e->count * (by->time_ns - b->time_ns);
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	if (b->aside)
		take(data, b, e);
	else
		add(data, b, e);
}

/* What is live at the end of the process has lived until then. */
static int count_left(void *data, const struct heap_block *b)
{
	struct lives *const l = data;
	struct sampling_estimate e;

	heap_estimate(l->heap, b, &e);
	if (!b->aside && l->end_ns > b->time_ns)
		life_of(l, b)->lived_ns += e.count * (l->end_ns - b->time_ns);
	return 0;
}

/* TRK_ERR_NOMEM, or what a cursor says. */
static int find_lives(struct lives *l, struct capture *c, uint32_t process)
{
	const struct heap_observer observer = { .data = l, .born = born, .grew = grew, .died = died, .aside = aside, .restored = restored };
	const uint64_t end_ns = c->processes[process].end_ns;
	int err = heap_new(&l->heap, 0, &observer);

	l->end_ns = end_ns == UINT64_MAX ? capture_end(c) : end_ns;
	if (!err) {
		heap_set_sampling(l->heap, c->header.sample_bytes);
		heap_set_page_bytes(l->heap, c->header.page_bytes);
		err = export_replay(c, process, l->heap, NULL, NULL);
		if (!err)
			err = heap_each(l->heap, count_left, l);
	}
	heap_free(l->heap);
	return err;
}

/* ---- the document ---- */

static void write_stack(const struct lives *l, struct ui_json *j, uint32_t stack)
{
	const struct stack *const s = &l->stacks[stack];
	const struct {
		const char *key;
		uint64_t value;
	} figures[] = {
		{ "tb", s->of[EXPORT_ALLOCATED].bytes },
		{ "tbk", s->of[EXPORT_ALLOCATED].count },
		{ "tl", s->life.lived_ns / 1000 },
		{ "mb", s->life.most_bytes },
		{ "mbk", s->life.most_count },
		{ "gb", s->of[EXPORT_PEAK].bytes },
		{ "gbk", s->of[EXPORT_PEAK].count },
		{ "eb", s->of[EXPORT_LIVE].bytes },
		{ "ebk", s->of[EXPORT_LIVE].count },
	};

	ui_json_object(j, NULL);
	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		ui_json_uint(j, figures[i].key, figures[i].value);
	ui_json_array(j, "fs");
	for (uint32_t at = stack; at; at = l->all.tree.nodes[at].parent)
		ui_json_uint(j, NULL, l->all.tree.nodes[at].item);
	ui_json_end(j);
	ui_json_end(j);
}

/* "0x0: function (file:line)": readers take that apart. One frame stands for all addresses of a line. */
static int write_frames(const struct export *x, struct ui_json *j)
{
	const struct flame_names *const n = &x->names;

	ui_json_array(j, "ftbl");
	ui_json_string(j, NULL, "[root]");
	for (size_t i = 1; i < n->frame_count; i++) {
		const struct flame_frame *const f = &n->frames[i];
		char *text;
		const int bytes = f->line ? asprintf(&text, "0x0: %s (%s:%u)", flame_text(n, f->full), flame_text(n, f->file), f->line) :
					    asprintf(&text, "0x0: %s (in %s)", flame_text(n, f->full), flame_text(n, f->module));

		if (bytes < 0)
			return TRK_ERR_NOMEM;
		ui_json_string(j, NULL, text);
		free(text);
	}
	ui_json_end(j);
	return 0;
}

static int write_document(struct export *x, const struct lives *l, FILE *f)
{
	const struct trk_process *const p = &x->report->capture->processes[x->report->process];
	struct ui_json j;
	int err;

	ui_json_init(&j, f, true);
	ui_json_object(&j, NULL);
	ui_json_uint(&j, "dhatFileVersion", 2);
	ui_json_string(&j, "mode", "heap");
	ui_json_string(&j, "verb", "Allocated");
	ui_json_bool(&j, "bklt", true); /* lives of blocks are known, */
	ui_json_bool(&j, "bkacc", false); /* ... accesses are not */
	ui_json_string(&j, "tu", "us");
	ui_json_string(&j, "Mtu", "s");
	ui_json_uint(&j, "tuth", 100); /* blocks that live less long count as short-lived */
	ui_json_string(&j, "cmd", *p->executable ? p->executable : p->name);
	ui_json_uint(&j, "pid", p->pid);
	ui_json_uint(&j, "te", l->end_ns / 1000);
	ui_json_uint(&j, "tg", x->peak_ns / 1000);
	ui_json_array(&j, "pps");
	for (uint32_t i = 1; i < l->all.tree.count; i++)
		if (l->stacks[i].is_whole)
			write_stack(l, &j, i);
	ui_json_end(&j);
	err = write_frames(x, &j);
	ui_json_end(&j);
	return err;
}

const char *export_dhat_refuses(const struct report *r)
{
	if (capture_is_aggregated(r->capture))
		return "is aggregated: it does not say how long blocks lived; record without --aggregate";
	if (r->process == UINT32_MAX)
		return "has several processes, and a profile of DHAT is of one: choose it with --pid";
	return NULL;
}

int export_dhat(struct export *x, const struct export_options *o, FILE *f)
{
	struct lives l = { 0 };
	int err = find_stacks(&l, x);

	(void)o;
	if (!err)
		err = find_lives(&l, x->report->capture, x->report->process);
	if (!err)
		err = write_document(x, &l, f);
	export_stacks_finish(&l.all);
	free(l.stacks);
	return err;
}
