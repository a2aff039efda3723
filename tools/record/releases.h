/*
 * releases - what a process has released lately, for --check-free: who freed a block that is freed again, and who had allocated it.
 */
#ifndef RECORD_RELEASES_H
#define RECORD_RELEASES_H

#include "replay/heap.h"

struct releases;

struct releases *releases_new(void); /* NULL: no memory */
void releases_free(struct releases *r); /* NULL-safe */

struct release_check {
	/* What is about to happen: */
	uint64_t address;
	uint32_t node; /* of the call */
	uint8_t kind; /* enum trk_kind */
	bool inherits; /* the process was forked: what it releases may be a block of its parent's, of which it has a copy */
	/* What is known of the block; 0: not that. */
	uint32_t allocated, released; /* nodes */
	uint64_t size;
};

/* enum shm_bad_free, or 0: a block lives there, or may; it is remembered as released now. */
int releases_check(struct releases *r, const struct heap *h, uint32_t process, struct release_check *c);

#endif
