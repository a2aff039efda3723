/*
 * extract - takes over from one capture what another capture needs of its tables. Stacks, modules and symbols are
 * written when they are first asked for, and get new numbers.
 */
#ifndef REPLAY_EXTRACT_H
#define REPLAY_EXTRACT_H

#include "format/writer.h"
#include "replay/capture.h"

struct extract {
	const struct capture *from;
	struct writer *to;
	uint32_t *nodes, *frames, *modules; /* new numbers, by old ones; 0: not written yet */
	uint32_t *path; /* the nodes from a node to its first known ancestor */
	size_t path_room;
};

/* TRK_ERR_NOMEM; finish it in any case. */
int extract_init(struct extract *x, const struct capture *from, struct writer *to);
void extract_finish(struct extract *x); /* zero-safe */

uint32_t extract_module(struct extract *x, uint32_t old);
/* UINT32_MAX: no memory. */
uint32_t extract_node(struct extract *x, uint32_t old);
/* Writes the names of all frames that were written, as far as they were looked up before. */
void extract_symbols(struct extract *x);

/* Writes what the capture lacks into the file that is made of it. */
void extract_damage(const struct capture *c, struct writer *w);

#endif
