/*
 * group - see group.h. Order of work: stacks are counted per call-tree node
 * first, then every node that has a block is looked up once.
 */
#include "common/group.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/idmap.h"
#include "format/mix.h"
#include "symbols/keymap.h"

#define NO_STAT UINT32_MAX

struct atom {
	char *text;
	uint64_t number;
};

struct path {
	uint32_t parent, atom, depth;
	uint32_t stat; /* NO_STAT: no stack ends here */
};

struct group_private {
	struct group_options options;
	struct atom *atoms;
	struct path *paths; /* 0: the empty one */
	size_t atom_count, atom_room, path_count, path_room, stat_room;
	struct idmap by_atom; /* places in `atoms`, from 1 */
	struct idmap by_path; /* places in `paths`, from 1, by parent and atom; the empty one is not in it */
	struct keymap frame_atoms; /* frame of the capture being added, inlined depth */
	uint32_t *scratch; /* atoms of one stack */
	size_t scratch_room;
	uint64_t stamp;
};

static const char *const names[] = {
	[GROUP_FILENAME] = "filename",
	[GROUP_LINENO] = "lineno",
	[GROUP_TRACEBACK] = "traceback",
	[GROUP_FUNCTION] = "function",
	[GROUP_MODULE] = "module",
	[GROUP_THREAD] = "thread",
	[GROUP_SIZE] = "size",
};

bool group_by_parse(const char *text, enum group_by *ret)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(text, names[i]) != 0)
			continue;
		*ret = (enum group_by)i;
		return true;
	}
	return false;
}

bool group_can_cumulate(enum group_by by)
{
	return by == GROUP_FILENAME || by == GROUP_LINENO || by == GROUP_FUNCTION ||
	       by == GROUP_MODULE;
}

const char *group_by_name(enum group_by by)
{
	return names[by];
}

void group_by_view(enum group_by by, struct view_options *o)
{
	o->by_thread |= by == GROUP_THREAD;
	o->by_size |= by == GROUP_SIZE;
}

/* ---- keys ---- */

static int atom_new(struct group_private *p, const char *text, uint64_t number, uint32_t hash)
{
	if (!idmap_reserve(&p->by_atom) || !ARRAY_ROOM(p->atoms, p->atom_room, p->atom_count + 1, 64))
		return TRK_ERR_NOMEM;
	char *const copy = strdup(text);
	if (!copy)
		return TRK_ERR_NOMEM;
	p->atoms[p->atom_count++] = (struct atom){ copy, number };
	idmap_add(&p->by_atom, hash, (uint32_t)p->atom_count);
	return 0;
}

static int atom_of(struct group_private *p, const char *text, uint64_t number, uint32_t *ret)
{
	const uint32_t hash = (uint32_t)trk_mix(trk_mix_bytes(text, strlen(text)), number);
	uint32_t at = hash, id;

	while ((id = idmap_next(&p->by_atom, hash, &at))) {
		*ret = id - 1;
		if (p->atoms[*ret].number == number && strcmp(p->atoms[*ret].text, text) == 0)
			return 0;
	}
	*ret = (uint32_t)p->atom_count;
	return atom_new(p, text, number, hash);
}

static int path_of(struct group_private *p, uint32_t parent, uint32_t atom, uint32_t *ret)
{
	const uint32_t hash = (uint32_t)trk_mix(parent, atom);
	uint32_t at = hash, id;

	while ((id = idmap_next(&p->by_path, hash, &at))) {
		*ret = id - 1;
		if (p->paths[*ret].parent == parent && p->paths[*ret].atom == atom)
			return 0;
	}
	if (!idmap_reserve(&p->by_path) || !ARRAY_ROOM(p->paths, p->path_room, p->path_count + 1, 64))
		return TRK_ERR_NOMEM;
	*ret = (uint32_t)p->path_count++;
	p->paths[*ret] = (struct path){ parent, atom, p->paths[parent].depth + 1, NO_STAT };
	idmap_add(&p->by_path, hash, (uint32_t)p->path_count);
	return 0;
}

/* The function's name; of one not known, what it belongs to. */
static int function_atom(struct group_private *p, const struct source_frame *f, uint32_t *ret)
{
	const bool location = p->options.by == GROUP_LOCATION;
	const bool is_nowhere = strcmp(f->module, "<unknown>") == 0;
	char *text = NULL;

	const int n = *f->function ? asprintf(&text, location ? "%s at %s" : "%s", f->function, f->file) :
		      is_nowhere   ? asprintf(&text, "<unknown>") :
				     asprintf(&text, "<unknown> in %s", f->module);
	if (n < 0)
		return TRK_ERR_NOMEM;
	const int err = atom_of(p, text, 0, ret);
	free(text);
	return err;
}

/* A line of the source; where none is known, the function: a module's call sites are not all one row. */
static int line_atom(struct group_private *p, const struct source_frame *f, uint32_t *ret)
{
	char *text = NULL;

	if (f->has_source || !*f->function || !strcmp(f->module, "<unknown>"))
		return atom_of(p, f->file, f->line, ret);
	if (f->placeholder)
		return atom_of(p, f->function, 0, ret);
	if (asprintf(&text, "%s in %s", f->function, f->module) < 0)
		return TRK_ERR_NOMEM;
	const int err = atom_of(p, text, 0, ret);
	free(text);
	return err;
}

