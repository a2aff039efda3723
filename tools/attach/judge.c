/* judge - see judge.h. */
#include "tools/attach/judge.h"

#include "libtracker/cfi.h"

#include <stdlib.h>
#include <string.h>

#define STACK_BYTES_MAX (16u << 20)
#define FRAMES_MAX 100000u

struct walk_from {
	const struct target *t;
	const struct images *all;
	const struct ground *ground;
	uint64_t low, high; /* of the copy */
	uint8_t *copy;
	struct cfi_scratch cfi;
	bool exact; /* the thread stands at the pc: it does not return there */
	struct image *unread;
};

static bool nothing_readable(void *data, uintptr_t address)
{
	(void)data, (void)address;
	return false;
}

static bool word_at(const struct walk_from *w, uint64_t at, uintptr_t *ret)
{
	if (at < w->low || at > w->high - 8)
		return false;
	memcpy(ret, w->copy + (at - w->low), 8);
	return true;
}

static bool find_cfa(const struct walk_from *w, uintptr_t *ret)
{
	const struct cfi_scratch *const s = &w->cfi;

	if (s->row.cfa.how == CFI_REGISTER) {
		*ret = s->regs[s->row.cfa_reg] + (uintptr_t)s->row.cfa.value;
		return true;
	}
	return s->row.cfa.how == CFI_EXPRESSION &&
	       cfi_expression((const uint8_t *)(intptr_t)s->row.cfa.value, s->regs, false, 0, nothing_readable, NULL, ret) == 0;
}

/* A register that cannot be known is 0: a rule that needs it leads nowhere. */
static uintptr_t caller_register(const struct walk_from *w, unsigned i, uintptr_t cfa)
{
	const struct cfi_scratch *const s = &w->cfi;
	const int64_t value = s->row.reg[i].value;
	uintptr_t word = 0;

	switch (s->row.reg[i].how) {
	case CFI_SAME: return i == REG_SP ? cfa : s->regs[i];
	case CFI_IS_CFA: return cfa + (uintptr_t)value;
	case CFI_REGISTER: return value >= 0 && value < REG_COUNT ? s->regs[value] : 0;
	case CFI_AT_CFA: return word_at(w, cfa + (uintptr_t)value, &word) ? word : 0;
	default: return 0;
	}
}

enum step { STEP_ON,
	    STEP_END,
	    STEP_HANDLER,
	    STEP_UNREAD,
	    STEP_LOST };

static enum step step(struct walk_from *w)
{
	struct cfi_scratch *const s = &w->cfi;
	const uintptr_t pc = s->regs[REG_PC], at = w->exact ? pc : pc - 1;
	struct image *const m = images_at(w->all, at);
	struct cfi_fde f;
	uintptr_t cfa;

	w->unread = m;
	if (m && !m->copied)
		return STEP_UNREAD;
	if (!m || !m->copy)
		return STEP_LOST;
	const uintptr_t moved = (uintptr_t)m->copy - m->start;
	const struct cfi_module copy = { .start = (uintptr_t)m->copy, .end = m->end + moved, .eh_frame_hdr = (const uint8_t *)(m->eh_frame_hdr + moved) };

	if (cfi_fde_at(&copy, at + moved, &f) != 0)
		return !w->exact && cfi_fde_at(&copy, pc + moved, &f) == 0 && f.start == pc + moved ? STEP_END : STEP_LOST;
	if (f.signal_frame)
		return STEP_HANDLER;
	if (f.ra_reg != REG_RA || cfi_row_at(&f, at + moved, s) != 0)
		return STEP_LOST;
	if (s->row.reg[REG_RA].how == CFI_UNDEFINED)
		return STEP_END;
	if (!find_cfa(w, &cfa) || cfa <= s->regs[REG_SP])
		return STEP_LOST;
	for (unsigned i = 0; i < REG_COUNT; i++)
		s->next[i] = caller_register(w, i, cfa);
	memcpy(s->regs, s->next, sizeof(s->regs));
	s->regs[REG_PC] = s->next[REG_RA];
	w->exact = false;
	return s->regs[REG_PC] ? STEP_ON : STEP_END;
}

/* Any word might be a return address. */
static bool rest_is_clean(const struct walk_from *w, uint64_t restorer, const char **ret_why)
{
	uintptr_t word;

	for (uint64_t at = w->cfi.regs[REG_SP] & ~7ull; word_at(w, at, &word); at += 8)
		if (word == restorer || (*ret_why = ground_forbids(w->ground, word - 1)))
			return false;
	return true;
}

static enum stack_verdict judge(struct walk_from *w, uint64_t restorer, const char **ret_why)
{
	for (unsigned i = 0; i < FRAMES_MAX; i++) {
		*ret_why = ground_forbids(w->ground, w->cfi.regs[REG_PC] - !w->exact);
		if (*ret_why)
			return STACK_FORBIDDEN;
		switch (step(w)) {
		case STEP_ON: break;
		case STEP_END: return STACK_SAFE;
		case STEP_HANDLER: return STACK_HANDLER;
		case STEP_UNREAD: return STACK_UNREAD;
		default: return rest_is_clean(w, restorer, ret_why) ? STACK_UNKNOWN : *ret_why ? STACK_FORBIDDEN :
												 STACK_HANDLER;
		}
	}
	return STACK_FORBIDDEN;
}

enum stack_verdict stack_judge(const struct target *t, const struct images *all, const struct ground *g, const uintptr_t regs[REG_COUNT],
			       uint64_t stack_end, uint64_t restorer, const char **ret_why, struct image **ret_unread)
{
	struct walk_from *const w = calloc(1, sizeof(*w));
	enum stack_verdict verdict = STACK_FORBIDDEN;

	*ret_why = NULL;
	if (!w)
		return verdict;
	w->t = t;
	w->all = all;
	w->ground = g;
	w->exact = true;
	w->low = regs[REG_SP] & ~7ull;
	w->high = stack_end - w->low > STACK_BYTES_MAX ? w->low + STACK_BYTES_MAX : stack_end;
	memcpy(w->cfi.regs, regs, sizeof(w->cfi.regs));
	w->copy = w->high - w->low >= 8 ? malloc(w->high - w->low) : NULL;
	if (w->copy && target_read(t, w->low, w->copy, w->high - w->low))
		verdict = judge(w, restorer, ret_why);
	*ret_unread = w->unread;
	free(w->copy);
	free(w);
	return verdict;
}
