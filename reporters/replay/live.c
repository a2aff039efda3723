/* live - see live.h. */
#include "replay/live.h"

#include "format/array.h"
#include "replay/ranges.h"

#include <stdlib.h>

struct collecting {
	struct live_list *list;
	const struct heap *heap;
	uint32_t except;
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

int live_collect(struct live_list *l, const struct heap *h, uint32_t except)
{
	struct collecting c = { l, h, except };
	int err;

	l->count = 0;
	err = heap_each(h, collect_block, &c);
	if (!err && l->count)
		qsort(l->blocks, l->count, sizeof(*l->blocks), by_place);
	return err;
}
