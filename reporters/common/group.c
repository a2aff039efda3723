/*
 * group - see group.h. Order of work: stacks are counted per call-tree node
 * first, then every node that has a block is looked up once. Keys: group_keys.c.
 */
#include "common/group_private.h"

#include <stdlib.h>

#include "format/array.h"

/* ---- counting ---- */

static struct group_stat *stat_of(struct grouping *g, uint32_t path)
{
	struct group_private *const p = g->private;

	if (p->paths[path].stat == GROUP_NO_STAT) {
		if (!ARRAY_ROOM(g->stats, p->stat_room, g->stat_count + 1, 64))
			return NULL;
		g->stats[g->stat_count] = (struct group_stat){ .path = path, .number = (uint32_t)g->stat_count };
		p->paths[path].stat = (uint32_t)g->stat_count++;
	}
	return &g->stats[p->paths[path].stat];
}

struct one { /* what is being counted */
	enum group_side side;
	bool deep; /* all frames matter, not only the most recent one */
	uint32_t source, node;
	struct group_value value;
};

static void add_value(struct group_value *sum, const struct group_value *v)
{
	sum->size += v->size;
	sum->count += v->count;
	sampling_join(&sum->error, &v->error);
}

static int count(struct grouping *g, uint32_t path, const struct one *o)
{
	struct group_stat *const s = stat_of(g, path);

	if (!s)
		return TRK_ERR_NOMEM;
	if (s->stamp == g->private->stamp)
		return 0;
	s->stamp = g->private->stamp;
	add_value(&s->value[o->side], &o->value);
	if (o->value.size >= s->node_size) {
		s->node_size = o->value.size;
		s->node = o->node;
		s->node_side = o->side;
		s->node_source = o->source;
	}
	return 0;
}

static int count_path(struct grouping *g, uint32_t parent, uint32_t atom, const struct one *o)
{
	uint32_t path;

	return group_path_of(g->private, parent, atom, &path) < 0 ? TRK_ERR_NOMEM : count(g, path, o);
}

size_t group_skipped(const struct source_frame *frames, size_t n)
{
	size_t skip = 0;

	while (skip + 1 < n && frames[skip].skipped)
		skip++;
	return skip;
}

const struct source_frame *group_frames(struct stacks *s, uint32_t node, size_t *ret_count)
{
	size_t n;
	const struct source_frame *const frames = stacks_frames(s, node, &n);
	const size_t skip = group_skipped(frames, n);

	*ret_count = n - skip;
	return frames + skip;
}

/* The atoms of frames[skip..skip + n), into p->scratch. */
static int atoms_of(struct group_private *p, const struct source_frame *frames, size_t skip,
		    size_t n)
{
	uint32_t inlined = 0;

	if (!ARRAY_ROOM(p->scratch, p->scratch_room, n, 64))
		return TRK_ERR_NOMEM;
	/* The allocator's frames may be inlined into the first frame that counts. */
	for (size_t i = skip; i > 0 && frames[i - 1].inlined; i--)
		inlined++;
	for (size_t i = 0; i < n; i++) {
		const struct source_frame *const f = &frames[skip + i];
		if (group_frame_atom(p, f, inlined, &p->scratch[i]) < 0)
			return TRK_ERR_NOMEM;
		inlined = f->inlined ? inlined + 1 : 0;
	}
	return 0;
}

static bool is_whole_stack(enum group_by by)
{
	return by == GROUP_TRACEBACK || by == GROUP_CHAIN;
}

static int count_traceback(struct grouping *g, size_t n, const struct one *o)
{
	uint32_t path = 0;

	for (size_t i = n; i--;)
		if (group_path_of(g->private, path, g->private->scratch[i], &path) < 0)
			return TRK_ERR_NOMEM;
	return count(g, path, o);
}

/* Frames that do not count have an atom without a text. */
static int count_chain(struct grouping *g, const struct source_frame *top, size_t n, const struct one *o)
{
	struct group_private *const p = g->private;
	uint32_t path = 0;

	for (size_t i = n; i--;) {
		const uint32_t atom = p->scratch[i];

		if (*p->atoms[atom].text && !(path && p->tree.nodes[path].item == atom) && group_path_of(p, path, atom, &path) < 0)
			return TRK_ERR_NOMEM;
	}
	if (path)
		return count(g, path, o);
	return group_chain_atom(p, top, &p->scratch[0]) < 0 ? TRK_ERR_NOMEM : count_path(g, 0, p->scratch[0], o);
}

