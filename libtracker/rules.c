#include "rules_private.h"

#include <string.h>

#include "cfi.h"
#include "code.h"
#include "chunk.h"
#include "debug_frame.h"
#include "headers.h"
#include "linger.h"
#include "made.h"
#include "raw.h"
#include "registered.h"

#define FIRST_BITS 14u
#define FIRST_PROBES 16u
#define SECOND_BITS 17u
#define SECOND_PROBES 64u

/* Mapped at start, not in .bss, because a garbage collector would look for its blocks there. */
struct first {
	struct rule rules[1u << FIRST_BITS];
	struct rules_module modules[RULES_MODULES];
	_Atomic uint64_t packed[1u << PACKED_PLACE_BITS];
};

static struct first *first;
_Atomic uint64_t *rules_packed; /* first->packed */
static _Atomic(struct rule *) second; /* NULL: not mapped yet */
static _Atomic bool second_refused;

bool rules_start(void)
{
	if (first)
		return true;
	first = raw_map_private(sizeof(*first));
	if (!first)
		return false;
	rules_modules = first->modules;
	rules_packed = first->packed;
	return true;
}

/* ---- unloading ---- */

static void forget_in(struct rule *table, unsigned bits, uintptr_t start, uintptr_t end)
{
	for (uint32_t i = 0; table && i < 1u << bits; i++) {
		uintptr_t key = atomic_load_explicit(&table[i].key, memory_order_relaxed);

		if (key > RULE_DROPPED && key >> 1 >= start && key >> 1 <= end)
			atomic_compare_exchange_strong(&table[i].key, &key, RULE_DROPPED);
	}
}

void rules_forget(uintptr_t start, uintptr_t end)
{
	debug_frame_forget(start);
	forget_in(first->rules, FIRST_BITS, start, end);
	forget_in(atomic_load(&second), SECOND_BITS, start, end);
}

/* ---- rules ---- */

static const uint8_t *block_bytes(int64_t value, uint8_t *ret_count)
{
	const uint8_t *const p = (const uint8_t *)(intptr_t)value;

	*ret_count = p[0];
	return p + 1;
}

/* A one-byte SLEB128. */
static int small_sleb(uint8_t b)
{
	return b & 0x40 ? (int)b - 0x80 : b;
}

/* "DW_OP_breg6 off", with or without a deref behind it, off in one byte: gcc writes this for realigned stacks. */
static bool bp_block(int64_t value, bool deref, int *ret_offset)
{
	uint8_t n;
	const uint8_t *const b = block_bytes(value, &n);

	if (n != (deref ? 3 : 2) || b[0] != 0x70 + REG_BP || b[1] & 0x80 || (deref && b[2] != 0x06))
		return false;
	*ret_offset = small_sleb(b[1]);
	return true;
}

static void classify(const struct cfi_row *row, struct rule_step *r)
{
	int offset;

	r->kind = RULE_IRREGULAR;
	if (row->reg[REG_RA].how == CFI_UNDEFINED) {
		r->kind = RULE_END;
		return;
	}
	if (!arch_ra_rule(row->reg[REG_RA].how == CFI_AT_CFA, row->reg[REG_RA].value, &r->ra) ||
	    row->reg[REG_SP].how != CFI_SAME)
		return;

	if (row->reg[REG_BP].how == CFI_AT_CFA &&
	    row->reg[REG_BP].value == (arch_offset)row->reg[REG_BP].value) {
		r->bp = RULE_BP_AT_CFA;
		r->bp_offset = (arch_offset)row->reg[REG_BP].value;
	} else if (row->reg[REG_BP].how == CFI_EXPRESSION &&
		   bp_block(row->reg[REG_BP].value, false, &offset)) {
		r->bp = RULE_BP_AT_BP;
		r->bp_offset = (arch_offset)offset;
	} else if (row->reg[REG_BP].how == CFI_SAME) {
		r->bp = RULE_BP_SAME;
	} else {
		return;
	}

	if (row->cfa.how == CFI_REGISTER && row->cfa.value == (int32_t)row->cfa.value &&
	    (row->cfa_reg == REG_SP || row->cfa_reg == REG_BP)) {
		r->kind = row->cfa_reg == REG_SP ? RULE_SP : RULE_BP;
		r->cfa_offset = (int32_t)row->cfa.value;
	} else if (row->cfa.how == CFI_EXPRESSION && bp_block(row->cfa.value, true, &offset)) {
		r->kind = RULE_BP_DEREF;
		r->cfa_offset = offset;
	}
}

