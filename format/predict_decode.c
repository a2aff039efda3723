/*
 * predict_decode - the columns of a PREDICTED block -> events.
 *
 * Every report runs it for every event. It mirrors predict_encode.c step by step. Values of the columns are checked
 * before the model believes them.
 */
#include <stdlib.h>

#include "format/bytes.h"
#include "format/event.h"
#include "format/predict.h"
#include "format/predict_ops.h"

/* An op of the first column, taken apart. */
struct op {
	uint8_t class; /* CLASS_NONE: no op */
	uint8_t node_from, size_from, place, ref_mode;
	bool kind_said, lost;
};

struct predict_decoder {
	struct byte_reader columns[COLUMNS];
	uint32_t run, items; /* expected events ahead; all events ahead */
	bool failed, refused; /* refused: at an event of a kind that must be known */
	uint64_t time_ns;
	uint32_t thread, until_time, until_thread; /* events before the next change */
	uint32_t lost_ref;
	struct event_state other;
	struct op ops[256];
	struct model model;
};

#define NEVER UINT32_MAX /* minus the events of a block: still more than a block has */

static void make_ops(struct op *ops)
{
	for (unsigned i = OP_ALLOCATE; i < OP_ALLOCATE_NEW; i++) {
		const unsigned n = (i - OP_ALLOCATE) / PLACE_SAME;

		ops[i] = (struct op){
			.class = CLASS_ALLOCATE,
			.node_from = n / SIZE_SOURCES,
			.size_from = n % SIZE_SOURCES,
			.place = (i - OP_ALLOCATE) % PLACE_SAME,
		};
	}
	for (unsigned i = 0; i < PLACE_SAME; i++)
		ops[OP_ALLOCATE_NEW + i] = (struct op){
			.class = CLASS_ALLOCATE,
			.kind_said = true,
			.node_from = NODE_SAID,
			.size_from = SIZE_SAID,
			.place = i,
		};
	for (unsigned i = 0; i < REFS; i++) {
		ops[OP_RELEASE + i] = (struct op){ .class = CLASS_RELEASE, .ref_mode = i };
		ops[OP_RELEASE_KIND + i] = (struct op){ .class = CLASS_RELEASE, .ref_mode = i, .kind_said = true };
	}
	for (unsigned i = OP_REALLOCATE; i < OP_LOST; i++) {
		const unsigned n = (i - OP_REALLOCATE) / REFS;

		ops[i] = (struct op){
			.class = CLASS_REALLOCATE,
			.node_from = n / PLACES,
			.size_from = SIZE_SAID,
			.place = n % PLACES,
			.ref_mode = (i - OP_REALLOCATE) % REFS,
		};
	}
	for (unsigned i = 0; i < 2; i++) {
		ops[OP_LOST + i] = (struct op){ .class = CLASS_OTHER, .lost = true, .ref_mode = i };
		ops[OP_OTHER + i] = (struct op){ .class = CLASS_OTHER, .ref_mode = i };
	}
}

struct predict_decoder *predict_decoder_new(void)
{
	struct predict_decoder *d = calloc(1, sizeof(*d));

	if (d)
		make_ops(d->ops);
	return d;
}

void predict_decoder_free(struct predict_decoder *d)
{
	if (!d)
		return;
	model_finish(&d->model);
	free(d);
}

/* A read from a column that has ended fails: callers that read from one check that. */
static inline uint64_t hear(struct predict_decoder *d, enum predict_column column)
{
	const uint64_t v = get_varint(&d->columns[column]);

	d->failed |= d->columns[column].failed;
	return v;
}

static inline uint8_t hear_byte(struct predict_decoder *d, enum predict_column column)
{
	const uint8_t b = get_byte(&d->columns[column]);

	d->failed |= d->columns[column].failed;
	return b;
}

/* Events before the next change of a column; NEVER when there is none. */
static uint32_t hear_until(struct predict_decoder *d, enum predict_column column)
{
	const uint64_t n = bytes_left(&d->columns[column]) ? hear(d, column) : NEVER;

	return n < NEVER ? (uint32_t)n : NEVER;
}

