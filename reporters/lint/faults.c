/* faults - see faults.h. */
#include <stdbool.h>

#include "lint/faults.h"

#include <stdio.h>

#include "lint/find.h"

const char *const lint_levels[LINT_LEVELS + 1] = { [LINT_NOTE] = "note", [LINT_WARNING] = "warning", [LINT_ERROR] = "error" };

const char *const lint_names[LINT_RULES + 1] = {
	[LINT_MISMATCHED] = "mismatched-release",
	[LINT_DOUBLE] = "double-release",
	[LINT_INVALID] = "invalid-release",
	[LINT_ALIGNMENT] = "bad-alignment",
	[LINT_HANDLER] = "signal-handler",
	[LINT_FORK] = "fork-exec",
	[LINT_HUGE] = "huge-request",
	[LINT_UNEVEN] = "uneven-size",
	[LINT_FAILED] = "failed-request",
	[LINT_ZERO] = "zero-size",
	[LINT_SAME_SIZE] = "same-size-realloc",
};

const struct lint_rule_row lint_rules[LINT_RULES] = {
	[LINT_MISMATCHED] = { LINT_ERROR, "a block was released by a function that does not fit the one that allocated it",
			      NULL },
	[LINT_DOUBLE] = { LINT_ERROR, "a block was released again after its release",
			  "release a block once: let one owner do it, and forget the pointer there" },
	[LINT_INVALID] = { LINT_ERROR, "a release got an address at which no allocated block begins",
			   "release only what an allocation returned: not the middle of a block, and nothing that is not on the heap" },
	[LINT_ALIGNMENT] = { LINT_ERROR, "an allocation with an alignment that its function does not take",
			     "pass a power of two; for posix_memalign at least sizeof(void *)" },
	[LINT_HANDLER] = { LINT_WARNING, "an allocator's function was called in a signal handler",
			   "let the handler only note that the signal came; the interrupted code may hold the allocator's lock" },
	[LINT_FORK] = { LINT_WARNING, "a forked child of a process with several threads allocated before it executed another program",
			"use posix_spawn, or prepare before fork what the child needs: a thread that the child lacks may have held a lock" },
	[LINT_HUGE] = { LINT_WARNING, "more bytes were asked for than any program can have",
			"look how the size is computed: it has overflowed, or was negative" },
	[LINT_UNEVEN] = { LINT_NOTE, "aligned_alloc got a size that is no multiple of the alignment",
			  "round the size up to a multiple of the alignment: C11 demands it, and some C libraries refuse the call" },
	[LINT_FAILED] = { LINT_NOTE, "an allocation failed", "see that the program copes with it; tracker run --fail-after tries that everywhere" },
	[LINT_ZERO] = { LINT_NOTE, "an allocation of no bytes", "leave the call out if there is nothing to store: what it returns differs between allocators" },
	[LINT_SAME_SIZE] = { LINT_NOTE, "a realloc to the size that the block already had", "call realloc only when the size changes" },
};

const struct suppress_kind lint_suppressed[] = {
	{ "mismatched-release", "Free", 1u << LINT_MISMATCHED },
	{ "double-release", "Free", 1u << LINT_DOUBLE },
	{ "invalid-release", "Free", 1u << LINT_INVALID },
	{ "bad-alignment", "BadAlign", 1u << LINT_ALIGNMENT },
	{ "signal-handler", NULL, 1u << LINT_HANDLER },
	{ "fork-exec", NULL, 1u << LINT_FORK },
	{ "huge-request", "FishyValue", 1u << LINT_HUGE },
	{ "uneven-size", NULL, 1u << LINT_UNEVEN },
	{ "failed-request", NULL, 1u << LINT_FAILED },
	{ "zero-size", "ReallocZero", 1u << LINT_ZERO },
	{ "same-size-realloc", NULL, 1u << LINT_SAME_SIZE },
	{ 0 },
};

enum lint_family lint_family(uint8_t kind)
{
	switch (kind) {
	case TRK_NEW:
	case TRK_DELETE:
		return LINT_FAMILY_NEW;
	case TRK_NEW_ARRAY:
	case TRK_DELETE_ARRAY:
		return LINT_FAMILY_NEW_ARRAY;
	default:
		return trk_kind_among(kind, TRK_KINDS_WITH(TRK_SAMPLED)) || (kind >= TRK_FREE && kind <= TRK_CFREE) ? LINT_FAMILY_MALLOC : 0;
	}
}

static bool is_aligned(uint8_t kind)
{
	return kind == TRK_POSIX_MEMALIGN || kind == TRK_ALIGNED_ALLOC || kind == TRK_MEMALIGN || kind == TRK_VALLOC || kind == TRK_PVALLOC;
}

bool lint_fits(uint8_t allocation, uint8_t release)
{
	if (lint_family(allocation) != lint_family(release))
		return false;
	/* C23: each of the two takes what the functions of its own kind return. */
	if (release == TRK_FREE_SIZED)
		return !is_aligned(allocation);
	return release != TRK_FREE_ALIGNED_SIZED || allocation == TRK_ALIGNED_ALLOC;
}

const char *lint_function(uint8_t kind)
{
	return kind == TRK_NEW_ARRAY ? "new[]" : kind == TRK_DELETE_ARRAY ? "delete[]" :
									    trk_kind_name(kind);
}

const char *lint_advice(const struct lint_finding *f)
{
	static const char *const of_family[] = { [LINT_FAMILY_MALLOC] = "release it with free", [LINT_FAMILY_NEW] = "release it with delete", [LINT_FAMILY_NEW_ARRAY] = "release it with delete[]" };

	return f->rule == LINT_MISMATCHED ? of_family[lint_family(f->allocated_by)] : lint_rules[f->rule].advice;
}

char *lint_text(const struct lint_finding *f, char buf[LINT_TEXT_ROOM])
{
	const char *const allocated = lint_function(f->allocated_by), *const called = lint_function(f->called);

	switch ((enum lint_rule)f->rule) {
	case LINT_MISMATCHED:
		snprintf(buf, LINT_TEXT_ROOM, "%s released what %s allocated", called, allocated);
		break;
	case LINT_DOUBLE:
		snprintf(buf, LINT_TEXT_ROOM, "%s released what %s had released before", called, lint_function(f->released_by));
		break;
	case LINT_INVALID:
		snprintf(buf, LINT_TEXT_ROOM, "%s got an address at which no block begins", called);
		break;
	case LINT_HANDLER:
		snprintf(buf, LINT_TEXT_ROOM, "%s in a signal handler", called);
		break;
	case LINT_FORK:
		snprintf(buf, LINT_TEXT_ROOM, "%s between fork and exec, in a child of a process with several threads", called);
		break;
	case LINT_ALIGNMENT:
		snprintf(buf, LINT_TEXT_ROOM, "%s with an alignment that it does not take", called);
		break;
	case LINT_HUGE:
		snprintf(buf, LINT_TEXT_ROOM, "%s of more bytes than any program can have", called);
		break;
	case LINT_UNEVEN:
		snprintf(buf, LINT_TEXT_ROOM, "%s of a size that is no multiple of the alignment", called);
		break;
	case LINT_FAILED:
		snprintf(buf, LINT_TEXT_ROOM, "%s failed", called);
		break;
	case LINT_ZERO:
		snprintf(buf, LINT_TEXT_ROOM, "%s of no bytes", called);
		break;
	case LINT_SAME_SIZE:
	case LINT_RULES:
		snprintf(buf, LINT_TEXT_ROOM, "%s to the size that the block already had", called);
		break;
	}
	return buf;
}
