/*
 * known - stacks that a thread has sent before, found again without a walk and sent as numbers.
 *
 * Inside the target's malloc(). Programs come back to the same stacks again and again. What the memo (memo.c) proves about
 * the last stack holds for any earlier one: if pc, sp and, where it is needed, bp of the hook's caller are what they were, and every
 * word that the walk read then still holds its value, then by induction a walk would take the same steps now. Nothing is assumed about
 * what the program did meanwhile. So each stack would have to be compared with many. To find the one, what a walk read is kept in two parts:
 *
 *   the shape: pc, sp and bp of the caller; the places of all older return addresses; the other words that were read (slots). It is
 *     found by pc and sp.
 *   the stack: the return addresses that stood in the places of one shape. The one that was found last in its shape is compared
 *     with what stands there now; if it is another one, it is found by a hash, and then compared.
 *
 * Only what the memo remembers is kept, without steps that were guessed. Then the rule of each step is a function of the return address alone, as long
 * as no code is unloaded. When it is, the thread's code_generation changes, and nothing is known any more. Of code that is in no module (made at run
 * time) nothing is known, because other code may come to stand there.
 *
 * Shapes and stacks are kept when they are met the second time. If few stacks are found again, looking for them pauses, so that a program whose
 * stacks never come again loses little.
 */
#include "known.h"

#include <string.h>

#include "rules.h"

#define WAITS_FIRST 512u
#define WAITS_PAUSE 65536u
#define TRIAL 4096u /* of so many stacks ... */
#define TRIAL_HITS 2048u /* ... so many must be found, or looking pauses */
#define FULL_HITS 3584u /* ... or, if there is no room for more, all is forgotten, because others may come now */
#define REFUSALS 32u /* so many stacks led through code in no module, and more are not looked at */
#define FACTOR 0x9e3779b97f4a7c15ull
#define STEP 0xd6e8feb86659fd92ull /* even: so all multiples of it, added to FACTOR, are odd */

struct shape {
	uintptr_t pc, sp, bp; /* of the youngest frame */
	uint32_t depth, slots;
	uint32_t needs_bp;
	uint32_t last; /* where the stack begins that was found last; 0: none was */
	uintptr_t words[]; /* places of the return addresses of all older frames, oldest first; then address and value of each slot */
};

struct stack {
	uint32_t shape; /* where it begins */
	uint32_t number; /* of its place, which may be another stack's by now */
	uintptr_t pcs[]; /* of all frames but the youngest, oldest first */
};

#define SHAPE_WORDS (sizeof(struct shape) / sizeof(uint64_t))

static struct shape *shape_at(struct known *k, uint32_t at)
{
	return (struct shape *)(k->words + at);
}

static struct stack *stack_at(struct known *k, uint32_t at)
{
	return (struct stack *)(k->words + at);
}

void known_clear(struct thread *t)
{
	t->known_waits = WAITS_FIRST;
}

void known_unlearn(struct known *k, uint32_t number)
{
	k->stacks[number].at = 0;
}

static void begin_anew(struct known *k)
{
	memset(k->shapes, 0, sizeof(k->shapes));
	memset(k->stacks, 0, sizeof(k->stacks));
	memset(k->words, 0, sizeof(struct shape)); /* what an empty place leads to: a shape of no pc */
	k->used = SHAPE_WORDS;
	k->looks = k->hits = k->refused = k->shape = 0;
}

static bool is_full(const struct known *k)
{
	return KNOWN_WORDS - k->used < SHAPE_WORDS + 4 * KNOWN_DEPTH_MAX;
}

/* False: nothing is looked for. */
static __attribute__((noinline)) bool wait_or_judge(struct thread *t)
{
	struct known *const k = t->known;

	if (t->known_waits) {
		if (--t->known_waits == 0)
			begin_anew(k);
		return false;
	}
	if (k->hits < TRIAL_HITS)
		t->known_waits = WAITS_PAUSE;
	else if (is_full(k) && k->hits < FULL_HITS)
		begin_anew(k);
	k->looks = k->hits = 0;
	return !t->known_waits;
}

static inline uint64_t shape_hash(const struct site *at)
{
	return (at->pc ^ at->sp * FACTOR) * STEP * FACTOR;
}

