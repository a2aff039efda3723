/* picture - see picture.h. */
#include "picture.h"

#include <stdlib.h>
#include <string.h>

#include "format/mix.h"

/* ---- figures ---- */

/* The sum over the last samples of the processes that have not ended. */
static uint64_t rss_of(const struct capture *c)
{
	uint64_t *const last = calloc((size_t)c->process_count + 1, sizeof(*last));
	uint64_t sum = 0;

	for (uint32_t i = 0; last && i < c->rss_count; i++)
		if (c->rss[i].process < c->process_count)
			last[c->rss[i].process] = c->rss[i].rss_bytes;
	for (uint32_t i = 0; last && i < c->process_count; i++)
		sum += c->processes[i].end_ns == UINT64_MAX ? last[i] : 0;
	free(last);
	return sum;
}

static void take_figures(struct picture *p)
{
	const struct heap_totals *const t = &p->view.totals;

	p->time_ns = capture_end(p->capture);
	if (picture_running(p) && capture_health(p->capture, "end_ns") > p->time_ns)
		p->time_ns = capture_health(p->capture, "end_ns"); /* nothing has happened since the last event */
	p->live_bytes = p->view.bytes;
	p->live_blocks = p->view.count;
	p->peak_bytes = t->peak_bytes;
	p->allocations = t->allocations;
	p->frees = t->frees;
	p->lost = capture_health(p->capture, "lost");
	p->rss_bytes = rss_of(p->capture);
}

int picture_new(struct picture **ret, struct capture *c, struct live_names *names, struct trk_fault *fault)
{
	const struct view_options all = { .what = VIEW_LIVE, .at.from.kind = POINT_END, .process = UINT32_MAX, .by_thread = true };
	struct picture *const p = calloc(1, sizeof(*p));
	int err = TRK_ERR_NOMEM;

	*fault = (struct trk_fault){ .why = "out of memory" };
	if (p) {
		p->capture = c;
		err = view_build(c, &all, &p->view, fault);
	}
	if (!err) {
		const struct stacks_options from = names ? live_names_options(&p->link, names, c) : (struct stacks_options){ 0 };

		err = stacks_new(&p->stacks, c, &from);
	}
	if (err) {
		if (!p)
			capture_close(c);
		picture_free(p);
		return err;
	}
	take_figures(p);
	*ret = p;
	return 0;
}

static void drop_rows(struct picture *p)
{
	for (size_t i = 0; p->keys && i < p->row_count; i++)
		free(p->keys[i]);
	free(p->keys);
	free(p->rows);
	grouping_free(p->groups);
	p->keys = NULL;
	p->rows = NULL;
	p->groups = NULL;
	p->row_count = p->own_count = 0;
}

void picture_free(struct picture *p)
{
	if (!p)
		return;
	drop_rows(p);
	view_finish(&p->view);
	stacks_free(p->stacks);
	live_names_unlink(&p->link);
	capture_close(p->capture);
	free(p);
}

/* ---- rows ---- */

static bool is_wanted(const struct capture *c, const struct view_row *r, const struct picture_question *q)
{
	const uint32_t pid = r->process < c->process_count ? c->processes[r->process].pid : 0;
	const uint32_t tid = r->thread < c->thread_count ? c->threads[r->thread].tid : 0;

	return (!q->pid || q->pid == pid) && (!q->tid || q->tid == tid);
}

/* A view of the wanted rows only, which points to copies. False: no memory. */
static bool narrow(const struct picture *p, const struct picture_question *q, struct view *ret)
{
	*ret = p->view;
	ret->rows = malloc((p->view.row_count + 1) * sizeof(*ret->rows));
	ret->row_count = 0;
	for (size_t i = 0; ret->rows && i < p->view.row_count; i++)
		if (is_wanted(p->capture, &p->view.rows[i], q))
			ret->rows[ret->row_count++] = p->view.rows[i];
	return ret->rows != NULL;
}

/* What places own is on the side NEW, by which tracker table sorts; with what they called, on the side OLD. */
static int group(struct picture *p, const struct picture_question *q, const struct view *v)
{
	const struct group_options o = { .by = q->by, .hide_runtime = true };
	struct group_source from = { .capture = p->capture, .stacks = p->stacks, .view = v };
	int err = grouping_new(&p->groups, &o);

	if (!err)
		err = grouping_add(p->groups, GROUP_NEW, &from);
	from.cumulative = group_can_cumulate(q->by);
	if (!err)
		err = grouping_add(p->groups, GROUP_OLD, &from);
	if (!err)
		grouping_sort(p->groups);
	return err;
}

