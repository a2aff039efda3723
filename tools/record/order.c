/* order - see order.h. */
#include "order.h"

#include "format/array.h"

#include <stdlib.h>

void order_finish(struct order *o)
{
	free(o->heap);
	*o = (struct order){ 0 };
}

static bool before(const struct stream *a, const struct stream *b)
{
	if (a->head.epoch != b->head.epoch)
		return a->head.epoch < b->head.epoch;
	return a->serial < b->serial;
}

int order_add(struct order *o, struct stream *s)
{
	if (!ARRAY_ROOM(o->heap, o->room, o->count + 1, 16))
		return TRK_ERR_NOMEM;
	size_t i = o->count++;

	while (i && before(s, o->heap[(i - 1) / 2])) {
		o->heap[i] = o->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	o->heap[i] = s;
	return 0;
}

/* The earlier of the first stream's two children, or NULL. */
static const struct stream *second(const struct order *o)
{
	if (o->count < 2)
		return NULL;
	if (o->count == 2 || before(o->heap[1], o->heap[2]))
		return o->heap[1];
	return o->heap[2];
}

uint64_t order_run(const struct order *o, uint64_t limit)
{
	const struct stream *const other = second(o);

	if (!other)
		return limit;
	/* not below 0: an older stream with epoch 0 would be the first itself */
	const uint64_t last = other->serial > o->heap[0]->serial ? other->head.epoch :
								   other->head.epoch - 1;
	return last < limit ? last : limit;
}

void order_fix(struct order *o)
{
	struct stream *s = o->heap[0];
	size_t i = 0;

	if (!s->has_head) {
		s = o->heap[--o->count];
		if (!o->count)
			return;
	}
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= o->count)
			break;
		if (child + 1 < o->count && before(o->heap[child + 1], o->heap[child]))
			child++;
		if (!before(o->heap[child], s))
			break;
		o->heap[i] = o->heap[child];
		i = child;
	}
	o->heap[i] = s;
}
