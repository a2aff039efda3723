/*
 * excerpt - tables of the recording for a capture that is written beside it: of one process, for a snapshot or a capture that the
 * program asked for; or of all, for a live view.
 *
 * Modules, frames, nodes and threads are written when the excerpt first needs them, under numbers of its own. If it is of one
 * process, that is number 0; otherwise processes keep their numbers.
 */
#ifndef RECORD_EXCERPT_H
#define RECORD_EXCERPT_H

#include "recorder.h"

struct excerpt {
	const struct recorder *r;
	const struct process *process; /* NULL: of all */
	struct writer *to;
	uint32_t nframe; /* how many of the most recent frames of a stack are written */
	uint32_t *nodes, *modules; /* number in the excerpt, by number in the recording; 0: not written yet */
	uint32_t node_room, module_room;
	uint32_t *threads; /* likewise, + 1 */
	uint32_t thread_room, thread_count;
	uint64_t (*frames)[2]; /* of one stack, most recent first: module in the recording, and offset */
	uint32_t frame_room;
	bool no_memory; /* there was no memory, so something is missing in the excerpt */
};

/* Writes the header and the processes into fd. content: enum trk_content. TRK_ERR_NOMEM, TRK_ERR_IO. */
int excerpt_begin(struct excerpt *x, int fd, uint32_t content, enum trk_packing packing);
/* Gives back all but the descriptor. Zero-safe. */
void excerpt_release(struct excerpt *x);

/* The number of a node, or of a thread of that process, in the excerpt. */
uint32_t excerpt_node(struct excerpt *x, uint32_t node);
uint32_t excerpt_thread(struct excerpt *x, const struct process *p, uint32_t thread);

/* Of one process: writes the present names of it and its threads, and how it ended, if it has. */
void excerpt_tell_again(struct excerpt *x);
/* Looks up the names of all its frames in this process. This may take seconds, and reads files of unknown origin. */
void excerpt_names(struct excerpt *x);

#endif
