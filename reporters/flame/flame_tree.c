/* flame_tree - see flame_tree.h. */
#include "flame/flame_tree.h"

#include "format/array.h"

#include <stdio.h>
#include <stdlib.h>

int flame_tree_new(struct flame_tree **ret, const struct flame_options *o)
{
	struct flame_tree *const t = calloc(1, sizeof(*t));
	int err = TRK_ERR_NOMEM;

	if (!t)
		return err;
	t->by_line = o->by_line;
	t->by_group = o->by_group;
	err = flame_names_init(&t->names);
	if (!err)
		err = ARRAY_ROOM(t->nodes, t->node_room, 1, 64) ? stack_tree_init(&t->tree) : TRK_ERR_NOMEM;
	if (err) {
		flame_tree_free(t);
		return err;
	}
	t->nodes[0] = (struct flame_node){ 0 };
	*ret = t;
	return 0;
}

void flame_tree_free(struct flame_tree *t)
{
	if (!t)
		return;
	flame_names_finish(&t->names);
	stack_tree_finish(&t->tree);
	keymap_finish(&t->grouped);
	free(t->nodes);
	free(t->rows);
	free(t->groups);
	free(t);
}

/* Finds out what distinguishes a node: its frame, or its function, and perhaps its group. TRK_ERR_NOMEM. */
static int item_of(struct flame_tree *t, uint32_t frame, uint32_t group, uint32_t *ret)
{
	*ret = t->by_line ? frame : t->names.frames[frame].ident;
	if (!t->by_group)
		return 0;
	uint32_t *const item = keymap_at(&t->grouped, (uint64_t)group << 32 | *ret);
	if (!item)
		return TRK_ERR_NOMEM;
	if (*item == KEYMAP_NONE)
		*item = (uint32_t)t->grouped.count;
	*ret = *item;
	return 0;
}

/* From *node to its child for that frame, which is made when there is none. */
static int descend(struct flame_tree *t, uint32_t frame, uint32_t group, uint32_t *node)
{
	const size_t before = t->tree.count;
	uint32_t item;

	if (item_of(t, frame, group, &item) < 0 || !ARRAY_ROOM(t->nodes, t->node_room, before + 1, 64) ||
	    stack_tree_child(&t->tree, *node, item, node) < 0)
		return TRK_ERR_NOMEM;
	if (t->tree.count > before)
		t->nodes[*node] = (struct flame_node){ .frame = frame, .group = group };
	return 0;
}

int flame_tree_add(struct flame_tree *t, const uint32_t *frames, size_t count,
		   const struct flame_row *weight)
{
	uint32_t node = 0;

	for (size_t i = 0; i < count; i++)
		if (descend(t, frames[i], t->by_group ? weight->group : 0, &node) < 0)
			return TRK_ERR_NOMEM;
	const int err = ARRAY_ROOM(t->rows, t->row_room, t->row_count + 1, 64) ? 0 : TRK_ERR_NOMEM;
	if (err)
		return err;
	t->rows[t->row_count] = *weight;
	t->rows[t->row_count++].node = node;
	return 0;
}

static void sum_up(struct flame_tree *t, uint32_t view)
{
	for (size_t i = 0; i < t->tree.count; i++)
		t->nodes[i].own_bytes = t->nodes[i].own_count = 0;
	for (size_t i = 0; i < t->row_count; i++) {
		const struct flame_row *const r = &t->rows[i];

		t->nodes[r->node].own_bytes += r->view == view ? r->bytes : 0;
		t->nodes[r->node].own_count += r->view == view ? r->count : 0;
	}
	for (size_t i = 0; i < t->tree.count; i++) {
		t->nodes[i].bytes = t->nodes[i].own_bytes;
		t->nodes[i].count = t->nodes[i].own_count;
	}
	for (size_t i = t->tree.count - 1; i > 0; i--) {
		struct flame_node *const parent = &t->nodes[t->tree.nodes[i].parent];

		parent->bytes += t->nodes[i].bytes;
		parent->count += t->nodes[i].count;
	}
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void take_shares(struct flame_tree *t)
{
	for (size_t i = 0; i < t->tree.count; i++) {
		struct flame_node *const n = &t->nodes[i];
		const double bytes = share(n->bytes, t->nodes[0].bytes), count = share(n->count, t->nodes[0].count);
		const double larger = bytes > count ? bytes : count;

		n->share = larger > n->share ? larger : n->share;
	}
}

static int heavier_first(const void *a, const void *b, void *data)
{
	const struct flame_node *const nodes = data;
	const uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	const struct flame_node *const x = &nodes[i], *const y = &nodes[j];

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return i < j ? -1 : i > j;
}

int flame_tree_seal(struct flame_tree *t)
{
	for (uint32_t view = FLAME_VIEWS; view-- > 0;) { /* the sums of view 0 stay */
		sum_up(t, view);
		take_shares(t);
	}
	return stack_tree_sort(&t->tree, heavier_first, t->nodes);
}

/* A thread without a name of its own has the name of its process. */
static const char *thread_name(const struct capture *c, const struct trk_thread *t)
{
	if (t->name[0] || t->process >= c->process_count)
		return t->name;
	return c->processes[t->process].name;
}

char *flame_thread_label(const struct capture *c, uint32_t thread, char *out, size_t room)
{
	if (thread >= c->thread_count)
		snprintf(out, room, "0x0 (<unknown>)");
	else
		snprintf(out, room, "0x%x (%s)", c->threads[thread].tid,
			 thread_name(c, &c->threads[thread]));
	return out;
}
