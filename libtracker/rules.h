/*
 * rules - how to step over the frame of a pc, cached.
 *
 * The rule of a pc ("CFA = sp + 16, bp saved at CFA - 16") never changes while its module stays loaded, so a module's
 * CFI is interpreted once per pc. All threads of the process share the table without locks: an entry is filled before
 * its key is published. Afterwards only two things change: its `next` hint, and the rule of code that is in no module
 * (rules_renew). A second, larger table is mapped when the first one is full.
 */
#ifndef RULES_H
#define RULES_H

#include "state.h"

enum rule_kind {
	RULE_SP, /* CFA = sp + cfa_offset */
	RULE_BP, /* CFA = bp + cfa_offset */
	RULE_BP_DEREF, /* CFA = *(bp + cfa_offset): realigned stacks */
	RULE_FRAME, /* no unwind information: by the frame pointer, if bp is one. cfa_offset: from bp to where an
			   interpreter keeps its caller's sp; 0: the code is no interpreter */
	RULE_SIZED, /* no unwind information: code made at run time. CFA = sp + cfa_offset, if a return address is there */
	RULE_SIGNAL, /* the kernel's signal frame: the registers stand above sp */
	RULE_GO, /* Go's runtime called C: it says from where. cfa_offset 1: from this stack */
	RULE_END, /* outermost frame */
	RULE_IRREGULAR, /* needs other registers: the full walk */
	RULE_NONE, /* no unwind information covers this pc */
	RULE_DEEP, /* no rule: the walk stopped at the depth that is kept */
	RULE_OFF_STACK, /* no rule: it led to a place where no stack is */
};

/* Whether the rule is a guess from what the code looks like: the step may turn out to be impossible. */
static inline bool rule_is_guess(uint8_t kind)
{
	return kind == RULE_FRAME || kind == RULE_SIZED || kind == RULE_GO;
}

enum rule_bp { RULE_BP_SAME,
	       RULE_BP_AT_CFA /* saved at CFA + bp_offset */,
	       RULE_BP_AT_BP };

struct rule {
	_Atomic uintptr_t key; /* rule_key, or one of the three below */
	struct rule_step step;
	_Atomic int32_t next; /* the rule that followed this one last time stands so many RULE_UNITs farther */
	bool cached; /* it stands in a table */
	bool follows_call; /* a call ends before it, or the code cannot be read */
	uint8_t pad[2];
};

#define RULE_FREE 0u
#define RULE_TAKEN 1u /* being filled */
#define RULE_DROPPED 2u /* its code was unloaded; may be taken again */

/*
 * If no unwind information covers the pc of a call, RULE_FRAME or RULE_SIZED is tried in code that is known to be
 * code.
 *
 * Return addresses are looked up one byte before themselves, because the call may be the last instruction of a
 * function that never returns. A pc that a signal interrupted is looked up as it is. Both kinds of keys of one pc are
 * distinct.
 */
static inline uintptr_t rule_key(uintptr_t pc, bool exact)
{
	return pc << 1 | exact;
}

/* The rule of pc, from the cache or computed now (into *room if the cache has no place). */
const struct rule *rules_get(struct thread *t, uintptr_t pc, bool exact, struct rule *room);

/*
 * Plain rules once more, eight bytes each, by the return address alone: one load tells whether the rule of a pc is
 * the one that is expected. The pc is multiplied by an odd number: so the lowest 47 bits of the product are a permutation
 * of the pc's. 15 of them are the place, the other 32 stand in the entry beside the packed rule.
 *
 *   packed: from bit 0 cfa_offset in units of ARCH_CFA_UNIT, then, up to bit 18, how far below the CFA bp is saved / 8 (0: it
 *   stays), 19 CFA = bp + cfa_offset, 20..31 the generation of code that it belongs to
 *
 * Any thread puts entries, of the generation that its walk began in, and asks for those of its own: code that is
 * unloaded needs no clearing, and whoever puts a rule of it late harms nobody. After PACKED_GENERATIONS nothing is packed.
 */
#define PACKED_PLACE_BITS 15u
#define PACKED_PC_BITS 47u
#define PACKED_CFA_MAX ((1u << ARCH_CFA_BITS) - 1)
#define PACKED_BELOW_MAX ((1u << (19 - ARCH_CFA_BITS)) - 1)
#define PACKED_BY_BP (1u << 19)
#define PACKED_GENERATION_AT 20u
#define PACKED_GENERATIONS 0xfffu
#define PACKED_NONE UINT32_MAX /* not plain; never in the table */

extern _Atomic uint64_t *rules_packed;

static inline uintptr_t packed_cfa(uint32_t packed)
{
	return (packed & PACKED_CFA_MAX) * ARCH_CFA_UNIT;
}

static inline uintptr_t packed_bp_below(uint32_t packed)
{
	return (packed >> ARCH_CFA_BITS & PACKED_BELOW_MAX) * 8;
}

static inline bool packed_is_of_others(uint32_t packed, uint32_t generation)
{
	return packed >> PACKED_GENERATION_AT != generation;
}

