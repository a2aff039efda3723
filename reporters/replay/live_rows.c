/* live_rows - see live_rows.h. */
#include "replay/live_rows.h"

#include <stdlib.h>

#include "format/array.h"
#include "replay/heap_private.h"

#define PROGRESS_EVERY (1u << 14)

struct counting {
	const struct heap *heap;
	struct rows *rows;
	uint32_t *last; /* by node: the last row that was found for it, + 1. Most nodes have one row */
	uint32_t last_room;
	bool *met; /* by mapping: a fragment of it was counted */
	uint32_t blocks;
	void (*progress)(void *data);
	void *data;
};

static bool is_row_of(const struct row *r, const struct heap_block *b)
{
	const struct view_row *const key = &r->key;

	return key->kind == b->kind && key->process == b->process && key->domain == b->domain && key->thread == b->thread;
}

static struct row *row_of(struct counting *c, const struct heap_block *b)
{
	const struct view_row key = { .node = b->node, .thread = b->thread, .process = b->process, .domain = b->domain, .kind = b->kind };
	uint32_t i;
	bool is_new;

	if (!ARRAY_ZEROES(c->last, c->last_room, (size_t)b->node + 1, 1024))
		return NULL;
	i = c->last[b->node];
	if (i && is_row_of(&c->rows->all[i - 1], b))
		return &c->rows->all[i - 1];
	i = rows_find(c->rows, &key, &is_new);
	if (i == ROWS_NONE)
		return NULL;
	c->last[b->node] = i + 1;
	return &c->rows->all[i];
}

static int add(struct counting *c, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct row *const row = row_of(c, b);

	if (!row)
		return TRK_ERR_NOMEM;
	row->bytes += e->bytes;
	row->count += e->count;
	if (c->rows->errors)
		sampling_add(&c->rows->errors[row - c->rows->all].now, e);
	return 0;
}

/* A mapping is one block, in however many fragments. */
static bool meet(const struct counting *c, const struct heap_block *b)
{
	bool *const met = &c->met[((const struct range *)b)->mapping]; /* the block is its first member */
	const bool first = !*met;

	*met = true;
	return first;
}

static int count(void *data, const struct heap_block *b)
{
	struct counting *const c = data;
	struct sampling_estimate e;

	if (++c->blocks % PROGRESS_EVERY == 0 && c->progress)
		c->progress(c->data);
	if (c->heap->processes[b->process]->ended)
		return 0;
	heap_estimate(c->heap, b, &e);
	if (trk_kind_is_piece(b->kind))
		e.count = meet(c, b);
	return add(c, b, &e);
}

/* An arena is a block from the start, also while it has no bytes yet. */
static int count_untouched(void *data, const struct heap_block *b, uint64_t end)
{
	struct counting *const c = data;

	(void)end;
	if (!b->untouched || c->heap->processes[b->process]->ended || !meet(c, b))
		return 0;
	return add(c, b, &(struct sampling_estimate){ .count = 1 });
}

int live_rows(const struct heap *h, struct rows *ret, void (*progress)(void *data), void *data)
{
	struct counting c = { .heap = h, .rows = ret, .progress = progress, .data = data };
	int err = TRK_ERR_NOMEM;

	c.met = calloc((size_t)h->ranges.mapping_count + 1, sizeof(*c.met));
	if (c.met)
		err = heap_each(h, count, &c);
	for (uint32_t i = 0; i < h->process_room && !err; i++)
		err = heap_each_arena(h, i, count_untouched, &c);
	free(c.met);
	free(c.last);
	return err;
}
