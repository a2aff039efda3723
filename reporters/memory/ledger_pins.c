/*
 * ledger_pins - the few blocks for which pages stay in memory that are nearly empty otherwise; see ledger.h.
 *
 * A page is nearly empty when blocks with their headers take at most a quarter of it. What is free in it is divided among its blocks.
 */
#include "ledger.h"

#include <stdlib.h>

#include "format/array.h"

#define NEARLY_EMPTY 4u /* blocks take at most this part of the page */

struct chunk {
	uint64_t start, end;
};

struct pinning {
	struct ledger *l;
	const struct looked *look;
	const struct looked_memory *m;
	uint32_t extra, chunk; /* where what is known of the next block or page stands */
	uint32_t last; /* the block that was counted last; UINT32_MAX: none */
};

/*
 * What the block takes with its header and what is behind it: nothing of the blocks beside it, whatever a damaged file says. *extra: see
 * looked_extra.
 */
static struct chunk chunk_of(const struct pinning *p, uint32_t block, uint32_t *extra)
{
	const struct looked_block *const b = &p->look->blocks[block];
	const struct trk_memory_extra e = looked_extra(p->m, extra, block, b->size);
	const uint64_t before = b->address - (block ? looked_end(p->look, block - 1) : 0), end = looked_end(p->look, block);
	const uint64_t behind = (block + 1 < p->look->count ? b[1].address : UINT64_MAX) - end;

	return (struct chunk){ b->address - (e.header < before ? e.header : before), end + (e.slack < behind ? e.slack : behind) };
}

static int add_pin(struct pinning *p, uint32_t block, uint64_t bytes)
{
	struct ledger *const l = p->l;
	struct ledger_pin *const last = l->pin_count ? &l->pins[l->pin_count - 1] : NULL;
	const uint32_t node = p->look->blocks[block].node;
	const bool new = p->last == UINT32_MAX || block > p->last;

	p->last = block;
	if (last && last->node == node) {
		last->bytes += bytes;
		last->count += new;
		return 0;
	}
	if (!ARRAY_ROOM(l->pins, l->pin_room, l->pin_count + 1, 256))
		return TRK_ERR_NOMEM;
	l->pins[l->pin_count++] = (struct ledger_pin){ node, bytes, new };
	return 0;
}

static uint64_t overlap(const struct chunk *c, uint64_t start, uint64_t end)
{
	const uint64_t from = c->start > start ? c->start : start, to = c->end < end ? c->end : end;

	return from < to ? to - from : 0;
}

/* What of the page others have in use: blocks that nobody recorded, the allocator itself. */
static uint64_t used_otherwise(struct pinning *p, uint64_t page, uint64_t end)
{
	const struct looked_memory *const m = p->m;
	uint64_t sum = 0;

	while (p->chunk < m->chunk_count && m->chunks[p->chunk].start + m->chunks[p->chunk].bytes <= page)
		p->chunk++;
	for (uint32_t i = p->chunk; i < m->chunk_count && m->chunks[i].start < end; i++) {
		const struct chunk c = { m->chunks[i].start, m->chunks[i].start + m->chunks[i].bytes };

		if (m->chunks[i].kind == MEMORY_IN_USE || m->chunks[i].kind == MEMORY_OWN)
			sum += overlap(&c, page, end);
	}
	return sum;
}

/* The page, in which the blocks [first, end) lie. */
static int pin(struct pinning *p, uint64_t page, uint32_t first, uint32_t end)
{
	const uint64_t bytes = p->m->head.page_bytes;
	uint64_t live = 0, used, free_bytes;
	uint32_t extra = p->extra;
	int err = 0;

	for (uint32_t i = first; i < end; i++) {
		const struct chunk c = chunk_of(p, i, &extra);

		live += overlap(&c, page, page + bytes);
	}
	used = live + used_otherwise(p, page, page + bytes);
	if (!live || used > bytes / NEARLY_EMPTY)
		return 0;
	free_bytes = bytes - used;
	p->l->pinned += free_bytes;
	p->l->pinned_pages++;
	for (uint32_t i = first; i < end && !err; i++)
		err = add_pin(p, i, free_bytes / (end - first) + (i == first ? free_bytes % (end - first) : 0));
	return err;
}

static int by_node(const void *left, const void *right)
{
	const struct ledger_pin *const a = left, *const b = right;

	return a->node < b->node ? -1 : a->node > b->node;
}

void ledger_join_pins(struct ledger *l)
{
	uint32_t n = 0;

	if (l->pin_count)
		qsort(l->pins, l->pin_count, sizeof(*l->pins), by_node);
	for (uint32_t i = 0; i < l->pin_count; i++) {
		if (n && l->pins[n - 1].node == l->pins[i].node) {
			l->pins[n - 1].bytes += l->pins[i].bytes;
			l->pins[n - 1].count += l->pins[i].count;
		} else {
			l->pins[n++] = l->pins[i];
		}
	}
	l->pin_count = n;
}

int ledger_find_pins(struct ledger *l, const struct looked *look, const struct looked_memory *m, const struct trk_memory_area *a, uint32_t first,
		     uint32_t end)
{
	struct pinning p = { .l = l, .look = look, .m = m, .last = UINT32_MAX };
	struct looked_place place = { .memory = m };
	uint64_t page = a->start;
	int err = 0;

	if (first < end)
		looked_extra(m, &p.extra, first, look->blocks[first].size);
	while (first < end && !err) {
		uint32_t behind = first, extra = p.extra;
		const struct chunk c = chunk_of(&p, first, &extra);

		if (c.end <= page || c.end > a->end) { /* all of its pages were looked at */
			looked_extra(m, &p.extra, first, look->blocks[first].size);
			first++;
			continue;
		}
		if (c.start >= page + m->head.page_bytes)
			page = c.start & ~(m->head.page_bytes - 1);
		if (c.end - page >= 2 * m->head.page_bytes && c.start <= page) { /* whole pages of one block */
			page = (c.end - 1) & ~(m->head.page_bytes - 1);
			continue;
		}
		while (behind < end && chunk_of(&p, behind, &extra).start < page + m->head.page_bytes)
			behind++;
		if (looked_bytes(&place, page, page + m->head.page_bytes, MEMORY_RESIDENT))
			err = pin(&p, page, first, behind);
		page += m->head.page_bytes;
	}
	return err;
}
