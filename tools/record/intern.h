/*
 * intern - stack changes as the wire tells them -> call-tree nodes of the capture.
 *
 * One direct-mapped cache over all processes answers (module map, pc) -> frame;
 * the writer's call tree, whose children lists are in the order of use, answers
 * (parent, frame) -> node.
 */
#ifndef RECORD_INTERN_H
#define RECORD_INTERN_H

#include "format/writer.h"
#include "modules.h"
#include "stream.h"

#define INTERN_CACHE 16384u

struct intern_entry {
	uint64_t pc;
	uint32_t generation; /* of the map, 0: empty */
	uint32_t frame;
};

struct intern {
	struct writer *writer;
	struct intern_entry *cache;
};

int intern_init(struct intern *in, struct writer *w); /* TRK_ERR_NOMEM */
void intern_finish(struct intern *in);

/*
 * Applies the stack part of s->head, and of the frames-only records before it,
 * to s->nodes. TRK_ERR_CORRUPT: deeper than any stack we keep.
 */
int intern_stack(struct intern *in, const struct modules *m, struct stream *s);

#endif
