/*
 * tables_sums - the blocks of an aggregated capture -> its arrays.
 */
#include "replay/capture_private.h"

#define HAS_ERRORS 16u
#define SHAPES 32u

static struct trk_figure get_figure(struct byte_reader *r)
{
	const uint64_t count = get_varint(r);

	return (struct trk_figure){ .bytes = get_varint(r), .count = count };
}

/* Not negative, and no NaN: any other value is corrupt. */
static double get_double(struct byte_reader *r)
{
	const uint8_t *const p = get_bytes(r, 8);
	const uint64_t bits = p ? get_u64(p) : 0;
	double d;

	memcpy(&d, &bits, sizeof(d));
	if (d >= 0)
		return d;
	r->failed = true;
	return 0;
}

static struct trk_error get_error(struct byte_reader *r)
{
	struct trk_error e;

	e.bytes = get_double(r);
	e.count = get_double(r);
	e.most = get_double(r);
	return e;
}

static void get_figures(struct byte_reader *r, unsigned shape, struct trk_sum *s,
			struct trk_sum_errors *errors)
{
	*errors = (struct trk_sum_errors){ 0 };
	for (unsigned i = TRK_SUM_TOTAL; i < TRK_SUM_FIGURES; i++) {
		if (i != TRK_SUM_TOTAL && !(shape >> (i - 1) & 1)) {
			if (i == TRK_SUM_OWN_PEAK) {
				s->of[i] = s->of[TRK_SUM_PEAK];
				errors->of[i] = errors->of[TRK_SUM_PEAK];
			}
			continue;
		}
		s->of[i] = get_figure(r);
		if (shape & HAS_ERRORS)
			errors->of[i] = get_error(r);
	}
}

/* False: the item contradicts the format. `node` is that of the sum before. */
static bool get_sum(struct byte_reader *r, uint32_t node, struct trk_sum *ret,
		    struct trk_sum_errors *ret_errors)
{
	const int64_t step = get_zigzag(r);
	const uint64_t process = get_varint(r), thread = get_varint(r), kind = get_varint(r),
		       domain = get_varint(r), shape = get_varint(r);

	if (r->failed || step < -(int64_t)node || step >= (int64_t)UINT32_MAX - node ||
	    process >= UINT32_MAX || thread >= UINT32_MAX || domain > UINT32_MAX || !kind ||
	    kind >= TRK_KINDS || shape >= SHAPES)
		return false;
	*ret = (struct trk_sum){
		.node = (uint32_t)(node + step),
		.process = (uint32_t)process,
		.thread = (uint32_t)thread,
		.domain = (uint32_t)domain,
		.kind = (uint8_t)kind,
	};
	get_figures(r, (unsigned)shape, ret, ret_errors);
	return !r->failed;
}

int tables_decode_sums(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	const bool sampled = c->header.sample_bytes != 0;
	uint32_t node = 0;
	int err = 0;

	while (!err && table_next_item(c, r)) {
		struct trk_sum_errors errors;
		struct trk_sum s;

		if (!get_sum(r, node, &s, &errors))
			return TRK_ERR_CORRUPT;
		node = s.node;
		err = table_reach(c, TABLE_PROCESSES, s.process);
		if (!err && sampled)
			err = table_append(c, TABLE_SUM_ERRORS);
		if (!err)
			err = table_append(c, TABLE_SUMS);
		if (err)
			break;
		c->sums[c->sum_count - 1] = s;
		if (sampled)
			c->sum_errors[c->sum_count - 1] = errors;
	}
	return err;
}

/* 0 stands for all processes. False: there is no such index. */
static bool get_process(struct capture *c, struct byte_reader *r, uint32_t *ret)
{
	const uint64_t process = get_varint(r);

	*ret = TRK_ALL_PROCESSES;
	if (!process)
		return !r->failed;
	*ret = (uint32_t)(process - 1);
	return process < UINT32_MAX && table_reach(c, TABLE_PROCESSES, process - 1) == 0;
}

