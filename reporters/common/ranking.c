/* ranking - see ranking.h. */
#include "common/ranking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/mix.h"

static struct ranked *find(struct ranking *s, uint32_t hash, const char *key)
{
	uint32_t at = hash, id;

	while ((id = idmap_next(&s->by_key, hash, &at)))
		if (strcmp(s->items[id - 1].key, key) == 0)
			return &s->items[id - 1];
	return NULL;
}

/* NULL: no memory. */
static struct ranked *add(struct ranking *s, uint32_t hash, const char *key)
{
	char *const copy = idmap_reserve(&s->by_key) && ARRAY_ROOM(s->items, s->room, s->count + 1, 128) ? strdup(key) : NULL;

	if (!copy)
		return NULL;
	s->items[s->count++] = (struct ranked){ .key = copy };
	idmap_add(&s->by_key, hash, (uint32_t)s->count);
	return &s->items[s->count - 1];
}

static int add_of(struct ranking *s, const char *key, uint64_t bytes, uint64_t count, uint32_t node)
{
	const uint32_t hash = (uint32_t)trk_mix_bytes(key, strlen(key));
	struct ranked *item = find(s, hash, key);

	if (!item)
		item = add(s, hash, key);
	if (!item)
		return TRK_ERR_NOMEM;
	item->bytes += bytes;
	item->count += count;
	if (bytes >= item->node_bytes) {
		item->node = node;
		item->node_bytes = bytes;
	}
	return 0;
}

int ranking_add(struct ranking *s, const char *key, uint64_t bytes, uint64_t count)
{
	return add_of(s, key, bytes, count, 0);
}

struct ranked *ranking_find(struct ranking *s, const char *key)
{
	return find(s, (uint32_t)trk_mix_bytes(key, strlen(key)), key);
}

void ranking_finish(struct ranking *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].key);
	free(s->items);
	idmap_finish(&s->by_key);
	*s = (struct ranking){ 0 };
}

static int descending(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int by_bytes(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	const int first = descending(x->bytes, y->bytes);
	const int second = first ? first : descending(x->count, y->count);

	return second ? second : strcmp(x->key, y->key);
}

static int by_count(const void *a, const void *b)
{
	const struct ranked *x = a, *y = b;
	const int first = descending(x->count, y->count);
	const int second = first ? first : descending(x->bytes, y->bytes);

	return second ? second : strcmp(x->key, y->key);
}

/* Sorting ends the use of the map: sums are added first. */
static void sort(struct ranking *s, int (*order)(const void *, const void *))
{
	if (s->count)
		qsort(s->items, s->count, sizeof(*s->items), order);
}

void ranking_sort_by_bytes(struct ranking *s)
{
	sort(s, by_bytes);
}

void ranking_sort_by_count(struct ranking *s)
{
	sort(s, by_count);
}

int ranking_add_row(struct ranking *s, const struct view_row *r, const struct source_frame *f)
{
	char *key;
	int err;

	if (r->node == 0)
		return add_of(s, "<stack trace unavailable>", r->bytes, r->count, 0);
	if (asprintf(&key, "%s:%s:%u", f->function[0] ? f->function : "<unknown>", f->file,
		     (unsigned)f->line) < 0)
		return TRK_ERR_NOMEM;
	err = add_of(s, key, r->bytes, r->count, r->node);
	free(key);
	return err;
}

int ranking_of_view(const struct view *v, struct stacks *stacks, struct ranking *locations,
		    struct ranking *modules)
{
	int err = 0;

	for (size_t i = 0; i < v->row_count && !err; i++) {
		const struct view_row *r = &v->rows[i];

		err = ranking_add_row(locations, r, stacks_top(stacks, r->node));
		if (!err && modules)
			err = ranking_add(modules, stacks_top(stacks, r->node)->module, r->bytes, r->count);
	}
	return err;
}
