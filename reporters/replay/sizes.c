/* sizes - see sizes.h. */
#include "replay/sizes.h"

#include <stdlib.h>

#include "format/mix.h"

void sizes_free(struct sizes *s)
{
	if (!s)
		return;
	free(s->large);
	free(s);
}

static struct view_size *place_of(struct view_size *table, size_t room, uint64_t size)
{
	size_t i = (size_t)trk_mix(size, 0) & (room - 1);

	while (table[i].count && table[i].size != size)
		i = (i + 1) & (room - 1);
	return &table[i];
}

static int grow(struct sizes *s)
{
	const size_t room = s->room ? s->room * 2 : 1024;
	struct view_size *grown = calloc(room, sizeof(*grown));

	if (!grown)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < s->room; i++) {
		if (s->large[i].count)
			*place_of(grown, room, s->large[i].size) = s->large[i];
	}
	free(s->large);
	s->large = grown;
	s->room = room;
	return 0;
}

int sizes_add_large(struct sizes *s, uint64_t size, uint64_t count)
{
	struct view_size *place;

	if (s->used >= s->room / 2 && grow(s) != 0)
		return TRK_ERR_NOMEM;
	place = place_of(s->large, s->room, size);
	if (place->count == 0)
		s->used++;
	place->size = size;
	place->count += count;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	const struct view_size *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size;
}

int sizes_list(const struct sizes *s, struct view_size **ret, size_t *ret_count)
{
	struct view_size *list = calloc(SIZES_SMALL + s->used + 1, sizeof(*list));
	size_t n = 0;

	if (!list)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < SIZES_SMALL; i++) {
		if (s->small[i])
			list[n++] = (struct view_size){ i, s->small[i] };
	}
	for (size_t i = 0; i < s->room; i++) {
		if (s->large[i].count)
			list[n++] = s->large[i];
	}
	qsort(list, n, sizeof(*list), by_size);
	*ret = list;
	*ret_count = n;
	return 0;
}
