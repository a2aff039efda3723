/*
 * memo - the last stack of a thread, and what of a new one it already tells.
 *
 * Inside the target's malloc(). A step of a walk takes (pc, sp, bp) of a frame to those of its caller. It is a function
 * of these and of the stack words that it reads at addresses computed from them, as long as the unwind tables stay
 * (code that is unloaded changes the generation, and nothing is kept then).
 *
 * Joined: if a frame's (pc, sp, bp) equals a remembered one and every word that the remembered walk read from
 * there to the root still holds its value, then by induction the full walk would take the same steps. Nothing is
 * assumed about what the program did meanwhile: longjmp, exceptions and alloca only change words. bp may be left out of
 * the comparison, and a saved bp out of the words, where no older frame reads it (needs_bp): programs use it as a loop
 * variable, and comparing it would fail for nothing. Walks over signal frames, over frames with other registers and on
 * foreign stacks are not remembered.
 *
 * Alike: stacks of one program mostly differ in which calls were made, not in where their frames stand. If a frame's
 * sp equals a remembered one (and its bp, where that is needed), and the rule of its pc is the one that the remembered
 * frame was left by, then the step reads the same words. So the next pc stands where the remembered one stood, sp
 * of its frame is the remembered one, and so is bp where it is needed, if the saved bp that are needed (slots) are what
 * they were. By induction all frames stand where they stood as long as each one's rule, that of the pc that is found in
 * its place now, equals the remembered rule, down to the first frame that may be joined. All these pcs are known
 * beforehand, and none of the comparisons hangs on another: that is why this is fast. Where a rule differs, the step
 * is made by that rule, and so on until a frame comes to stand where a remembered one stood. Only plain rules take
 * part (rule_pack); of anything else nothing is done here, and the walk finds out.
 */
#include "memo.h"

#include "rules.h"
#include "unwind.h"

/* Not 0: the word there is not what it was. */
static inline uintptr_t difference(uintptr_t address, uintptr_t was)
{
	return *(const uintptr_t *)address ^ was;
}

/*
 * Where the pc of a frame stands: below its sp, or at the place from which the step that leads to the frame reads it.
 * The rule of the frame that it called tells that place. That frame is younger. So if the rules of frames are
 * compared from the youngest on, each place is known when its frame is looked at.
 */
static inline uintptr_t place_of(const struct memo *m, size_t i)
{
	return ARCH_RA_BELOW_CFA ? m->sp[i] - 8 : m->place[i];
}

static inline void put_place(struct memo *m, size_t i, uintptr_t place)
{
	if (!ARCH_RA_BELOW_CFA)
		m->place[i] = place;
}

static inline uintptr_t pc_at(uintptr_t place)
{
	return arch_code_address(*(const uintptr_t *)place);
}

#define BLOCK 8u

static inline uintptr_t pc_difference(const struct thread *t, size_t i)
{
	const uintptr_t word = *(const uintptr_t *)place_of(&t->memo, i);

	if (ARCH_RA_BELOW_CFA || word == t->sent[i]) /* or it is the mark of a cut, which is no address */
		return word ^ t->sent[i];
	return arch_code_address(word) ^ t->sent[i];
}

static inline uintptr_t block_difference(const struct thread *t, size_t first)
{
	uintptr_t different = 0;

#pragma GCC unroll 8
	for (uint32_t i = 0; i < BLOCK; i++)
		different |= pc_difference(t, first + i);
	return different;
}

/* The oldest of the remembered frames below `top` whose return address changed. `top`: none changed. */
static inline uint32_t first_changed(const struct thread *t, uint32_t top)
{
	size_t i = 0;

	while (i + BLOCK <= top && !block_difference(t, i))
		i += BLOCK;
	/* the rest of a whole block is nearly always unchanged, too */
	if (i + BLOCK > top && top >= BLOCK && !block_difference(t, top - BLOCK))
		return top;
	while (i < top && !pc_difference(t, i))
		i++;
	return (uint32_t)i;
}

