/* group_keys - what rows are counted by: the keys of stacks, their numbers, their names and their order; see group.h. */
#include "common/chain_name.h"
#include "common/group_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/mix.h"

#define CHAIN_NAME_ROOM 1024 /* what is longer is known by its beginning */

const char *const group_key_names[] = {
	[GROUP_FILENAME] = "filename",
	[GROUP_LINENO] = "lineno",
	[GROUP_TRACEBACK] = "traceback",
	[GROUP_FUNCTION] = "function",
	[GROUP_MODULE] = "module",
	[GROUP_THREAD] = "thread",
	[GROUP_SIZE] = "size",
	[GROUP_TYPE] = "type",
	[GROUP_CHAIN] = "chain",
	NULL,
};

bool group_by_parse(const char *text, enum group_by *ret)
{
	for (size_t i = 0; group_key_names[i]; i++) {
		if (strcmp(text, group_key_names[i]) != 0)
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
	return group_key_names[by];
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
	p->atoms[p->atom_count++] = (struct group_atom){ copy, number };
	idmap_add(&p->by_atom, hash, (uint32_t)p->atom_count);
	return 0;
}

int group_atom_of(struct group_private *p, const char *text, uint64_t number, uint32_t *ret)
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

int group_path_of(struct group_private *p, uint32_t parent, uint32_t atom, uint32_t *ret)
{
	const size_t before = p->tree.count;

	if (!ARRAY_ROOM(p->paths, p->path_room, before + 1, 64) || stack_tree_child(&p->tree, parent, atom, ret) < 0)
		return TRK_ERR_NOMEM;
	if (p->tree.count > before)
		p->paths[*ret] = (struct group_path){ p->paths[parent].depth + 1, GROUP_NO_STAT };
	return 0;
}

/* The function's name; if it is not known, the module. */
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
	const int err = group_atom_of(p, text, 0, ret);
	free(text);
	return err;
}

/* A line of the source. If it is not known, the function, so that the call sites of a module do not share one row. */
static int line_atom(struct group_private *p, const struct source_frame *f, uint32_t *ret)
{
	char *text = NULL;

	if (f->has_source || !*f->function || !strcmp(f->module, "<unknown>"))
		return group_atom_of(p, f->file, f->line, ret);
	if (f->placeholder)
		return group_atom_of(p, f->function, 0, ret);
	if (asprintf(&text, "%s in %s", f->function, f->module) < 0)
		return TRK_ERR_NOMEM;
	const int err = group_atom_of(p, text, 0, ret);
	free(text);
	return err;
}

int group_chain_atom(struct group_private *p, const struct source_frame *f, uint32_t *ret)
{
	char name[CHAIN_NAME_ROOM];

	return group_atom_of(p, chain_name_always(f, name, sizeof(name)), 0, ret);
}

static int counted_chain_atom(struct group_private *p, const struct source_frame *f, uint32_t *ret)
{
	char name[CHAIN_NAME_ROOM];

	return group_atom_of(p, chain_name(f, name, sizeof(name)), 0, ret);
}

int group_frame_atom(struct group_private *p, const struct source_frame *f, uint32_t inlined,
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
		err = group_atom_of(p, f->module, 0, &atom);
		break;
	case GROUP_CHAIN:
		err = counted_chain_atom(p, f, &atom);
		break;
	case GROUP_FILENAME:
		err = group_atom_of(p, f->file, 0, &atom);
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

/* A thread without a name of its own has the name of its process. */
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

int group_thread_atom(struct group_private *p, const struct capture *c, uint32_t thread,
		      uint32_t *ret)
{
	char text[512];

	if (thread >= c->thread_count)
		return group_atom_of(p, "<unknown>", 0, ret);
	const struct trk_thread *const t = &c->threads[thread];
	if (p->options.portable)
		return group_atom_of(p, thread_name(c, t), 0, ret);
	return group_atom_of(p, group_thread(c, thread, text, sizeof(text)), t->tid, ret);
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

int group_compare_paths(const struct group_private *p, uint32_t a, uint32_t b)
{
	const struct stack_tree_node *const nodes = p->tree.nodes;
	const uint32_t depth_a = p->paths[a].depth, depth_b = p->paths[b].depth;

	for (uint32_t depth = depth_a; depth > depth_b; depth--)
		a = nodes[a].parent;
	for (uint32_t depth = depth_b; depth > depth_a; depth--)
		b = nodes[b].parent;
	if (a == b)
		return depth_a < depth_b ? -1 : depth_a > depth_b;
	while (nodes[a].parent != nodes[b].parent) {
		a = nodes[a].parent;
		b = nodes[b].parent;
	}
	return compare_atoms(p, nodes[a].item, nodes[b].item);
}

/* ---- names of keys ---- */

const char *group_text(const struct grouping *g, const struct group_stat *s, uint64_t *ret_number)
{
	const struct group_atom *const a = &g->private->atoms[g->private->tree.nodes[s->path].item];

	*ret_number = a->number;
	return a->text;
}

/* "main;load;parse" */
static char *chain_key(const struct group_private *p, uint32_t path)
{
	const struct stack_tree_node *const nodes = p->tree.nodes;
	size_t size = 0;

	for (uint32_t node = path; node; node = nodes[node].parent)
		size += strlen(p->atoms[nodes[node].item].text) + 1;

	char *const key = calloc(1, size + 1);

	for (uint32_t node = path; key && node; node = nodes[node].parent) {
		const char *const name = p->atoms[nodes[node].item].text;
		const size_t n = strlen(name);

		size -= n + 1;
		memcpy(key + size, name, n);
		key[size + n] = node == path ? '\0' : ';';
	}
	return key;
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
	case GROUP_CHAIN:
		return chain_key(g->private, s->path);
	default:
		n = asprintf(&key, "%s", text);
	}
	return n < 0 ? NULL : key;
}