/* Where the return address of a frame with that rule stands. */
static inline uintptr_t packed_place_of_pc(uint32_t packed, uintptr_t cfa)
{
	return ARCH_RA_BELOW_CFA ? cfa - 8 : cfa - packed_bp_below(packed) + 8;
}

static inline uint64_t packed_mix(uintptr_t pc)
{
	return (pc >> ARCH_PC_ZEROS) * 0x5bd1e9955bd1e995ull;
}

/* 0: the product tells the pc from all others. */
static inline uintptr_t packed_unfit(uintptr_t pc)
{
	return pc >> ARCH_PC_ZEROS >> PACKED_PC_BITS | (pc & ((1u << ARCH_PC_ZEROS) - 1));
}

static inline uint64_t packed_entry(uint64_t mixed, uint32_t packed)
{
	return mixed << 32 | packed;
}

static inline _Atomic uint64_t *packed_place(_Atomic uint64_t *table, uint64_t mixed)
{
	return &table[mixed >> 32 & ((1u << PACKED_PLACE_BITS) - 1)];
}

static inline uint64_t packed_load(uint64_t mixed)
{
	return atomic_load_explicit(packed_place(rules_packed, mixed), memory_order_relaxed);
}

static inline void packed_put(uintptr_t pc, uint32_t packed)
{
	const uint64_t mixed = packed_mix(pc);

	atomic_store_explicit(packed_place(rules_packed, mixed), packed_entry(mixed, packed), memory_order_relaxed);
}

/* 0: `packed` is the rule of pc, if the pc is not unfit. `table`: rules_packed. */
static inline uint64_t packed_difference_if_fit(_Atomic uint64_t *table, uintptr_t pc, uint32_t packed)
{
	const uint64_t mixed = packed_mix(pc);

	return atomic_load_explicit(packed_place(table, mixed), memory_order_relaxed) ^ packed_entry(mixed, packed);
}

/* 0: `packed` is the rule of pc. */
static inline uint64_t packed_difference(uintptr_t pc, uint32_t packed)
{
	return packed_difference_if_fit(rules_packed, pc, packed) | packed_unfit(pc);
}

/* PACKED_NONE: it is not plain, or does not fit. */
static inline uint32_t rule_pack(const struct rule_step *r, uint32_t generation)
{
	const uint32_t below = r->bp == RULE_BP_AT_CFA ? (uint32_t)-r->bp_offset : 0, offset = (uint32_t)r->cfa_offset;

	if (r->kind > RULE_BP || r->bp > RULE_BP_AT_CFA || generation >= PACKED_GENERATIONS || offset % ARCH_CFA_UNIT ||
	    offset / ARCH_CFA_UNIT > PACKED_CFA_MAX || below % 8 || below / 8 > PACKED_BELOW_MAX || !arch_ra_packs(r->ra, below) || (r->bp == RULE_BP_AT_CFA && below < 16) || (r->kind == RULE_SP && !offset))
		return PACKED_NONE;
	return offset / ARCH_CFA_UNIT | below / 8 << ARCH_CFA_BITS | (r->kind == RULE_BP ? PACKED_BY_BP : 0) | generation << PACKED_GENERATION_AT;
}

/*
 * Makes the rule of a pc in no module anew, because other code may stand there now. False: the new rule is the one
 * that was tried.
 */
bool rules_renew(struct thread *t, uintptr_t pc, const struct rule_step *tried, struct rule_step *ret);

#define RULE_UNIT 8 /* bytes */

_Static_assert(_Alignof(struct rule) == RULE_UNIT, "rules lie whole units apart");

/* The rule that follows `r` for this key, if the last walk over `r` went there. */
static inline const struct rule *rules_follow(const struct rule *r, uintptr_t key)
{
	const int64_t next = atomic_load_explicit(&r->next, memory_order_relaxed);
	const struct rule *const n = (const void *)((const char *)r + next * RULE_UNIT);

	return atomic_load_explicit(&n->key, memory_order_acquire) == key ? n : NULL;
}

static inline void rules_link(const struct rule *from, const struct rule *to)
{
	const int64_t next = ((const char *)to - (const char *)from) / RULE_UNIT;

	if (from->cached && to->cached && next == (int32_t)next)
		atomic_store_explicit(&((struct rule *)from)->next, (int32_t)next, memory_order_relaxed);
}

/* The row of a frame marked as a signal handler's caller is the kernel's frame. */
bool rules_is_kernel_frame(const struct cfi_row *row);

/* The hash of the last part of the path; never 0. */
uint32_t rules_hash_of_name(const char *path);
/* Whether the recorder was told of a module whose file has that name, in any directory. */
bool rules_knows_file(uint32_t name_hash);

bool rules_start(void);
/* Code may have been unloaded: forgets the rules of modules that are gone. True: some were. */
bool rules_forget_unloaded(void);
/* Whether the pc is in a module for which rules were made. */
bool rules_is_of_module(uintptr_t pc);
/* Tells the recorder of every known module again, in a child of fork. */
void rules_announce(struct thread *t);

#endif
