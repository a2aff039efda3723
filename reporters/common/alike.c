/* alike - see alike.h. */
#include "common/alike.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "format/array.h"
#include "format/mix.h"
#include "symbols/keymap.h"

#define FRAMES_OF_MANY 32u /* that tell stacks apart of which the oldest frames are missing, when there are STACKS_PATHS_MAX paths */

/* ---- frames as they are printed ---- */

struct printed {
	bool by_module; /* frames of different modules are not alike: programs are told which module it is, people are not */
	char **texts; /* by number */
	size_t count, room;
	struct idmap by_text; /* numbers, from 1 */
	struct keymap by_frame; /* numbers by the frame's id, and how many frames are inlined into it */
};

static void printed_finish(struct printed *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->texts[i]);
	free(p->texts);
	idmap_finish(&p->by_text);
	keymap_finish(&p->by_frame);
}

/* Takes the text over. */
static int number_of_text(struct printed *p, char *text, uint32_t *ret)
{
	const uint32_t hash = (uint32_t)trk_mix_bytes(text, strlen(text));
	uint32_t at = hash, id;

	while ((id = idmap_next(&p->by_text, hash, &at))) {
		*ret = id - 1;
		if (strcmp(p->texts[*ret], text) != 0)
			continue;
		free(text);
		return 0;
	}
	if (!idmap_reserve(&p->by_text) || !ARRAY_ROOM(p->texts, p->room, p->count + 1, 256)) {
		free(text);
		return TRK_ERR_NOMEM;
	}
	*ret = (uint32_t)p->count;
	p->texts[p->count++] = text;
	idmap_add(&p->by_text, hash, (uint32_t)p->count);
	return 0;
}

/* Where a function has a name, its place in the file of the module is not printed. */
static int number_of_frame(struct printed *p, const struct source_frame *f, const char *via, uint32_t *ret)
{
	char *text = NULL;
	int n;

	if (f->cut)
		n = asprintf(&text, "... %" PRIu64 " %" PRIu64, f->least_older, f->most_older);
	else
		n = asprintf(&text, "%s\n%s\n%" PRIu32 "\n%" PRIx64 "\n%s\n%s", f->function, f->file, f->line, *f->function ? 0 : f->offset,
			     via ? via : "", p->by_module ? f->module : "");
	return n < 0 ? TRK_ERR_NOMEM : number_of_text(p, text, ret);
}

static int number_of(struct printed *p, const struct source_frame *f, uint32_t inlined, uint32_t *ret)
{
	uint32_t *const known = f->frame && !f->cut ? keymap_at(&p->by_frame, (uint64_t)f->frame << 32 | inlined) : NULL;

	if (known && *known != KEYMAP_NONE) {
		*ret = *known;
		return 0;
	}
	if (number_of_frame(p, f, NULL, ret) < 0)
		return TRK_ERR_NOMEM;
	if (known)
		*known = *ret;
	return 0;
}

struct numbers {
	uint32_t *items;
	size_t count, room;
	bool cut;
	bool has_source;
};

/* The frames of a stack, the most recent one first, as numbers; at most `most` of them. */
static int numbers_of(struct printed *p, struct stacks *s, uint32_t node, size_t most, struct numbers *ret)
{
	size_t n;
	const struct source_frame *const frames = stacks_frames(s, node, &n);
	const size_t skip = group_skipped(frames, n);
	uint32_t inlined = 0;

	ret->cut = frames[n - 1].cut;
	ret->has_source = frames[skip].has_source;
	ret->count = n - skip;
	if (!ARRAY_ROOM(ret->items, ret->room, ret->count, 64))
		return TRK_ERR_NOMEM;
	for (size_t i = skip; i > 0 && frames[i - 1].inlined; i--)
		inlined++;
	for (size_t i = 0; i < ret->count && i < most; i++) {
		const struct source_frame *const f = &frames[skip + i];
		const int err = i == 0 && f->via ? number_of_frame(p, f, f->via, &ret->items[i]) : number_of(p, f, inlined, &ret->items[i]);

		if (err < 0)
			return err;
		inlined = f->inlined ? inlined + 1 : 0;
	}
	return 0;
}

/* ---- whole stacks ---- */

