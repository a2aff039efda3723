/*
 * excerpt - tables of the recording for a capture of one process, written beside it: a snapshot, or a capture that the program asked for.
 *
 * Modules, frames, nodes and threads are written when the excerpt first needs them, under numbers of its own; its process is number 0.
 */
#ifndef RECORD_EXCERPT_H
#define RECORD_EXCERPT_H

#include "recorder.h"

struct excerpt {
	const struct recorder *r;
	const struct process *process;
	struct writer *to;
	uint32_t nframe; /* of a stack, the most recent ones */
	uint32_t *nodes, *modules; /* there, by number here; 0: not written yet */
	uint32_t node_room, module_room;
	uint32_t *threads; /* likewise, + 1 */
	uint32_t thread_room, thread_count;
	uint64_t (*frames)[2]; /* of one stack, most recent first: module there, offset */
	uint32_t frame_room;
	bool no_memory; /* something of it is missing for that */
};

/* Writes the header and the process into fd. content: enum trk_content. TRK_ERR_NOMEM, TRK_ERR_IO. */
int excerpt_begin(struct excerpt *x, int fd, uint32_t content, enum trk_packing packing);
/* Gives back all but the descriptor. Zero-safe. */
void excerpt_release(struct excerpt *x);

/* The number there of a node, a thread. */
uint32_t excerpt_node(struct excerpt *x, uint32_t node);
uint32_t excerpt_thread(struct excerpt *x, uint32_t thread);

/* How the process and its threads are called by now, and how it ended, if it has. */
void excerpt_tell_again(struct excerpt *x);
/* The names of all its frames, looked up here and now: seconds, perhaps, and files of unknown making are read. */
void excerpt_names(struct excerpt *x);

#endif
