/*
 * look_image - the memory of a process, read while it stands still or waits: where it cannot be forked, the recorder marks in that.
 */
#ifndef RECORD_LOOK_IMAGE_H
#define RECORD_LOOK_IMAGE_H

#include "look_named.h"
#include "look_references.h"
#include "look_roots.h"

#define LOOK_IMAGE_BYTES (256ull << 20) /* the most; read at 5 GB/s or so, and marked by the recorder, which does nothing else meanwhile */

struct look_region;

struct look_image {
	uint32_t pid; /* whose memory it is; 0: there is none */
	struct look_region *list; /* by address */
	uint32_t count, room;
	uint64_t bytes;
	bool left_out; /* some of it could not be read */
	_Atomic uint32_t *progress; /* counts on while marking takes its time */
	const char *wrong; /* why it could not be marked; NULL: there was no memory */
	uint64_t until_ns, calls; /* marking must have ended by then */
};

/* Reads all but what can be read later, because nobody writes there. False: reason says why. look_image_finish is due either way. */
bool look_image_read(struct look_image *i, uint32_t pid, const struct look_scene *s, char reason[LOOK_REASON]);
/* The word there; 0: it was not read. */
uint64_t look_image_word(struct look_image *i, uint64_t address);
/* Marks, and finds types; and references, if m->target_room says so. False: i->wrong. It takes at most 10 s. */
bool look_image_mark(struct look_image *i, struct look_marking *m, const struct look_roots *r, struct look_named *n, struct look_references *x);
void look_image_finish(struct look_image *i); /* zero-safe */

#endif
