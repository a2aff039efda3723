/*
 * view_types - rows by the types that programs give their blocks; see view.h.
 *
 * A program says the type after it has the block, so the block moves from one row to another. It has the type from its birth on: if it lived
 * at the kept moment (the peak), it moves there, too.
 */
#include "replay/view_private.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/mix.h"

int view_types_init(struct tally *t)
{
	t->types.births = calloc((size_t)t->capture->process_count + 1, sizeof(*t->types.births));
	return t->types.births ? 0 : TRK_ERR_NOMEM;
}

void view_types_finish(struct view_types *t)
{
	for (uint32_t i = 0; i < t->count; i++)
		free(t->names[i]);
	free(t->names);
	free(t->births);
	idmap_finish(&t->by_name);
	*t = (struct view_types){ 0 };
}

void view_types_born(struct tally *t, const struct heap_block *b)
{
	struct view_births *const births = &t->types.births[b->process];

	if (!b->number)
		return;
	if (births->era != t->rows.era) {
		births->era = t->rows.era;
		births->kept = births->newest;
	}
	births->newest = b->number;
}

/* Whether the block was there at the kept moment. */
static bool was_kept(const struct tally *t, const struct heap_block *b)
{
	const struct view_births *const births = &t->types.births[b->process];

	return b->number && (births->era != t->rows.era || b->number <= births->kept);
}

/* The number of the type, from 1; 0: no memory. */
static uint32_t type_of(struct view_types *t, const struct trk_event *e)
{
	const uint32_t hash = (uint32_t)trk_mix_bytes(e->label ? e->label : "", e->label_bytes);
	uint32_t at = hash, id;

	while ((id = idmap_next(&t->by_name, hash, &at)))
		if (strlen(t->names[id - 1]) == e->label_bytes && memcmp(t->names[id - 1], e->label ? e->label : "", e->label_bytes) == 0)
			return id;
	if (!idmap_reserve(&t->by_name) || !ARRAY_ROOM(t->names, t->room, (size_t)t->count + 1, 16))
		return 0;
	t->names[t->count] = strndup(e->label ? e->label : "", e->label_bytes);
	if (!t->names[t->count])
		return 0;
	idmap_add(&t->by_name, hash, ++t->count);
	return t->count;
}

static uint32_t typed_row(struct tally *t, uint32_t row, const struct trk_event *e)
{
	struct view_row key = t->rows.all[row].key;
	uint32_t to = ROWS_NONE;
	bool is_new = false;

	key.type = type_of(&t->types, e);
	if (key.type)
		to = rows_find(&t->rows, &key, &is_new);
	if (is_new) {
		t->rows.all[to].next = t->rows_of_process[key.process];
		t->rows_of_process[key.process] = to + 1;
	}
	t->no_memory |= to == ROWS_NONE;
	return to;
}

static void move(struct tally *t, uint32_t from, uint32_t to, const struct heap_block *b)
{
	struct row *const old = rows_touch(&t->rows, from), *const new = rows_touch(&t->rows, to);
	struct sampling_estimate e;

	heap_estimate(t->heap, b, &e);
	old->bytes -= e.bytes;
	old->count -= e.count;
	new->bytes += e.bytes;
	new->count += e.count;
	if (was_kept(t, b) && old->kept_count >= e.count && old->kept_bytes >= e.bytes) {
		old->kept_bytes -= e.bytes;
		old->kept_count -= e.count;
		new->kept_bytes += e.bytes;
		new->kept_count += e.count;
	}
	if (t->rows.errors) {
		sampling_take(&t->rows.errors[from].now, &e);
		sampling_add(&t->rows.errors[to].now, &e);
	}
}

void view_types_annotate(struct tally *t, const struct trk_event *e)
{
	struct heap_block b;
	uint32_t to;

	if (!e->label_bytes || !heap_find(t->heap, e->process, TRK_DOMAIN_HEAP, e->address, &b) || b.user == ROWS_NONE)
		return;
	to = typed_row(t, b.user, e);
	if (to == ROWS_NONE || to == b.user)
		return;
	move(t, b.user, to, &b);
	heap_set_user(t->heap, e->process, TRK_DOMAIN_HEAP, e->address, to);
}
