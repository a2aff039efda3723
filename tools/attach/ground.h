/*
 * ground - where a thread of a program may stand when it is borrowed: not in an allocator, the loader, or on its way into
 * or out of a process or thread, whose locks it may hold.
 */
#ifndef ATTACH_GROUND_H
#define ATTACH_GROUND_H

#include "tools/attach/images.h"

#define GROUND_RANGES 96u

struct ground {
	struct {
		uint64_t start, end;
		const char *what;
	} ranges[GROUND_RANGES];
	unsigned count;
};

/* `loader` and `libc`: with symbols. */
void ground_survey(struct ground *g, const struct images *all, const struct target *t, const struct image *loader, const struct image *libc);

/* "an allocator", "the loader"; NULL: a thread may stand there. */
const char *ground_forbids(const struct ground *g, uint64_t pc);

#endif
