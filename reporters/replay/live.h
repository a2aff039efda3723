/* live - a copy of the blocks that are live at one moment, one by one. */
#ifndef REPLAY_LIVE_H
#define REPLAY_LIVE_H

#include "replay/view.h"

struct live_list {
	struct view_block *blocks;
	size_t count, room;
	bool *ended; /* by process: its blocks are left out */
	uint32_t processes;
};

/* TRK_ERR_NOMEM. */
int live_init(struct live_list *l, uint32_t processes);
void live_finish(struct live_list *l); /* NULL-safe, zero-safe */

/*
 * Copies the blocks of `h` whose `user` is not `except`; for a mapping that was cut, each fragment; for an arena that was not touched, a block
 * of 0 bytes. In order of
 * process, domain and address. TRK_ERR_NOMEM.
 */
int live_collect(struct live_list *l, const struct heap *h, uint32_t except);

#endif
