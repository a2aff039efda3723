/*
 * arena - chunks of memory that only grow; see arena.h.
 */
#include "symbols/arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 16384

struct arena_chunk {
	struct arena_chunk *before;
	size_t used, room;
	_Alignas(16) char bytes[];
};

void *arena_room(struct arena *a, size_t size)
{
	struct arena_chunk *c = a->last;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + 7) & ~(size_t)7;
	if (!c || c->room - c->used < size) {
		const size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;

		c = calloc(1, sizeof(*c) + room);
		if (!c)
			return NULL;
		c->room = room;
		c->before = a->last;
		a->last = c;
	}
	p = c->bytes + c->used;
	c->used += size;
	return p;
}

const char *arena_string(struct arena *a, const char *text, size_t size)
{
	char *const copy = arena_room(a, size + 1);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

void arena_finish(struct arena *a)
{
	if (!a)
		return;
	for (struct arena_chunk *c = a->last; c;) {
		struct arena_chunk *const before = c->before;

		free(c);
		c = before;
	}
	a->last = NULL;
}
