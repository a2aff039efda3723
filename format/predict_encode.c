/*
 * predict_encode - events -> the columns of a PREDICTED block.
 *
 * The recorder runs it for every event of a program: see predict.h.
 */
#include <stdlib.h>

#include "format/bytes.h"
#include "format/event.h"
#include "format/predict.h"
#include "format/predict_ops.h"

/* The most that one event may add to a column; labels stand in OTHERS. */
#define COLUMN_EVENT_MAX (4u * TRK_VARINT_MAX)
#define OTHERS_EVENT_MAX (TRK_EVENT_BYTES_MAX + TRK_LABEL_MAX)
#define BATCH_BYTES_MAX (PREDICT_BATCH_MAX * (COLUMN_EVENT_MAX * COLUMN_OTHERS + OTHERS_EVENT_MAX))

_Static_assert(BATCH_BYTES_MAX < PREDICT_PAYLOAD_MAX / 2, "a block takes more than one batch");

struct column {
	uint8_t *bytes, *at;
	size_t room;
};

struct predict_coder {
	struct column columns[COLUMNS];
	uint8_t *payload;
	uint32_t items, run;
	uint64_t time_ns;
	uint32_t thread, time_changed, thread_changed; /* changed: number of the event at which it did so last */
	struct event_state other;
	struct model model;
};

struct predict_coder *predict_coder_new(void)
{
	return calloc(1, sizeof(struct predict_coder));
}

void predict_coder_free(struct predict_coder *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < COLUMNS; i++)
		free(c->columns[i].bytes);
	model_finish(&c->model);
	free(c->payload);
	free(c);
}

void predict_begin(struct predict_coder *c, uint64_t first_time_ns)
{
	for (size_t i = 0; i < COLUMNS; i++)
		c->columns[i].at = c->columns[i].bytes;
	c->items = c->run = c->thread = c->time_changed = c->thread_changed = 0;
	c->time_ns = first_time_ns;
	c->other = event_state_init(first_time_ns);
	model_reset(&c->model);
}

static size_t used(const struct column *k)
{
	return (size_t)(k->at - k->bytes);
}

static size_t total(const struct predict_coder *c)
{
	size_t sum = COLUMNS * TRK_VARINT_MAX;

	for (size_t i = 0; i < COLUMNS; i++)
		sum += used(&c->columns[i]);
	return sum;
}

size_t predict_bytes(const struct predict_coder *c)
{
	return total(c) + TRK_VARINT_MAX;
}

uint32_t predict_items(const struct predict_coder *c)
{
	return c->items;
}

bool predict_has_room(const struct predict_coder *c)
{
	return c->items + PREDICT_BATCH_MAX <= PREDICT_EVENTS_MAX &&
	       total(c) + BATCH_BYTES_MAX <= PREDICT_PAYLOAD_MAX;
}

/* Not as format/array.h: a column has a pointer to its end and no count. */
static int reserve(struct column *k, size_t more)
{
	const size_t size = used(k);
	size_t room = k->room ? k->room : 1024;
	uint8_t *grown;

	if (k->room - size >= more)
		return 0;
	while (room - size < more)
		room *= 2;
	grown = realloc(k->bytes, room);
	if (!grown)
		return TRK_ERR_NOMEM;
	*k = (struct column){ .bytes = grown, .at = grown + size, .room = room };
	return 0;
}

/* ---- columns ---- */

static inline void say(struct predict_coder *c, enum predict_column column, uint64_t v)
{
	c->columns[column].at = put_varint(c->columns[column].at, v);
}

static inline void say_byte(struct predict_coder *c, enum predict_column column, uint8_t v)
{
	*c->columns[column].at++ = v;
}

/* As in an EVENTS block, against the last address of this one. */
static void say_address(struct predict_coder *c, uint64_t address)
{
	struct column *const k = &c->columns[COLUMN_ADDRESSES];

	k->at = put_block_address(k->at, c->model.last_address, address);
	c->model.last_address = address;
}

/* No branch on whether there is a run: a processor could not predict it. */
static inline void end_run(struct predict_coder *c)
{
	struct column *const k = &c->columns[COLUMN_OPS];

	for (; c->run > RUN_MAX; c->run -= RUN_MAX)
		*k->at++ = OP_RUN + RUN_MAX - 1;
	*k->at = (uint8_t)(OP_RUN + c->run - 1);
	k->at += c->run != 0;
	c->run = 0;
}

