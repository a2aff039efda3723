/*
 * stack_nodes - changes of stacks, as the wire tells them -> call-tree nodes of the capture.
 *
 * Direct-mapped caches over all processes answer (module map, pc) -> frame and (parent, frame) -> node; the writer's
 * tables answer the rest. The caches are not format/idmap.h: a new entry replaces the one at its place. runs.h
 * remembers whole runs of frames that are pushed again and again.
 */
#ifndef RECORD_STACK_NODES_H
#define RECORD_STACK_NODES_H

#include "cuts.h"
#include "format/writer.h"
#include "modules.h"
#include "runs.h"
#include "stream.h"

#define STACK_NODES_FRAME_BITS 14u
/* Places for nodes: twice as many as there are distinct nodes, from the first to the last of these powers of two. */
#define STACK_NODES_BITS_MIN 12u
#define STACK_NODES_BITS_MAX 20u

/* Frames by pc, and nodes by (parent, frame) at the place of their path. Most frames need no look-up in the tables then. */
struct known_frame {
	uint64_t pc;
	uint32_t generation; /* of the map of modules, 0: empty */
	uint32_t frame;
};

struct known_node {
	uint32_t parent, frame, node; /* node 0: empty */
};

/* The frame of a return address in no module, of the event at s->head. */
typedef uint32_t (*stack_nodes_elsewhere)(void *data, struct stream *s, uint64_t pc);

struct stack_nodes {
	struct writer *writer;
	stack_nodes_elsewhere elsewhere; /* NULL: such frames are frames of module 0 */
	void *data;
	struct known_frame *frames;
	struct known_node *nodes; /* by the upper bits of the path */
	uint32_t node_bits;
	uint32_t nodes_wanted; /* from so many distinct nodes on, there will be more places */
	struct runs runs;
	struct cuts cuts;
	uint32_t keep; /* the kept frames of a stack; 0: all frames that are sent */
	bool sums; /* events are summed by stack: stacks that differ only in their depth are one */
};

/* From so many places on, they are in no cache near the processor. */
#define STACK_NODES_BITS_FAR 15u

/*
 * A hint: these frames will be pushed soon, on a level with that path (0: on none). Fetches what is known about them. ret_paths: the paths of
 * their levels.
 */
void stack_nodes_expect(const struct stack_nodes *in, const struct wire_frames *f, const struct wire_bases *bases, uint64_t path, uint64_t *ret_paths);

int stack_nodes_init(struct stack_nodes *in, struct writer *w); /* TRK_ERR_NOMEM */
void stack_nodes_finish(struct stack_nodes *in);

/*
 * Applies the stack part of s->head, and of the frames-only records before it, to s->levels, and sets s->node. A cut
 * stack has a node for each depth. TRK_ERR_CORRUPT: it is deeper than any stack can be.
 */
int stack_nodes_apply(struct stack_nodes *in, const struct modules *m, struct stream *s);
/* The same for s->head where nothing was deferred. `codes`: of its pushes, from runs_expect; 0: not known. */
int stack_nodes_change(struct stack_nodes *in, const struct modules *m, struct stream *s, uint32_t pops, uint64_t codes);
/* The addresses of the stack that s->levels holds belong to other code now: looks all of them up again. */
void stack_nodes_look_up_again(struct stack_nodes *in, const struct modules *m, struct stream *s);

#endif
