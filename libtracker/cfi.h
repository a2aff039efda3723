/*
 * cfi - call frame information of loaded modules: which FDE covers a pc, and the row of its table that holds there.
 *
 * It runs inside the target's malloc(): no heap, no lock. It reads only .eh_frame_hdr and .eh_frame of mapped
 * modules, which their linker wrote; lengths are checked all the same. The encoding is that of LSB Core, "Exception
 * Frames", and DWARF 5, 6.4.
 */
#ifndef CFI_H
#define CFI_H

#include "state.h"

enum cfi_how {
	CFI_SAME = 0,
	CFI_UNDEFINED,
	CFI_AT_CFA, /* saved at CFA + value */
	CFI_IS_CFA, /* is CFA + value */
	CFI_REGISTER, /* is in register `value`; for the CFA: register cfa_reg + value */
	CFI_EXPRESSION, /* saved at the address that the expression computes */
	CFI_IS_EXPRESSION,
};

/* A function's unwind information. */
struct cfi_fde {
	const uint8_t *instructions, *end;
	const uint8_t *initial, *initial_end; /* the CIE's */
	uintptr_t start; /* of the function */
	uint64_t code_align;
	int64_t data_align;
	uint8_t ra_reg, pointer_encoding;
	bool signal_frame;
};

/* What is mapped around a pc: the whole module, or its code where segments lie apart. */
struct cfi_module {
	uintptr_t start, end;
	const void *link_map;
	const uint8_t *eh_frame_hdr;
};

/* False: no module covers pc. */
bool cfi_module_at(uintptr_t pc, struct cfi_module *ret);

/* 0, or -1: no FDE of that module covers pc. */
int cfi_fde_at(const struct cfi_module *m, uintptr_t pc, struct cfi_fde *ret);

/* Computes scratch->row for pc. 0, or -1: something in the instructions is not understood. */
int cfi_row_at(const struct cfi_fde *f, uintptr_t pc, struct cfi_scratch *scratch);

/*
 * The value of the expression at `block` (ULEB length, then operations) with these registers. With push_initial,
 * `initial` is on the stack first. Memory is read only where `readable` allows it. 0 or -1.
 */
int cfi_expression(const uint8_t *block, const uintptr_t *regs, bool push_initial,
		   uintptr_t initial, bool (*readable)(void *data, uintptr_t address), void *data,
		   uintptr_t *ret);

#endif