/* Of two places beside each other, the one of that hash; if there is none, the second. */
static inline struct known_place *place_of_hash(struct known_place *two, uint64_t hash)
{
	return &two[two[0].hash != (uint32_t)hash];
}

static inline struct known_place *shape_places(struct known *k, uint64_t hash)
{
	return &k->shapes[hash >> 32 & (KNOWN_SHAPES - 2)];
}

static inline struct known_place *stack_places(struct known *k, uint64_t hash)
{
	return &k->stacks[hash >> 32 & (KNOWN_STACKS - 2)];
}

static inline bool slots_hold(const uintptr_t *slots, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (*(const uintptr_t *)slots[2 * i] != slots[2 * i + 1])
			return false;
	return true;
}

/* Reads the return addresses in n places. The steps of the sum do not wait for each other. */
static inline uint64_t read_places(const uintptr_t *places, uint32_t n, uintptr_t *ret, uint64_t from)
{
	uint64_t sum = from, factor = FACTOR;

#pragma GCC unroll 4
	for (size_t i = 0; i < n; i++, factor += STEP) {
		ret[i] = arch_code_address(*(const uintptr_t *)places[i]);
		sum += ret[i] * factor;
	}
	sum ^= sum >> 29;
	return sum * FACTOR;
}

static inline bool same_pcs(const uintptr_t *a, const uintptr_t *b, uint32_t n)
{
	uintptr_t different = 0;

	for (size_t i = 0; i < n; i++)
		different |= a[i] ^ b[i];
	return !different;
}

#define BLOCK 8u

static inline bool block_stands(const uintptr_t *places, const uintptr_t *pcs)
{
	uintptr_t different = 0;

#pragma GCC unroll 8
	for (size_t i = 0; i < BLOCK; i++)
		different |= arch_code_address(*(const uintptr_t *)places[i]) ^ pcs[i];
	return !different;
}

/* Whether the return addresses stand in n places. The last block overlaps the one before. */
static inline bool pcs_stand(const uintptr_t *places, const uintptr_t *pcs, uint32_t n)
{
	size_t i = 0;

	for (; i + BLOCK <= n; i += BLOCK)
		if (!block_stands(places + i, pcs + i))
			return false;
	if (i < n && n >= BLOCK)
		return block_stands(places + n - BLOCK, pcs + n - BLOCK);
	for (; i < n; i++)
		if (arch_code_address(*(const uintptr_t *)places[i]) != pcs[i])
			return false;
	return true;
}

/* The number + 1 of a stack of that shape. 0: it is none that is known. */
static inline uint32_t find_in(struct known *k, const struct shape *s, uint32_t shape_from, uintptr_t *room)
{
	const uint32_t n = s->depth - 1;
	const struct known_place *place;
	const struct stack *found;

	k->hash = read_places(s->words, n, room, shape_from);
	place = place_of_hash(stack_places(k, k->hash), k->hash);
	found = stack_at(k, place->at);
	if (place->hash != (uint32_t)k->hash || !place->at || found->shape != shape_from || !same_pcs(found->pcs, room, n))
		return 0;
	return found->number + 1;
}

uint32_t known_find(struct thread *t, const struct site *at)
{
	struct known *const k = t->known;

	if (unlikely(t->known_waits || k->looks == TRIAL) && !wait_or_judge(t))
		return 0;

	const uint64_t hash = shape_hash(at);
	const uint32_t shape_from = place_of_hash(shape_places(k, hash), hash)->at;
	struct shape *const s = shape_at(k, shape_from);
	uint32_t number;

	k->looks++;
	k->shape = 0;
	if (s->pc != at->pc || s->sp != at->sp || (s->needs_bp && s->bp != at->bp) || unlikely(!slots_hold(s->words + s->depth - 1, s->slots)))
		return 0;
	k->shape = shape_from;

	const struct stack *const last = stack_at(k, s->last);

	if (s->last && pcs_stand(s->words, last->pcs, s->depth - 1) && k->stacks[last->number].at == s->last) {
		k->hits++;
		return last->number + 1;
	}
	number = find_in(k, s, shape_from, t->found);
	if (number) {
		s->last = k->stacks[number - 1].at;
		k->hits++;
	}
	return number;
}

