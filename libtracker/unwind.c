/*
 * unwind - the whole call stack of a hook's caller, exactly, without frame
 * pointers.
 *
 * Inside the target's malloc(): no heap, no lock, no system call. One step
 * takes (pc, sp, bp) of a frame to those of its caller by the rule of pc. A
 * frame whose rule needs other registers makes us start again as the full walk
 * (unwind_full.c), which carries all of them. A walk that cannot go on ends
 * with a pc of 0: the stack is cut there, nothing is invented.
 *
 * Stack words are read only between the frame at hand and the top of the
 * thread's stack; on foreign stacks (coroutines, signal stacks) only within a
 * megabyte above the frame, since their top is not known.
 */
#include "unwind.h"

#include <string.h>

#include "raw.h"
#include "rules.h"

#define FOREIGN_FRAME_MAX (1u << 20)
#define OWN_STACK_MAX (1ull << 30)

static uintptr_t top_for(const struct thread *t, uintptr_t sp)
{
	if (sp < t->stack_top && t->stack_top - sp <= OWN_STACK_MAX)
		return t->stack_top;
	return sp + FOREIGN_FRAME_MAX;
}

bool walk_readable(const struct walk *w, uintptr_t address)
{
	return address >= w->low && address <= w->top - sizeof(uintptr_t) &&
	       address % sizeof(uintptr_t) == 0;
}

void walk_moved(struct walk *w, uintptr_t sp)
{
	if (sp < w->low || sp >= w->top || w->foreign)
		w->top = top_for(w->thread, sp);
	w->foreign = w->top != w->thread->stack_top;
	w->low = sp;
}

/* The kernel's frame: all registers of the interrupted place stand at fixed offsets above sp. */
static bool step_signal(struct walk *w)
{
	const uintptr_t pc_at = w->sp + arch_signal_offset[REG_RA];

	if (!walk_readable(w, pc_at))
		return false;
	w->pc = *(const uintptr_t *)pc_at;
	w->bp = *(const uintptr_t *)(w->sp + arch_signal_offset[REG_BP]);
	w->sp = *(const uintptr_t *)(w->sp + arch_signal_offset[REG_SP]);
	w->exact = true;
	walk_moved(w, w->sp);
	return true;
}

static bool step(struct walk *w, const struct rule *r)
{
	uintptr_t cfa, bp_at;

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
	default: return false;
	}
	if (cfa <= w->sp || !walk_readable(w, cfa - 8))
		return false;
	if (r->bp != RULE_BP_SAME) {
		bp_at = (r->bp == RULE_BP_AT_CFA ? cfa : w->bp) + (uintptr_t)(intptr_t)r->bp_offset;
		if (!walk_readable(w, bp_at))
			return false;
		w->bp = *(const uintptr_t *)bp_at;
	}
	w->pc = *(const uintptr_t *)(cfa - 8);
	w->sp = cfa;
	w->exact = false;
	if (w->foreign)
		walk_moved(w, cfa);
	return true;
}

/* Follows the rules from *w on, appending to t->walk from n. Returns the number of frames. */
static uint32_t walk(struct walk *w, uint32_t n, uint8_t *ret_end)
{
	struct thread *const t = w->thread;
	struct rule rooms[2], *room = &rooms[0];
	const struct rule *r = NULL;

	for (;; n++) {
		const uintptr_t key = rule_key(w->pc, w->exact);
		const struct rule *next = r ? rules_follow(r, key) : NULL;

		if (w->pc < 4096) {
			*ret_end = RULE_END; /* glibc's thread and context roots return to 0 */
			return n;
		}
		if (n == state.nframe) {
			*ret_end = RULE_SP; /* there is more */
			return n;
		}
		t->walk[n] = w->pc;
		if (!next) {
			room = room == &rooms[0] ? &rooms[1] : &rooms[0];
			next = rules_get(t, w->pc, w->exact, room);
			if (r)
				rules_link(r, next);
		}
		r = next;
		if (!step(w, r)) {
			/* ld.so's entry has no unwind information, but it stands where the stack began. */
			*ret_end = w->sp == state.main_stack_top ? RULE_END : r->kind;
			return n + 1;
		}
	}
}

uint32_t unwind(struct thread *t, const struct site *at)
{
	struct walk w = { .thread = t, .pc = at->pc, .sp = at->sp, .bp = at->bp, .low = at->sp };
	uint8_t end;
	uint32_t n;

	if (unlikely(state.reference_unwinder))
		return unwind_reference(t, at);
	w.top = top_for(t, at->sp);
	w.foreign = w.top != t->stack_top;
	n = walk(&w, 0, &end);
	if (end == RULE_IRREGULAR)
		n = unwind_full(t, at, &end);
	if (end != RULE_END) {
		/* Cut: room for the mark is kept by nframe + 1 slots. */
		t->walk[n++] = 0;
		atomic_fetch_add_explicit(&state.process->truncated_stacks, 1, memory_order_relaxed);
	}
	if (unlikely(state.verify_unwinder))
		unwind_verify(t, at, n);
	return n;
}

void unwind_code_unloaded(void)
{
	if (rules_unloaded())
		atomic_fetch_add(&state.code_generation, 1);
}

void unwind_forked(struct thread *t)
{
	state.announce_modules = false;
	rules_announce(t);
}

bool unwind_start(void)
{
	if (state.reference_unwinder || state.verify_unwinder)
		unwind_reference_start();
	return rules_start();
}
