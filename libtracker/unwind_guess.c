/*
 * unwind_guess - steps over frames that no unwind information describes: by a frame pointer, by the size of the
 * frame, or over to a goroutine's stack. rules.c says which code that is. Ordinary steps of a walk do not
 * come here.
 */
#include "unwind.h"

#include "code.h"
#include "raw.h"
#include "rules.h"

/*
 * Making a rule anew takes as long as so many steps. After some failures it is done only so seldom that its cost does
 * not count.
 */
#define RENEWAL_STEPS 256u
#define RENEWALS_IN_VAIN 16u

/*
 * The code at pc may have been freed, and other code may stand there now; or it could not be read. Makes the rule
 * anew. True: it is another rule.
 */
static bool renew(struct thread *t, uintptr_t pc, const struct rule_step *tried, struct rule_step *ret)
{
	if (t->doubt >= RENEWALS_IN_VAIN * RENEWAL_STEPS || !code_is_mapped(pc - 1))
		return false;
	if (rules_renew(t, pc, tried, ret))
		return true;
	t->doubt += RENEWAL_STEPS;
	return false;
}

/* Whether a call ends before that code, and the walk can go on from there. */
static bool is_return(struct thread *t, uintptr_t pc)
{
	struct rule room;
	const struct rule *const r = pc < 4096 ? NULL : rules_get(t, pc, false, &room);
	struct rule_step anew;

	if (!r || !r->follows_call)
		return false;
	return r->step.kind != RULE_NONE || (renew(t, pc, &r->step, &anew) && anew.kind != RULE_NONE);
}

/*
 * The step by the frame pointer. bp points into this stack, above sp, to the caller's bp and the return address. The
 * return address must be one: code that a call ends before. All of this depends on sp, bp, the words of the stack,
 * and what is code, so such a step may be remembered as any other. In a chain of such frames, the outermost is the
 * one with a caller's bp of 0, as the ABI says. In Go, the outermost has a return address that is none.
 */
static uint8_t step_frame_pointer(struct walk *w, const struct rule_step *r, bool chain)
{
	const uintptr_t kept_at = w->bp + (uintptr_t)(intptr_t)r->cfa_offset;
	uintptr_t pc;

	if (chain && w->bp == 0)
		return RULE_END;
	if (w->bp < w->sp || !walk_readable(w, w->bp) || !walk_readable(w, w->bp + 8))
		return RULE_NONE;
	pc = ((const uintptr_t *)w->bp)[1];
	if (!is_return(w->thread, pc))
		return chain && *(const uintptr_t *)w->bp == 0 ? RULE_END : RULE_NONE;
	w->pc = pc;
	w->sp = w->framed_sp = w->bp + ARCH_FRAME_BYTES;
	w->before = r->cfa_offset && walk_readable(w, kept_at) ? *(const uintptr_t *)kept_at : w->sp;
	w->bp = *(const uintptr_t *)w->bp;
	return RULE_SP;
}

/*
 * What Java's interpreter makes of arguments and locals lies below the sp that a compiled caller had: so many bytes at
 * most.
 */
#define EXTENSION_MAX 65536u

static bool leave_sized(struct walk *w, uintptr_t sp, const struct rule_step *r)
{
	const uintptr_t cfa = sp + (uintptr_t)r->cfa_offset;
	const uintptr_t *const saved = (const uintptr_t *)cfa - 2; /* bp, or another word, and the return address */
	const bool has_bp = r->bp == RULE_BP_AT_CFA;
	uintptr_t pc;

	if (sp % ARCH_STACK_ALIGNMENT || (has_bp && !walk_readable(w, (uintptr_t)saved)) || !walk_readable(w, (uintptr_t)(saved + 1)))
		return false;
	pc = arch_code_address(saved[1]);
	if (!is_return(w->thread, pc))
		return false;
	if (has_bp)
		w->bp = saved[0];
	w->pc = pc;
	w->sp = cfa;
	return true;
}

/*
 * The step by the size of the frame. The word there must be a return address, because another method may stand in the
 * code's place since the rule was made. If the interpreter was called, it has kept the caller's sp. That word is not
 * remembered, because it stays as long as the interpreter's frame does.
 */
static uint8_t step_sized(struct walk *w, const struct rule_step *r)
{
	const uintptr_t before = w->sp == w->framed_sp ? w->before : w->sp;
	const bool extended = before > w->sp && before - w->sp <= EXTENSION_MAX && before % ARCH_STACK_ALIGNMENT == 0;

	return leave_sized(w, extended ? before : w->sp, r) ? RULE_SP : RULE_NONE;
}

/*
 * runtime.asmcgocall, on the thread's stack. The goroutine's g says where the goroutine's own stack lies, and how
 * deep it was. The frame has no bytes: the return address is the word at which that stack was left. bp is the
 * caller's.
 */
static uint8_t step_go(struct walk *w, bool here)
{
	const uintptr_t g_at = w->sp + ARCH_GO_G, depth_at = w->sp + ARCH_GO_DEPTH;
	const uintptr_t *g; /* is alive as long as the goroutine; begins with stack.lo, stack.hi */
	uintptr_t sp;

	if (w->bounded || !walk_readable(w, g_at) || !walk_readable(w, depth_at))
		return RULE_NONE;
	g = *(const uintptr_t *const *)g_at;
	sp = here ? *(const uintptr_t *)depth_at : g[1] - *(const uintptr_t *)depth_at;
	if (here ? !walk_readable(w, sp) : sp < g[0] || sp >= g[1] || sp % sizeof(uintptr_t))
		return RULE_NONE;
	w->pc = *(const uintptr_t *)sp;
	w->sp = sp + sizeof(uintptr_t);
	if (!here) {
		w->top = g[1];
		w->foreign = w->bounded = true;
	}
	w->low = w->sp;
	return w->pc >= 4096 ? RULE_SP : RULE_NONE;
}

static uint8_t try_guess(struct walk *w, const struct rule_step *r)
{
	switch (r->kind) {
	case RULE_GO: return step_go(w, r->cfa_offset);
	case RULE_SIZED: return step_sized(w, r);
	case RULE_FRAME: return step_frame_pointer(w, r, w->guessed);
	default: return RULE_NONE;
	}
}

/* The walk does not say by which rule it went on from here, so it is not remembered. */
static uint8_t try_anew(struct walk *w, const struct rule_step *tried)
{
	struct rule_step anew;

	if (!renew(w->thread, w->pc, tried, &anew))
		return RULE_NONE;
	w->thread->memorable = false;
	return try_guess(w, &anew);
}

uint8_t walk_step_guess(struct walk *w, const struct rule_step *r)
{
	uint8_t end;

	if (w->sp == state.main_stack_top) /* the loader's entry stands where the stack began */
		return RULE_END;
	end = try_guess(w, r);
	if (end == RULE_NONE)
		end = try_anew(w, r);
	if (end != RULE_SP)
		return end;
	w->thread->doubt -= w->thread->doubt > 0;
	w->guessed = w->thread->guessed = true;
	if (w->foreign)
		walk_moved(w, w->sp);
	return RULE_SP;
}