/* `inlined`: how many frames of the same machine frame are above this one. */
static int frame_atom(struct group_private *p, const struct source_frame *f, uint32_t inlined,
		      uint32_t *ret)
{
	uint32_t *const known = keymap_at(&p->frame_atoms, (uint64_t)f->frame << 32 | inlined);
	uint32_t atom;
	int err;

	if (!known)
		return TRK_ERR_NOMEM;
	if (f->frame && *known != KEYMAP_NONE) {
		*ret = *known;
		return 0;
	}
	switch (p->options.by) {
	case GROUP_FUNCTION:
	case GROUP_LOCATION:
		err = function_atom(p, f, &atom);
		break;
	case GROUP_MODULE:
		err = atom_of(p, f->module, 0, &atom);
		break;
	case GROUP_FILENAME:
		err = atom_of(p, f->file, 0, &atom);
		break;
	default:
		err = line_atom(p, f, &atom);
	}
	if (err < 0)
		return err;
	*known = atom;
	*ret = atom;
	return 0;
}

/* A thread that was given no name has its process's. */
static const char *thread_name(const struct capture *c, const struct trk_thread *t)
{
	if (t->name && *t->name)
		return t->name;
	return t->process < c->process_count ? c->processes[t->process].name : "<unnamed>";
}

char *group_thread(const struct capture *c, uint32_t thread, char *out, size_t room)
{
	if (thread >= c->thread_count) {
		snprintf(out, room, "<unknown>");
		return out;
	}
	const struct trk_thread *const t = &c->threads[thread];
	const char *const name = thread_name(c, t);

	if (c->process_count > 1 && t->process < c->process_count)
		snprintf(out, room, "%" PRIu32 "/0x%" PRIx32 " (%s)", c->processes[t->process].pid,
			 t->tid, name);
	else
		snprintf(out, room, "0x%" PRIx32 " (%s)", t->tid, name);
	return out;
}

static int thread_atom(struct group_private *p, const struct capture *c, uint32_t thread,
		       uint32_t *ret)
{
	char text[512];

	if (thread >= c->thread_count)
		return atom_of(p, "<unknown>", 0, ret);
	const struct trk_thread *const t = &c->threads[thread];
	if (p->options.portable)
		return atom_of(p, thread_name(c, t), 0, ret);
	return atom_of(p, group_thread(c, thread, text, sizeof(text)), t->tid, ret);
}

/* ---- counting ---- */

static struct group_stat *stat_of(struct grouping *g, uint32_t path)
{
	struct group_private *const p = g->private;

	if (p->paths[path].stat == NO_STAT) {
		if (!ARRAY_ROOM(g->stats, p->stat_room, g->stat_count + 1, 64))
			return NULL;
		g->stats[g->stat_count] = (struct group_stat){ .path = path };
		p->paths[path].stat = (uint32_t)g->stat_count++;
	}
	return &g->stats[p->paths[path].stat];
}

struct one { /* what is being counted */
	enum group_side side;
	bool deep; /* all frames matter, not only the most recent one */
	uint32_t node;
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
	}
	return 0;
}

static int count_path(struct grouping *g, uint32_t parent, uint32_t atom, const struct one *o)
{
	uint32_t path;

	return path_of(g->private, parent, atom, &path) < 0 ? TRK_ERR_NOMEM : count(g, path, o);
}

static size_t skipped_at_top(const struct source_frame *frames, size_t n)
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
	const size_t skip = skipped_at_top(frames, n);

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
	/* The allocator's frames may be inlined into the first one of ours. */
	for (size_t i = skip; i > 0 && frames[i - 1].inlined; i--)
		inlined++;
	for (size_t i = 0; i < n; i++) {
		const struct source_frame *const f = &frames[skip + i];
		if (frame_atom(p, f, inlined, &p->scratch[i]) < 0)
			return TRK_ERR_NOMEM;
		inlined = f->inlined ? inlined + 1 : 0;
	}
	return 0;
}

static int count_traceback(struct grouping *g, size_t n, const struct one *o)
{
	uint32_t path = 0;

	for (size_t i = n; i--;)
		if (path_of(g->private, path, g->private->scratch[i], &path) < 0)
			return TRK_ERR_NOMEM;
	return count(g, path, o);
}

