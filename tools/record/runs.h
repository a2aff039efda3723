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

#define RUNS_BITS 15u
#define RUNS_BYTES (16u << 20)
#define RUNS_FRAMES_MIN 3u /* shorter runs are looked up one by one as fast */
#define RUNS_TRIAL 4096u /* of so many runs ... */
#define RUNS_REPEATED 512u /* ... so many must have been seen before, */
#define RUNS_PAUSE 65536u /* or so many runs are not looked for */

struct run;

struct runs_place {
	uint64_t hash; /* of the run that was here last */
	struct run *run; /* NULL: seen once */
};

struct runs {
	struct runs_place *places; /* NULL: there was no memory for it, or it was not needed yet */
	uint8_t *bytes;
	size_t used;
	bool refused;
	uint32_t looks, repeats; /* of the trial at hand */
	uint32_t pause; /* so many runs are still not looked for */
};

void runs_finish(struct runs *rs);

/*
 * The place of the run of s->head, of so many codes, on top of s->levels; NULL: there is none. `generation` says to
 * which code they belong.
 */
struct runs_place *runs_find(struct runs *rs, const struct stream *s, uint32_t generation, uint64_t *ret_hash);
/* Appends its levels to the stream's, which have room for them. False: the run is not known. */
bool runs_take(const struct runs_place *at, uint64_t hash, struct stream *s, uint32_t generation);
/* Remembers that its levels are the last ones of s->levels now. */
void runs_keep(struct runs *rs, struct runs_place *at, uint64_t hash, const struct stream *s, uint32_t generation);

#endif
