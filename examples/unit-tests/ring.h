/* ring - a queue of numbers that allocates only when it is made. */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

struct ring *ring_new(size_t room);
void ring_free(struct ring *r);

/* False: it is full. */
bool ring_push(struct ring *r, int number);
/* False: it is empty. */
bool ring_pop(struct ring *r, int *ret);

/* The same as ring_push, by who did not read the first line. */
bool ring_push_growing(struct ring *r, int number);

#endif
