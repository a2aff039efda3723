/*
 * writer_sums - the blocks that only aggregated captures have; see sums.h.
 */
#include "format/writer_private.h"

/* Which figures a sum has: bits of its shape (docs/FORMAT.md). */
enum { HAS_PEAK = 1, HAS_OWN_PEAK = 2, HAS_LEAKED = 4, HAS_TEMPORARY = 8 };

static bool is_zero(const struct trk_figure *f)
{
	return !f->bytes && !f->count;
}

static bool equal(const struct trk_figure *a, const struct trk_figure *b)
{
	return a->bytes == b->bytes && a->count == b->count;
}

static uint8_t *put_figure(uint8_t *p, const struct trk_figure *f)
{
	return put_varint(put_varint(p, f->count), f->bytes);
}

void writer_sum(struct writer *w, const struct trk_sum *s)
{
	struct payload *const t = &w->tables[TRK_BLOCK_SUMS];
	const struct {
		const struct trk_figure *figure;
		unsigned bit;
		bool there;
	} rest[] = {
		{ &s->peak, HAS_PEAK, !is_zero(&s->peak) },
		/* one process alone: the same moment */
		{ &s->own_peak, HAS_OWN_PEAK, !equal(&s->own_peak, &s->peak) },
		{ &s->leaked, HAS_LEAKED, !is_zero(&s->leaked) },
		{ &s->temporary, HAS_TEMPORARY, !is_zero(&s->temporary) },
	};
	uint8_t *p = writer_item_begin(w, TRK_BLOCK_SUMS, 16 * TRK_VARINT_MAX, 0);
	unsigned shape = 0;

	if (!p)
		return;
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		shape |= rest[i].there ? rest[i].bit : 0;
	p = put_zigzag(p, (int64_t)s->node - t->last_node);
	t->last_node = s->node;
	p = put_varint(p, s->process);
	p = put_varint(p, s->thread);
	p = put_varint(p, s->kind);
	p = put_varint(p, s->domain);
	p = put_varint(p, shape);
	p = put_figure(p, &s->total);
	for (size_t i = 0; i < sizeof(rest) / sizeof(*rest); i++)
		if (rest[i].there)
			p = put_figure(p, rest[i].figure);
	writer_item_end(w, TRK_BLOCK_SUMS, p);
}

/* TRK_ALL_PROCESSES is 0 in the file, the others one more than they are. */
static uint8_t *put_process(uint8_t *p, uint32_t process)
{
	return put_varint(p, process == TRK_ALL_PROCESSES ? 0 : (uint64_t)process + 1);
}

void writer_totals(struct writer *w, const struct trk_totals *t)
{
	uint8_t *p = writer_record_begin(w);
	uint32_t kinds = 0;

	if (!p)
		return;
	p = put_process(p, t->process);
	for (uint32_t i = 0; i < 32; i++)
		kinds += t->kinds[i].count != 0;
	p = put_varint(p, kinds);
	for (uint32_t i = 0; i < 32; i++) {
		if (!t->kinds[i].count)
			continue;
		p = put_varint(p, i);
		p = put_figure(p, &t->kinds[i]);
	}
	for (uint32_t i = 0; i < TRK_TOTALS; i++)
		p = put_varint(p, t->values[i]);
	writer_record_end(w, TRK_BLOCK_TOTALS, p, 0);
}

void writer_size(struct writer *w, const struct trk_size *s)
{
	struct payload *const t = &w->tables[TRK_BLOCK_SIZES];
	uint8_t *p = writer_item_begin(w, TRK_BLOCK_SIZES, 3 * TRK_VARINT_MAX, 0);

	if (!p)
		return;
	if (s->process != t->last_process)
		t->last_size = 0;
	p = put_varint(p, s->process);
	p = put_varint(p, s->size - t->last_size);
	t->last_process = s->process;
	t->last_size = s->size;
	writer_item_end(w, TRK_BLOCK_SIZES, put_varint(p, s->count));
}

void writer_history(struct writer *w, const struct trk_history *h)
{
	const uint32_t count = h->count < TRK_HISTORY_MAX ? h->count : TRK_HISTORY_MAX;
	uint8_t *p = writer_record_begin(w);
	uint64_t before = 0;

	if (!p)
		return;
	p = put_process(p, h->process);
	p = put_varint(p, h->shift);
	p = put_varint(p, h->first);
	p = put_varint(p, count);
	for (uint32_t i = 0; i < count; i++) {
		p = put_zigzag(p, (int64_t)(h->most[i] - before));
		before = h->most[i];
	}
	writer_record_end(w, TRK_BLOCK_HISTORY, p, 0);
}