static int count_node(struct grouping *g, struct stacks *s, const struct one *o)
{
	struct group_private *const p = g->private;
	size_t n;
	const struct source_frame *const frames = stacks_frames(s, o->node, &n);
	size_t skip;
	int err;

	if (p->options.by == GROUP_TRACEBACK && p->path_count > STACKS_PATHS_MAX)
		stacks_shorten(s, &n);
	skip = skipped_at_top(frames, n);
	while (p->options.hide_runtime && n > skip + 1 && frames[n - 1].runtime)
		n--;
	if (p->options.hide_cut && n > skip + 1 && frames[n - 1].cut)
		n--;
	n = o->deep ? n - skip : 1;
	err = atoms_of(p, frames, skip, n);
	if (err < 0)
		return err;
	p->stamp++;
	if (p->options.by == GROUP_TRACEBACK)
		return count_traceback(g, n, o);
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
		err = atom_of(g->private, "", r->block_size, &atom);
	else
		err = thread_atom(g->private, c, r->thread, &atom);
	return err < 0 ? err : count_path(g, 0, atom, o);
}

static bool passes(const struct group_source *from, const struct view_row *r)
{
	size_t n;

	if (!from->filters || from->filters->count == 0)
		return true;
	const struct source_frame *const frames = group_frames(from->stacks, r->node, &n);
	return filters_pass(from->filters, frames, n, r->domain);
}

static int add_rows(struct grouping *g, enum group_side side, const struct group_source *from,
		    struct group_value *by_node)
{
	const enum group_by by = g->private->options.by;
	int err = 0;

	for (size_t i = 0; i < from->view->row_count && !err; i++) {
		const struct view_row *const r = &from->view->rows[i];
		const struct one o = { side, false, r->node, { r->bytes, r->count, view_error(from->view, r) } };
		if (!passes(from, r))
			continue;
		add_value(&g->total[side], &o.value);
		if (by == GROUP_THREAD || by == GROUP_SIZE) {
			err = count_row(g, from->capture, r, &o);
		} else {
			add_value(&by_node[r->node], &o.value);
		}
	}
	return err;
}

int grouping_add(struct grouping *g, enum group_side side, const struct group_source *from)
{
	const size_t nodes = (size_t)from->capture->node_count + 1;
	const bool deep = from->cumulative || g->private->options.by == GROUP_TRACEBACK;
	struct group_value *const by_node = calloc(nodes, sizeof(*by_node));
	int err = TRK_ERR_NOMEM;

	/* Frame ids belong to one capture. */
	keymap_finish(&g->private->frame_atoms);
	if (!by_node)
		goto out;
	err = add_rows(g, side, from, by_node);
	for (uint32_t node = 0; node < nodes && !err; node++) {
		const struct one o = { side, deep, node, by_node[node] };
		if (o.value.count || o.value.size)
			err = count_node(g, from->stacks, &o);
	}
out:
	free(by_node);
	return err;
}

/* ---- order ---- */

static int compare_atoms(const struct group_private *p, uint32_t a, uint32_t b)
{
	if (a == b)
		return 0;
	const int text = strcmp(p->atoms[a].text, p->atoms[b].text);
	if (text)
		return text;
	return p->atoms[a].number < p->atoms[b].number ? -1 : p->atoms[a].number > p->atoms[b].number;
}

/* As CPython compares tracebacks: from the oldest frame; a prefix comes before what it begins. */
static int compare_paths(const struct group_private *p, uint32_t a, uint32_t b)
{
	const uint32_t depth_a = p->paths[a].depth, depth_b = p->paths[b].depth;

	while (p->paths[a].depth > depth_b)
		a = p->paths[a].parent;
	while (p->paths[b].depth > depth_a)
		b = p->paths[b].parent;
	if (a == b)
		return depth_a < depth_b ? -1 : depth_a > depth_b;
	while (p->paths[a].parent != p->paths[b].parent) {
		a = p->paths[a].parent;
		b = p->paths[b].parent;
	}
	return compare_atoms(p, p->paths[a].atom, p->paths[b].atom);
}

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
	return order ? order : compare_paths(private, b->path, a->path);
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

/* ---- names of keys ---- */

const char *group_text(const struct grouping *g, const struct group_stat *s, uint64_t *ret_number)
{
	const struct atom *const a = &g->private->atoms[g->private->paths[s->path].atom];

	*ret_number = a->number;
	return a->text;
}

char *group_key(const struct grouping *g, const struct group_stat *s)
{
	uint64_t number;
	const char *const text = group_text(g, s, &number);
	char *key = NULL;
	int n;

	switch (g->private->options.by) {
	case GROUP_FILENAME:
	case GROUP_LINENO:
	case GROUP_TRACEBACK:
		n = asprintf(&key, "%s:%" PRIu64, text, number);
		break;
	case GROUP_SIZE:
		n = asprintf(&key, "%" PRIu64 " B", number);
		break;
	default:
		n = asprintf(&key, "%s", text);
	}
	return n < 0 ? NULL : key;
}

/* ---- lifetime ---- */

int grouping_new(struct grouping **ret, const struct group_options *o)
{
	struct grouping *const g = calloc(1, sizeof(*g));
	struct group_private *const p = calloc(1, sizeof(*p));

	if (!g || !p || !ARRAY_ROOM(p->paths, p->path_room, 1, 64)) {
		free(g);
		free(p);
		return TRK_ERR_NOMEM;
	}
	p->options = *o;
	p->paths[p->path_count++] = (struct path){ .stat = NO_STAT };
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
	idmap_finish(&p->by_path);
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
