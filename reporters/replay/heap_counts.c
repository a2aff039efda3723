/* heap_counts - see heap_counts.h; for those that are not in the loop: heap_map.c, heap_ends.c, heap_saved.c. */
#include "replay/heap_counts.h"

void heap_fill(struct heap_block *b, const struct step *s, uint8_t kind)
{
	fill_block(b, s, kind);
}

void heap_born(struct step *s, struct heap_block *b, const struct sampling_estimate *e)
{
	count_born(s, b, e);
}

void heap_grew(struct step *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct heap_totals *t = &s->process->totals;

	t->bytes_allocated += e->bytes;
	t->kind_bytes[b->kind] += e->bytes;
	add_live(s, e);
	if (s->heap->observer.grew)
		s->heap->observer.grew(s->heap->observer.data, b, e);
}

void heap_died(struct step *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	s->process->totals.frees += e->count;
	s->process->totals.bytes_freed += e->bytes;
	take_live(s, e);
	tell_died(s, b, e, false);
}

void heap_reserved(struct step *s, const struct heap_block *b)
{
	const struct sampling_estimate e = { .count = 1 };

	s->process->totals.allocations++;
	s->process->totals.kind_count[b->kind]++;
	if (s->heap->observer.born)
		s->heap->observer.born(s->heap->observer.data, (struct heap_block *)b, &e);
	tell_died(s, b, &e, false);
}

void heap_take_live(struct step *s, const struct sampling_estimate *e)
{
	take_live(s, e);
}