static int get_totals(struct capture *c, struct byte_reader *r, struct trk_totals *ret)
{
	uint64_t kinds;

	*ret = (struct trk_totals){ 0 };
	if (!get_process(c, r, &ret->process))
		return TRK_ERR_CORRUPT;
	for (kinds = get_varint(r); kinds && !r->failed; kinds--) {
		const uint64_t kind = get_varint(r);

		if (kind >= TRK_KINDS)
			return TRK_ERR_CORRUPT;
		ret->kinds[kind] = get_figure(r);
	}
	for (uint32_t i = 0; i < TRK_TOTALS && bytes_left(r); i++)
		ret->values[i] = get_varint(r);
	ret->sampled = c->header.sample_bytes && bytes_left(r);
	for (uint32_t i = 0; i < TRK_TOTAL_ERRORS && ret->sampled; i++)
		ret->errors[i] = get_error(r);
	for (uint32_t i = 0; i < TRK_TOTAL_RESERVED && bytes_left(r); i++)
		ret->reserved[i] = get_varint(r);
	return r->failed ? TRK_ERR_CORRUPT : 0;
}

/* One for each process, and one for all, is what there can be: they are large. */
static int append_of_process(struct capture *c, enum table_id id, uint32_t count)
{
	return count <= c->process_count ? table_append(c, id) : TRK_ERR_CORRUPT;
}

int tables_decode_totals(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	int err = 0;

	while (!err && table_next_item(c, r)) {
		struct byte_reader body = table_record(r);
		struct trk_totals t;

		err = r->failed ? TRK_ERR_CORRUPT : get_totals(c, &body, &t);
		if (!err)
			err = append_of_process(c, TABLE_TOTALS, c->total_count);
		if (err)
			break;
		c->totals[c->total_count - 1] = t;
		if (t.process == TRK_ALL_PROCESSES)
			c->event_count = t.values[TRK_TOTAL_EVENTS];
	}
	return err;
}

int tables_decode_sizes(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	struct trk_size s = { 0 };
	int err = 0;

	while (!err && table_next_item(c, r)) {
		const uint64_t process = get_varint(r), distance = get_varint(r);

		if (process != s.process)
			s.size = 0;
		s.process = (uint32_t)process;
		s.size += distance;
		s.count = get_varint(r);
		if (r->failed || process >= UINT32_MAX)
			return TRK_ERR_CORRUPT;
		err = table_append(c, TABLE_SIZES);
		if (!err)
			c->sizes[c->size_count - 1] = s;
	}
	return err;
}

static int get_history(struct capture *c, struct byte_reader *r)
{
	struct cap_history history = { .first_span = c->history_span_count };
	uint64_t shift, count, most = 0;
	int err = 0;

	if (!get_process(c, r, &history.process))
		return TRK_ERR_CORRUPT;
	shift = get_varint(r);
	history.first = get_varint(r);
	count = get_varint(r);
	if (r->failed || shift >= 64 || count > TRK_HISTORY_MAX)
		return TRK_ERR_CORRUPT;
	history.shift = (uint32_t)shift;
	history.count = (uint32_t)count;
	while (!err && count--) {
		most += (uint64_t)get_zigzag(r);
		err = r->failed ? TRK_ERR_CORRUPT : table_append_part(c, TABLE_HISTORY_SPANS);
		if (!err)
			c->history_spans[c->history_span_count - 1] = most;
	}
	if (!err)
		err = append_of_process(c, TABLE_HISTORIES, c->history_count);
	if (!err)
		c->histories[c->history_count - 1] = history;
	return err;
}

int tables_decode_history(struct capture *c, const struct trk_block_header *h, struct byte_reader *r)
{
	int err = 0;

	while (!err && table_next_item(c, r)) {
		struct byte_reader body = table_record(r);

		err = r->failed ? TRK_ERR_CORRUPT : get_history(c, &body);
	}
	return err;
}

int tables_settle_sums(struct capture *c)
{
	const int err = c->sum_count ? table_reach(c, TABLE_THREADS, 0) : 0;

	for (uint32_t i = 0; i < c->sum_count && !err; i++) {
		struct trk_sum *const s = &c->sums[i];

		if (s->node >= c->node_count)
			s->node = 0;
		if (s->thread >= c->thread_count)
			s->thread = 0;
	}
	return err;
}
