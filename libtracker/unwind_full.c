/*
 * unwind_full - the walk that carries every register, by interpreting each frame's CFI. It is for frames whose CFA
 * depends on other registers than sp and bp (one row in five hundred, almost never at a call).
 */
#include <string.h>

#include "cfi.h"
#include "debug_frame.h"
#include "registered.h"
#include "rules.h"
#include "unwind.h"

static bool readable(void *data, uintptr_t address)
{
	return walk_readable(data, address);
}

static bool read_word(const struct walk *w, uintptr_t address, uintptr_t *ret)
{
	if (!walk_readable(w, address))
		return false;
	*ret = *(const uintptr_t *)address;
	return true;
}

static bool find_cfa(struct walk *w, const struct cfi_scratch *s, uintptr_t *ret)
{
	const struct cfi_row *const row = &s->row;

	if (row->cfa.how == CFI_REGISTER) {
		*ret = s->regs[row->cfa_reg] + (uintptr_t)row->cfa.value;
		return true;
	}
	return row->cfa.how == CFI_EXPRESSION &&
	       cfi_expression((const uint8_t *)(intptr_t)row->cfa.value, s->regs, false, 0, readable, w,
			      ret) == 0;
}

/* RULE_SP, or the kind of frame at which the walk ends here. */
static uint8_t find_register(struct walk *w, const struct cfi_scratch *s, unsigned i, uintptr_t cfa,
			     uintptr_t *ret)
{
	const int64_t value = s->row.reg[i].value;
	const uint8_t *const block = (const uint8_t *)(intptr_t)value;
	uintptr_t address = cfa + (uintptr_t)value;

	switch (s->row.reg[i].how) {
	case CFI_SAME: *ret = i == REG_SP ? cfa : s->regs[i]; return RULE_SP;
	case CFI_IS_CFA: *ret = address; return RULE_SP;
	case CFI_REGISTER:
		if (value >= REG_COUNT)
			return RULE_IRREGULAR;
		*ret = s->regs[value];
		return RULE_SP;
	case CFI_IS_EXPRESSION:
		return cfi_expression(block, s->regs, true, cfa, readable, w, ret) == 0 ? RULE_SP :
											  RULE_IRREGULAR;
	case CFI_EXPRESSION:
		if (cfi_expression(block, s->regs, true, cfa, readable, w, &address) != 0)
			return RULE_IRREGULAR;
		break;
	case CFI_AT_CFA: break;
	default: *ret = 0; return i == REG_RA ? RULE_IRREGULAR : RULE_SP;
	}
	return read_word(w, address, ret) ? RULE_SP : RULE_OFF_STACK;
}

static uint8_t kernel_frame(struct walk *w, struct cfi_scratch *s)
{
	const uintptr_t sp = s->regs[REG_SP];

	for (unsigned i = 0; i < REG_COUNT; i++)
		if (!read_word(w, sp + arch_signal_offset[i], &s->next[i]))
			return RULE_OFF_STACK;
	return RULE_SP;
}

static uint8_t ordinary_frame(struct walk *w, struct cfi_scratch *s)
{
	uintptr_t cfa;
	uint8_t end = RULE_SP;

	if (!find_cfa(w, s, &cfa))
		return RULE_IRREGULAR;
	w->sp = s->regs[REG_SP];
	if (!walk_reach(w, cfa))
		return RULE_OFF_STACK;
	for (unsigned i = 0; i < REG_COUNT && end == RULE_SP; i++)
		end = find_register(w, s, i, cfa, &s->next[i]);
	s->next[REG_PC] = arch_code_address(s->next[REG_RA]);
	return end;
}

