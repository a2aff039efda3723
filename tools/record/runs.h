/*
 * runs - remembers what a whole run of pushed frames became: the levels of the stack, by the node below them and the
 * codes of the frames on the wire. All of these are compared, so a remembered run gives exactly the nodes that a look-
 * up would give.
 *
 * It is a cache and not format/idmap.h: a new run replaces the one at its place.
 *
 * A run is kept when it is met the second time. All of them together take at most RUNS_BYTES; when these are full,
 * everything is forgotten. If few runs repeat, the cache pauses, so that a program whose stacks never come again loses
 * nothing; later it tries again.
 */
#ifndef RECORD_RUNS_H
#define RECORD_RUNS_H

#include "stream.h"

/* A table is small at first, and then all of it stays in the caches. A large one is on large pages, and fetched ahead. */
#define RUNS_FEW_BITS 13u
#define RUNS_FEW_BYTES (96u << 10)
#define RUNS_BITS 15u
#define RUNS_BYTES (16u << 20)
#define RUNS_FRAMES_MIN 3u /* shorter runs are looked up one by one as fast */
#define RUNS_TRIAL 4096u /* of so many runs ... */
#define RUNS_REPEATED 512u /* ... so many must have been seen before, */
#define RUNS_PAUSE 65536u /* or so many runs are not looked for */

#define RUNS_BESIDE 2u /* places beside each other for the same codes on different nodes */

struct runs_place {
	uint64_t hash; /* of the run that was here last, and of what it was put on */
	uint32_t codes; /* low half of the hash of its codes alone */
	uint32_t run; /* where it is, + 1; 0: it was seen once */
};

struct runs {
	struct runs_place *places; /* NULL: there was no memory for it, or it was not needed yet */
	uint8_t *bytes;
	uint32_t bits; /* so many places: a power of two */
	size_t used, room; /* of bytes */
	bool refused; /* there was no memory for a table, or for a larger one */
	uint32_t looks, repeats; /* of the trial at hand */
	uint32_t pause; /* so many runs are still not looked for */
};

void runs_finish(struct runs *rs);

/*
 * A run will be looked for soon: the hash of its codes, whose place is fetched into the cache. 0: nothing needs to be fetched
 * for it.
 */
uint64_t runs_expect(const struct runs *rs, const struct wire_frames *f);
/* ... and some time later: fetches what stands there, too. */
void runs_fetch(const struct runs *rs, const struct wire_frames *f, uint64_t codes);

/* Where a run is, or will be. */
struct runs_look {
	struct runs_place *place; /* NULL: nowhere */
	uint64_t hash;
};

/*
 * Appends the levels of the run of s->head to s->levels, if the run is known and there is room. `generation` says to which code
 * its frames belong. `codes`: from runs_expect.
 */
bool runs_take(struct runs *rs, struct stream *s, uint32_t generation, uint64_t codes, struct runs_look *ret);
/* Remembers that the levels of the run of s->head, which has a place, are the last ones of s->levels now. */
void runs_keep(struct runs *rs, const struct runs_look *look, const struct stream *s, uint32_t generation);

#endif
