/* by_look - see by_look.h. */
#include "types/by_look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last look that knows what the block is. */
static bool find_type(const struct looks *l, const struct view_block *b, struct looked_type *ret)
{
	const struct looked_block as = { .address = b->address, .size = b->size, .time_ns = b->time_ns, .node = b->node, .kind = b->kind };

	for (const struct looked *n = looks_of(l, b->process); n; n = looks_before(l, n)) {
		uint32_t number;
		const struct trk_look_block *const found = n->type_count ? looked_find(n, &as, &number) : NULL;

		if (!found || !found->type)
			continue;
		*ret = (struct looked_type){ n, b->bytes, b->count, b->process, b->node, b->thread, found->type, b->kind, found->held };
		return true;
	}
	return false;
}

static int by_row(const struct looked_type *a, const struct looked_type *b)
{
	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	return (int)a->kind - (int)b->kind;
}

static int by_type(const void *left, const void *right)
{
	const struct looked_type *const a = left, *const b = right;
	const int rows = by_row(a, b);

	if (rows)
		return rows;
	if (a->thread != b->thread)
		return a->thread < b->thread ? -1 : 1;
	if (a->look != b->look)
		return a->look < b->look ? -1 : 1;
	if (a->type != b->type)
		return a->type < b->type ? -1 : 1;
	return (int)a->held - (int)b->held;
}

/* Neighbours of the same type become one. */
static void join(struct looked_types *t)
{
	size_t kept = 0;

	qsort(t->list, t->count, sizeof(*t->list), by_type);
	for (size_t i = 0; i < t->count; i++) {
		if (kept && by_type(&t->list[kept - 1], &t->list[i]) == 0) {
			t->list[kept - 1].bytes += t->list[i].bytes;
			t->list[kept - 1].count += t->list[i].count;
		} else {
			t->list[kept++] = t->list[i];
		}
	}
	t->count = kept;
}

int looked_types_find(struct looked_types *t, struct report *r)
{
	const struct view *const v = &r->view;
	bool any = false;
	int err = looks_read(&t->looks, r->capture, r->process, 0);

	for (uint32_t i = 0; i < t->looks.count; i++)
		any |= t->looks.list[i].type_count != 0;
	if (err == TRK_ERR_NOMEM || !any)
		return err == TRK_ERR_NOMEM ? err : 0;
	err = looks_place(&t->looks, r->capture);
	t->list = err ? NULL : calloc(v->block_count + 1, sizeof(*t->list));
	if (!t->list)
		return err ? err : TRK_ERR_NOMEM;
	for (size_t i = 0; i < v->block_count; i++)
		if (!v->blocks[i].domain && !trk_kind_is_piece(v->blocks[i].kind) && find_type(&t->looks, &v->blocks[i], &t->list[t->count]))
			t->count++;
	join(t);
	return 0;
}

void looked_types_finish(struct looked_types *t)
{
	looks_finish(&t->looks);
	free(t->list);
	*t = (struct looked_types){ 0 };
}

const struct looked_type *looked_types_of_row(const struct looked_types *t, const struct view_row *row, const struct looked_type **ret_end)
{
	const struct looked_type key = { .process = row->process, .node = row->node, .kind = row->kind };
	size_t low = 0, high = t->count, end;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (by_row(&t->list[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (end = low; end < t->count && by_row(&t->list[end], &key) == 0; end++)
		;
	if (end == low)
		return NULL;
	*ret_end = t->list + end;
	return t->list + low;
}

void looked_type_name(const struct looked_type *t, char buf[TYPE_ROOM])
{
	static const char *const before[LOOK_HELDS] = { [LOOK_NODE] = "holds " }, *const after[LOOK_HELDS] = { [LOOK_ARRAY] = "[]" };
	char name[TYPE_ROOM];

	type_of_mangled(t->look->types[t->type - 1], name);
	snprintf(buf, TYPE_ROOM, "%s%.*s%s", before[t->held] ? before[t->held] : "", (int)TYPE_ROOM - 16, name, after[t->held] ? after[t->held] : "");
}
