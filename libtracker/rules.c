#include "rules.h"

#include <link.h>
#include <string.h>

#include "cfi.h"
#include "code.h"
#include "chunk.h"
#include "debug_frame.h"
#include "directory.h"
#include "headers.h"
#include "linger.h"
#include "made.h"
#include "raw.h"
#include "registered.h"

#define FIRST_BITS 14u
#define FIRST_PROBES 16u
#define SECOND_BITS 17u
#define SECOND_PROBES 64u
#define MODULE_COUNT 4096u
#define PATH_BYTES_MAX 3072u /* a module's record must fit a chunk */

#define MODULE_CLAIMED 1u /* as a start: one thread fills this entry, or clears up after the module in it */

struct module {
	_Atomic uintptr_t start; /* 0: free. A module that was unloaded leaves its entry to the next one. */
	uintptr_t end;
	const void *link_map;
	uint32_t name_hash; /* of the last part of its path */
};

/* Mapped at start, not in .bss: there a collector of garbage would look for its blocks. */
struct first {
	struct rule rules[1u << FIRST_BITS];
	struct module modules[MODULE_COUNT];
	_Atomic uint64_t packed[1u << PACKED_PLACE_BITS];
};

static struct first *first;
_Atomic uint64_t *rules_packed; /* first->packed */
static struct module *modules; /* first->modules */
static _Atomic uint32_t module_count; /* entries ever used */
static _Atomic(struct rule *) second; /* NULL: not mapped yet */
static _Atomic bool second_refused;

bool rules_start(void)
{
	first = raw_map_private(sizeof(*first));
	if (!first)
		return false;
	modules = first->modules;
	rules_packed = first->packed;
	return true;
}

/* ---- modules ---- */

static uint32_t modules_used(void)
{
	const uint32_t n = atomic_load_explicit(&module_count, memory_order_acquire);

	return n < MODULE_COUNT ? n : MODULE_COUNT;
}

static bool module_known(const struct cfi_module *m)
{
	for (uint32_t i = modules_used(); i-- > 0;)
		if (atomic_load_explicit(&modules[i].start, memory_order_acquire) == m->start &&
		    modules[i].end == m->end && modules[i].link_map == m->link_map)
			return true;
	return false;
}

uint32_t rules_hash_of_name(const char *path)
{
	const char *const slash = strrchr(path, '/');
	uint32_t h = 5381;

	for (const char *p = slash ? slash + 1 : path; *p; p++)
		h = h * 33 + (uint8_t)*p;
	return h ? h : 1;
}

bool rules_knows_file(uint32_t name_hash)
{
	for (uint32_t i = 0, n = modules_used(); i < n; i++)
		if (atomic_load_explicit(&modules[i].start, memory_order_acquire) > MODULE_CLAIMED &&
		    modules[i].name_hash == name_hash)
			return true;
	return false;
}

/* Returns the hash of its name. */
static uint32_t module_tell(struct thread *t, const struct cfi_module *m)
{
	const struct link_map *const l = m->link_map;
	struct wire_record r = { .start = m->start, .end = m->end };
	uint32_t directory_bytes = 0;
	const char *directory;

	if (l) {
		r.bias = l->l_addr;
		r.text = l->l_name;
		if (!l->l_name || !l->l_name[0]) {
			r.text = state.executable;
			r.module_flags = 1;
		} else if (strcmp(l->l_name, "linux-vdso.so.1") == 0) {
			r.module_flags = 2;
		}
	}
	if (!r.text)
		r.text = "";
	r.text_bytes = (uint32_t)strnlen(r.text, PATH_BYTES_MAX);

	const struct headers h = headers_of(m);

	r.build_id = headers_build_id(&h, &r.build_id_bytes);
	directory = r.text[0] && r.text[0] != '/' && !(r.module_flags & 2) ? directory_now(&directory_bytes) : "";
	if (directory_bytes + r.text_bytes > PATH_BYTES_MAX)
		directory_bytes = 0;
	const uint32_t name_hash = rules_hash_of_name(r.text);

	if (emit_module(t, &r, directory, directory_bytes))
		linger_told(name_hash);
	return name_hash;
}

/* A free entry, claimed. NULL: so many modules are loaded at once. */
static struct module *module_entry(void)
{
	for (uint32_t i = 0; i < MODULE_COUNT; i++) {
		uintptr_t none = 0;
		uint32_t used = i;

		if (!atomic_compare_exchange_strong(&modules[i].start, &none, MODULE_CLAIMED))
			continue;
		while (used <= i && !atomic_compare_exchange_weak(&module_count, &used, i + 1))
			;
		return &modules[i];
	}
	return NULL;
}

