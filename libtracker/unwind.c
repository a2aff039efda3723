/*
 * unwind - the whole call stack of a hook's caller, exactly, without frame
 * pointers, in the time of what changed since the thread's last one.
 *
 * Inside the target's malloc(): no heap, no lock, no system call. One step
 * takes (pc, sp, bp) of a frame to those of its caller by the rule of pc. A
 * frame whose rule needs other registers makes us start again as the full walk
 * (unwind_full.c), which carries all of them. A walk that cannot go on ends
 * with a pc of 0: the stack is cut there; one that is as deep as it may be, with how many frames are older. Where no unwind information covers a pc, the
 * frame pointer is tried (step_frame_pointer), or the size of the frame (step_sized), and the stack counted as guessed.
 *
 * Between two allocations almost all of the stack is unchanged, so the last one is remembered: memo.c, with the
 * proof that what is taken from there is what this walk would find. What is left is walked here, up to the
 * first frame that both share.
 *
 * What is sent of a frame is its return address, which readers look up one byte
 * before. A pc that a signal interrupted is no return address, nor is that of the
 * kernel's trampoline, which nobody called: of those pc + 1 is sent.
 *
 * Stack words are read only between the frame at hand and the top of the
 * thread's stack; on foreign stacks (coroutines, signal stacks) only within a
 * megabyte above the frame, since their top is not known. From a foreign stack a
 * frame may lead back to the thread's own, wherever that lies; never the other way.
 */
#include "unwind.h"

#include <string.h>

#include "code.h"
#include "memo.h"
#include "python_frames.h"
#include "raw.h"
#include "rules.h"
#include "thread.h"

#define FOREIGN_FRAME_MAX (1u << 20)

static uintptr_t top_for(const struct thread *t, uintptr_t sp)
{
	return walk_on_own_stack(t, sp) ? t->stack_top : sp + FOREIGN_FRAME_MAX;
}

bool walk_readable(const struct walk *w, uintptr_t address)
{
	return address >= w->low && address <= w->top - sizeof(uintptr_t) &&
	       address % sizeof(uintptr_t) == 0;
}

void walk_moved(struct walk *w, uintptr_t sp)
{
	if (w->bounded) {
		w->low = sp;
		return;
	}
	if (sp < w->low || sp >= w->top || w->foreign)
		w->top = top_for(w->thread, sp);
	w->foreign = w->top != w->thread->stack_top;
	w->low = sp;
}

/* If a function went over to another stack, its saved registers lie at most so far below its CFA. */
#define SWITCH_FRAME_BYTES 512u

bool walk_reach(struct walk *w, uintptr_t cfa)
{
	/* A function may have no frame at all at the place where a signal stopped it. */
	if (!w->foreign || w->bounded || !walk_on_own_stack(w->thread, cfa))
		return cfa > w->sp || (w->exact && cfa == w->sp);
	walk_moved(w, cfa);
	w->low -= SWITCH_FRAME_BYTES;
	return true;
}

/* The kernel's frame: all registers of the interrupted place stand at fixed offsets above sp. */
static bool step_signal(struct walk *w)
{
	const uintptr_t pc_at = w->sp + arch_signal_offset[REG_PC];

	if (!walk_readable(w, pc_at))
		return false;
	w->pc = *(const uintptr_t *)pc_at;
	w->bp = *(const uintptr_t *)(w->sp + arch_signal_offset[REG_BP]);
	w->sp = *(const uintptr_t *)(w->sp + arch_signal_offset[REG_SP]);
	w->exact = true;
	walk_moved(w, w->sp);
	w->low -= RED_ZONE;
	return true;
}

bool walk_at_signal_frame(const struct walk *w, uintptr_t sp)
{
	const uintptr_t at = sp + ARCH_SIGNAL_WORD_OFFSET;

	return ARCH_SIGNAL_WORD && walk_readable(w, at) && *(const uintptr_t *)at == ARCH_SIGNAL_WORD;
}

static bool step(struct walk *w, const struct rule_step *r)
{
	uintptr_t cfa, bp_at, ra_at;

	switch (r->kind) {
	case RULE_SP: cfa = w->sp + (uintptr_t)(intptr_t)r->cfa_offset; break;
	case RULE_BP: cfa = w->bp + (uintptr_t)(intptr_t)r->cfa_offset; break;
	case RULE_BP_DEREF:
		cfa = w->bp + (uintptr_t)(intptr_t)r->cfa_offset;
		if (!walk_readable(w, cfa))
			return false;
		cfa = *(const uintptr_t *)cfa;
		break;
	case RULE_SIGNAL: return step_signal(w);
	case RULE_NONE: return walk_at_signal_frame(w, w->sp) && step_signal(w);
	default: return false;
	}
	ra_at = arch_ra_slot(r->ra, cfa);
	if (unlikely(!walk_reach(w, cfa) || !walk_readable(w, ra_at)))
		return false;
	if (r->bp != RULE_BP_SAME) {
		bp_at = (r->bp == RULE_BP_AT_CFA ? cfa : w->bp) + (uintptr_t)(intptr_t)r->bp_offset;
		if (unlikely(!walk_readable(w, bp_at)))
			return false;
		w->bp = *(const uintptr_t *)bp_at;
	}
	w->pc = arch_code_address(*(const uintptr_t *)ra_at);
	w->sp = cfa;
	w->exact = false;
	if (unlikely(w->foreign))
		walk_moved(w, cfa);
	return true;
}

