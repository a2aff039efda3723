/* rows - see rows.h. */
#include "replay/rows.h"

#include <stdlib.h>

#include "format/mix.h"

void rows_finish(struct rows *r)
{
	free(r->all);
	free(r->errors);
	free(r->table);
	*r = (struct rows){ 0 };
}

static uint32_t hash_of(const struct view_row *k)
{
	const uint64_t who = trk_mix(k->node | (uint64_t)k->thread << 32,
				     k->process | (uint64_t)k->domain << 32);

	return (uint32_t)(trk_mix(who ^ k->kind, k->block_size) >> 32);
}

static bool same(const struct view_row *a, const struct view_row *b)
{
	return a->node == b->node && a->thread == b->thread && a->process == b->process &&
	       a->domain == b->domain && a->block_size == b->block_size && a->kind == b->kind;
}

static int grow_table(struct rows *r)
{
	const uint32_t mask = r->table ? r->mask * 2 + 1 : 255;
	uint32_t *table = mask == UINT32_MAX ? NULL : calloc((size_t)mask + 1, sizeof(*table));

	if (!table)
		return TRK_ERR_NOMEM;
	for (uint32_t n = 0; n < r->count; n++) {
		uint32_t i = r->all[n].hash & mask;

		while (table[i])
			i = (i + 1) & mask;
		table[i] = n + 1;
	}
	free(r->table);
	r->table = table;
	r->mask = mask;
	return 0;
}

static int grow_rows(struct rows *r)
{
	const uint32_t room = r->room ? r->room + r->room / 2 : 64;
	struct row *all = realloc(r->all, (size_t)room * sizeof(*all));

	if (!all)
		return TRK_ERR_NOMEM;
	r->all = all;
	if (r->sampled) {
		struct row_error *const errors = realloc(r->errors, (size_t)room * sizeof(*errors));

		if (!errors)
			return TRK_ERR_NOMEM;
		r->errors = errors;
	}
	r->room = room;
	return 0;
}

uint32_t rows_find(struct rows *r, const struct view_row *key, bool *ret_new)
{
	const uint32_t hash = hash_of(key);
	uint32_t i;

	*ret_new = false;
	for (i = hash & r->mask; r->table && r->table[i]; i = (i + 1) & r->mask) {
		const struct row *row = &r->all[r->table[i] - 1];

		if (row->hash == hash && same(&row->key, key))
			return r->table[i] - 1;
	}
	if ((!r->table || r->count >= r->mask / 2) && grow_table(r) != 0)
		return ROWS_NONE;
	if (r->count == r->room && grow_rows(r) != 0)
		return ROWS_NONE;
	for (i = hash & r->mask; r->table[i];)
		i = (i + 1) & r->mask;
	/* Nothing of it was there at the kept moment. */
	r->all[r->count] = (struct row){ .key = *key, .hash = hash, .era = r->era };
	if (r->errors)
		r->errors[r->count] = (struct row_error){ 0 };
	r->table[i] = r->count + 1;
	*ret_new = true;
	return r->count++;
}