uint32_t known_walk(struct thread *t, const struct site *at, uint32_t number)
{
	const struct stack *const found = stack_at(t->known, t->known->stacks[number].at);
	const uint32_t depth = shape_at(t->known, found->shape)->depth;

	t->walk[0] = at->pc;
	for (uint32_t i = 1; i < depth; i++)
		t->walk[i] = found->pcs[depth - 1 - i];
	return depth;
}

/* ---- learning ---- */

/* Whether a stack like that may be known at all. */
static bool is_fit(const struct thread *t, const struct site *at)
{
	const struct memo *const m = &t->memo;

	return m->depth > 1 && m->depth <= KNOWN_DEPTH_MAX && m->depth == t->sent_depth && !m->deep && !m->guessed_from &&
	       m->slot_count <= KNOWN_DEPTH_MAX && m->sp[m->depth - 1] == at->sp && t->sent[m->depth - 1] == at->pc &&
	       t->code_generation == atomic_load_explicit(&state.code_generation, memory_order_acquire);
}

static bool is_in_modules(const struct thread *t)
{
	for (uint32_t i = 0; i < t->memo.depth; i++)
		if (!rules_is_of_module(t->sent[i]))
			return false;
	return true;
}

static uintptr_t place_of(const struct memo *m, uint32_t i)
{
	return ARCH_RA_BELOW_CFA ? m->sp[i] - 8 : m->place[i];
}

static bool is_of_shape(const struct memo *m, const struct shape *s)
{
	const uintptr_t *const slots = s->words + s->depth - 1;
	uintptr_t different = (m->depth ^ s->depth) | (m->slot_count ^ s->slots) | (m->needs_bp[m->depth - 1] ^ (uintptr_t)s->needs_bp);

	if (different)
		return false;
	for (uint32_t i = 0; i + 1 < m->depth; i++)
		different |= place_of(m, i) ^ s->words[i];
	for (uint32_t i = 0; i < m->slot_count; i++)
		different |= (m->slots[i].address ^ slots[2 * i]) | (m->slots[i].value ^ slots[2 * i + 1]);
	return !different;
}

/* The place of what is met again. NULL: it is met for the first time, and took one of the places. */
static struct known_place *place_again(struct known_place *two, uint64_t hash)
{
	struct known_place *place = place_of_hash(two, hash);

	if (place->hash == (uint32_t)hash)
		return place;
	place = !two[0].at ? &two[0] : !two[1].at ? &two[1] :
						    &two[hash >> 63];
	*place = (struct known_place){ .hash = (uint32_t)hash };
	return NULL;
}

static void keep_shape(struct known *k, const struct memo *m, const struct site *at)
{
	const uint64_t hash = shape_hash(at);
	struct known_place *const place = place_again(shape_places(k, hash), hash);
	struct shape *const s = shape_at(k, k->used);
	uintptr_t *word = s->words;

	if (!place)
		return;
	*s = (struct shape){ at->pc, at->sp, at->bp, m->depth, m->slot_count, m->needs_bp[m->depth - 1], 0 };
	for (uint32_t i = 0; i + 1 < m->depth; i++)
		*word++ = place_of(m, i);
	for (uint32_t i = 0; i < m->slot_count; i++) {
		*word++ = m->slots[i].address;
		*word++ = m->slots[i].value;
	}
	place->at = k->used;
	k->used += (uint32_t)((uint64_t *)word - (uint64_t *)s);
}

uint32_t known_learn(struct thread *t, const struct site *at)
{
	struct known *const k = t->known;

	if (t->known_waits || is_full(k) || !is_fit(t, at))
		return 0;
	if (!k->shape || !is_of_shape(&t->memo, shape_at(k, k->shape))) {
		keep_shape(k, &t->memo, at);
		return 0;
	}

	struct known_place *const place = place_again(stack_places(k, k->hash), k->hash);
	struct stack *const s = stack_at(k, k->used);

	if (!place)
		return 0;
	if (!is_in_modules(t)) {
		t->known_waits = ++k->refused == REFUSALS ? WAITS_PAUSE : 0;
		return 0;
	}
	s->shape = k->shape;
	s->number = (uint32_t)(place - k->stacks);
	for (uint32_t i = 0; i + 1 < t->memo.depth; i++)
		s->pcs[i] = t->sent[i];
	place->at = k->used;
	k->used += t->memo.depth;
	return s->number + 1;
}
