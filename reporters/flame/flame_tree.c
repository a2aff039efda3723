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
		err = ARRAY_ROOM(t->nodes, t->node_room, 1, 64) ? 0 : TRK_ERR_NOMEM;
	if (err) {
		flame_tree_free(t);
		return err;
	}
	t->nodes[t->node_count++] = (struct flame_node){ 0 };
	*ret = t;
	return 0;
}

void flame_tree_free(struct flame_tree *t)
{
	if (!t)
		return;
	flame_names_finish(&t->names);
	flame_index_finish(&t->by_key);
	free(t->nodes);
	free(t->rows);
	free(t->groups);
	free(t->children);
	free(t->child_start);
	free(t);
}

static uint32_t node_frame_key(const struct flame_tree *t, uint32_t frame)
{
	return t->by_line ? frame : t->names.frames[frame].ident;
}

struct node_key {
	uint32_t parent, frame, group;
};

static bool same_node(const void *owner, uint32_t entry, const void *key)
{
	const struct flame_tree *const t = owner;
	const struct flame_node *const n = &t->nodes[entry];
	const struct node_key *const k = key;

	return n->parent == k->parent && n->group == k->group &&
	       node_frame_key(t, n->frame) == k->frame;
}

/* The child of `parent` for that frame, made when there is none. */
static int64_t child(struct flame_tree *t, uint32_t parent, uint32_t frame, uint32_t group)
{
	const struct node_key key = { parent, node_frame_key(t, frame), group };
	const uint64_t hash = flame_hash(&key, sizeof(key));
	const uint32_t found = flame_index_find(&t->by_key, hash, same_node, t, &key);

	if (found != FLAME_NONE)
		return found;
	if (t->node_count >= FLAME_NONE)
		return TRK_ERR_NOMEM;
	int err = ARRAY_ROOM(t->nodes, t->node_room, t->node_count + 1, 64) ? 0 : TRK_ERR_NOMEM;
	if (!err)
		err = flame_index_add(&t->by_key, hash, (uint32_t)t->node_count);
	if (err)
		return err;
	t->nodes[t->node_count] =
		(struct flame_node){ .parent = parent, .frame = frame, .group = group };
	return (int64_t)t->node_count++;
}

int flame_tree_add(struct flame_tree *t, const uint32_t *frames, size_t count,
		   const struct flame_row *weight)
{
	int64_t node = 0;

	for (size_t i = 0; i < count; i++) {
		node = child(t, (uint32_t)node, frames[i], t->by_group ? weight->group : 0);
		if (node < 0)
			return (int)node;
	}
	const int err = ARRAY_ROOM(t->rows, t->row_room, t->row_count + 1, 64) ? 0 : TRK_ERR_NOMEM;
	if (err)
		return err;
	t->rows[t->row_count] = *weight;
	t->rows[t->row_count++].node = (uint32_t)node;
	t->nodes[node].own_bytes += weight->bytes;
	t->nodes[node].own_count += weight->count;
	return 0;
}

static void sum_up(struct flame_tree *t)
{
	for (size_t i = 0; i < t->node_count; i++) {
		t->nodes[i].bytes = t->nodes[i].own_bytes;
		t->nodes[i].count = t->nodes[i].own_count;
	}
	for (size_t i = t->node_count - 1; i > 0; i--) {
		t->nodes[t->nodes[i].parent].bytes += t->nodes[i].bytes;
		t->nodes[t->nodes[i].parent].count += t->nodes[i].count;
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
	const size_t n = t->node_count;

	t->child_start = calloc(n + 2, sizeof(*t->child_start));
	t->children = malloc(n * sizeof(*t->children));
	if (!t->child_start || !t->children)
		return TRK_ERR_NOMEM;
	sum_up(t);
	for (size_t i = 1; i < n; i++)
		t->child_start[t->nodes[i].parent + 2]++;
	for (size_t i = 2; i < n + 2; i++)
		t->child_start[i] += t->child_start[i - 1];
	/* Placing a child moves its parent's entry i + 1 on to where i + 1 begins. */
	for (size_t i = 1; i < n; i++)
		t->children[t->child_start[t->nodes[i].parent + 1]++] = (uint32_t)i;
	for (size_t i = 0; i < n; i++) {
		const uint32_t from = t->child_start[i], to = t->child_start[i + 1];
		if (to - from > 1)
			qsort_r(t->children + from, to - from, sizeof(*t->children), heavier_first,
				t->nodes);
	}
	return 0;
}

/* A thread that was given no name has its process's. */
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
