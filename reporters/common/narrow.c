/* narrow - see narrow.h. */
#include "common/narrow.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"

static bool is_named(const struct capture *c, const struct trk_thread *t, const char *pattern)
{
	const char *const name = t->name && *t->name ? t->name : t->process < c->process_count ? c->processes[t->process].name :
												 "";

	return *name && fnmatch(pattern, name, 0) == 0;
}

int narrow_find_threads(struct report *r, const char *thread)
{
	const struct capture *const c = r->capture;
	char *end;
	const unsigned long number = strtoul(thread, &end, 0);
	const bool by_number = *thread && !*end;
	bool any = false;

	r->threads = calloc((size_t)c->thread_count + 1, sizeof(*r->threads));
	if (!r->threads) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	for (uint32_t i = 0; i < c->thread_count; i++) {
		const struct trk_thread *const t = &c->threads[i];

		r->threads[i] = (r->process == UINT32_MAX || t->process == r->process) && (by_number ? t->tid == number : is_named(c, t, thread));
		any |= r->threads[i];
	}
	if (any)
		return UI_OK;
	ui_error("No thread %s in %s; tracker table -g thread --allocations %s lists its threads", thread, c->path, c->path);
	return UI_CANNOT;
}

void narrow_ask(struct report *r)
{
	r->threads_apart = r->asked.by_thread;
	r->asked.by_thread |= r->threads != NULL;
}

/* Whether a report shows what comes from there. */
typedef bool row_fits(const struct report *r, const struct view_origin *c);

static bool is_of_threads(const struct report *r, const struct view_origin *c)
{
	return c->thread < r->capture->thread_count && r->threads[c->thread];
}

static bool passes_filters(const struct report *r, const struct view_origin *c)
{
	size_t n;
	const struct source_frame *const frames = group_frames(r->stacks, c->node, &n);

	return filters_pass(&r->filters, frames, n, c->process, c->domain);
}

static void keep(struct report *r, row_fits *fits)
{
	struct view *const v = &r->view;
	size_t rows = 0, blocks = 0;

	v->bytes = v->count = 0;
	v->error = (struct sampling_error){ 0 };
	for (size_t i = 0; i < v->row_count; i++) {
		const struct view_row row = v->rows[i];

		if (!fits(r, &(struct view_origin){ row.node, row.thread, row.process, row.domain }))
			continue;
		v->bytes += row.bytes;
		v->count += row.count;
		const struct sampling_error error = view_error(v, &row);

		sampling_join(&v->error, &error);
		v->rows[rows++] = row;
	}
	for (size_t i = 0; i < v->block_count; i++) {
		const struct view_block *const b = &v->blocks[i];

		if (fits(r, &(struct view_origin){ b->node, b->thread, b->process, b->domain }))
			v->blocks[blocks++] = *b;
	}
	v->row_count = rows;
	v->block_count = blocks;
}

void narrow_to_threads(struct report *r)
{
	if (!r->threads)
		return;
	keep(r, is_of_threads);
	for (size_t i = 0; !r->threads_apart && i < r->view.row_count; i++)
		r->view.rows[i].thread = UINT32_MAX;
}

void narrow_to_filters(struct report *r)
{
	if (r->filters.count)
		keep(r, passes_filters);
}

/* ---- the same while events pass ---- */

enum passes { NOT_ASKED_YET,
	      PASSES,
	      PASSES_NOT };

/* Names of domains are those of a process, so only the answers about the heap are kept by node. */
static bool is_chosen(void *data, const struct view_origin *c)
{
	struct report *const r = data;
	uint8_t *const known = c->domain || c->node > r->capture->node_count ? NULL : &r->passes[c->node];

	if (r->threads && !is_of_threads(r, c))
		return false;
	if (!r->filters.count)
		return true;
	if (!known)
		return passes_filters(r, c);
	if (*known == NOT_ASKED_YET)
		*known = passes_filters(r, c) ? PASSES : PASSES_NOT;
	return *known == PASSES;
}

int narrow_events(struct report *r)
{
	if (!r->threads && !r->filters.count)
		return 0;
	r->passes = calloc((size_t)r->capture->node_count + 1, sizeof(*r->passes));
	if (!r->passes)
		return TRK_ERR_NOMEM;
	r->asked.counts = is_chosen;
	r->asked.counts_data = r;
	return 0;
}
