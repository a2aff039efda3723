/*
 * intern - stack changes as the wire tells them -> call-tree nodes of the capture.
 *
 * One direct-mapped cache over all processes answers (module map, pc) -> frame;
 * the writer's call tree, whose children lists are in the order of use, answers
 * (parent, frame) -> node.
 */
#ifndef RECORD_INTERN_H
#define RECORD_INTERN_H

#include "cuts.h"
#include "format/writer.h"
#include "modules.h"
#include "stream.h"

#define INTERN_CACHE_BITS 14u

/* Frames by pc, and nodes by (parent, pc) at their path's place, which spares most frames their way through the tables. */
struct intern_frame {
	uint64_t pc;
	uint32_t generation; /* of the map of modules, 0: empty */
	uint32_t frame;
};

struct intern_node {
	uint64_t pc;
	uint32_t generation; /* likewise */
	uint32_t parent, node;
};

/* The frame of a return address that lies in no module, of the event at s->head. */
typedef uint32_t (*intern_elsewhere)(void *data, struct stream *s, uint64_t pc);

struct intern {
	struct writer *writer;
	intern_elsewhere elsewhere; /* NULL: those are frames of module 0 */
	void *data;
	struct intern_frame *frames;
	struct intern_node *nodes;
	struct cuts cuts;
	uint32_t keep; /* frames of a stack; 0: all that are sent */
	bool sums;     /* events are summed by stack: how deep it was does not tell two apart */
};

int intern_init(struct intern *in, struct writer *w); /* TRK_ERR_NOMEM */
void intern_finish(struct intern *in);

/*
 * Applies the stack part of s->head, and of the frames-only records before it,
 * to s->levels, and s->node follows; of a stack that is cut it is one for each depth. TRK_ERR_CORRUPT: deeper than any stack we keep.
 */
int intern_stack(struct intern *in, const struct modules *m, struct stream *s);
/* The addresses of the stack that s->levels holds mean something else now: looks all of them up again. */
void intern_again(struct intern *in, const struct modules *m, struct stream *s);

#endif