/* ---- the walk ---- */

/* The remembered frames that the walk may still reach: the oldest `count`. */
struct candidates {
	uint32_t count;
	bool unchanged; /* all of them are known to be joinable */
};

/*
 * Whether the walk has reached a frame of the last stack. Then c->count is the number of frames to keep. The words
 * are looked at once in a walk, from the root up: the frames that may be joined at the first candidate are all that
 * may be joined at all.
 */
static inline bool try_join(const struct thread *t, uintptr_t pc, uintptr_t sp, uintptr_t bp, struct candidates *c)
{
	const struct memo *const m = &t->memo;
	uint32_t n = c->count, limit;

	while (n && m->sp[n - 1] < sp)
		n--;
	c->count = n;
	if (!n || m->sp[n - 1] != sp || t->sent[n - 1] != pc || (m->needs_bp[n - 1] && m->bp[n - 1] != bp))
		return false;
	if (c->unchanged)
		return true;
	limit = memo_joinable(t, n - 1);
	*c = (struct candidates){ limit + 1, true };
	return limit == n - 1;
}

/*
 * The ordinary step, all in registers: on the thread's own stack, the CFA from sp or bp, bp kept or saved below the
 * CFA. False: nothing was done, and step() takes over.
 */
static inline bool step_plain(const struct walk *w, const struct rule_step *r, uintptr_t *pc,
			      uintptr_t *sp, uintptr_t *bp)
{
	const uintptr_t cfa = (r->kind == RULE_SP ? *sp : *bp) + (uintptr_t)(intptr_t)r->cfa_offset;
	const uintptr_t bp_at = cfa + (uintptr_t)(intptr_t)r->bp_offset;
	const uintptr_t ra_at = arch_ra_slot(r->ra, cfa);

	if (unlikely(w->foreign || r->kind > RULE_BP || r->bp > RULE_BP_AT_CFA || cfa <= *sp ||
		     cfa > w->top || (cfa | bp_at) % sizeof(uintptr_t)))
		return false;
	if (!ARCH_RA_BELOW_CFA && unlikely(!walk_readable(w, ra_at)))
		return false;
	if (r->bp == RULE_BP_AT_CFA) {
		if (unlikely(bp_at < w->low || bp_at >= w->top))
			return false;
		*bp = *(const uintptr_t *)bp_at;
	}
	*pc = arch_code_address(*(const uintptr_t *)ra_at);
	*sp = cfa;
	return true;
}

static inline void stand_at(struct walk *w, uintptr_t pc, uintptr_t sp, uintptr_t bp)
{
	w->pc = pc;
	w->sp = sp;
	w->bp = bp;
}

static inline void note_walked(struct walked *f, uintptr_t sp, uintptr_t bp, const struct rule_step *step)
{
	f->sp = sp;
	f->bp = bp;
	f->step = *step;
}

/* The words of signal frames are not remembered. */
static void note_interrupted(struct thread *t, uint8_t kind)
{
	if (kind != RULE_SIGNAL && kind != RULE_NONE && kind != RULE_GO)
		return;
	t->memorable = false;
	t->no_python |= kind != RULE_GO;
}

/*
 * Follows the rules from *w on. Returns the number of new frames. *kept: so many frames of the last stack lie below
 * them.
 */
