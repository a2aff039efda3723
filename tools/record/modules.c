/* modules - see modules.h. */
#include "modules.h"

#include "format/trk.h"

#include "format/array.h"

#include <stdlib.h>
#include <string.h>

static uint32_t last_generation;

static int reserve(struct modules *m, size_t count)
{
	return ARRAY_ROOM(m->ranges, m->room, count, 32) ? 0 : TRK_ERR_NOMEM;
}

/* Index of the first range that ends after `address`. */
static size_t first_after(const struct modules *m, uint64_t address)
{
	size_t low = 0, high = m->count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (m->ranges[middle].end > address)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool is_same(const struct module_range *a, const struct module_range *b)
{
	return a->start == b->start && a->end == b->end && a->bias == b->bias &&
	       a->module == b->module;
}

int modules_add(struct modules *m, const struct module_range *r, modules_gone gone, void *data)
{
	if (r->end <= r->start)
		return TRK_ERR_CORRUPT;
	if (reserve(m, m->count + 1) < 0)
		return TRK_ERR_NOMEM;
	const size_t from = first_after(m, r->start);
	size_t to = from;

	if (from < m->count && is_same(&m->ranges[from], r))
		return 0;
	while (to < m->count && m->ranges[to].start < r->end) {
		if (gone)
			gone(data, &m->ranges[to]);
		to++;
	}
	memmove(&m->ranges[from + 1], &m->ranges[to], (m->count - to) * sizeof(*r));
	m->count = m->count - (to - from) + 1;
	m->ranges[from] = *r;
	m->generation = ++last_generation;
	return 0;
}

static const struct module_range *find_exact(const struct modules *m, uint64_t address)
{
	const size_t i = first_after(m, address);

	return i < m->count && m->ranges[i].start <= address ? &m->ranges[i] : NULL;
}

const struct module_range *modules_find(const struct modules *m, uint64_t pc)
{
	/* a call that never returns may be the last instruction: its return address lies behind the range */
	const struct module_range *const r = find_exact(m, pc - 1);

	return r ? r : find_exact(m, pc);
}

void modules_changed(struct modules *m)
{
	m->generation = ++last_generation;
}

void modules_clear(struct modules *m, modules_gone gone, void *data)
{
	for (size_t i = 0; gone && i < m->count; i++)
		gone(data, &m->ranges[i]);
	free(m->ranges);
	*m = (struct modules){ .generation = ++last_generation };
}
