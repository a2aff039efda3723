/*
 * pools - see pools.h. It is a treap: a binary search tree by domain and address in which parents have higher
 * priorities than their children. The priorities are secret hashes of the keys, so that no program can make it deep.
 */
#include "pools.h"

#include <stdlib.h>

#include "format/array.h"
#include "format/mix.h"
#include "own_capture.h"
#include "replay/heap.h"
#include "traced.h"

struct key {
	uint32_t domain;
	uint64_t address;
};

struct node {
	uint64_t address;
	uint32_t domain, left, right; /* numbers of nodes; 0: none */
};

struct pools {
	struct node *nodes; /* 0 is none */
	uint32_t count, room;
	uint32_t root;
	uint32_t unused; /* a list of nodes that were given back, by `right` */
	bool full; /* there was no memory for another node. If it were asked for with each block, the program would have to wait */
};

static uint64_t priority(const struct node *n)
{
	return trk_mix(n->address, n->domain);
}

static bool is_before(const struct node *n, const struct key *k)
{
	return n->domain != k->domain ? n->domain < k->domain : n->address < k->address;
}

/* ---- trees ---- */

/* Divides a tree: *left gets what is before the key. */
static void divide(struct pools *t, uint32_t tree, const struct key *k, uint32_t *left, uint32_t *right)
{
	while (tree) {
		struct node *const n = &t->nodes[tree];

		if (is_before(n, k)) {
			*left = tree;
			left = &n->right;
			tree = n->right;
		} else {
			*right = tree;
			right = &n->left;
			tree = n->left;
		}
	}
	*left = *right = 0;
}

/* All of `left` is before all of `right`. */
static uint32_t join(struct pools *t, uint32_t left, uint32_t right)
{
	uint32_t ret = 0, *place = &ret;

	while (left && right) {
		struct node *const a = &t->nodes[left], *const b = &t->nodes[right];

		if (priority(a) > priority(b)) {
			*place = left;
			place = &a->right;
			left = a->right;
		} else {
			*place = right;
			place = &b->left;
			right = b->left;
		}
	}
	*place = left ? left : right;
	return ret;
}

/* The place that leads to the node with that key, or 0. */
static uint32_t *find(struct pools *t, const struct key *k)
{
	uint32_t *place = &t->root;

	while (*place) {
		struct node *const n = &t->nodes[*place];

		if (n->domain == k->domain && n->address == k->address)
			break;
		place = is_before(n, k) ? &n->right : &n->left;
	}
	return place;
}

/* ---- nodes ---- */

static uint32_t new_node(struct pools *t, const struct key *k)
{
	uint32_t ret = t->unused;

	if (ret) {
		t->unused = t->nodes[ret].right;
	} else {
		if (t->full || !ARRAY_ROOM(t->nodes, t->room, t->count + 1, 1024)) {
			t->full = true;
			return 0;
		}
		ret = t->count++;
	}
	t->nodes[ret] = (struct node){ .address = k->address, .domain = k->domain };
	return ret;
}

static void give_back(struct pools *t, uint32_t node)
{
	t->nodes[node].right = t->unused;
	t->unused = node;
}

static bool add(struct pools *t, const struct key *k)
{
	uint32_t left, right, node;

	if (*find(t, k))
		return true;
	node = new_node(t, k);
	if (!node)
		return false;
	divide(t, t->root, k, &left, &right);
	t->root = join(t, join(t, left, node), right);
	return true;
}

void pools_track(struct recorder *r, struct process *p, uint32_t domain, uint64_t address)
{
	if (p->pools && domain && address)
		r->out_of_memory |= !add(p->pools, &(struct key){ domain, address });
}

void pools_untrack(struct process *p, uint32_t domain, uint64_t address)
{
	uint32_t *const place = p->pools ? find(p->pools, &(struct key){ domain, address }) : NULL;
	uint32_t node;

	if (!place || !*place)
		return;
	node = *place;
	*place = join(p->pools, p->pools->nodes[node].left, p->pools->nodes[node].right);
	give_back(p->pools, node);
}

/* ---- ranges ---- */

struct taking {
	struct recorder *r;
	struct process *p;
	uint32_t index; /* of the process in this heap */
};

static int take_live(void *data, const struct heap_block *b)
{
	const struct taking *const t = data;

	if (b->process == t->index && b->domain)
		pools_track(t->r, t->p, b->domain, b->address);
	return 0;
}

static bool begin(struct recorder *r, struct process *p, const struct heap *heap)
{
	struct taking t = { r, p, p->index };

	if (p->no_pools)
		return false;
	p->pools = calloc(1, sizeof(*p->pools));
	if (!p->pools || !ARRAY_ROOM(p->pools->nodes, p->pools->room, 1, 1024)) {
		pools_free(p);
		r->out_of_memory = p->no_pools = true;
		return false;
	}
	p->pools->nodes[0] = (struct node){ 0 };
	p->pools->count = 1;
	if (!r->heap_stopped)
		heap_each(heap, take_live, &t);
	/* the traces of a forked child begin with its parent's blocks; in them it is process 0 */
	t.index = 0;
	if (p->trace)
		heap_each(trace_heap(p->trace), take_live, &t);
	if (p->capture)
		heap_each(trace_heap(own_capture_trace(p->capture)), take_live, &t);
	return true;
}

/* The first node of the tree, which is taken from it. */
static uint32_t take_first(struct pools *t, uint32_t *tree)
{
	uint32_t *place = tree, ret;

	while (t->nodes[*place].left)
		place = &t->nodes[*place].left;
	ret = *place;
	*place = t->nodes[ret].right;
	return ret;
}

void pools_take_range(struct recorder *r, struct process *p, const struct heap *heap, uint32_t domain, uint64_t address, uint64_t bytes,
		      bool (*f)(void *data, uint64_t address), void *data)
{
	const uint64_t last = bytes > UINT64_MAX - address ? UINT64_MAX : address + bytes;
	uint32_t before, range, behind;

	if (!bytes || (!p->pools && !begin(r, p, heap)))
		return;
	divide(p->pools, p->pools->root, &(struct key){ domain, address }, &before, &range);
	divide(p->pools, range, &(struct key){ domain, last }, &range, &behind);
	p->pools->root = join(p->pools, before, behind);
	for (bool goes_on = true; range && p->pools;) {
		const uint32_t node = take_first(p->pools, &range);

		goes_on = goes_on && f(data, p->pools->nodes[node].address);
		give_back(p->pools, node);
	}
}

void pools_clear(struct process *p)
{
	if (!p->pools)
		return;
	p->pools->root = p->pools->unused = 0;
	p->pools->count = 1;
}

void pools_free(struct process *p)
{
	if (p->pools)
		free(p->pools->nodes);
	free(p->pools);
	p->pools = NULL;
	p->no_pools = false;
}