/* `number`: of the event in the block, from 0. */
static inline void say_moment(struct predict_coder *c, const struct trk_event *e, uint32_t number)
{
	if (e->time_ns > c->time_ns) { /* a clock that ran backwards stands still */
		say(c, COLUMN_TIMES, number - c->time_changed);
		say(c, COLUMN_TIMES, e->time_ns - c->time_ns);
		c->time_ns = e->time_ns;
		c->time_changed = number;
	}
	if (e->thread != c->thread) {
		say(c, COLUMN_THREADS, number - c->thread_changed);
		say(c, COLUMN_THREADS, e->thread);
		c->thread = e->thread;
		c->thread_changed = number;
	}
}

/* ---- which block is released ---- */

/* The number of the block at `address` that e->ref names, or 0. */
static inline uint32_t number_of(const struct model *m, const struct trk_event *e, uint64_t address)
{
	const uint32_t number = m->count + 1 - e->ref;

	/* ref 0 and TRK_REF_NONE give a number out of range */
	return number - 1 < m->count && m->blocks[number].address == address ? number : 0;
}

static inline void expect_ref(const struct model *m, struct prediction *p, uint32_t number)
{
	const int32_t back = (int32_t)(m->count + 1 - number);
	const int32_t beside = (int32_t)(number - m->last_released);
	const bool is_beside = (m->last_released != 0) & (back > MODEL_BESIDE_MAX / 2) & (abs(beside) < back) &
			       (abs(beside) <= MODEL_BESIDE_MAX);

	if (!number)
		return;
	p->ref_mode = is_beside ? REF_BESIDE : REF_BACK;
	p->ref = is_beside ? beside : back;
}

static inline void say_ref(struct predict_coder *c, const struct prediction *p, uint64_t address)
{
	if (p->ref_mode == REF_ADDRESS)
		say_address(c, address);
	else
		say(c, COLUMN_REFS, p->ref_mode == REF_BACK ? (uint64_t)p->ref - 1 : zigzag(p->ref));
}

/* ---- where a block lies ---- */

static uint8_t search_bin(const struct model_bin *b, uint64_t address, uint32_t *ret_depth)
{
	for (uint32_t depth = 1; depth < b->held; depth++) {
		if (bin_at(b, depth) == address) {
			*ret_depth = depth;
			return PLACE_HELD;
		}
	}
	return PLACE_FAR;
}

static inline uint8_t place_of(const struct model *m, const struct model_bin *b, uint64_t address, uint32_t *ret_depth)
{
	if (b->held && bin_at(b, 0) == address)
		return PLACE_BIN;
	if (address == m->next_address)
		return PLACE_NEXT;
	if (address == m->fresh_address)
		return PLACE_FRESH;
	return b->held ? search_bin(b, address, ret_depth) : PLACE_FAR;
}

static inline void settle_place(struct predict_coder *c, struct model_bin *b, const struct prediction *p, uint8_t bin,
				uint32_t depth, uint64_t address)
{
	if (p->place == PLACE_BIN || p->place == PLACE_HELD)
		bin_take(b, depth);
	model_born(&c->model, p, bin, address);
}

/* ---- what the model did not expect ---- */

static uint8_t node_source(const struct model *m, const struct model_context *context,
			   const struct prediction *p)
{
	const bool is_next = m->next[m->last_node % MODEL_SITES] == p->node;
	const bool is_same = (int)(context_class(context) == p->class) & (int)(context_node(context) == p->node);

	return is_same ? NODE_CONTEXT : is_next ? NODE_NEXT :
						  NODE_SAID;
}

static void say_node(struct predict_coder *c, const struct prediction *p)
{
	say(c, COLUMN_NODES, zigzag((int64_t)p->node - (int64_t)c->model.last_node));
}

static void say_place(struct predict_coder *c, const struct prediction *p, uint32_t depth,
		      uint64_t address)
{
	if (p->place == PLACE_HELD)
		say_byte(c, COLUMN_DEPTHS, (uint8_t)depth);
	else if (p->place == PLACE_FAR)
		say_address(c, address);
}

