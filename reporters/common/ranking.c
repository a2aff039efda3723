/* ranking - see ranking.h. */
#include "common/ranking.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/mix.h"

static uint32_t hash_of(const char *key)
{
	return (uint32_t)trk_mix_bytes(key, strlen(key));
}

static int grow(struct sums *s)
{
	const size_t mask = s->table ? s->mask * 2 + 1 : 255;
	uint32_t *table = calloc(mask + 1, sizeof(*table));
	struct sum *items = realloc(s->items, (mask + 1) / 2 * sizeof(*items));

	if (items)
		s->items = items;
	if (!table || !items) {
		free(table);
		return TRK_ERR_NOMEM;
	}
	for (size_t n = 0; n < s->count; n++) {
		size_t i = items[n].hash & mask;

		while (table[i])
			i = (i + 1) & mask;
		table[i] = (uint32_t)n + 1;
	}
	free(s->table);
	s->table = table;
	s->mask = mask;
	s->room = (mask + 1) / 2;
	return 0;
}

int sums_add(struct sums *s, const char *key, uint64_t bytes, uint64_t count)
{
	const uint32_t hash = hash_of(key);
	struct sum *item;
	size_t i;

	if (s->count == s->room && grow(s) != 0)
		return TRK_ERR_NOMEM;
	for (i = hash & s->mask; s->table[i]; i = (i + 1) & s->mask) {
		item = &s->items[s->table[i] - 1];
		if (item->hash == hash && strcmp(item->key, key) == 0) {
			item->bytes += bytes;
			item->count += count;
			return 0;
		}
	}
	item = &s->items[s->count];
	*item = (struct sum){ strdup(key), bytes, count, hash };
	if (!item->key)
		return TRK_ERR_NOMEM;
	s->table[i] = (uint32_t)++s->count;
	return 0;
}

void sums_finish(struct sums *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].key);
	free(s->items);
	free(s->table);
	*s = (struct sums){ 0 };
}

static int descending(uint64_t a, uint64_t b)
{
	return (a < b) - (a > b);
}

static int by_bytes(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;
	const int first = descending(x->bytes, y->bytes);
	const int second = first ? first : descending(x->count, y->count);

	return second ? second : strcmp(x->key, y->key);
}

static int by_count(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;
	const int first = descending(x->count, y->count);
	const int second = first ? first : descending(x->bytes, y->bytes);

	return second ? second : strcmp(x->key, y->key);
}

/* Sorting ends the use of the table: sums are added first. */
static void sort(struct sums *s, int (*order)(const void *, const void *))
{
	if (s->count)
		qsort(s->items, s->count, sizeof(*s->items), order);
}

void sums_sort_by_bytes(struct sums *s)
{
	sort(s, by_bytes);
}

void sums_sort_by_count(struct sums *s)
{
	sort(s, by_count);
}

static int add_location(struct sums *s, const struct view_row *r, const struct source_frame *f)
{
	char *key;
	int err;

	if (r->node == 0)
		return sums_add(s, "<stack trace unavailable>", r->bytes, r->count);
	if (asprintf(&key, "%s:%s:%u", f->function[0] ? f->function : "<unknown>", f->file,
		     (unsigned)f->line) < 0)
		return TRK_ERR_NOMEM;
	err = sums_add(s, key, r->bytes, r->count);
	free(key);
	return err;
}

int sums_of_view(const struct view *v, struct stacks *stacks, struct sums *locations,
		 struct sums *modules)
{
	int err = 0;

	for (size_t i = 0; i < v->row_count && !err; i++) {
		const struct view_row *r = &v->rows[i];
		const struct source_frame *f = stacks_top(stacks, r->node);

		err = add_location(locations, r, f);
		if (!err && modules)
			err = sums_add(modules, f->module, r->bytes, r->count);
	}
	return err;
}
