/* lost_way - from a root to a block, in words; see lost.h. */
#include "lost.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"

#define STEPS 3u /* blocks that are named between the root and the block itself */
#define WAY_MAX 64u /* longer ways are only counted */

static const char *base_name(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static void print_root(FILE *f, const struct looked *l, const struct trk_look_block *b)
{
	const struct trk_look_root *const r = b->from == LOOK_FROM_ROOT ? &l->roots[b->parent] : NULL;
	const uint64_t at = r ? r->start + b->offset * 8 : 0;

	switch (r ? r->kind : LOOK_ROOT_UNKNOWN) {
	case LOOK_ROOT_REGISTER:
		fprintf(f, "a register of thread %" PRIu32, r->tid);
		break;
	case LOOK_ROOT_STACK:
		fprintf(f, "the stack or a thread-local variable of thread %" PRIu32, r->tid);
		break;
	case LOOK_ROOT_MODULE:
		fprintf(f, "a variable of %s at 0x%" PRIx64, base_name(r->name), at);
		break;
	case LOOK_ROOT_MEMORY:
		fprintf(f, "mapped memory at 0x%" PRIx64, at);
		break;
	case LOOK_ROOT_SHARED:
		fprintf(f, "shared memory at 0x%" PRIx64, at);
		break;
	case LOOK_ROOT_LOADER:
		fputs("the dynamic loader", f);
		break;
	case LOOK_ROOT_INHERITED:
		fprintf(f, "memory that its parent process allocated, at 0x%" PRIx64, at);
		break;
	case LOOK_ROOT_MOVING:
		fputs("a block that realloc was moving", f);
		break;
	default:
		fputs("something that is not known", f);
	}
}

static void print_block(FILE *f, const struct report *r, const struct looked *l, uint32_t number)
{
	size_t n;
	const struct source_frame *const frames = group_frames(r->stacks, l->blocks[number].node, &n);

	fprintf(f, " -> %" PRIu64 " B of %s", l->blocks[number].size, frames[0].function[0] ? frames[0].function : "an unknown function");
	if (frames[0].has_source)
		fprintf(f, " (%s:%" PRIu32 ")", base_name(frames[0].file), frames[0].line);
}

static const struct lost_block *biggest(const struct lost *l, enum look_verdict verdict, uint32_t node)
{
	for (size_t low = 0, high = l->block_count; low < high;) {
		const size_t middle = low + (high - low) / 2;
		const struct lost_block *const b = &l->blocks[middle];

		if (b->node < node || (b->node == node && b->verdict < verdict))
			low = middle + 1;
		else
			high = middle;
		if (low == high && low < l->block_count && l->blocks[low].node == node && l->blocks[low].verdict == verdict)
			return &l->blocks[low];
	}
	return NULL;
}

char *lost_way(const struct lost *l, const struct report *r, enum look_verdict verdict, uint32_t node)
{
	const struct lost_block *const b = biggest(l, verdict, node);
	uint32_t way[WAY_MAX], steps = 0, at;
	char *text = NULL;
	size_t bytes = 0;
	FILE *f;

	if (!b || !b->look || verdict == LOOK_DEFINITELY || verdict == LOOK_UNKNOWN)
		return NULL;
	at = b->number;
	for (; b->look->verdicts[at].from == LOOK_FROM_BLOCK && steps < b->look->count; steps++) {
		at = b->look->verdicts[at].parent;
		way[steps % WAY_MAX] = at; /* the last ones are those near the root */
	}
	f = open_memstream(&text, &bytes);
	if (!f)
		return NULL;
	print_root(f, b->look, &b->look->verdicts[at]);
	for (uint32_t i = 0; i < steps && i < STEPS; i++)
		print_block(f, r, b->look, way[(steps - 1 - i) % WAY_MAX]);
	if (steps > STEPS)
		fprintf(f, " -> %" PRIu32 " more", steps - STEPS);
	fputs(" -> this", f);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
