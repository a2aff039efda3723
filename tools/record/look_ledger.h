/*
 * look_ledger - what the memory of a process that is looked at consists of: its areas, its pages, the chunks of its allocator, and, if
 * that is wanted, which of its blocks are equal. All of it is read from the copy; only figures of files and shared memory are those of
 * the program itself, read when it runs again.
 */
#ifndef RECORD_LOOK_LEDGER_H
#define RECORD_LOOK_LEDGER_H

#include "look_chunks.h"
#include "look_contents.h"
#include "look_smaps.h"

struct look_ledger {
	bool contents; /* blocks are to be compared */
	const char *lacks; /* why it is not known, or not all of it; NULL: it is */
	struct look_use use;
	struct look_smaps original;
	struct look_areas areas;
	struct look_read read;
	struct look_chunks chunks;
	struct look_contents compared;
	struct look_scene scene;
	uint64_t took_ns;
	bool begun;
};

/* All threads stand still. */
void look_ledger_stopped(struct look_ledger *m, uint32_t pid);
/* They run again. */
void look_ledger_resumed(struct look_ledger *m, uint32_t pid);
/* The copy stands still, and nobody has read its memory yet. `library`: an address in libtracker. What the scene consists of lives longer. */
void look_ledger_begin(struct look_ledger *m, const struct look_scene *s, uint64_t library);
/* Reads some of it. True: it has finished. */
bool look_ledger_step(struct look_ledger *m);
/* Into the capture, as part of the look of that number. */
void look_ledger_write(struct look_ledger *m, struct recorder *r, const struct trk_look *head);
void look_ledger_finish(struct look_ledger *m); /* zero-safe */

#endif
