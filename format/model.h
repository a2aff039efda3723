/*
 * model - what the coder and the decoder of PREDICTED blocks both expect next.
 *
 * A private half of predict.h, specified in docs/FORMAT.md ("PREDICTED"). Both sides keep the same model of the
 * block's events so far and change it by the same steps. Only what the model did not expect is written. It expects
 * three things:
 *
 * - the event that followed the same three events last time (contexts),
 * - the stack that came after the last one, and the size and the kind that went with a stack last time (next, sites),
 * - the address: the one that was freed last of that size, or the one behind the last block. Allocators work like
 * that; none is simulated.
 *
 * Every index is masked or bounded here; the decoder checks what it reads.
 */
#ifndef TRK_MODEL_H
#define TRK_MODEL_H

#include "format/trk.h"

#define MODEL_EVENTS_MAX (1u << 17) /* of one block */
#define MODEL_CONTEXT_BITS 12u
#define MODEL_SITES 4096u
#define MODEL_BINS 64u
#define MODEL_BIN_DEPTH 32u
#define MODEL_BESIDE_MAX 16

/* The largest size that has a bin: there is one for every 16 bytes. */
#define MODEL_BIN_BYTES_MAX 1000u

enum model_class {
	CLASS_NONE, /* a context never met */
	CLASS_ALLOCATE,
	CLASS_RELEASE,
	CLASS_REALLOCATE,
	CLASS_OTHER,
};

/* Where a new block lies. */
enum model_place {
	PLACE_BIN, /* the address freed last of its bin */
	PLACE_NEXT, /* behind the last allocation */
	PLACE_FRESH, /* behind the last allocation that was in no bin */
	PLACE_HELD, /* further down in its bin */
	PLACE_FAR, /* said in full */
	PLACE_SAME, /* where it was: realloc */
	PLACES,
};

/* Which block is released. */
enum model_ref {
	REF_ADDRESS, /* none of this block's */
	REF_BACK, /* the ref-th allocation before now, 1 the last */
	REF_BESIDE, /* the allocation that is `ref` after the block that was released last */
	REFS,
};

struct prediction {
	uint64_t size;
	uint32_t node;
	int32_t ref;
	uint8_t class, kind, place, ref_mode;
};

/* A prediction as it is kept: in 16 bytes, because four thousand of them already exceed the first cache of a processor. */
struct model_context {
	uint64_t size;
	uint64_t rest; /* from the lowest bit: node 32, ref 19, class 3, kind 5, place 3, ref_mode 2 */
};

struct model_site {
	uint64_t size;
	uint32_t node;
	uint8_t kind;
};

struct model_bin {
	uint64_t addresses[MODEL_BIN_DEPTH]; /* a ring: the oldest are forgotten */
	uint32_t top, held;
};

struct model_block {
	uint64_t address;
	uint8_t kind, bin;
};

struct model {
	struct model_context contexts[1u << MODEL_CONTEXT_BITS];
	struct model_site sites[MODEL_SITES];
	uint32_t next[MODEL_SITES]; /* by node: the node of the allocation after it */
	struct model_bin bins[MODEL_BINS];
	uint8_t release_kinds[16]; /* by kind of the allocation: the kind of its release; 0: not known */
	uint64_t token, older; /* of the last event; of the two before it, weighted */
	uint64_t second; /* token of the event before the last */
	uint64_t last_address, next_address, fresh_address;
	uint32_t last_node, last_released;
	uint32_t count;
	/* The fields below are not cleared at the start of a block. */
	uint32_t room;
	struct model_block *blocks; /* the block's allocations, 1..count */
};

/* As at the start of a block. */
void model_reset(struct model *m);

/* Makes room for allocations up to that number. TRK_ERR_NOMEM. */
int model_reserve(struct model *m, uint32_t number);

void model_finish(struct model *m); /* zero-safe */

/* The kinds of the classes ALLOCATE and REALLOCATE, and of RELEASE. */
#define MODEL_ALLOCATIONS TRK_KINDS_WITH(TRK_NUMBERED)
#define MODEL_RELEASES (TRK_KINDS_WITH(TRK_RELEASES) & TRK_KINDS_TOLD(TRK_TOLD_COMMON))

static inline enum model_class model_class_of(const struct trk_event *e)
{
	if (trk_kind_among(e->kind, MODEL_RELEASES))
		return CLASS_RELEASE;
	if (!e->address || !trk_kind_among(e->kind, MODEL_ALLOCATIONS))
		return CLASS_OTHER;
	return e->old_address ? CLASS_REALLOCATE : CLASS_ALLOCATE;
}

/* ---- contexts ---- */

#define MODEL_K1 0x9e3779b97f4a7c15ull
#define MODEL_K2 0xbf58476d1ce4e5b9ull
#define MODEL_K3 0x94d049bb133111ebull
#define MODEL_W1 0xd6e8feb86659fd93ull
#define MODEL_W2 0xa0761d6478bd642full
#define MODEL_W3 0xe7037ed1a0b428dbull