static uint32_t walk(struct walk *w, uint32_t *kept, uint8_t *ret_end)
{
	struct thread *const t = w->thread;
	struct rule rooms[2], *room = &rooms[0];
	const struct rule *r = NULL;
	struct candidates candidates = { .count = *kept };
	uintptr_t pc = w->pc, sp = w->sp, bp = w->bp;

	*kept = 0;
	for (uint32_t n = 0;; n++) {
		const uintptr_t key = rule_key(pc, w->exact);
		const struct rule *next;

		/* pc + exact: a frame that a signal interrupted where a remembered call returns to is another frame */
		if (candidates.count && try_join(t, pc + w->exact, sp, bp, &candidates)) {
			*kept = candidates.count;
			*ret_end = RULE_END;
			return n;
		}
		if (unlikely(pc < 4096)) {
			*ret_end = RULE_END; /* glibc's thread and context roots return to 0 */
			return n;
		}
		if (unlikely(n == state.nframe + state.nframe_slack / 2)) {
			*ret_end = RULE_DEEP;
			t->walked[n] = (struct walked){ .sp = sp, .bp = bp, .step.kind = RULE_END };
			stand_at(w, pc, sp, bp);
			return n;
		}
		next = r ? rules_follow(r, key) : NULL;
		if (!next) {
			room = room == &rooms[0] ? &rooms[1] : &rooms[0];
			next = rules_get(t, pc, w->exact, room);
			if (r)
				rules_link(r, next);
		}
		r = next;
		t->walk[n] = pc + w->exact;
		note_walked(&t->walked[n], sp, bp, &r->step);
		w->exact = false;
		if (likely(step_plain(w, &r->step, &pc, &sp, &bp)))
			continue;
		stand_at(w, pc, sp, bp);
		note_interrupted(t, r->step.kind);
		if (rule_is_guess(r->step.kind)) {
			*ret_end = walk_step_guess(w, &r->step);
			if (*ret_end != RULE_SP)
				return n + 1;
		} else if (!step(w, &r->step)) {
			/* ld.so's entry has no unwind information, but it stands where the stack began. */
			*ret_end = w->sp == state.main_stack_top ? RULE_END : r->step.kind;
			return n + 1;
		}
		t->walk[n] += w->exact && !(key & 1); /* the trampoline */
		pc = w->pc;
		sp = w->sp;
		bp = w->bp;
	}
}

/* ---- how deep a stack is that is cut ---- */

/*
 * Whether the frame at w was counted from before. If so, forgets the frames that are younger, which a stack that goes
 * on from here does not have. Frames are compared by pc, sp and bp. Whether older frames have changed is not checked,
 * because the cut is there to save that work.
 */
static bool find_counted(const struct walk *w, uint32_t *ret_older)
{
	struct thread *const t = w->thread;
	uint32_t n = t->counted_count;

	while (n && t->counted[n - 1].sp < w->sp)
		n--;
	t->counted_count = n;
	if (!n || t->counted[n - 1].sp != w->sp || t->counted[n - 1].pc != w->pc || t->counted[n - 1].bp != w->bp)
		return false;
	*ret_older = t->counted[n - 1].older;
	return true;
}

/* If there are many, every second one stays, so that they reach down to the root. */
static void remember_count(struct thread *t, const struct walk *at, uint32_t older)
{
	if (t->counted_count && t->counted[t->counted_count - 1].sp <= at->sp)
		t->counted_count--;
	if (t->counted_count == COUNTED_MAX) {
		t->counted_count /= 2;
		for (uint32_t i = 0; i < t->counted_count; i++)
			t->counted[i] = t->counted[2 * i];
	}
	t->counted[t->counted_count++] = (struct counted){ at->pc, at->sp, at->bp, older };
}

/* False: the walk ended here, or cannot go on. *ret_known: the stack began here. */
static bool step_older(struct walk *w, bool *ret_known)
{
	struct rule room;
	const struct rule *const r = rules_get(w->thread, w->pc, w->exact, &room);
	uint8_t end = RULE_SP;

	w->exact = false;
	if (rule_is_guess(r->step.kind))
		end = walk_step_guess(w, &r->step);
	else if (!step(w, &r->step))
		end = w->sp == state.main_stack_top ? (uint8_t)RULE_END : r->step.kind;
	*ret_known = end == RULE_END;
	return end == RULE_SP;
}

/*
 * How many frames there are from w, where the stack is cut, to its root. 0: not known, because the walk does not get
 * there.
 */
static uint32_t count_older(const struct walk *cut)
{
	struct thread *const t = cut->thread;
	const bool guessed = t->guessed; /* of what is kept */
	struct walk w = *cut;
	uint32_t n = 0, older = 0;
	bool known = true;

	while (w.pc >= 4096 && (w.foreign || !find_counted(&w, &older)) && n < WIRE_OLDER_MAX) {
		n++;
		if (!step_older(&w, &known))
			break;
		known = true;
	}
	t->guessed = guessed;
	n += older;
	if (!known || n >= WIRE_OLDER_MAX)
		return 0;
	if (!cut->foreign)
		remember_count(t, cut, n);
	return n;
}

/*
 * A stack that ended for another reason than its root is marked by a pc of 0, or by a pc that says how many frames
 * are older. A stack that was only too deep can be remembered all the same.
 */
