/* live - see live.h. */
#include "replay/live.h"

#include "format/array.h"
#include "replay/heap_private.h"

#include <stdlib.h>

struct collecting {
	struct live_list *list;
	const struct heap *heap;
	uint32_t except;
	bool *touched; /* by mapping: a fragment of it is in the list */
};

int live_init(struct live_list *l, uint32_t processes)
{
	*l = (struct live_list){ .processes = processes };
	l->ended = calloc((size_t)processes + 1, sizeof(*l->ended));
	return l->ended ? 0 : TRK_ERR_NOMEM;
}

void live_finish(struct live_list *l)
{
	if (!l)
		return;
	free(l->blocks);
	free(l->ended);
	*l = (struct live_list){ 0 };
}

static int reserve(struct live_list *l)
{
	return ARRAY_ROOM(l->blocks, l->room, l->count + 1, 256) ? 0 : TRK_ERR_NOMEM;
}

static int collect_block(void *data, const struct heap_block *b)
{
	const struct collecting *c = data;
	struct live_list *l = c->list;
	const struct range *piece = NULL;
	struct sampling_estimate e;

	if (b->aside || b->user == c->except || (b->process < l->processes && l->ended[b->process]))
		return 0;
	if (reserve(l) != 0)
		return TRK_ERR_NOMEM;
	heap_estimate(c->heap, b, &e);
	if (trk_kind_is_piece(b->kind))
		piece = (const struct range *)b; /* its first member */
	if (piece)
		c->touched[piece->mapping] = true;
	l->blocks[l->count++] = (struct view_block){
		.address = b->address,
		.size = b->size,
		.time_ns = b->time_ns,
		.node = b->node,
		.thread = b->thread,
		.process = b->process,
		.domain = b->domain,
		.kind = b->kind,
		.bytes = e.bytes,
		.count = e.count,
		.end = piece ? piece->end : 0,
		.asked = piece ? piece->asked : 0,
		.mapping = piece ? piece->mapping : 0,
	};
	return 0;
}

static int by_place(const void *left, const void *right)
{
	const struct view_block *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

/* An arena is a block from the start, also while it has no bytes yet. */
static int collect_untouched(void *data, const struct heap_block *b, uint64_t end)
{
	struct collecting *const c = data;
	struct live_list *const l = c->list;
	const size_t before = l->count;
	int err;

	if (!b->untouched || c->touched[((const struct range *)b)->mapping])
		return 0;
	err = collect_block(c, b);
	if (err || l->count == before)
		return err;
	l->blocks[before].untouched = l->blocks[before].size;
	l->blocks[before].size = l->blocks[before].bytes = 0;
	return 0;
}

int live_collect(struct live_list *l, const struct heap *h, uint32_t except)
{
	struct collecting c = { l, h, except, calloc((size_t)h->ranges.mapping_count + 1, sizeof(*c.touched)) };
	int err;

	l->count = 0;
	err = c.touched ? heap_each(h, collect_block, &c) : TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < h->process_room && !err; i++)
		err = heap_each_arena(h, i, collect_untouched, &c);
	free(c.touched);
	if (!err && l->count)
		qsort(l->blocks, l->count, sizeof(*l->blocks), by_place);
	return err;
}
