#include "ring.h"

#include <stdlib.h>

struct ring {
	int *numbers;
	size_t room, first, count;
};

struct ring *ring_new(size_t room)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->numbers = malloc(room * sizeof(*r->numbers));
	if (!r->numbers) {
		free(r);
		return NULL;
	}
	r->room = room;
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	free(r->numbers);
	free(r);
}

bool ring_push(struct ring *r, int number)
{
	if (r->count == r->room)
		return false;
	r->numbers[(r->first + r->count++) % r->room] = number;
	return true;
}

bool ring_pop(struct ring *r, int *ret)
{
	if (!r->count)
		return false;
	*ret = r->numbers[r->first];
	r->first = (r->first + 1) % r->room;
	r->count--;
	return true;
}

bool ring_push_growing(struct ring *r, int number)
{
	int *more = r->first ? NULL : realloc(r->numbers, 2 * r->room * sizeof(*more));

	if (more) {
		r->numbers = more;
		r->room *= 2;
	}
	return ring_push(r, number);
}