#define CONTEXT_REF_BITS 19u

_Static_assert(MODEL_EVENTS_MAX + 1 < 1u << (CONTEXT_REF_BITS - 1), "a ref, with its sign, has room");

static inline uint64_t context_rest(const struct prediction *p)
{
	return p->node | ((uint64_t)(uint32_t)p->ref & ((1u << CONTEXT_REF_BITS) - 1)) << 32 | (uint64_t)p->class << 51 |
	       (uint64_t)p->kind << 54 | (uint64_t)p->place << 59 | (uint64_t)p->ref_mode << 62;
}

static inline void context_set(struct model_context *c, const struct prediction *p)
{
	c->size = p->size;
	c->rest = context_rest(p);
}

/* Whether p is what was expected. It is one comparison, because a processor would have to predict each of several. */
static inline bool context_is(const struct model_context *c, const struct prediction *p)
{
	return ((c->size ^ p->size) | (c->rest ^ context_rest(p))) == 0;
}

static inline uint8_t context_class(const struct model_context *c)
{
	return c->rest >> 51 & 7;
}

static inline uint32_t context_node(const struct model_context *c)
{
	return (uint32_t)c->rest;
}

static inline struct prediction context_prediction(const struct model_context *c)
{
	return (struct prediction){
		.size = c->size,
		.node = context_node(c),
		.class = context_class(c),
		.kind = c->rest >> 54 & 31,
		.ref = (int32_t)(c->rest >> 32 << (32 - CONTEXT_REF_BITS)) >> (32 - CONTEXT_REF_BITS),
		.place = c->rest >> 59 & 7,
		.ref_mode = (uint8_t)(c->rest >> 62),
	};
}

/* What came last time after the same three events. */
static inline struct model_context *model_context(struct model *m)
{
	return &m->contexts[(m->token * MODEL_W1 + m->older) >> (64 - MODEL_CONTEXT_BITS)];
}

static inline uint64_t model_token(const struct prediction *p)
{
	const uint64_t kind = p->class * MODEL_K3;

	if (p->class == CLASS_RELEASE)
		return (uint64_t)(int64_t)p->ref * MODEL_K1 + p->ref_mode * MODEL_K2 + kind;
	return p->node * MODEL_K1 + p->size * MODEL_K2 + kind;
}

/*
 * The event is p: prepares the model for the next event. The caller puts p into its context, which is not necessary
 * after an event that was expected.
 */
static inline void model_learn(struct model *m, const struct prediction *p)
{
	m->older = m->token * MODEL_W2 + m->second * MODEL_W3;
	m->second = m->token;
	m->token = model_token(p);
	if (p->class == CLASS_ALLOCATE || p->class == CLASS_REALLOCATE) {
		struct model_site *const site = &m->sites[p->node % MODEL_SITES];

		*site = (struct model_site){ .size = p->size, .node = p->node, .kind = p->kind };
		m->next[m->last_node % MODEL_SITES] = p->node;
		m->last_node = p->node;
	}
}

/* ---- addresses ---- */

static inline uint8_t model_bin_of(uint64_t size)
{
	const uint8_t bin = (uint8_t)((size + 23) / 16);

	return size > MODEL_BIN_BYTES_MAX ? 0 : bin > 2 ? bin :
							  2;
}

static inline void bin_push(struct model_bin *b, uint64_t address)
{
	b->addresses[b->top++ % MODEL_BIN_DEPTH] = address;
	b->held += b->held < MODEL_BIN_DEPTH;
}

/* The address below `depth` younger ones; depth < held. */
static inline uint64_t bin_at(const struct model_bin *b, uint32_t depth)
{
	return b->addresses[(b->top - 1 - depth) % MODEL_BIN_DEPTH];
}

static inline void bin_take(struct model_bin *b, uint32_t depth)
{
	b->addresses[(b->top - 1 - depth) % MODEL_BIN_DEPTH] = bin_at(b, 0);
	b->top--;
	b->held--;
}

/* p's block is now live at `address`. There must be room for its number. */
static inline void model_born(struct model *m, const struct prediction *p, uint8_t bin,
			      uint64_t address)
{
	const uint64_t room = (p->size + 23) & ~15ull, end = address + (p->size > 24 ? room : 32);
	const uint32_t number = ++m->count;

	m->last_address = address;
	m->next_address = end;
	if (p->place != PLACE_BIN && p->place != PLACE_HELD && p->place != PLACE_SAME)
		m->fresh_address = end;
	m->blocks[number] = (struct model_block){ .address = address, .kind = p->kind, .bin = bin };
}

static inline void model_released(struct model *m, uint32_t number, bool reusable)
{
	const struct model_block *const b = &m->blocks[number];

	m->last_released = number;
	if (reusable && b->bin)
		bin_push(&m->bins[b->bin], b->address);
}

#endif