/* Two threads may tell of the same module at once: the recorder takes the second for nothing new. */
static void module_add(struct thread *t, const struct cfi_module *m)
{
	const uint32_t hash = module_tell(t, m);
	struct module *const entry = module_entry();

	if (!entry) {
		atomic_fetch_add(&state.process->modules_lost, 1);
		return;
	}
	entry->end = m->end;
	entry->link_map = m->link_map;
	entry->name_hash = hash;
	atomic_store_explicit(&entry->start, m->start, memory_order_release);
}

void rules_announce(struct thread *t)
{
	linger_forked();
	for (uint32_t i = 0, n = modules_used(); i < n; i++) {
		struct cfi_module m = { .start = modules[i].start };

		/* One that went away without our seeing it has no link map to read any more. */
		if (m.start > MODULE_CLAIMED && cfi_module_at(m.start, &m) && m.link_map == modules[i].link_map)
			(void)module_tell(t, &m);
	}
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

static void forget_range(uintptr_t start, uintptr_t end)
{
	debug_frame_forget(start);
	forget_in(first->rules, FIRST_BITS, start, end);
	forget_in(atomic_load(&second), SECOND_BITS, start, end);
}

/* Forgets what is known of a module, and frees its entry. Another thread may be doing so. */
static void module_drop(struct module *m, uintptr_t start, uintptr_t end)
{
	if (!atomic_compare_exchange_strong(&m->start, &start, MODULE_CLAIMED))
		return;
	forget_range(start, end);
	atomic_store_explicit(&m->start, 0, memory_order_release);
}

bool rules_unloaded(void)
{
	bool any = false;

	for (uint32_t i = 0, n = modules_used(); i < n; i++) {
		const uintptr_t start = atomic_load_explicit(&modules[i].start, memory_order_acquire);
		const uintptr_t end = modules[i].end;
		struct cfi_module now;

		if (start <= MODULE_CLAIMED || (cfi_module_at(start, &now) && now.link_map == modules[i].link_map &&
						now.start == start && now.end == end))
			continue;
		module_drop(&modules[i], start, end);
		any = true;
	}
	return any;
}

/* A module that nobody saw unloaded gave its place to `m`. */
static void drop_overlapped(const struct cfi_module *m)
{
	for (uint32_t i = 0, n = modules_used(); i < n; i++) {
		const uintptr_t start = atomic_load_explicit(&modules[i].start, memory_order_acquire);
		const uintptr_t end = modules[i].end;

		if (start <= MODULE_CLAIMED || start >= m->end || end <= m->start)
			continue;
		module_drop(&modules[i], start, end);
		atomic_fetch_add(&state.code_generation, 1);
	}
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

/* "DW_OP_breg6 off", with a deref behind it or not, off in one byte: what gcc writes for realigned stacks. */
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

/* Whether code before pc keeps frame pointers: where it does not, bp may well be that of the caller, whom the step would miss. */
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

static bool is_go_return(const struct headers *h, uintptr_t pc)
{
	if (headers_is_code(h, pc, ARCH_GO_TLS_BYTES) && arch_go_finds_tls((const uint8_t *)pc))
		pc += ARCH_GO_TLS_BYTES;
	return headers_code_is(h, pc, ARCH_GO_RETURNS, sizeof(ARCH_GO_RETURNS) - 1);
}

/* A signal may have stopped it before its frame was made: there is nothing to go by, then. */
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
	if (ARCH_FRAME_BYTES && !exact && code_is_mapped(pc - 1))
		made = made_look(t, pc, &size);
	if (made == MADE_SIZED)
		*r = guessed(RULE_SIZED, size);
	else if (made != MADE_UNKNOWN)
		*r = guessed(RULE_FRAME, made == MADE_METHOD ? 0 : ARCH_INTERPRETER_KEEPS_SP);
}

static void met(struct thread *t, const struct cfi_module *m)
{
	if (module_known(m))
		return;
	drop_overlapped(m);
	if (atomic_load_explicit(&outside_known, memory_order_relaxed))
		forget_range(m->start, m->end);
	module_add(t, m);
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
	/* First: nobody calls it, so the byte before it may be another function's. */
	if (headers_is_signal_return(&m, pc)) {
		r->kind = RULE_SIGNAL;
		return;
	}
	if (cfi_fde_at(&m, at, &f) != 0) {
		/*
		 * No call ends here, but a function begins: makecontext put its
		 * address where the first function returns to. Nothing is above.
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

/* NULL: it was never asked for, or had no place. */
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
	typedef uint64_t __attribute__((may_alias)) word; /* others may be reading it: they see one or the other */
	const uintptr_t key = rule_key(pc, false);
	const struct rule_step was = *tried; /* it may be what is replaced */
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
