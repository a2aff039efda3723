/* kind_list - see kind_list.h. */
#include "common/kind_list.h"

#include <stdlib.h>
#include <string.h>

struct kind_figure {
	const char *name;
	uint64_t count;
};

static int by_figure(const void *a, const void *b)
{
	const struct kind_figure *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* By name, which new and new[] share. */
static size_t sort_kinds(const struct heap_totals *t, struct kind_figure out[TRK_KINDS])
{
	size_t n = 0;

	for (uint8_t kind = 0; kind < TRK_KINDS; kind++) {
		const char *name = trk_kind_name(kind);
		size_t i = 0;

		if (!t->kind_count[kind])
			continue;
		while (i < n && strcmp(out[i].name, name) != 0)
			i++;
		if (i == n)
			out[n++] = (struct kind_figure){ name, 0 };
		out[i].count += t->kind_count[kind];
	}
	qsort(out, n, sizeof(*out), by_figure);
	return n;
}

void kind_list_describe(const struct heap_totals *t, struct emit *e)
{
	struct kind_figure kinds[TRK_KINDS];
	const size_t n = sort_kinds(t, kinds);

	emit_say(e, "Allocator type distribution:\n");
	emit_group(e, "allocator_type_distribution");
	for (size_t i = 0; i < n; i++)
		emit_line(e, "\t", kinds[i].name, emit_count(kinds[i].count));
	emit_end(e);
}
