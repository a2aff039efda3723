/*
 * allocations - what the code under test takes from malloc: how much, and what happens when
 * there is no more. A program that uses it links with -Wl,--wrap of malloc, calloc, realloc, free,
 * strdup and strndup (meson: allocations_args); only the objects of the program itself are meant,
 * libraries go on as they are. For one thread.
 */
#ifndef TEST_ALLOCATIONS_H
#define TEST_ALLOCATIONS_H

#include <stddef.h>
#include <stdint.h>

struct allocations {
	size_t live, peak; /* bytes, since the reset */
	uint64_t calls; /* that asked for memory */
	uint64_t fail_at; /* from 1: that call gets none; 0: all get some */
	uint64_t refused; /* so many got none */
};

extern struct allocations allocations;

static inline void allocations_reset(uint64_t fail_at)
{
	allocations = (struct allocations){ .fail_at = fail_at };
}

#endif