int predict_open(struct predict_decoder *d, const uint8_t *payload, uint32_t size, uint32_t items,
		 uint64_t first_time_ns)
{
	struct byte_reader r = byte_reader_of(payload, size);
	uint64_t sizes[COLUMNS];

	for (size_t i = 0; i < COLUMNS; i++)
		sizes[i] = get_varint(&r);
	for (size_t i = 0; i < COLUMNS; i++) {
		const uint8_t *const bytes = get_bytes(&r, sizes[i]);

		if (!bytes)
			return TRK_ERR_CORRUPT;
		d->columns[i] = byte_reader_of(bytes, sizes[i]);
	}
	if (r.failed || items > PREDICT_EVENTS_MAX)
		return TRK_ERR_CORRUPT;
	if (model_reserve(&d->model, items))
		return TRK_ERR_NOMEM;
	model_reset(&d->model);
	d->run = d->thread = 0;
	d->items = items;
	d->lost_ref = TRK_REF_NONE;
	d->failed = d->refused = false;
	d->time_ns = first_time_ns;
	d->other = event_state_init(first_time_ns);
	d->until_time = hear_until(d, COLUMN_TIMES);
	d->until_thread = hear_until(d, COLUMN_THREADS);
	return 0;
}

/* ---- parts ---- */

static uint64_t hear_address(struct predict_decoder *d)
{
	d->model.last_address = get_block_address(&d->columns[COLUMN_ADDRESSES], d->model.last_address);
	d->failed |= d->columns[COLUMN_ADDRESSES].failed;
	return d->model.last_address;
}

/* The same behind a change: two changes before one event contradict each other. */
static uint32_t hear_next(struct predict_decoder *d, enum predict_column column)
{
	const uint32_t n = hear_until(d, column);

	d->failed |= !n;
	return n;
}

/* Applies the changes before the next event. Returns for how many events the state holds then. */
static uint32_t moment(struct predict_decoder *d)
{
	if (d->until_time == 0) {
		const uint64_t step = hear(d, COLUMN_TIMES);

		d->failed |= step > UINT64_MAX - d->time_ns;
		d->time_ns += step;
		d->until_time = hear_next(d, COLUMN_TIMES);
	}
	if (d->until_thread == 0) {
		const uint64_t thread = hear(d, COLUMN_THREADS);

		d->failed |= thread > UINT32_MAX;
		d->thread = (uint32_t)thread;
		d->until_thread = hear_next(d, COLUMN_THREADS);
	}
	return d->until_time < d->until_thread ? d->until_time : d->until_thread;
}

static inline void pass(struct predict_decoder *d, uint32_t events)
{
	d->until_time -= events;
	d->until_thread -= events;
	d->items -= events;
}

static uint32_t hear_node(struct predict_decoder *d, const struct model_context *context, uint8_t from)
{
	struct model *const m = &d->model;

	if (from == NODE_CONTEXT)
		return context_node(context);
	if (from == NODE_NEXT)
		return m->next[m->last_node % MODEL_SITES];

	const uint64_t node = m->last_node + (uint64_t)unzigzag(hear(d, COLUMN_NODES));

	d->failed |= node > UINT32_MAX;
	return (uint32_t)node;
}

static void hear_allocation(struct predict_decoder *d, const struct model_context *context,
			    const struct op *op, struct prediction *p)
{
	const uint8_t said = op->kind_said ? hear_byte(d, COLUMN_OTHERS) : 0;

	p->node = hear_node(d, context, op->node_from);

	const struct model_site *const site = &d->model.sites[p->node % MODEL_SITES];

	p->kind = op->class == CLASS_REALLOCATE ? TRK_REALLOC : op->kind_said ? said :
										site->kind;
	d->failed |= !trk_kind_among(p->kind, MODEL_ALLOCATIONS);
	p->size = op->size_from == SIZE_SAID ? hear(d, COLUMN_SIZES) : op->size_from == SIZE_CONTEXT ? context->size :
												       site->size;
}

static void hear_ref(struct predict_decoder *d, struct prediction *p)
{
	if (p->ref_mode == REF_ADDRESS)
		return;

	const uint64_t v = hear(d, COLUMN_REFS);

	if (v > MODEL_EVENTS_MAX)
		d->failed = true;
	else
		p->ref = p->ref_mode == REF_BACK ? (int32_t)v + 1 : (int32_t)unzigzag(v);
}

