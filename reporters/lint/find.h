/*
 * find - the faults that the events of a capture show, by what was done wrong and by the stacks of those who did it.
 *
 * The stack of a release is known if a realloc did it, or if it was recorded (tracker run --release-stacks).
 */
#ifndef REPORTERS_LINT_FIND_H
#define REPORTERS_LINT_FIND_H

#include "common/report.h"
#include "format/idmap.h"
#include "lint/faults.h"

enum lint_stack {
	LINT_CALL, /* the call that is the fault */
	LINT_ALLOCATED, /* the block's allocation */
	LINT_RELEASED, /* its release, when it is released again */
	LINT_STACKS,
};

struct lint_finding {
	uint8_t rule; /* enum lint_rule */
	uint8_t called, allocated_by, released_by; /* enum trk_kind; 0: that is no part of it, or not known */
	uint32_t process; /* of the first of them */
	uint32_t nodes[LINT_STACKS]; /* 0: not known, or no part of it */
	uint64_t count, bytes; /* calls; bytes of their blocks, as far as they are known */
};

struct lint {
	struct lint_finding *items;
	size_t count;
	uint64_t calls; /* that were looked at: allocations and releases */
	uint64_t suppressed; /* findings' calls that suppressions left out */
	uint64_t inherited; /* releases that met no block, in forked children that may have it from their parents */
	uint64_t unjudged; /* ... after events were lost, or blocks forgotten */
	/* the finder's own */
	struct idmap map;
	size_t room;
};

/* Reads all events of r's capture, of r->process; sets r->lost. An exit code; it has said why. */
int lint_find(struct lint *ret, struct report *r);
void lint_finish(struct lint *l); /* zero-safe */

#endif