/* The frames of the node that count: *ret_count behind the first *ret_skip. */
static const struct source_frame *frames_of(const struct group_private *p, struct stacks *s, uint32_t node, size_t *ret_skip, size_t *ret_count)
{
	size_t n, skip;
	const struct source_frame *const frames = stacks_frames(s, node, &n);

	if (is_whole_stack(p->options.by) && p->tree.count > STACKS_PATHS_MAX)
		stacks_shorten(s, &n);
	skip = group_skipped(frames, n);
	while (p->options.hide_runtime && n > skip + 1 && frames[n - 1].runtime)
		n--;
	if (p->options.hide_cut && n > skip + 1 && frames[n - 1].cut)
		n--;
	*ret_skip = skip;
	*ret_count = n - skip;
	return frames;
}

int grouping_keys(struct grouping *g, struct stacks *s, uint32_t node, const uint32_t **ret, size_t *ret_count)
{
	struct group_private *const p = g->private;
	size_t skip;
	const struct source_frame *const frames = frames_of(p, s, node, &skip, ret_count);
	const int err = atoms_of(p, frames, skip, *ret_count);

	for (size_t i = 0, k = *ret_count; !err && i + 1 < k; i++) {
		const uint32_t atom = p->scratch[i];

		p->scratch[i] = p->scratch[--k];
		p->scratch[k] = atom;
	}
	*ret = p->scratch;
	return err;
}

int grouping_thread_key(struct grouping *g, const struct capture *c, uint32_t thread, uint32_t *ret)
{
	return group_thread_atom(g->private, c, thread, ret);
}

const char *grouping_name(const struct grouping *g, uint32_t key)
{
	return g->private->atoms[key].text;
}

static int count_node(struct grouping *g, struct stacks *s, const struct one *o)
{
	struct group_private *const p = g->private;
	size_t n, skip;
	const struct source_frame *const frames = frames_of(p, s, o->node, &skip, &n);
	int err;

	n = o->deep ? n : 1;
	err = atoms_of(p, frames, skip, n);
	if (err < 0)
		return err;
	p->stamp++;
	if (p->options.by == GROUP_TRACEBACK)
		return count_traceback(g, n, o);
	if (p->options.by == GROUP_CHAIN)
		return count_chain(g, &frames[skip], n, o);
	for (size_t i = 0; i < n && !err; i++)
		err = count_path(g, 0, p->scratch[i], o);
	return err;
}

/* A row of a view whose key is not in its stack. */
static int count_row(struct grouping *g, const struct capture *c, const struct view_row *r,
		     const struct one *o)
{
	uint32_t atom;
	int err;

	g->private->stamp++;
	if (g->private->options.by == GROUP_SIZE)
		err = group_atom_of(g->private, "", r->block_size, &atom);
	else
		err = group_thread_atom(g->private, c, r->thread, &atom);
	return err < 0 ? err : count_path(g, 0, atom, o);
}

struct typing { /* a row of which the types are counted */
	struct grouping *groups;
	struct one one;
};

static int count_type(void *data, enum type_rule rule, const char *type, uint64_t size, uint64_t count)
{
	struct typing *const t = data;
	uint32_t atom;
	int err;

	(void)rule;
	t->one.value.size = size;
	t->one.value.count = count;
	t->groups->private->stamp++;
	err = group_atom_of(t->groups->private, type, 0, &atom);
	return err < 0 ? err : count_path(t->groups, 0, atom, &t->one);
}

bool group_passes(struct stacks *s, const struct filters *filters, const struct view_row *r)
{
	size_t n;

	if (!filters || filters->count == 0)
		return true;
	const struct source_frame *const frames = group_frames(s, r->node, &n);
	return filters_pass(filters, frames, n, r->process, r->domain);
}

static int add_rows(struct grouping *g, enum group_side side, const struct group_source *from,
		    struct group_value *by_node)
{
	const enum group_by by = g->private->options.by;
	int err = 0;