static int by_weight(const void *left, const void *right)
{
	const struct alike_stack *const a = left, *const b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static void join(struct alike_stack *to, const struct alike_stack *from)
{
	to->bytes += from->bytes;
	to->count += from->count;
	to->held_bytes += from->held_bytes;
	to->held_count += from->held_count;
	to->stacks += from->stacks;
	sampling_join(&to->error, &from->error);
	to->least_frames = from->least_frames < to->least_frames ? from->least_frames : to->least_frames;
	to->frames = from->frames > to->frames ? from->frames : to->frames;
	to->cut |= from->cut;
	if (from->node_bytes > to->node_bytes) {
		to->node = from->node;
		to->node_bytes = from->node_bytes;
		to->has_source = from->has_source;
	}
}

/* Which path from the oldest frame to the most recent one it is: stacks share their callers. */
static int path_of(struct printed *p, struct stacks *s, struct stack_tree *tree, struct alike_stack *stack, struct numbers *scratch, uint32_t *ret)
{
	const int err = numbers_of(p, s, stack->node, SIZE_MAX, scratch);

	*ret = 0;
	if (err < 0)
		return err;
	stack->node_bytes = stack->bytes;
	stack->stacks = 1;
	stack->cut = scratch->cut;
	stack->has_source = scratch->has_source;
	stack->frames = stack->least_frames = (uint32_t)(scratch->count - scratch->cut);
	if (tree->count > STACKS_PATHS_MAX && scratch->cut && scratch->count > FRAMES_OF_MANY)
		scratch->count = FRAMES_OF_MANY;
	for (size_t i = scratch->count; i-- > 0;)
		if (stack_tree_child(tree, *ret, scratch->items[i], ret) < 0)
			return TRK_ERR_NOMEM;
	return 0;
}

static int join_all(struct printed *p, struct stacks *s, struct stack_tree *tree, struct keymap *by_path, struct alike_stack *stacks, size_t *count)
{
	struct numbers scratch = { 0 };
	size_t kept = 0;
	uint32_t path;
	int err = 0;

	for (size_t i = 0; i < *count && !err; i++) {
		err = path_of(p, s, tree, &stacks[i], &scratch, &path);
		uint32_t *const known = err ? NULL : keymap_at(by_path, path);

		if (!known) {
			err = TRK_ERR_NOMEM;
		} else if (*known != KEYMAP_NONE) {
			join(&stacks[*known], &stacks[i]);
		} else {
			*known = (uint32_t)kept;
			stacks[kept++] = stacks[i];
		}
	}
	*count = kept;
	free(scratch.items);
	return err;
}

int alike_join(struct stacks *s, struct alike_stack *stacks, size_t *count)
{
	struct printed printed = { .by_module = true };
	struct keymap by_path = { 0 };
	struct stack_tree tree;
	int err = stack_tree_init(&tree);

	if (!err)
		err = join_all(&printed, s, &tree, &by_path, stacks, count);
	if (*count)
		qsort(stacks, *count, sizeof(*stacks), by_weight);
	printed_finish(&printed);
	keymap_finish(&by_path);
	stack_tree_finish(&tree);
	return err;
}

/* ---- by the most recent frames ---- */

static int by_place(const void *left, const void *right)
{
	const struct alike_place *const a = left, *const b = right;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->stack < b->stack ? -1 : a->stack > b->stack;
}

static void sum_places(struct alike_folds *f)
{
	qsort(f->places, f->place_count, sizeof(*f->places), by_place);
	f->count = 0;
	for (size_t i = 0; i < f->place_count; i++) {
		const struct alike_stack *const stack = &f->stacks[f->places[i].stack];

		if (i && f->places[i - 1].at == f->places[i].at)
			join(&f->items[f->count - 1], stack);
		else
			f->items[f->count++] = *stack;
	}
	qsort(f->items, f->count, sizeof(*f->items), by_weight);
}

static int place_all(struct alike_folds *f, struct printed *p, struct stacks *s, uint32_t depth)
{
	struct numbers scratch = { 0 };
	int err = 0;

	for (size_t i = 0; i < f->place_count && !err; i++) {
		struct alike_place *const place = &f->places[i];

		place->stack = (uint32_t)i;
		err = numbers_of(p, s, f->stacks[i].node, depth, &scratch);
		while (!err && place->depth < depth && place->depth < scratch.count)
			err = stack_tree_child(&f->tree, place->at, scratch.items[place->depth++], &place->at);
	}
	free(scratch.items);
	return err;
}

int alike_fold(struct alike_folds *f, struct stacks *s, const struct alike_stack *stacks, size_t count, uint32_t depth)
{
	struct printed printed = { 0 };
	int err;

	*f = (struct alike_folds){ .stacks = stacks, .count = count, .place_count = count };
	f->places = calloc(count + 1, sizeof(*f->places));
	f->items = calloc(count + 1, sizeof(*f->items));
	err = f->places && f->items ? stack_tree_init(&f->tree) : TRK_ERR_NOMEM;
	if (!err && count)
		memcpy(f->items, stacks, count * sizeof(*stacks));
	if (err || depth == ALIKE_WHOLE)
		return err;
	err = place_all(f, &printed, s, depth);
	printed_finish(&printed);
	if (!err)
		sum_places(f);
	return err;
}

void alike_fold_more(struct alike_folds *f, uint32_t depth)
{
	for (size_t i = 0; i < f->place_count; i++) {
		struct alike_place *const place = &f->places[i];

		for (; place->depth > depth; place->depth--)
			place->at = f->tree.nodes[place->at].parent;
	}
	sum_places(f);
}

void alike_finish(struct alike_folds *f)
{
	stack_tree_finish(&f->tree);
	free(f->places);
	free(f->items);
	*f = (struct alike_folds){ 0 };
}