static int list_rows(struct picture *p)
{
	const size_t count = p->groups->stat_count;

	p->rows = calloc(count + 1, sizeof(*p->rows));
	p->keys = calloc(count + 1, sizeof(*p->keys));
	for (size_t i = 0; p->rows && p->keys && i < count; i++) {
		const struct group_stat *const s = &p->groups->stats[i];
		const struct group_value own = s->value[GROUP_NEW], total = s->value[GROUP_OLD];

		p->keys[i] = group_key(p->groups, s);
		if (!p->keys[i])
			return TRK_ERR_NOMEM;
		p->row_count = i + 1;
		p->own_count += own.size || own.count;
		p->rows[i] = (struct picture_row){ .stat = s, .key = p->keys[i], .id = trk_mix_bytes(p->keys[i], strlen(p->keys[i])), .own = own.size, .total = total.size, .blocks = own.count };
	}
	return p->rows && p->keys ? 0 : TRK_ERR_NOMEM;
}

int picture_ask(struct picture *p, const struct picture_question *q)
{
	struct view wanted;
	int err = TRK_ERR_NOMEM;

	drop_rows(p);
	if (narrow(p, q, &wanted)) {
		err = group(p, q, &wanted);
		free(wanted.rows);
	}
	if (!err)
		err = list_rows(p);
	if (err)
		drop_rows(p);
	return err;
}

const struct source_frame *picture_stack(struct picture *p, const struct picture_row *row, size_t *ret_count)
{
	return group_frames(p->stacks, row->stat->node, ret_count);
}

/* ---- processes and threads ---- */

static bool runs(const struct trk_process *p)
{
	return p->end_ns == UINT64_MAX;
}

const struct trk_process *picture_program(const struct picture *p)
{
	const struct capture *const c = p->capture;

	for (uint32_t i = 0; i < c->process_count; i++)
		if (runs(&c->processes[i]))
			return &c->processes[i];
	return c->process_count ? &c->processes[0] : NULL;
}

uint32_t picture_running(const struct picture *p)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < p->capture->process_count; i++)
		n += runs(&p->capture->processes[i]);
	return n;
}

/* The number beside `now` in a list; behind the last one and before the first one is 0. */
static uint32_t beside(const uint32_t *list, size_t count, uint32_t now, int step)
{
	size_t at = 0;

	while (at < count && list[at] != now)
		at++;
	if (!count)
		return 0;
	if (!now || at == count)
		return step > 0 ? list[0] : list[count - 1];
	if (step > 0)
		return at + 1 < count ? list[at + 1] : 0;
	return at ? list[at - 1] : 0;
}

uint32_t picture_next_pid(const struct picture *p, uint32_t now, int step)
{
	const struct capture *const c = p->capture;
	uint32_t *const list = malloc(((size_t)c->process_count + 1) * sizeof(*list)), next;
	size_t count = 0;

	for (uint32_t i = 0; list && i < c->process_count; i++)
		if (runs(&c->processes[i]) || !picture_running(p))
			list[count++] = c->processes[i].pid;
	next = list ? beside(list, count, now, step) : 0;
	free(list);
	return next;
}

static bool is_thread_of(const struct capture *c, const struct trk_thread *t, uint32_t pid)
{
	return t->tid && t->process < c->process_count && (!pid || c->processes[t->process].pid == pid);
}

uint32_t picture_next_tid(const struct picture *p, uint32_t pid, uint32_t now, int step)
{
	const struct capture *const c = p->capture;
	uint32_t *const list = malloc(((size_t)c->thread_count + 1) * sizeof(*list)), next;
	size_t count = 0;

	for (uint32_t i = 0; list && i < c->thread_count; i++)
		if (is_thread_of(c, &c->threads[i], pid))
			list[count++] = c->threads[i].tid;
	next = list ? beside(list, count, now, step) : 0;
	free(list);
	return next;
}

const char *picture_thread_name(const struct picture *p, uint32_t pid, uint32_t tid)
{
	const struct capture *const c = p->capture;

	for (uint32_t i = 0; i < c->thread_count; i++)
		if (c->threads[i].tid == tid && is_thread_of(c, &c->threads[i], pid))
			return c->threads[i].name ? c->threads[i].name : "";
	return "";
}
