/* view_observe - sums over rows what the heap reports about blocks; see view.h. */
#include "replay/view_private.h"

static bool is_asked_for(const struct tally *t, const struct heap_block *b)
{
	const struct view_options *const o = t->options;

	return t->counting && (!o->counts || o->counts(o->counts_data, &(struct view_origin){ b->node, b->thread, b->process, b->domain }));
}

static struct view_row key_of(const struct tally *t, const struct heap_block *b)
{
	return (struct view_row){
		.node = b->node,
		.thread = t->options->by_thread ? b->thread : UINT32_MAX,
		.process = b->process,
		.domain = b->domain,
		.block_size = t->options->by_size ? b->size : 0,
		.kind = b->kind,
	};
}

static uint32_t find_row(struct tally *t, const struct heap_block *b)
{
	const struct view_row key = key_of(t, b);
	bool is_new;
	const uint32_t i = rows_find(&t->rows, &key, &is_new);

	if (i == ROWS_NONE) {
		t->no_memory = true;
		return i;
	}
	if (is_new) {
		t->rows.all[i].next = t->rows_of_process[b->process];
		t->rows_of_process[b->process] = i + 1;
	}
	t->last_row[b->node] = i + 1;
	return i;
}

/* Most nodes have one row: the one that was found last spares the search. */
static inline uint32_t row_of(struct tally *t, const struct heap_block *b)
{
	const uint32_t last = t->last_row[b->node];
	const struct view_row *key;

	if (!last)
		return find_row(t, b);
	key = &t->rows.all[last - 1].key;
	if (key->kind == b->kind && key->process == b->process && key->domain == b->domain &&
	    (!t->options->by_thread || key->thread == b->thread) &&
	    (!t->options->by_size || key->block_size == b->size))
		return last - 1;
	return find_row(t, b);
}

static inline void add_to(struct rows *r, uint32_t index, const struct sampling_estimate *e)
{
	struct row *row;

	if (index == ROWS_NONE)
		return;
	row = rows_touch(r, index);
	row->bytes += e->bytes;
	row->count += e->count;
	if (__builtin_expect(r->errors != NULL, 0))
		sampling_add(&r->errors[index].now, e);
}

static inline void add(struct tally *t, uint32_t index, const struct sampling_estimate *e)
{
	add_to(&t->rows, index, e);
}

static void take(struct tally *t, uint32_t index, const struct sampling_estimate *e)
{
	struct row *row;

	if (index == ROWS_NONE)
		return;
	row = rows_touch(&t->rows, index);
	row->bytes -= e->bytes;
	row->count -= e->count;
	if (t->rows.errors)
		sampling_take(&t->rows.errors[index].now, e);
}

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct tally *t = data;

	if (t->sizes && t->counting && e->count && !b->reserved && sizes_add(t->sizes, b->size, e->count) != 0)
		t->no_memory = true;
	b->user = t->counting ? row_of(t, b) : ROWS_NONE;
	if (t->types.births)
		view_types_born(t, b);
	add(t, b->user, e);
}

static void grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	add(data, b->user, e);
}

static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e,
		     uint64_t asked)
{
	struct tally *t = data;
	const bool live = t->options->what == VIEW_LIVE || t->options->what == VIEW_LEAKS;
	struct heap_block made = *b;

	made.size = asked;
	b->user = t->counting && live && !t->has_span ? row_of(t, &made) : ROWS_NONE;
	if (!b->aside)
		add(t, b->user, e);
}

/* What was live before counts as it does in the totals of whole captures: it is no allocation. In a region or a range, it does not. */
static void restored_in_span(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	struct tally *t = data;

	b->user = ROWS_NONE;
	if (t->options->region || !is_asked_for(t, b))
		return;
	b->user = t->options->what == VIEW_ALLOCATIONS ? row_of(t, b) : 0;
	if (!b->aside)
		span_restored(&t->span, b, e);
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e,
		 bool temporary, const struct trk_event *by)
{
	if (!b->aside)
		take(data, b->user, e);
}

/* The same; and temporary blocks are summed in rows of their own. */
static void died_of_all(void *data, const struct heap_block *b, const struct sampling_estimate *e,
			bool temporary, const struct trk_event *by)
{
	struct tally *const t = data;

	died(data, b, e, temporary, by);
	if (!temporary)
		return;

	const struct view_row key = key_of(t, b);
	bool is_new;
	const uint32_t i = rows_find(&t->temporary, &key, &is_new);

	if (i == ROWS_NONE)
		t->no_memory = true;
	add_to(&t->temporary, i, e);
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	if (b->aside)
		take(data, b->user, e);
	else
		add(data, b->user, e);
}

static void died_temporary(void *data, const struct heap_block *b,
			   const struct sampling_estimate *e, bool temporary,
			   const struct trk_event *by)
{
	if (temporary)
		add(data, row_of(data, b), e);
}

/* ---- the same of a part of the capture ---- */

static void born_in_span(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct tally *t = data;

	b->user = ROWS_NONE;
	if (!is_asked_for(t, b))
		return;
	span_born(&t->span, b, e);
	if (t->options->what == VIEW_ALLOCATIONS)
		born(data, b, e);
	else
		b->user = 0;
}

static void grew_in_span(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct tally *t = data;

	if (b->user == ROWS_NONE)
		return;
	span_grew(&t->span, b, e);
	if (t->options->what == VIEW_ALLOCATIONS)
		grew(data, b, e);
}

static void died_in_span(void *data, const struct heap_block *b, const struct sampling_estimate *e,
			 bool temporary, const struct trk_event *by)
{
	struct tally *t = data;

	if (b->user == ROWS_NONE)
		return;
	span_died(&t->span, b, e, temporary, by);
	if (t->options->what == VIEW_TEMPORARY)
		died_temporary(data, b, e, temporary, by);
}

static void aside_in_span(void *data, const struct heap_block *b,
			  const struct sampling_estimate *e)
{
	struct tally *t = data;

	if (b->user != ROWS_NONE)
		span_aside(&t->span, b, e);
}

static void cleared_in_span(void *data, const struct trk_event *e)
{
	struct tally *t = data;

	span_cleared(&t->span, e);
}

static void peak(void *data, const struct trk_event *e)
{
	struct tally *t = data;

	if (t->follow_peak)
		rows_keep(&t->rows);
}

struct heap_observer view_observer(struct tally *t)
{
	struct heap_observer o = { .data = t, .born = born, .grew = grew, .restored = restored };

	if (t->has_span)
		return (struct heap_observer){
			.data = t,
			.born = born_in_span,
			.grew = grew_in_span,
			.restored = restored_in_span,
			.died = died_in_span,
			.aside = aside_in_span,
			.cleared = cleared_in_span,
		};
	switch (t->options->what) {
	case VIEW_LIVE:
	case VIEW_LEAKS:
		o.died = t->options->temporary ? died_of_all : died;
		o.aside = aside;
		o.peak = peak;
		break;
	case VIEW_TEMPORARY:
		o.born = NULL;
		o.grew = NULL;
		o.died = died_temporary;
		break;
	case VIEW_ALLOCATIONS:
		break;
	}
	return o;
}