static void say_allocation(struct predict_coder *c, const struct model_context *context,
			   const struct prediction *p, uint32_t depth, uint64_t address)
{
	const struct model_site *const site = &c->model.sites[p->node % MODEL_SITES];
	const uint8_t from = node_source(&c->model, context, p);
	const bool is_same = (context_class(context) == p->class) & (context->size == p->size);
	const uint8_t size_from = is_same ? SIZE_CONTEXT : site->size == p->size ? SIZE_SITE :
										   SIZE_SAID;

	if (site->node != p->node || site->kind != p->kind) {
		say_byte(c, COLUMN_OPS, OP_ALLOCATE_NEW + p->place);
		say_byte(c, COLUMN_OTHERS, p->kind);
		say_node(c, p);
		say(c, COLUMN_SIZES, p->size);
		say_place(c, p, depth, address);
		return;
	}
	say_byte(c, COLUMN_OPS,
		 (uint8_t)(OP_ALLOCATE + (from * SIZE_SOURCES + size_from) * PLACE_SAME + p->place));
	if (from == NODE_SAID)
		say_node(c, p);
	if (size_from == SIZE_SAID)
		say(c, COLUMN_SIZES, p->size);
	say_place(c, p, depth, address);
}

static void say_reallocation(struct predict_coder *c, const struct model_context *context,
			     const struct prediction *p, uint32_t depth, const struct trk_event *e)
{
	const uint8_t from = node_source(&c->model, context, p);

	say_byte(c, COLUMN_OPS,
		 (uint8_t)(OP_REALLOCATE + (from * PLACES + p->place) * REFS + p->ref_mode));
	if (from == NODE_SAID)
		say_node(c, p);
	say(c, COLUMN_SIZES, p->size);
	say_ref(c, p, e->old_address);
	say_place(c, p, depth, e->address);
}

/* ---- events ---- */

/* As far as is known, the event's allocation takes the place of a block that was never released. */
static void say_lost(struct predict_coder *c, const struct trk_event *e)
{
	const uint32_t number = number_of(&c->model, e, e->address);

	end_run(c);
	say_byte(c, COLUMN_OPS, OP_LOST + (number ? REF_BACK : REF_ADDRESS));
	if (number)
		say(c, COLUMN_REFS, e->ref - 1);
}

static inline void encode_allocation(struct predict_coder *c, const struct trk_event *e)
{
	struct model *const m = &c->model;
	struct model_context *const context = model_context(m);
	const uint8_t bin = model_bin_of(e->size);
	struct model_bin *const b = &m->bins[bin];
	struct prediction p = { .class = CLASS_ALLOCATE, .kind = e->kind, .node = e->node, .size = e->size };
	uint32_t depth = 0;

	if (e->ref != TRK_REF_NONE)
		say_lost(c, e);
	p.place = place_of(m, b, e->address, &depth);
	if (p.place < PLACE_HELD && context_is(context, &p)) {
		c->run++;
	} else {
		end_run(c);
		say_allocation(c, context, &p, depth, e->address);
		context_set(context, &p);
	}
	settle_place(c, b, &p, bin, depth, e->address);
	model_learn(m, &p);
}

static inline void encode_release(struct predict_coder *c, const struct trk_event *e)
{
	struct model *const m = &c->model;
	struct model_context *const context = model_context(m);
	const uint32_t number = number_of(m, e, e->address);
	uint8_t *const usual = &m->release_kinds[m->blocks[number].kind & 15];
	struct prediction p = { .class = CLASS_RELEASE, .kind = e->kind };

	expect_ref(m, &p, number);
	if (number && context_is(context, &p)) {
		c->run++;
	} else {
		end_run(c);
		say_byte(c, COLUMN_OPS,
			 (uint8_t)((*usual == p.kind ? OP_RELEASE : OP_RELEASE_KIND) + p.ref_mode));
		if (*usual != p.kind)
			say_byte(c, COLUMN_OTHERS, p.kind);
		say_ref(c, &p, e->address);
		*usual = p.kind;
		context_set(context, &p);
	}
	if (number)
		model_released(m, number, true);
	model_learn(m, &p);
}

