/* look_private - a look that is under way, as look.c and look_asked.c share it. */
#ifndef RECORD_LOOK_PRIVATE_H
#define RECORD_LOOK_PRIVATE_H

#include "look.h"
#include "look_copy.h"
#include "look_image.h"
#include "look_ledger.h"
#include "look_write.h"

#define LOOK_LABEL_BYTES 1024u

enum look_state { LOOK_WANTED,
		  LOOK_CUT, /* events up to the cut are still to be delivered */
		  LOOK_MARKING,
		  LOOK_READING, /* what the memory consists of */
		  LOOK_OVER };

struct look {
	enum look_state state;
	uint32_t entry; /* of the question */
	struct trk_look head;
	char label[LOOK_LABEL_BYTES], reason[LOOK_REASON];
	uint64_t begun_ns, state_ns; /* since when it is in that state */
	struct look_stop stop;
	struct look_copy copy;
	struct look_image image; /* where there is no copy */
	struct look_maps maps;
	struct look_table table;
	struct look_roots roots;
	struct look_marking marking;
	struct look_named named;
	struct look_result result;
	struct look_ledger memory;
	struct class_snapshot *snapshot; /* to be delivered with it; NULL: none, or none any more */
	struct look_references references;
};

/* p->look, which begins with the next step. False: there is no memory. */
bool look_want(struct recorder *r, struct process *p, uint32_t entry, enum shm_why why, const char *label, size_t label_bytes);
void look_free(struct recorder *r, struct process *p);

#endif
