/* look_write - what a look found, into the capture. */
#ifndef RECORD_LOOK_WRITE_H
#define RECORD_LOOK_WRITE_H

#include "look.h"
#include "look_named.h"
#include "look_references.h"
#include "look_roots.h"

struct look_result {
	bool done; /* false: the memory was not looked at */
	uint32_t inner; /* pid of the copy, for the process to wait for; 0: none */
	uint64_t lost_bytes, lost_blocks, indirect_bytes, indirect_blocks;
};

/* head->blocks is 0 where nothing was found out. Fills the figures of the result. */
void look_write(struct recorder *r, struct trk_look *head, const struct look_table *t, const struct look_roots *roots, const struct look_named *named,
		const struct look_references *references, struct look_result *ret);

#endif