/* The allocation that p names, 1..count; 0 and failed: there is none. */
static inline uint32_t number_of(struct predict_decoder *d, const struct prediction *p)
{
	const struct model *const m = &d->model;
	const uint32_t number = p->ref_mode == REF_BACK ? m->count + 1 - (uint32_t)p->ref : m->last_released + (uint32_t)p->ref;

	if (number - 1 < m->count)
		return number;
	d->failed = true;
	return 0;
}

/* The address of p's block. `said`: the address that stands in the column. */
static inline uint64_t address_of(struct predict_decoder *d, const struct prediction *p,
				  struct model_bin *bin, uint32_t depth)
{
	switch (p->place) {
	case PLACE_BIN:
	case PLACE_HELD:
		if (depth >= bin->held) {
			d->failed = true;
			return 0;
		}
		const uint64_t address = bin_at(bin, depth);

		bin_take(bin, depth);
		return address;
	case PLACE_NEXT:
		return d->model.next_address;
	case PLACE_FRESH:
		return d->model.fresh_address;
	default:
		return hear_address(d);
	}
}

/* ---- events ---- */

static inline void allocate(struct predict_decoder *d, const struct prediction *p,
			    struct trk_event *ret)
{
	struct model *const m = &d->model;
	const uint8_t bin = model_bin_of(p->size);
	const uint32_t depth = p->place == PLACE_HELD ? hear_byte(d, COLUMN_DEPTHS) : 0;

	ret->address = p->place == PLACE_SAME ? ret->old_address : address_of(d, p, &m->bins[bin], depth);
	ret->kind = p->kind;
	ret->node = p->node;
	ret->size = p->size;
	model_born(m, p, bin, ret->address);
}

static inline void release(struct predict_decoder *d, const struct prediction *p,
			   struct trk_event *ret, uint64_t *ret_address, uint32_t *ret_number)
{
	if (p->ref_mode == REF_ADDRESS) {
		*ret_address = hear_address(d);
		ret->ref = TRK_REF_NONE;
		*ret_number = 0;
		return;
	}
	*ret_number = number_of(d, p);
	*ret_address = d->model.blocks[*ret_number].address;
	ret->ref = d->model.count + 1 - *ret_number;
}

/* The event is p. Reads what the columns hold of it on the way. */
static inline __attribute__((always_inline)) void
happen(struct predict_decoder *d, const struct prediction *p, struct trk_event *ret)
{
	struct model *const m = &d->model;
	uint32_t number;

	if (p->class == CLASS_ALLOCATE) {
		ret->ref = d->lost_ref;
		d->lost_ref = TRK_REF_NONE;
		allocate(d, p, ret);
	} else if (p->class == CLASS_RELEASE) {
		ret->kind = p->kind;
		release(d, p, ret, &ret->address, &number);
		if (number)
			model_released(m, number, true);
	} else {
		release(d, p, ret, &ret->old_address, &number);
		if (!number)
			ret->ref = TRK_REF_UNKNOWN; /* of both addresses */
		allocate(d, p, ret);
		if (number)
			model_released(m, number, p->place != PLACE_SAME);
	}
	model_learn(m, p);
}

/* A context that expects nothing, or not everything, cannot be meant. */
static inline bool is_whole(const struct prediction *p)
{
	if (p->class == CLASS_ALLOCATE)
		return p->place < PLACE_HELD;
	if (p->class == CLASS_RELEASE)
		return p->ref_mode != REF_ADDRESS;
	return p->class == CLASS_REALLOCATE && p->ref_mode != REF_ADDRESS && p->place != PLACE_HELD &&
	       p->place != PLACE_FAR;
}

/* Makes the next `count` events as the model expects them. Returns how many were possible. */
static uint32_t expected(struct predict_decoder *d, struct trk_event *events, uint32_t count)
{
	const uint64_t time_ns = d->time_ns;
	const uint32_t thread = d->thread;

	for (uint32_t i = 0; i < count; i++) {
		const struct prediction p = context_prediction(model_context(&d->model));
		struct trk_event *const e = &events[i];

		*e = (struct trk_event){ .process = e->process, .time_ns = time_ns, .thread = thread };
		if (is_whole(&p))
			happen(d, &p, e);
		else
			d->failed = true;
		if (d->failed)
			return i;
	}
	return count;
}