/* The youngest frame, `top` or an older one, from which down to the root the words of all slots are unchanged. */
static inline uint32_t slots_hold(const struct memo *m, uint32_t top)
{
	for (uint32_t i = 0; i < m->slot_count && m->slots[i].frame <= top; i++)
		if (difference(m->slots[i].address, m->slots[i].value))
			return m->slots[i].frame - 1; /* that frame's step read the word */
	return top;
}

/* All of the remembered stack is on the thread's own stack, above the present frame, so it may be read. */
uint32_t memo_joinable(const struct thread *t, uint32_t top)
{
	return first_changed(t, slots_hold(&t->memo, top));
}

/* ---- remembering ---- */

static void remember_slot(struct memo *m, uint32_t frame, uintptr_t address, uintptr_t value)
{
	m->slots[m->slot_count++] = (struct slot){ address, value, frame };
}

/* Remembers frame i, whose step leads to frame i - 1, which is remembered already. */
static void remember_frame(struct memo *m, uint32_t i, const struct walked *w, uint32_t generation)
{
	const struct rule_step *const r = &w->step;
	const bool older_needs = i && m->needs_bp[i - 1];

	m->sp[i] = w->sp;
	m->bp[i] = w->bp;
	m->packed[i] = rule_pack(r, generation);
	m->needs_bp[i] = r->kind == RULE_BP || r->kind == RULE_BP_DEREF || r->kind == RULE_FRAME ||
			 (older_needs && r->bp != RULE_BP_AT_CFA);
	if (!i)
		return;
	put_place(m, i - 1, arch_ra_slot(r->ra, m->sp[i - 1]));
	if (r->kind == RULE_BP_DEREF)
		remember_slot(m, i, w->bp + (uintptr_t)(intptr_t)r->cfa_offset, m->sp[i - 1]);
	if (older_needs && r->bp != RULE_BP_SAME)
		remember_slot(m, i,
			      (r->bp == RULE_BP_AT_CFA ? m->sp[i - 1] : w->bp) +
				      (uintptr_t)(intptr_t)r->bp_offset,
			      m->bp[i - 1]);
}

/* Forgets all but the oldest `kept` frames of the last stack. */
static void forget_above(struct memo *m, uint32_t kept)
{
	if (kept < m->guessed_from)
		m->guessed_from = 0;
	while (m->slot_count && (kept == 0 || m->slots[m->slot_count - 1].frame >= kept))
		m->slot_count--;
}

void memo_take(struct thread *t, uint32_t kept, uint32_t n)
{
	struct memo *const m = &t->memo;
	const uint32_t room = memo_slots();

	if (!t->memorable) {
		m->depth = 0;
		return;
	}
	forget_above(m, kept);
	/* The call in the frame at the cut is another one now, so older frames may be others, too. */
	if (unlikely(t->deep) && !kept && n > 1) {
		const uintptr_t place = arch_ra_slot(t->walked[n - 2].step.ra, t->walked[n - 1].sp);

		remember_slot(m, 1, place, *(const uintptr_t *)place);
	}
	for (uint32_t i = n; i-- > 0;) {
		if (unlikely(m->slot_count + SLOTS_OF_A_FRAME > room)) {
			m->depth = 0;
			return;
		}
		remember_frame(m, kept + (n - 1 - i), &t->walked[i], t->code_generation);
		if (unlikely(rule_is_guess(t->walked[i].step.kind)) && !m->guessed_from)
			m->guessed_from = kept + (n - i);
	}
	/* The mark of a cut has no return address. `first_changed` finds it all the same. */
	if (unlikely(t->deep) && !kept) {
		m->sp[0] = (uintptr_t)(&t->mark + 1);
		put_place(m, 0, (uintptr_t)&t->mark);
	}
	m->depth = kept + n;
	m->deep = t->deep;
}

/* ---- stacks alike ---- */

/*
 * A stack that is being compared: the frame at hand, and the frames that were walked one by one so far, at
 * walk[0..n).
 */
