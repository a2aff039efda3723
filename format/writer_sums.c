/*
 * writer_sums - the blocks that only aggregated captures have; see sums.h.
 */
#include "format/writer_private.h"

/* The shape of a sum says which figures it has beside the total, bit n - 1 for the n-th, and whether it has errors. */
#define HAS_ERRORS 16u

static bool equal(const struct trk_figure *a, const struct trk_figure *b)
{
	return a->bytes == b->bytes && a->count == b->count;
}

static uint8_t *put_figure(uint8_t *p, const struct trk_figure *f)
{
	return put_varint(put_varint(p, f->count), f->bytes);
}

static uint8_t *put_double(uint8_t *p, double d)
{
	uint64_t bits;

	memcpy(&bits, &d, sizeof(bits));
	put_u64(p, bits);
	return p + sizeof(bits);
}

static uint8_t *put_error(uint8_t *p, const struct trk_error *e)
{
	return put_double(put_double(put_double(p, e->bytes), e->count), e->most);
}

/* The value that a reader takes for a figure that is missing. */
static bool goes_without_saying(const struct trk_sum *s, const struct trk_sum_errors *e, unsigned i)
{
	static const struct trk_figure zero;

	if (i != TRK_SUM_OWN_PEAK) /* a figure without a block has no error */
		return equal(&s->of[i], &zero);
	return equal(&s->of[i], &s->of[TRK_SUM_PEAK]) &&
	       (!e || !memcmp(&e->of[i], &e->of[TRK_SUM_PEAK], sizeof(e->of[i])));
}

void writer_sum(struct writer *w, const struct trk_sum *s, const struct trk_sum_errors *errors)
{
	struct payload *const t = &w->tables[TRK_BLOCK_SUMS];
	uint8_t *p = writer_item_begin(w, TRK_BLOCK_SUMS, 32 * TRK_VARINT_MAX, 0);
	unsigned shape = errors ? HAS_ERRORS : 0;

	if (!p)
		return;
	for (unsigned i = TRK_SUM_PEAK; i < TRK_SUM_FIGURES; i++)
		shape |= goes_without_saying(s, errors, i) ? 0 : 1u << (i - 1);
	p = put_zigzag(p, (int64_t)s->node - t->last_node);
	t->last_node = s->node;
	p = put_varint(p, s->process);
	p = put_varint(p, s->thread);
	p = put_varint(p, s->kind);
	p = put_varint(p, s->domain);
	p = put_varint(p, shape);
	for (unsigned i = TRK_SUM_TOTAL; i < TRK_SUM_FIGURES; i++) {
		if (i != TRK_SUM_TOTAL && !(shape >> (i - 1) & 1))
			continue;
		p = put_figure(p, &s->of[i]);
		if (errors)
			p = put_error(p, &errors->of[i]);
	}
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
	for (uint32_t i = 0; i < TRK_KINDS; i++)
		kinds += t->kinds[i].count != 0;
	p = put_varint(p, kinds);
	for (uint32_t i = 0; i < TRK_KINDS; i++) {
		if (!t->kinds[i].count)
			continue;
		p = put_varint(p, i);
		p = put_figure(p, &t->kinds[i]);
	}
	for (uint32_t i = 0; i < TRK_TOTALS; i++)
		p = put_varint(p, t->values[i]);
	for (uint32_t i = 0; i < TRK_TOTAL_ERRORS && t->sampled; i++)
		p = put_error(p, &t->errors[i]);
	for (uint32_t i = 0; i < TRK_TOTAL_RESERVED; i++)
		p = put_varint(p, t->reserved[i]);
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
