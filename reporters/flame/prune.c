/* prune - see prune.h. A child never outweighs its parent, so what is kept is always a tree. */
#include "flame/prune.h"

#include <stdlib.h>

#define FRAME_OTHER 1u /* of flame_names_init */

struct pruner {
	const struct flame_tree *tree;
	struct flame_flat *flat;
	uint32_t *queue; /* nodes of the tree in the order of the flat ones */
	uint32_t *place; /* node of the tree -> flat node; FLAME_NONE: merged */
	uint32_t *other; /* node of the tree -> flat "(other)" below it */
	double cut;
	size_t ties; /* how many that weigh just `cut` may stay */
};

static int larger_first(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? 1 : x > y ? -1 :
				   0;
}

/* Finds the last weight that fits the budget. */
static int find_cut(struct pruner *p, size_t budget)
{
	const size_t n = p->tree->tree.count;

	p->cut = -1;
	if (n <= budget)
		return 0;
	double *const weights = malloc(n * sizeof(*weights));
	if (!weights)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		weights[i] = p->tree->nodes[i].share;
	qsort(weights, n, sizeof(*weights), larger_first);
	p->cut = weights[budget - 1];
	p->ties = budget;
	for (size_t i = 0; i < budget && weights[i] > p->cut; i++)
		p->ties--;
	free(weights);
	return 0;
}

static bool keep(struct pruner *p, uint32_t node)
{
	const double w = p->tree->nodes[node].share;

	if (w != p->cut)
		return w > p->cut;
	if (p->ties == 0)
		return false;
	p->ties--;
	return true;
}

static uint32_t add_flat(struct flame_flat *f, uint32_t parent, uint32_t frame)
{
	f->parent[f->node_count] = parent;
	f->frame[f->node_count] = frame;
	return (uint32_t)f->node_count++;
}

/* The children of the flat node `at`: those that are kept, then one for the others. */
static void flatten_children(struct pruner *p, uint32_t at)
{
	const struct flame_tree *const t = p->tree;
	const uint32_t node = p->queue[at];
	bool merged = false;

	for (uint32_t i = t->tree.child_start[node]; i < t->tree.child_start[node + 1]; i++) {
		const uint32_t c = t->tree.children[i];
		if (!keep(p, c)) {
			merged = true;
			continue;
		}
		p->queue[p->flat->node_count] = c;
		p->place[c] = add_flat(p->flat, at, t->nodes[c].frame);
	}
	if (!merged)
		return;
	p->queue[p->flat->node_count] = FLAME_NONE;
	p->other[node] = add_flat(p->flat, at, FRAME_OTHER);
}

static void flatten(struct pruner *p)
{
	const size_t n = p->tree->tree.count;

	keep(p, 0);
	p->queue[0] = 0;
	p->place[0] = add_flat(p->flat, 0, 0);
	for (size_t at = 0; at < p->flat->node_count; at++) {
		if (p->queue[at] != FLAME_NONE)
			flatten_children(p, (uint32_t)at);
	}
	/* A merged node belongs to the "(other)" of its nearest kept one. */
	for (size_t i = 1; i < n; i++) {
		const uint32_t parent = p->tree->tree.nodes[i].parent;
		if (p->place[i] != FLAME_NONE)
			continue;
		p->flat->merged_nodes++;
		p->place[i] = p->other[parent] != FLAME_NONE ? p->other[parent] : p->place[parent];
	}
}

static int by_node(const void *a, const void *b)
{
	const struct flame_row *const x = a, *const y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return x->view < y->view ? -1 : x->view > y->view;
}

static int flatten_rows(const struct pruner *p)
{
	struct flame_flat *const f = p->flat;
	size_t kept = 0;

	f->rows = malloc((p->tree->row_count + 1) * sizeof(*f->rows));
	if (!f->rows)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < p->tree->row_count; i++) {
		f->rows[i] = p->tree->rows[i];
		f->rows[i].node = p->place[f->rows[i].node];
		if (f->frame[f->rows[i].node] == FRAME_OTHER)
			f->merged_bytes[f->rows[i].view] += f->rows[i].bytes;
	}
	qsort(f->rows, p->tree->row_count, sizeof(*f->rows), by_node);
	for (size_t i = 0; i < p->tree->row_count; i++) {
		if (kept && by_node(&f->rows[kept - 1], &f->rows[i]) == 0) {
			f->rows[kept - 1].bytes += f->rows[i].bytes;
			f->rows[kept - 1].count += f->rows[i].count;
		} else {
			f->rows[kept++] = f->rows[i];
		}
	}
	f->row_count = kept;
	return 0;
}

int flame_prune(const struct flame_tree *t, size_t budget, struct flame_flat *ret)
{
	const size_t n = t->tree.count;
	struct flame_flat flat = { .parent = malloc(2 * n * sizeof(uint32_t)),
				   .frame = malloc(2 * n * sizeof(uint32_t)) };
	struct pruner p = { .tree = t,
			    .flat = &flat,
			    .queue = malloc(2 * n * sizeof(uint32_t)),
			    .place = malloc(n * sizeof(uint32_t)),
			    .other = malloc(n * sizeof(uint32_t)) };
	int err = TRK_ERR_NOMEM;

	if (!flat.parent || !flat.frame || !p.queue || !p.place || !p.other)
		goto out;
	for (size_t i = 0; i < n; i++)
		p.place[i] = p.other[i] = FLAME_NONE;
	err = find_cut(&p, budget);
	if (err)
		goto out;
	flatten(&p);
	err = flatten_rows(&p);
	if (err)
		goto out;
	*ret = flat;
	flat = (struct flame_flat){ 0 };
out:
	flame_flat_finish(&flat);
	free(p.queue);
	free(p.place);
	free(p.other);
	return err;
}

void flame_flat_finish(struct flame_flat *f)
{
	free(f->parent);
	free(f->frame);
	free(f->rows);
	*f = (struct flame_flat){ 0 };
}