struct comparison {
	struct thread *t;
	uintptr_t pc, sp, bp, low;
	uint32_t n;
	uint32_t candidates; /* the walk may still meet so many of the oldest remembered frames */
	uint32_t same; /* so many of the oldest frames have the pc that they had; UINT32_MAX: not known yet */
};

static inline void put_walked(struct comparison *c, uintptr_t pc, uintptr_t sp, uint32_t packed)
{
	c->t->walk[c->n] = pc;
	c->t->walked[c->n++] = (struct walked){ .sp = sp, .bp = c->bp, .packed = packed };
}

/* The bp of the caller's frame, to which `packed` leads from the frame with that CFA. */
static inline bool load_bp(struct comparison *c, uintptr_t cfa, uint32_t packed)
{
	const uintptr_t below = packed_bp_below(packed), at = cfa - below;

	if (!below)
		return true;
	if (unlikely(at < c->low))
		return false;
	c->bp = *(const uintptr_t *)at;
	return true;
}

/* The packed rule of pc. PACKED_NONE: it is not a plain rule. */
static __attribute__((noinline)) uint32_t packed_of(struct thread *t, uintptr_t pc)
{
	struct rule room;
	uint32_t packed;

	if (pc < 4096)
		return PACKED_NONE;
	packed = rule_pack(&rules_get(t, pc, false, &room)->step, t->code_generation);
	if (packed != PACKED_NONE && !packed_unfit(pc))
		packed_put(pc, packed);
	return packed;
}

/* Makes one step by the rule of pc. */
static inline bool step_packed(struct comparison *c)
{
	const uint64_t mixed = packed_mix(c->pc), entry = packed_load(mixed);
	uint32_t packed = (uint32_t)entry;
	uintptr_t cfa;

	if (unlikely(entry != packed_entry(mixed, packed) || packed_is_of_others(packed, c->t->code_generation) ||
		     packed_unfit(c->pc)))
		packed = packed_of(c->t, c->pc);
	if (unlikely(packed == PACKED_NONE || c->n >= state.nframe))
		return false;
	cfa = (packed & PACKED_BY_BP ? c->bp : c->sp) + packed_cfa(packed);
	if (unlikely(cfa <= c->sp || cfa > c->t->stack_top || cfa % sizeof(uintptr_t)))
		return false;
	put_walked(c, c->pc, c->sp, packed);
	if (!load_bp(c, cfa, packed))
		return false;
	c->pc = pc_at(packed_place_of_pc(packed, cfa));
	c->sp = cfa;
	return true;
}

/*
 * Compares the rules of the pcs that stand in the places of the remembered frames [first, end) with the rules that
 * these frames were left by. The pcs go to found[]. Returns the youngest frame whose rule differs, + 1; first: none
 * differs.
 */
static inline uint32_t same_rules(const struct memo *m, uint32_t first, uint32_t end, uintptr_t *found)
{
	_Atomic uint64_t *const table = rules_packed;

	while (end > first) {
		const size_t begin = end - first > BLOCK ? end - BLOCK : first;
		uint64_t different = 0;
		uintptr_t pcs = 0; /* bits of any of them */

		for (size_t i = begin; i < end; i++) {
			const uintptr_t pc = pc_at(place_of(m, i));

			found[i] = pc;
			pcs |= pc;
			different |= packed_difference_if_fit(table, pc, m->packed[i]);
		}
		if (unlikely(different | packed_unfit(pcs)))
			while (end-- > begin)
				if (packed_difference(found[end], m->packed[end]))
					return end + 1;
		end = (uint32_t)begin;
	}
	return first;
}

/*
 * Takes the frames [first, candidates) of the memo, in whose places other pcs stand now. False: one of them has
 * another rule. Then the younger ones count as walked, and that one is the frame at hand.
 */
