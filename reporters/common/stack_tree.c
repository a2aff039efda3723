/* stack_tree - see stack_tree.h. No function of it recurses: a stack may be as deep as a capture says. */
#include "common/stack_tree.h"

#include <stdlib.h>

#include "format/array.h"
#include "format/mix.h"
#include "format/trk.h"

int stack_tree_init(struct stack_tree *t)
{
	*t = (struct stack_tree){ 0 };
	if (!ARRAY_ROOM(t->nodes, t->room, 1, 64))
		return TRK_ERR_NOMEM;
	t->nodes[t->count++] = (struct stack_tree_node){ 0 };
	return 0;
}

void stack_tree_finish(struct stack_tree *t)
{
	idmap_finish(&t->by_child);
	free(t->nodes);
	free(t->children);
	free(t->child_start);
	*t = (struct stack_tree){ 0 };
}

static uint32_t hash_of(uint32_t parent, uint32_t item)
{
	return (uint32_t)trk_mix(parent, item);
}

uint32_t stack_tree_find(const struct stack_tree *t, uint32_t parent, uint32_t item)
{
	const uint32_t hash = hash_of(parent, item);
	uint32_t at = hash, id;

	while ((id = idmap_next(&t->by_child, hash, &at)))
		if (t->nodes[id].parent == parent && t->nodes[id].item == item)
			break;
	return id;
}

int stack_tree_child(struct stack_tree *t, uint32_t parent, uint32_t item, uint32_t *ret)
{
	const uint32_t hash = hash_of(parent, item);

	*ret = stack_tree_find(t, parent, item);
	if (*ret)
		return 0;
	if (t->count >= UINT32_MAX || !idmap_reserve(&t->by_child) || !ARRAY_ROOM(t->nodes, t->room, t->count + 1, 64))
		return TRK_ERR_NOMEM;
	*ret = (uint32_t)t->count++;
	t->nodes[*ret] = (struct stack_tree_node){ parent, item };
	idmap_add(&t->by_child, hash, *ret);
	return 0;
}

int stack_tree_sort(struct stack_tree *t, int (*order)(const void *a, const void *b, void *data), void *data)
{
	const size_t n = t->count;

	t->child_start = calloc(n + 2, sizeof(*t->child_start));
	t->children = malloc(n * sizeof(*t->children));
	if (!t->child_start || !t->children)
		return TRK_ERR_NOMEM;
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
			qsort_r(t->children + from, to - from, sizeof(*t->children), order, data);
	}
	return 0;
}