	for (size_t i = 0; i < from->view->row_count && !err; i++) {
		const struct view_row *const r = &from->view->rows[i];
		const struct one o = { side, false, from->number, r->node, { r->bytes, r->count, view_error(from->view, r) } };
		if (!group_passes(from->stacks, from->filters, r))
			continue;
		add_value(&g->total[side], &o.value);
		if (by == GROUP_THREAD || by == GROUP_SIZE) {
			err = count_row(g, from->capture, r, &o);
		} else if (by == GROUP_TYPE) {
			err = from->each_type(from->types, r, count_type, &(struct typing){ g, o });
		} else {
			add_value(&by_node[r->node], &o.value);
		}
	}
	return err;
}

int grouping_add(struct grouping *g, enum group_side side, const struct group_source *from)
{
	const size_t nodes = (size_t)from->capture->node_count + 1;
	const bool deep = from->cumulative || is_whole_stack(g->private->options.by);
	struct group_value *const by_node = calloc(nodes, sizeof(*by_node));
	int err = TRK_ERR_NOMEM;

	/* Frame ids belong to one capture. */
	keymap_finish(&g->private->frame_atoms);
	if (!by_node)
		goto out;
	err = add_rows(g, side, from, by_node);
	for (uint32_t node = 0; node < nodes && !err; node++) {
		const struct one o = { side, deep, from->number, node, by_node[node] };
		if (o.value.count || o.value.size)
			err = count_node(g, from->stacks, &o);
	}
out:
	free(by_node);
	return err;
}

/* ---- order ---- */

static int descending(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static uint64_t distance(uint64_t a, uint64_t b)
{
	return a < b ? b - a : a - b;
}

static int by_size(const void *left, const void *right, void *private)
{
	const struct group_stat *const a = left, *const b = right;
	int order = descending(a->value[GROUP_NEW].size, b->value[GROUP_NEW].size);

	if (!order)
		order = descending(a->value[GROUP_NEW].count, b->value[GROUP_NEW].count);
	return order ? order : group_compare_paths(private, b->path, a->path);
}

static int by_difference(const void *left, const void *right, void *private)
{
	const struct group_value *const a = ((const struct group_stat *)left)->value;
	const struct group_value *const b = ((const struct group_stat *)right)->value;
	int order = descending(distance(a[0].size, a[1].size), distance(b[0].size, b[1].size));

	if (!order)
		order = descending(a[GROUP_NEW].size, b[GROUP_NEW].size);
	if (!order)
		order = descending(distance(a[0].count, a[1].count), distance(b[0].count, b[1].count));
	return order ? order : by_size(left, right, private);
}

void grouping_sort(struct grouping *g)
{
	if (g->stat_count)
		qsort_r(g->stats, g->stat_count, sizeof(*g->stats), by_size, g->private);
}

void grouping_sort_differences(struct grouping *g)
{
	if (g->stat_count)
		qsort_r(g->stats, g->stat_count, sizeof(*g->stats), by_difference, g->private);
}

/* ---- lifetime ---- */

int grouping_new(struct grouping **ret, const struct group_options *o)
{
	struct grouping *const g = calloc(1, sizeof(*g));
	struct group_private *const p = calloc(1, sizeof(*p));

	if (!g || !p || !ARRAY_ROOM(p->paths, p->path_room, 1, 64) || stack_tree_init(&p->tree) < 0) {
		if (p)
			free(p->paths);
		free(g);
		free(p);
		return TRK_ERR_NOMEM;
	}
	p->options = *o;
	p->paths[0] = (struct group_path){ .stat = GROUP_NO_STAT };
	g->private = p;
	*ret = g;
	return 0;
}

void grouping_free(struct grouping *g)
{
	if (!g)
		return;
	struct group_private *const p = g->private;
	for (size_t i = 0; i < p->atom_count; i++)
		free(p->atoms[i].text);
	free(p->atoms);
	free(p->paths);
	free(p->scratch);
	idmap_finish(&p->by_atom);
	stack_tree_finish(&p->tree);
	keymap_finish(&p->frame_atoms);
	free(p);
	free(g->stats);
	free(g);
}

uint64_t grouping_size(const struct grouping *g, size_t first)
{
	uint64_t size = 0;

	for (size_t i = first; i < g->stat_count; i++)
		size += g->stats[i].value[GROUP_NEW].size;
	return size;
}
