/* short_paths - see short_paths.h. */
#include "common/short_paths.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/mix.h"
#include "format/trk.h"

static int new_path(struct short_paths *p, const char *path, uint32_t hash)
{
	char *const copy = idmap_reserve(&p->by_path) && ARRAY_ROOM(p->items, p->room, p->count + 1, 64) ? strdup(path) : NULL;

	if (!copy)
		return TRK_ERR_NOMEM;
	p->items[p->count++] = (struct short_path){ copy, copy };
	idmap_add(&p->by_path, hash, (uint32_t)p->count);
	return 0;
}

int short_paths_add(struct short_paths *p, const char *path)
{
	const uint32_t hash = (uint32_t)trk_mix_bytes(path, strlen(path));
	uint32_t at = hash, id;

	if (p->whole || *path != '/')
		return 0;
	while ((id = idmap_next(&p->by_path, hash, &at)))
		if (strcmp(p->items[id - 1].path, path) == 0)
			return 0;
	return new_path(p, path, hash);
}

/* How many characters at the end are the same. */
static size_t same_end(const char *a, const char *b)
{
	const size_t m = strlen(a), n = strlen(b);
	size_t same = 0;

	while (same < m && same < n && a[m - 1 - same] == b[n - 1 - same])
		same++;
	return same;
}

/* Those with the same end stand beside each other. */
static int by_end(const void *left, const void *right)
{
	const char *const a = ((const struct short_path *)left)->path, *const b = ((const struct short_path *)right)->path;
	const size_t m = strlen(a), n = strlen(b), same = same_end(a, b);

	if (same == m || same == n)
		return m < n ? -1 : m > n;
	return (unsigned char)a[m - 1 - same] < (unsigned char)b[n - 1 - same] ? -1 : 1;
}

/* The last parts of the path that are longer than `same` characters; all of it if there are none. */
static const char *end_of(const char *path, size_t same)
{
	const char *at = path + strlen(path);

	while (at > path) {
		at--;
		if (*at == '/' && strlen(at + 1) > same)
			return at + 1;
	}
	return path;
}

void short_paths_settle(struct short_paths *p)
{
	if (p->count)
		qsort(p->items, p->count, sizeof(*p->items), by_end);
	for (size_t i = 0; i < p->count; i++) {
		const char *const path = p->items[i].path;
		const size_t before = i ? same_end(path, p->items[i - 1].path) : 0;
		const size_t after = i + 1 < p->count ? same_end(path, p->items[i + 1].path) : 0;

		p->items[i].end = end_of(path, before > after ? before : after);
	}
	p->settled = true;
}

const char *short_paths_of(const struct short_paths *p, const char *path)
{
	const struct short_path wanted = { (char *)(uintptr_t)path, NULL };
	const struct short_path *const found = p->settled && p->count ? bsearch(&wanted, p->items, p->count, sizeof(*p->items), by_end) : NULL;

	return found ? found->end : path;
}

void short_paths_finish(struct short_paths *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->items[i].path);
	free(p->items);
	idmap_finish(&p->by_path);
	*p = (struct short_paths){ 0 };
}