static inline bool take_places(struct comparison *c, uint32_t first)
{
	const struct memo *const m = &c->t->memo;
	uintptr_t *const found = c->t->found;
	const uint32_t top = c->candidates - 1;
	uint32_t other = c->candidates;

	found[top] = c->pc;
	if (likely(!packed_difference(c->pc, m->packed[top])))
		other = same_rules(m, first, top, found);
	if (likely(other == first))
		return true;
	for (uint32_t i = top + 1; i-- > other;) {
		put_walked(c, found[i], m->sp[i], m->packed[i]);
		if (unlikely(!load_bp(c, m->sp[i - 1], m->packed[i]))) {
			c->candidates = 0;
			return false;
		}
	}
	c->candidates = other;
	c->pc = found[other - 1];
	c->sp = m->sp[other - 1];
	return false;
}

/*
 * The frame at hand stands where the youngest candidate stood. True: everything older is known. *ret: so many frames
 * are those of the last stack, of the c->candidates whose places are the same.
 */
static inline bool meet(struct comparison *c, uint32_t *ret)
{
	const struct thread *const t = c->t;
	const uint32_t top = c->candidates - 1;

	if (c->same == UINT32_MAX) {
		const uint32_t hold = slots_hold(&t->memo, top);

		c->same = first_changed(t, hold);
		if (unlikely(hold < top)) {
			c->candidates = hold + 1;
			return false;
		}
	}
	if (c->same >= top && c->pc == t->sent[top]) {
		*ret = top + 1;
		return true;
	}
	*ret = c->same < top ? c->same : top;
	return c->n + top + 1 < state.nframe && take_places(c, *ret);
}

/* Puts the frames that were walked one by one on top of the oldest `kept`. */
static void push_walked(struct thread *t, uint32_t kept, uint32_t n)
{
	struct memo *const m = &t->memo;
	bool needed = m->needs_bp[kept - 1];

	forget_above(m, kept);
	while (n-- > 0) {
		const struct walked *const w = &t->walked[n];
		const uintptr_t below = packed_bp_below(w->packed);

		put_place(m, kept - 1, packed_place_of_pc(w->packed, m->sp[kept - 1]));
		if (needed && below)
			remember_slot(m, kept, m->sp[kept - 1] - below, m->bp[kept - 1]);
		needed = w->packed & PACKED_BY_BP || (needed && !below);
		t->sent[kept] = t->walk[n];
		m->sp[kept] = w->sp;
		m->bp[kept] = w->bp;
		m->needs_bp[kept] = needed;
		m->packed[kept++] = w->packed;
	}
	m->depth = kept;
}

/*
 * Makes the new stack: `same` frames of the last one, then other frames in the places of the last one's up to `kept`,
 * then n walked ones.
 */
static inline struct change take_alike(struct thread *t, uint32_t same, uint32_t kept, uint32_t n)
{
	const uint32_t last = t->sent_depth, depth = kept + n;

	for (uint32_t i = same; i < kept; i++)
		t->sent[i] = t->found[i];
	if (n || kept != t->memo.depth)
		push_walked(t, kept, n);
	t->sent_depth = depth;
	t->kept = same;
	return (struct change){ .end = t->sent + depth, .pops = last - same, .pushes = depth - same };
}

bool memo_alike(struct thread *t, const struct site *at, struct change *ret)
{
	const struct memo *const m = &t->memo;
	struct comparison c = { .t = t, .pc = at->pc, .sp = at->sp, .bp = at->bp, .low = at->sp, .candidates = m->depth, .same = UINT32_MAX };
	uint32_t same;

	if (unlikely(!m->depth || m->deep || !walk_on_own_stack(t, at->sp) || at->sp % sizeof(uintptr_t)))
		return false;
	for (;;) {
		while (c.candidates && m->sp[c.candidates - 1] < c.sp)
			c.candidates--;
		if (unlikely(!c.candidates))
			return false;
		if (m->sp[c.candidates - 1] == c.sp &&
		    (!m->needs_bp[c.candidates - 1] || m->bp[c.candidates - 1] == c.bp) && meet(&c, &same))
			break;
		if (unlikely(!step_packed(&c)))
			return false;
	}
	if (unlikely(c.candidates + c.n > state.nframe || m->slot_count + c.n > memo_slots()))
		return false;
	*ret = take_alike(t, same, c.candidates, c.n);
	return true;
}