/* A step by the frame's unwind information: computes s->next. *ret_kernel: it is the kernel's signal frame. */
static uint8_t known_frame(struct walk *w, struct cfi_scratch *s, bool *ret_kernel)
{
	const uintptr_t pc = s->regs[REG_PC], at = w->exact ? pc : pc - 1;
	struct cfi_module m;
	struct cfi_fde f;

	if (!cfi_module_at(at, &m)) {
		if (!registered_at(w->thread, at, &f))
			return RULE_NONE;
	} else if (cfi_fde_at(&m, at, &f) != 0 && !debug_frame_at(w->thread, &m, at, &f))
		return !w->exact && cfi_fde_at(&m, pc, &f) == 0 && f.start == pc ? RULE_END : RULE_NONE;
	if (f.ra_reg != REG_RA || cfi_row_at(&f, at, s) != 0)
		return RULE_IRREGULAR;
	if (s->row.reg[REG_RA].how == CFI_UNDEFINED)
		return RULE_END;
	*ret_kernel = f.signal_frame && rules_is_kernel_frame(&s->row);

	const uint8_t end = *ret_kernel ? kernel_frame(w, s) : ordinary_frame(w, s);

	w->exact = f.signal_frame;
	return end;
}

/* Then only those three registers are known, so nothing may depend on others. */
static uint8_t unknown_frame(struct walk *w, struct cfi_scratch *s, const struct rule_step *r)
{
	uint8_t end;

	w->pc = s->regs[REG_PC];
	w->sp = s->regs[REG_SP];
	w->bp = s->regs[REG_BP];
	end = walk_step_guess(w, r);
	w->exact = false;
	memcpy(s->next, s->regs, sizeof(s->next));
	s->next[REG_PC] = w->pc;
	s->next[REG_SP] = w->sp;
	s->next[REG_BP] = w->bp;
	return end;
}

/*
 * Goes one frame up: s->regs becomes the caller's. *ret_kernel: it was the kernel's frame. Returns RULE_SP to go on,
 * or the kind of frame that ended the walk.
 */
static uint8_t step_full(struct walk *w, struct cfi_scratch *s, const struct rule_step *r, bool *ret_kernel)
{
	bool kernel = r->kind == RULE_SIGNAL;
	uint8_t end;

	if (rule_is_guess(r->kind))
		end = unknown_frame(w, s, r);
	else if (w->guessed && r->kind == RULE_IRREGULAR)
		end = RULE_IRREGULAR;
	else
		end = kernel ? RULE_NONE : known_frame(w, s, &kernel);
	if (r->kind == RULE_SIGNAL || (end == RULE_NONE && walk_at_signal_frame(w, s->regs[REG_SP]))) {
		end = kernel_frame(w, s);
		kernel = w->exact = true;
	}
	if (end != RULE_SP)
		return end;
	memcpy(s->regs, s->next, sizeof(s->regs));
	walk_moved(w, s->regs[REG_SP]);
	if (kernel)
		w->low -= RED_ZONE;
	*ret_kernel = kernel;
	return RULE_SP;
}

__attribute__((noinline)) uint32_t unwind_full(struct walk *w, const struct site *at,
					       uint8_t *ret_end)
{
	struct thread *const t = w->thread;
	struct cfi_scratch *const s = &t->cfi;
	struct rule room;
	uint32_t n = 0;
	bool ours = true;

	*w = (struct walk){ .thread = t, .exact = true };
	memset(s->regs, 0, sizeof(s->regs));
	ARCH_REGISTERS_HERE(s->regs);
	walk_moved(w, s->regs[REG_SP]);
	*ret_end = RULE_SP;
	while (*ret_end == RULE_SP) {
		const uintptr_t pc = s->regs[REG_PC];
		const struct rule_step ours_own = { .kind = RULE_IRREGULAR }, *r = &ours_own;

		if (ours && pc == at->pc && s->regs[REG_SP] == at->sp)
			ours = false;
		if (!ours) {
			if (pc < 4096) {
				*ret_end = RULE_END;
				break;
			}
			if (n == state.nframe + state.nframe_slack / 2) {
				*ret_end = RULE_DEEP;
				w->pc = pc;
				w->sp = s->regs[REG_SP];
				w->bp = s->regs[REG_BP];
				break;
			}
			t->walk[n++] = pc + w->exact;
			/* This also makes its module known. */
			r = &rules_get(t, pc, w->exact, &room)->step;
		}

		const bool was_exact = w->exact;
		bool kernel = false;

		*ret_end = step_full(w, s, r, &kernel);
		if (!ours)
			t->walk[n - 1] += kernel && !was_exact; /* the trampoline */
	}
	return n;
}
