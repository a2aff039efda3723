/*
 * arena - text that lives as long as its owner: appended, never freed one by one.
 */
#ifndef SYMBOLS_ARENA_H
#define SYMBOLS_ARENA_H

#include <stddef.h>

struct arena {
	struct arena_chunk *last;
};

/* A terminated copy of text[0..size); NULL when out of memory. */
const char *arena_string(struct arena *a, const char *text, size_t size);
/* Room for any data, aligned for pointers, zeroed. */
void *arena_room(struct arena *a, size_t size);
void arena_finish(struct arena *a); /* NULL-safe, zero-safe */

#endif