static uint32_t cut(struct thread *t, const struct walk *w, uint32_t n, uint8_t end)
{
	const enum shm_cut why = end == RULE_DEEP      ? SHM_CUT_DEPTH :
				 end == RULE_NONE      ? SHM_CUT_NO_INFO :
				 end == RULE_IRREGULAR ? SHM_CUT_RULE :
							 SHM_CUT_STACK;
	const uint32_t older = end == RULE_DEEP ? count_older(w) : 0;

	t->mark = older ? WIRE_CUT + older : 0;
	t->walk[n] = t->mark;
	t->deep = why == SHM_CUT_DEPTH;
	t->memorable &= t->deep;
	atomic_fetch_add_explicit(&state.process->truncated_stacks[why], 1, memory_order_relaxed);
	return n + 1;
}

/*
 * A stack deeper than nframe is cut, and the place of the cut stays for a while: a stack that grows or shrinks by a
 * frame shall not become a different one from its root on. So between nframe and nframe + slack frames are kept.
 * False: the stack has too many frames, or it was cut and has too few.
 */
static bool fits(const struct thread *t, uint32_t kept, uint32_t n)
{
	if (!kept || !t->memo.deep)
		return kept + n <= state.nframe + state.nframe_slack;
	return kept - 1 + n <= state.nframe + state.nframe_slack && kept - 1 + n >= state.nframe;
}

/*
 * The *ret_kept oldest frames are those of the last stack (t->sent). The others are put into t->walk, most recent
 * first; returns how many. A pc of 0 as the oldest means that the stack was cut there.
 */
static uint32_t walk_stack(struct thread *t, const struct site *at, uint32_t *ret_kept)
{
	struct walk w = { .thread = t, .pc = at->pc, .sp = at->sp, .bp = at->bp, .low = at->sp };
	uint8_t end;
	uint32_t n;

	*ret_kept = 0;
	if (unlikely(state.reference_unwinder)) {
		t->memorable = false;
		return unwind_reference(t, at);
	}
	w.top = top_for(t, at->sp);
	w.foreign = w.top != t->stack_top;
	t->memorable = !w.foreign;
	t->deep = t->guessed = t->no_python = false;
	*ret_kept = w.foreign ? 0 : t->memo.depth;
	n = walk(&w, ret_kept, &end);
	if (unlikely(!fits(t, *ret_kept, n))) {
		w = (struct walk){ .thread = t, .pc = at->pc, .sp = at->sp, .bp = at->bp, .low = at->sp, .top = w.top, .foreign = w.foreign };
		*ret_kept = 0;
		n = walk(&w, ret_kept, &end);
	}
	if (unlikely(end == RULE_IRREGULAR)) {
		t->memorable = false;
		t->no_python = true;
		n = unwind_full(&w, at, &end);
	}
	if (unlikely(end != RULE_END)) {
		n = cut(t, &w, n, end);
	} else if (unlikely(*ret_kept && t->memo.deep)) {
		t->deep = true;
		atomic_fetch_add_explicit(&state.process->truncated_stacks[SHM_CUT_DEPTH], 1,
					  memory_order_relaxed);
	}
	if (unlikely(t->guessed || t->memo.guessed_from - 1 < *ret_kept)) {
		atomic_fetch_add_explicit(&state.process->guessed_stacks, 1, memory_order_relaxed);
		return n; /* no oracle knows better */
	}
	if (unlikely(state.verify_unwinder))
		unwind_verify(t, at, *ret_kept, n);
	return n;
}

/* Makes the stack with t->walk[0..n) on top of the `kept` oldest frames of the last one the last one. */
static struct change take_walked(struct thread *t, uint32_t kept, uint32_t n)
{
	const uint32_t depth = kept + n, last = t->sent_depth;
	uint32_t same = kept;

	while (same < depth && same < last && t->sent[same] == t->walk[depth - 1 - same])
		same++;
	for (uint32_t i = same; i < depth; i++)
		t->sent[i] = t->walk[depth - 1 - i];
	t->sent_depth = depth;
	t->kept = kept;
	return (struct change){ .end = t->sent + depth, .pops = last - same, .pushes = depth - same };
}

struct change unwind(struct thread *t, const struct site *at)
{
	struct change c;
	uint32_t kept, n;

	if (likely(memo_alike(t, at, &c))) {
		if (unlikely(t->memo.guessed_from - 1 < t->sent_depth))
			atomic_fetch_add_explicit(&state.process->guessed_stacks, 1, memory_order_relaxed);
		else if (unlikely(state.verify_unwinder))
			unwind_verify(t, at, t->sent_depth, 0);
		return c;
	}
	n = walk_stack(t, at, &kept);
	memo_take(t, kept, n);
	return take_walked(t, kept, n);
}

void unwind_code_unloaded(void)
{
	if (rules_forget_unloaded())
		atomic_fetch_add(&state.code_generation, 1);
}

void unwind_forked(struct thread *t)
{
	state.announce_modules = false;
	python_tell_again();
	rules_announce(t);
}

bool unwind_start(void)
{
	if (state.reference_unwinder || state.verify_unwinder)
		unwind_reference_start();
	return rules_start();
}