bool rules_is_kernel_frame(const struct cfi_row *row)
{
	const uint8_t *const block = (const uint8_t *)(intptr_t)row->cfa.value;

	/* its length first: a shorter block may stand at the end of what is mapped */
	return row->cfa.how == CFI_EXPRESSION && block[0] == arch_signal_cfa[0] &&
	       memcmp(block, arch_signal_cfa, sizeof(arch_signal_cfa)) == 0;
}

/* ---- code without unwind information ---- */

static _Atomic bool outside_known; /* rules were made for code in no module */

/*
 * Whether code before pc keeps frame pointers. If it does not, bp may be that of the caller, and the step would miss
 * the caller.
 */
static bool keeps_frame(const struct headers *h, uintptr_t pc)
{
	const uintptr_t page = pc & ~(uintptr_t)(RAW_PAGE_LEAST - 1);
	const uintptr_t from = headers_is_code(h, pc - MADE_NEAR, MADE_NEAR) || pc - page > MADE_NEAR ? pc - MADE_NEAR : page;

	for (uintptr_t at = from; at + ARCH_FRAME_SIGN <= pc; at++)
		if (arch_keeps_frame((const uint8_t *)at))
			return true;
	return false;
}

static struct rule_step guessed(uint8_t kind, int32_t cfa_offset)
{
	return (struct rule_step){ .kind = kind, .cfa_offset = cfa_offset, .bp = RULE_BP_AT_CFA, .bp_offset = -ARCH_FRAME_BYTES };
}

static struct rule_step left(int32_t size)
{
	struct rule_step r = { .kind = RULE_SIZED, .cfa_offset = size, .bp = ARCH_LEAVE_BP, .bp_offset = -2 * (int)sizeof(uintptr_t) };

	arch_ra_rule(true, -(int)sizeof(uintptr_t), &r.ra);
	return r;
}

static bool is_go_return(const struct headers *h, uintptr_t pc)
{
	if (headers_is_code(h, pc, ARCH_GO_TLS_BYTES) && arch_go_finds_tls((const uint8_t *)pc))
		pc += ARCH_GO_TLS_BYTES;
	return headers_code_is(h, pc, ARCH_GO_RETURNS, sizeof(ARCH_GO_RETURNS) - 1);
}

/* A signal may have stopped it before its frame was made. Then nothing shows the way. */
static void guess(const struct headers *h, uintptr_t pc, bool exact, struct rule_step *r)
{
	if (!ARCH_FRAME_BYTES || exact || !headers_is_code(h, pc - 1, 1))
		return;
	if (is_go_return(h, pc))
		r->kind = RULE_GO;
	else if (headers_code_is(h, pc, ARCH_GO_RETURNS_HERE, sizeof(ARCH_GO_RETURNS_HERE) - 1))
		*r = (struct rule_step){ .kind = RULE_GO, .cfa_offset = 1 };
	else if (keeps_frame(h, pc))
		*r = guessed(RULE_FRAME, 0);
}

static void guess_outside(struct thread *t, uintptr_t pc, bool exact, struct rule_step *r)
{
	enum made made = MADE_UNKNOWN;
	int32_t size;

	atomic_store_explicit(&outside_known, true, memory_order_relaxed);
	if (!exact && code_is_mapped(pc - 1))
		made = made_look(t, pc, &size);
	if (made == MADE_SIZED)
		*r = guessed(RULE_SIZED, size);
	else if (made == MADE_LEFT)
		*r = left(size);
	else if (made != MADE_UNKNOWN)
		*r = guessed(RULE_FRAME, made == MADE_METHOD ? 0 : ARCH_INTERPRETER_KEEPS_SP);
}

static void met(struct thread *t, const struct cfi_module *m)
{
	if (rules_knows_module(m))
		return;
	rules_drop_overlapped(m);
	if (atomic_load_explicit(&outside_known, memory_order_relaxed))
		rules_forget(m->start, m->end);
	rules_add_module(t, m);
}

static void by_row(struct thread *t, const struct cfi_fde *f, uintptr_t at, struct rule_step *r)
{
	r->kind = RULE_IRREGULAR;
	if (f->ra_reg != REG_RA || cfi_row_at(f, at, &t->cfi) != 0)
		return;
	if (!f->signal_frame)
		classify(&t->cfi.row, r);
	else if (rules_is_kernel_frame(&t->cfi.row))
		r->kind = RULE_SIGNAL;
}