static void encode_reallocation(struct predict_coder *c, const struct trk_event *e)
{
	struct model *const m = &c->model;
	struct model_context *const context = model_context(m);
	const uint8_t bin = model_bin_of(e->size);
	struct model_bin *const b = &m->bins[bin];
	const uint32_t number = number_of(m, e, e->old_address);
	struct prediction p = { .class = CLASS_REALLOCATE, .kind = e->kind, .node = e->node, .size = e->size, .place = PLACE_SAME };
	uint32_t depth = 0;

	expect_ref(m, &p, number);
	if (e->address != e->old_address)
		p.place = place_of(m, b, e->address, &depth);
	if (number && p.place != PLACE_HELD && p.place != PLACE_FAR && context_is(context, &p)) {
		c->run++;
	} else {
		end_run(c);
		say_reallocation(c, context, &p, depth, e);
		context_set(context, &p);
	}
	settle_place(c, b, &p, bin, depth, e->address);
	if (number)
		model_released(m, number, p.place != PLACE_SAME);
	model_learn(m, &p);
}

/* Any other event stands as it would in an EVENTS block. */
static void encode_other(struct predict_coder *c, const struct trk_event *e)
{
	struct column *const k = &c->columns[COLUMN_OTHERS];
	const uint32_t number = number_of(&c->model, e, e->old_address);
	const struct prediction p = { .class = CLASS_OTHER };

	end_run(c);
	say_byte(c, COLUMN_OPS, number ? OP_OTHER_REF : OP_OTHER);
	if (number)
		say(c, COLUMN_REFS, e->ref - 1);
	c->other.time_ns = c->time_ns;
	c->other.thread = c->thread;
	k->at = event_encode(&c->other, &(struct trk_event){
						.kind = e->kind,
						.call = e->call,
						.time_ns = c->time_ns,
						.thread = c->thread,
						.node = e->node,
						.address = e->address,
						.size = e->size,
						.old_address = e->old_address,
						.old_size = e->old_size,
						.label = e->label,
						.label_bytes = e->label_bytes,
						.domain = e->domain,
						.detail = e->detail,
					},
			     k->at);
	context_set(model_context(&c->model), &p);
	model_learn(&c->model, &p);
}

int predict_encode(struct predict_coder *c, const struct trk_event *events, uint32_t count)
{
	for (size_t i = 0; i < COLUMNS; i++) {
		const size_t each = i == COLUMN_OTHERS ? OTHERS_EVENT_MAX : COLUMN_EVENT_MAX;

		if (reserve(&c->columns[i], count * each))
			return TRK_ERR_NOMEM;
	}
	if (reserve(&c->columns[COLUMN_OPS], count * COLUMN_EVENT_MAX + PREDICT_EVENTS_MAX / RUN_MAX))
		return TRK_ERR_NOMEM;
	if (model_reserve(&c->model, c->model.count + count))
		return TRK_ERR_NOMEM;

	uint32_t number = c->items;

	c->items += count;
	for (const struct trk_event *e = events; e < events + count; e++) {
		say_moment(c, e, number++);
		switch (model_class_of(e)) {
		case CLASS_ALLOCATE:
			encode_allocation(c, e);
			break;
		case CLASS_RELEASE:
			encode_release(c, e);
			break;
		case CLASS_REALLOCATE:
			encode_reallocation(c, e);
			break;
		default:
			encode_other(c, e);
		}
	}
	return 0;
}

const uint8_t *predict_end(struct predict_coder *c, uint32_t *ret_bytes, uint32_t *ret_items,
			   uint64_t *ret_last_time_ns)
{
	uint8_t *p;

	if (c->items) /* else the columns may have no room: there was no memory */
		end_run(c);
	if (!c->payload)
		c->payload = malloc(PREDICT_PAYLOAD_MAX);
	p = c->payload;
	if (!p)
		return NULL;
	for (size_t i = 0; i < COLUMNS; i++)
		p = put_varint(p, used(&c->columns[i]));
	for (size_t i = 0; i < COLUMNS; i++) {
		const size_t size = used(&c->columns[i]);

		if (size)
			memcpy(p, c->columns[i].bytes, size);
		p += size;
	}
	*ret_bytes = (uint32_t)(p - c->payload);
	*ret_items = c->items;
	*ret_last_time_ns = c->time_ns;
	return c->payload;
}
