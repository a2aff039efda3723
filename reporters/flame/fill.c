/* fill - rows of a view -> stacks of a tree: frames, which are irrelevant, groups. */
#include <stdlib.h>

#include "flame/flame_tree.h"
#include "ui/ui.h"
#include "format/array.h"

struct filler {
	struct flame_tree *tree;
	const struct capture *capture;
	const struct flame_options *options;
	uint32_t view;
	uint32_t *group_of; /* by thread or process index, and one for unknown ones */
	uint32_t *frames; /* of the stack at hand */
	bool *hidden;
	size_t room;
};

static bool is_main(const struct capture *c, uint32_t frame)
{
	const uint32_t module = frame < c->frame_count ? c->frames[frame].module : 0;

	return module && module < c->module_count && (c->modules[module].flags & TRK_MODULE_MAIN);
}

static int stack_room(struct filler *f, size_t count)
{
	if (count <= f->room)
		return 0;
	free(f->frames);
	free(f->hidden);
	f->frames = calloc(count, sizeof(*f->frames));
	f->hidden = calloc(count, sizeof(*f->hidden));
	f->room = f->frames && f->hidden ? count : 0;
	return f->room ? 0 : TRK_ERR_NOMEM;
}

/* If a stack has only irrelevant frames, the outermost one that belongs to the program stays. */
static void mark_hidden(struct filler *f, const struct source_frame *s, size_t count)
{
	bool all = true;
	size_t keep = count - 1;

	for (size_t i = 0; i < count; i++) {
		f->hidden[i] = !f->options->no_skip && (s[i].skipped || s[i].runtime || s[i].interpreter);
		all = all && f->hidden[i];
		if (!s[i].runtime)
			keep = i;
	}
	if (all)
		f->hidden[keep] = false;
}

/* Writes the frames of the stack in the order of the tree, and their number to ret. */
static int order_frames(struct filler *f, const struct source_frame *s, size_t count, size_t *ret)
{
	size_t kept = 0;
	uint32_t place = 0;

	for (size_t i = 0; i < count; i++) {
		place = i && s[i - 1].inlined ? place + 1 : 0;
		if (f->hidden[i] && f->options->drop_hidden)
			continue;
		const int64_t number =
			flame_names_frame(&f->tree->names, &s[i], place, f->hidden[i],
					  is_main(f->capture, s[i].frame));
		if (number < 0)
			return (int)number;
		f->frames[kept++] = (uint32_t)number;
	}
	for (size_t i = 0; !f->options->inverted && i < kept / 2; i++) {
		const uint32_t other = f->frames[i];
		f->frames[i] = f->frames[kept - 1 - i];
		f->frames[kept - 1 - i] = other;
	}
	*ret = kept;
	return 0;
}

static int64_t group_number(struct filler *f, const struct view_row *row)
{
	struct flame_tree *const t = f->tree;
	const bool threads = f->options->threads;
	const uint32_t count = threads ? f->capture->thread_count : f->capture->process_count;
	const uint32_t index = threads ? row->thread : row->process;
	uint32_t *const known = &f->group_of[index < count ? index : count];

	if (*known != FLAME_NONE)
		return *known;
	const int err =
		ARRAY_ROOM(t->groups, t->group_room, t->group_count + 1, 64) ? 0 : TRK_ERR_NOMEM;
	if (err)
		return err;
	t->groups[t->group_count] =
		(struct flame_group){ row->process, threads ? row->thread : UINT32_MAX };
	*known = (uint32_t)t->group_count++;
	return *known;
}

static int fill_row(struct filler *f, struct stacks *stacks, const struct view_row *row)
{
	size_t count, kept = 0;
	const struct source_frame *const s = stacks_frames(stacks, row->node, &count);
	const int64_t group = group_number(f, row);

	if (f->tree->tree.count > STACKS_PATHS_MAX)
		stacks_shorten(stacks, &count);
	if (group < 0)
		return (int)group;
	int err = stack_room(f, count);
	if (err)
		return err;
	if (count)
		mark_hidden(f, s, count);
	err = order_frames(f, s, count, &kept);
	if (err)
		return err;
	const struct flame_row weight = { .group = (uint32_t)group,
					  .view = f->view,
					  .bytes = row->bytes,
					  .count = row->count };
	return flame_tree_add(f->tree, f->frames, kept, &weight);
}

int flame_tree_fill(struct flame_tree *t, struct capture *c, struct stacks *s, const struct view *v, uint32_t view,
		    const struct flame_options *o, struct ui_progress *progress)
{
	const size_t groups = (size_t)(o->threads ? c->thread_count : c->process_count) + 1;
	struct filler f = { .tree = t, .capture = c, .options = o, .view = view };
	int err = TRK_ERR_NOMEM;

	f.group_of = malloc(groups * sizeof(*f.group_of));
	if (!f.group_of)
		goto out;
	for (size_t i = 0; i < groups; i++)
		f.group_of[i] = FLAME_NONE;
	for (size_t i = 0; i < t->group_count; i++) { /* of other views */
		const uint32_t index = o->threads ? t->groups[i].thread : t->groups[i].process;

		f.group_of[index < groups ? index : groups - 1] = (uint32_t)i;
	}
	err = 0;
	for (size_t i = 0; i < v->row_count && !err; i++) {
		err = fill_row(&f, s, &v->rows[i]);
		if (progress && i % 256 == 0)
			ui_progress_step(progress, i);
	}
out:
	free(f.group_of);
	free(f.frames);
	free(f.hidden);
	return err;
}