static void compute(struct thread *t, uintptr_t pc, bool exact, struct rule *rule)
{
	struct rule_step *const r = &rule->step;
	struct cfi_module m;
	struct cfi_fde f;
	const uintptr_t at = exact ? pc : pc - 1;

	r->kind = RULE_NONE;
	r->bp = RULE_BP_SAME;
	rule->follows_call = true;
	if (!cfi_module_at(at, &m)) {
		linger_code_made();
		if (registered_at(t, at, &f))
			by_row(t, &f, at, r);
		else
			guess_outside(t, pc, exact, r);
		return;
	}
	met(t, &m);

	const struct headers h = headers_of(&m);

	rule->follows_call = headers_call_ends(&h, pc);
	/* This comes first: nobody calls a trampoline, so the byte before it may be another function's. */
	if (headers_is_signal_return(&m, pc)) {
		r->kind = RULE_SIGNAL;
		return;
	}
	if (cfi_fde_at(&m, at, &f) != 0) {
		/*
		 * No call ends here, but a function begins: makecontext put its address where the first function
		 * returns to. No frame is above it.
		 */
		if (!exact && cfi_fde_at(&m, pc, &f) == 0 && f.start == pc) {
			r->kind = RULE_END;
			return;
		}
		if (!debug_frame_at(t, &m, at, &f)) {
			guess(&h, pc, exact, r);
			return;
		}
	}
	by_row(t, &f, at, r);
}

/* NULL: it has no place in this table. */
static const struct rule *get_in(struct rule *table, unsigned bits, unsigned probes, struct thread *t,
				 uintptr_t pc, bool exact)
{
	const uintptr_t key = rule_key(pc, exact);
	uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> (64 - bits));

	for (unsigned probe = 0; probe < probes; probe++, i = (i + 1) & ((1u << bits) - 1)) {
		uintptr_t found = atomic_load_explicit(&table[i].key, memory_order_acquire);

		if (found == key)
			return &table[i];
		if ((found != RULE_FREE && found != RULE_DROPPED) ||
		    !atomic_compare_exchange_strong(&table[i].key, &found, RULE_TAKEN))
			continue;
		compute(t, pc, exact, &table[i]);
		table[i].cached = true;
		atomic_store_explicit(&table[i].key, key, memory_order_release);
		return &table[i];
	}
	return NULL;
}

static struct rule *second_table(struct thread *t)
{
	const size_t bytes = sizeof(struct rule) << SECOND_BITS;
	struct rule *table = atomic_load_explicit(&second, memory_order_acquire), *expected = NULL;

	if (table || atomic_load_explicit(&second_refused, memory_order_relaxed))
		return table;
	table = chunk_may_call(t) ? raw_map_private(bytes) : NULL;
	if (!table) {
		if (!atomic_exchange(&second_refused, true))
			atomic_fetch_add(&state.process->tables_refused, 1);
		return NULL;
	}
	if (atomic_compare_exchange_strong(&second, &expected, table))
		return table;
	raw_release(table, bytes);
	return expected;
}

const struct rule *rules_get(struct thread *t, uintptr_t pc, bool exact, struct rule *room)
{
	const struct rule *r = get_in(first->rules, FIRST_BITS, FIRST_PROBES, t, pc, exact);
	struct rule *table;

	if (r)
		return r;
	table = second_table(t);
	r = table ? get_in(table, SECOND_BITS, SECOND_PROBES, t, pc, exact) : NULL;
	if (r)
		return r;
	*room = (struct rule){ .key = rule_key(pc, exact) };
	compute(t, pc, exact, room);
	return room;
}

/* NULL: no walk has asked for it, or it had no place. */
static struct rule *find_in(struct rule *table, unsigned bits, unsigned probes, uintptr_t key)
{
	uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ull) >> (64 - bits));

	for (unsigned probe = 0; table && probe < probes; probe++, i = (i + 1) & ((1u << bits) - 1))
		if (atomic_load_explicit(&table[i].key, memory_order_acquire) == key)
			return &table[i];
	return NULL;
}

bool rules_renew(struct thread *t, uintptr_t pc, const struct rule_step *tried, struct rule_step *ret)
{
	typedef uint64_t __attribute__((may_alias)) word; /* others may be reading it: they see the old or the new one */
	const uintptr_t key = rule_key(pc, false);
	const struct rule_step was = *tried; /* it may be the rule that is being replaced */
	struct cfi_module m;
	struct cfi_fde f;
	struct rule *r = find_in(first->rules, FIRST_BITS, FIRST_PROBES, key);

	if (sizeof(was) != sizeof(word) || cfi_module_at(pc - 1, &m))
		return false;
	if (!r)
		r = find_in(atomic_load_explicit(&second, memory_order_acquire), SECOND_BITS, SECOND_PROBES, key);
	*ret = (struct rule_step){ .kind = RULE_NONE };
	if (registered_at(t, pc - 1, &f))
		by_row(t, &f, pc - 1, ret);
	else
		guess_outside(t, pc, false, ret);
	if (r)
		__atomic_store_n((word *)&r->step, *(const word *)ret, __ATOMIC_RELAXED);
	return memcmp(ret, &was, sizeof(was)) != 0;
}
