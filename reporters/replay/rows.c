/* rows - see rows.h. */
#include "replay/rows.h"

#include <stdlib.h>

#include "format/mix.h"

void rows_finish(struct rows *r)
{
	free(r->all);
	free(r->errors);
	idmap_finish(&r->by_key);
	*r = (struct rows){ 0 };
}

static uint32_t hash_of(const struct view_row *k)
{
	const uint64_t who = trk_mix(k->node | (uint64_t)k->thread << 32,
				     k->process | (uint64_t)k->domain << 32);

	return (uint32_t)(trk_mix(who ^ k->kind ^ (uint64_t)k->type << 32, k->block_size) >> 32);
}

static bool same(const struct view_row *a, const struct view_row *b)
{
	return a->node == b->node && a->thread == b->thread && a->process == b->process &&
	       a->domain == b->domain && a->block_size == b->block_size && a->kind == b->kind && a->type == b->type;
}

/* Grows by half, not as format/array.h: rows are large, and there is one for each stack with live blocks. */
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
	uint32_t at = hash, id;

	*ret_new = false;
	while ((id = idmap_next(&r->by_key, hash, &at)))
		if (same(&r->all[id - 1].key, key))
			return id - 1;
	if (!idmap_reserve(&r->by_key) || (r->count == r->room && grow_rows(r) != 0))
		return ROWS_NONE;
	/* Nothing of it was there at the kept moment. */
	r->all[r->count] = (struct row){ .key = *key, .era = r->era };
	if (r->errors)
		r->errors[r->count] = (struct row_error){ 0 };
	*ret_new = true;
	idmap_add(&r->by_key, hash, ++r->count);
	return r->count - 1;
}