static void hear_release_kind(struct predict_decoder *d, const struct op *op, struct prediction *p)
{
	const uint8_t said = op->kind_said ? hear_byte(d, COLUMN_OTHERS) : 0;
	const uint32_t number = p->ref_mode == REF_ADDRESS ? 0 : number_of(d, p);
	uint8_t *const usual = &d->model.release_kinds[d->model.blocks[number].kind & 15];

	if (op->kind_said) {
		d->failed |= !trk_kind_among(said, MODEL_RELEASES);
		*usual = said;
	}
	p->kind = *usual;
}

static void unexpected(struct predict_decoder *d, const struct op *op, struct trk_event *ret)
{
	struct model_context *const context = model_context(&d->model);
	struct prediction p = { .class = op->class, .place = op->place, .ref_mode = op->ref_mode };

	if (op->class != CLASS_RELEASE)
		hear_allocation(d, context, op, &p);
	if (op->class != CLASS_ALLOCATE)
		hear_ref(d, &p);
	if (op->class == CLASS_RELEASE)
		hear_release_kind(d, op, &p);
	if (d->failed)
		return;
	context_set(context, &p);
	happen(d, &p, ret);
}

/* A number that counts as REF_BACK does; 0 and failed: there is none. */
static uint32_t hear_back(struct predict_decoder *d)
{
	const uint64_t v = hear(d, COLUMN_REFS);

	if (v < d->model.count)
		return (uint32_t)v + 1;
	d->failed = true;
	return 0;
}

static void other(struct predict_decoder *d, const struct op *op, struct trk_event *ret)
{
	struct model *const m = &d->model;
	const struct prediction p = { .class = CLASS_OTHER };
	const uint32_t ref = op->ref_mode ? hear_back(d) : TRK_REF_UNKNOWN;

	d->other.time_ns = d->time_ns;
	d->other.thread = d->thread;

	const int err = event_decode(&d->other, &d->columns[COLUMN_OTHERS], ret);

	d->refused = err == TRK_ERR_FEATURE;
	d->failed |= err != 0 || model_class_of(ret) != CLASS_OTHER || d->other.time_ns != d->time_ns ||
		     d->other.thread != d->thread;
	ret->ref = ref;
	context_set(model_context(m), &p);
	model_learn(m, &p);
}

/* Notes the block whose place the next allocation takes. */
static void lost(struct predict_decoder *d, const struct op *op)
{
	d->lost_ref = op->ref_mode ? hear_back(d) : TRK_REF_UNKNOWN;
}

/* One event that was not expected, or the start of a run (d->run). */
static void decode_op(struct predict_decoder *d, struct trk_event *ret)
{
	const uint32_t process = ret->process;
	uint8_t code = hear_byte(d, COLUMN_OPS);

	if (d->ops[code].lost) {
		lost(d, &d->ops[code]);
		code = hear_byte(d, COLUMN_OPS);
	}

	const struct op *const op = &d->ops[code];

	if (code < OP_RUN + RUN_MAX) {
		d->run = code - OP_RUN + 1u;
		return;
	}
	*ret = (struct trk_event){ .process = process };
	if (op->lost || op->class == CLASS_NONE)
		d->failed = true;
	else if (op->class == CLASS_OTHER)
		other(d, op, ret);
	else
		unexpected(d, op, ret);
	ret->time_ns = d->time_ns;
	ret->thread = d->thread;
}

/* The next `count` events, which have one time and one thread. Returns how many could be read. */
static uint32_t decode_steady(struct predict_decoder *d, struct trk_event *events, uint32_t count)
{
	uint32_t n = 0;

	while (n < count && !d->failed) {
		if (!d->run)
			decode_op(d, events + n);
		if (d->run) {
			const uint32_t some = expected(d, events + n, d->run < count - n ? d->run : count - n);

			d->run -= some;
			n += some;
		} else if (!d->failed) {
			n++;
		}
	}
	return n;
}

int predict_decode(struct predict_decoder *d, struct trk_event *events, uint32_t room,
		   uint32_t *ret_count)
{
	uint32_t n = 0;

	while (n < room && d->items && !d->failed) {
		const uint32_t left = room - n < d->items ? room - n : d->items, steady = moment(d);
		const uint32_t some = decode_steady(d, events + n, steady < left ? steady : left);

		pass(d, some);
		n += some;
	}
	*ret_count = n;
	if (d->failed)
		return d->refused ? TRK_ERR_FEATURE : TRK_ERR_CORRUPT;
	return d->items ? 0 : TRK_END;
}
