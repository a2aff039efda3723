/* process_tree - see process_tree.h. */
#include "common/process_tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/process_name.h"
#include "common/ranking.h"
#include "common/stack_tree.h"
#include "format/array.h"

#define DEPTH_MAX 64u /* of a chain of parents; what is deeper counts there */

struct sum {
	uint64_t processes, allocations, allocated, largest_peak, live;
	uint32_t depth;
};

struct processes {
	struct stack_tree tree; /* its items are places in `names` */
	struct sum *sums; /* by node: of the processes that it stands for */
	size_t room;
	uint32_t *node_of; /* by process */
	struct ranking names;
};

static int name_of(struct processes *p, const char *name, uint32_t *ret)
{
	const char *const key = *name ? name : "<unnamed>";

	if (ranking_add(&p->names, key, 0, 1) < 0)
		return TRK_ERR_NOMEM;
	*ret = (uint32_t)(ranking_find(&p->names, key) - p->names.items);
	return 0;
}

static int add(struct processes *p, const struct report *r, uint32_t process)
{
	const struct trk_process *const at = &r->capture->processes[process];
	const struct heap_totals *const t = process_totals_get(&r->view.process_totals, process);
	uint32_t parent = at->parent < process ? p->node_of[at->parent] : 0, node, name;
	const size_t before = p->tree.count;
	char buf[PROCESS_NAME_ROOM];

	if (p->sums[parent].depth >= DEPTH_MAX)
		parent = p->tree.nodes[parent].parent;
	if (name_of(p, process_name(at, buf), &name) < 0 || !ARRAY_ROOM(p->sums, p->room, before + 1, 64) ||
	    stack_tree_child(&p->tree, parent, name, &node) < 0)
		return TRK_ERR_NOMEM;
	if (p->tree.count > before)
		p->sums[node] = (struct sum){ .depth = p->sums[parent].depth + 1 };
	struct sum *const s = &p->sums[node];

	p->node_of[process] = node;
	s->processes++;
	s->allocations += t->allocations;
	s->allocated += t->bytes_allocated;
	s->live += t->live_bytes;
	s->largest_peak = t->peak_bytes > s->largest_peak ? t->peak_bytes : s->largest_peak;
	return 0;
}

static int largest_first(const void *left, const void *right, void *data)
{
	const struct processes *const p = data;
	const uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
	const struct sum *const a = &p->sums[i], *const b = &p->sums[j];

	if (a->allocated != b->allocated)
		return a->allocated < b->allocated ? 1 : -1;
	return i < j ? -1 : i > j;
}

static void describe(const struct processes *p, struct emit *e, uint32_t node, bool last)
{
	static const struct emit_column columns[] = { { "name" }, { "processes" }, { "allocations" }, { "bytes_allocated" }, { "largest_peak" }, { "leaked_bytes" } };
	static const struct emit_table table = {
		EMIT_TABLE("process_tree", columns),
		.sentence = "{processes} {name}: {bytes_allocated} in {allocations} allocation{allocations:s}, largest peak {largest_peak}, not freed {leaked_bytes}\n",
	};
	const struct sum *const s = &p->sums[node];
	const uint32_t first = p->tree.child_start[node], end = p->tree.child_start[node + 1];

	const struct emit_value values[] = {
		emit_words(node ? p->names.items[p->tree.nodes[node].item].key : "in all"),
		emit_count(s->processes),
		emit_count(s->allocations),
		emit_size(s->allocated),
		emit_size(s->largest_peak),
		emit_size(s->live),
	};
	const struct emit_branch branch = { values, .leaf = first == end, .only = node == 0, .last = last };

	emit_branch(e, node ? NULL : "process_tree", &table, &branch);
	for (uint32_t i = first; i < end; i++)
		describe(p, e, p->tree.children[i], i + 1 == end);
	emit_end(e);
}

static void sum_root(struct processes *p)
{
	struct sum *const root = &p->sums[0];

	for (size_t i = 1; i < p->tree.count; i++) {
		const struct sum *const s = &p->sums[i];

		root->processes += s->processes;
		root->allocations += s->allocations;
		root->allocated += s->allocated;
		root->live += s->live;
		root->largest_peak = s->largest_peak > root->largest_peak ? s->largest_peak : root->largest_peak;
	}
}

int process_tree_describe(const struct report *r, struct emit *e)
{
	struct processes p = { .node_of = calloc((size_t)r->capture->process_count + 1, sizeof(*p.node_of)) };
	int err = p.node_of && ARRAY_ROOM(p.sums, p.room, 1, 64) ? stack_tree_init(&p.tree) : TRK_ERR_NOMEM;

	if (!err)
		p.sums[0] = (struct sum){ 0 };
	for (uint32_t i = 0; i < r->capture->process_count && !err; i++)
		if (r->process == UINT32_MAX || r->process == i)
			err = add(&p, r, i);
	if (!err)
		err = stack_tree_sort(&p.tree, largest_first, &p);
	if (!err) {
		sum_root(&p);
		emit_say(e, "Processes:\n");
		describe(&p, e, 0, true);
	}
	stack_tree_finish(&p.tree);
	ranking_finish(&p.names);
	free(p.node_of);
	free(p.sums);
	return err;
}
