/* cfi - see cfi.h. */
#include "cfi.h"

#include <string.h>

#include "cfi_bytes.h"

/* The pointer encodings and call frame operations that linkers emit (LSB, DWARF 5). */
enum {
	PE_ABSPTR = 0x00,
	PE_ULEB = 0x01,
	PE_UDATA2 = 0x02,
	PE_UDATA4 = 0x03,
	PE_UDATA8 = 0x04,
	PE_SLEB = 0x09,
	PE_SDATA2 = 0x0a,
	PE_SDATA4 = 0x0b,
	PE_SDATA8 = 0x0c,
	PE_PCREL = 0x10,
	PE_DATAREL = 0x30,
	PE_OMIT = 0xff
};

enum {
	CFA_ADVANCE = 0x40,
	CFA_OFFSET = 0x80,
	CFA_RESTORE = 0xc0,
	CFA_NOP = 0x00,
	CFA_SET_LOC = 0x01,
	CFA_ADVANCE1 = 0x02,
	CFA_ADVANCE2 = 0x03,
	CFA_ADVANCE4 = 0x04,
	CFA_OFFSET_EXT = 0x05,
	CFA_RESTORE_EXT = 0x06,
	CFA_UNDEFINED = 0x07,
	CFA_SAME = 0x08,
	CFA_REGISTER = 0x09,
	CFA_REMEMBER = 0x0a,
	CFA_RESTORE_STATE = 0x0b,
	CFA_DEF = 0x0c,
	CFA_DEF_REGISTER = 0x0d,
	CFA_DEF_OFFSET = 0x0e,
	CFA_DEF_EXPRESSION = 0x0f,
	CFA_EXPRESSION = 0x10,
	CFA_OFFSET_SF = 0x11,
	CFA_DEF_SF = 0x12,
	CFA_DEF_OFFSET_SF = 0x13,
	CFA_VAL_OFFSET = 0x14,
	CFA_VAL_OFFSET_SF = 0x15,
	CFA_VAL_EXPRESSION = 0x16,
	CFA_NEGATE_RA_STATE = 0x2d,
	CFA_ARGS_SIZE = 0x2e,
	CFA_NEGATIVE_OFFSET = 0x2f
};

/* A pointer in the given encoding; base serves datarel. Indirect pointers are not followed. */
static uintptr_t take_pointer(struct cursor *c, uint8_t encoding, uintptr_t base)
{
	const uintptr_t here = (uintptr_t)c->at;
	uintptr_t v = 0;

	switch (encoding & 0x0f) {
	case PE_ABSPTR:
	case PE_UDATA8:
	case PE_SDATA8: v = take_bytes(c, 8); break;
	case PE_UDATA4: v = take_bytes(c, 4); break;
	case PE_SDATA4: v = (uintptr_t)(int64_t)(int32_t)take_bytes(c, 4); break;
	case PE_UDATA2: v = take_bytes(c, 2); break;
	case PE_SDATA2: v = (uintptr_t)(int64_t)(int16_t)take_bytes(c, 2); break;
	case PE_ULEB: v = take_uleb(c); break;
	case PE_SLEB: v = (uintptr_t)take_sleb(c); break;
	default: c->bad = true;
	}
	if ((encoding & 0x70) == PE_PCREL)
		v += here;
	else if ((encoding & 0x70) == PE_DATAREL)
		v += base;
	return v;
}

/*
 * Packers and strippers leave sections with arbitrary contents, so nothing outside the module is read. There is one
 * exception: if .eh_frame_hdr itself lies outside the known range (the segments are far apart, so the range is that
 * of the code), the linker's pointers are trusted.
 */
static bool lies_inside(const struct cfi_module *m, const uint8_t *at, uint64_t bytes)
{
	const uintptr_t hdr = (uintptr_t)m->eh_frame_hdr, from = (uintptr_t)at;

	if (hdr < m->start || hdr >= m->end)
		return true;
	return from >= m->start && from <= m->end && bytes <= m->end - from;
}

#define HDR_MAX 64u
#define TABLE_MAX (1u << 26)
#define ENTRY_MAX (1u << 24)

struct hdr_table {
	const uint8_t *entries; /* pairs of int32, relative to hdr */
	uint64_t count;
	const uint8_t *eh_frame;
};

static int hdr_read(const struct cfi_module *m, struct hdr_table *ret)
{
	struct cursor c = { m->eh_frame_hdr, m->eh_frame_hdr + HDR_MAX, false };
	const uintptr_t base = (uintptr_t)m->eh_frame_hdr;

	if (!lies_inside(m, m->eh_frame_hdr, HDR_MAX)) /* it stands at the module's very end */
		c.end = (const uint8_t *)m->end;
	if (!m->eh_frame_hdr || take(&c) != 1)
		return -1;

	const uint8_t frame_encoding = take(&c), count_encoding = take(&c), table_encoding = take(&c);

	ret->eh_frame = (const uint8_t *)take_pointer(&c, frame_encoding, base);
	if (count_encoding == PE_OMIT || table_encoding != (PE_DATAREL | PE_SDATA4))
		return -1;
	ret->count = take_pointer(&c, count_encoding, base);
	ret->entries = c.at;
	if (c.bad || ret->count > TABLE_MAX)
		return -1;
	return lies_inside(m, ret->entries, ret->count * 8) ? 0 : -1;
}

static int32_t hdr_word(const struct hdr_table *t, uint64_t i, unsigned which)
{
	int32_t v;

	memcpy(&v, t->entries + i * 8 + which * 4, 4);
	return v;
}

/* The last entry that starts at or before pc, by binary search: the table is sorted. */
static const uint8_t *hdr_search(const struct cfi_module *m, const struct hdr_table *t, uintptr_t pc)
{
	const uintptr_t base = (uintptr_t)m->eh_frame_hdr;
	uint64_t low = 0, high = t->count;

	while (low < high) {
		const uint64_t middle = low + (high - low) / 2;

		if (base + (uintptr_t)(intptr_t)hdr_word(t, middle, 0) <= pc)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	return m->eh_frame_hdr + hdr_word(t, low - 1, 1);
}

/* Opens the entry (CIE or FDE) at p: a cursor over what follows its length. */
static struct cursor entry_open(const struct cfi_module *m, const uint8_t *p)
{
	struct cursor c = { p, p + 12, !lies_inside(m, p, 12) };
	uint64_t length = c.bad ? 0 : take_bytes(&c, 4);

	if (length == 0xffffffff)
		length = take_bytes(&c, 8);
	if (length == 0 || length > ENTRY_MAX || !lies_inside(m, c.at, length))
		c = (struct cursor){ p, p, true };
	else
		c.end = c.at + length;
	return c;
}

static int cie_read(const struct cfi_module *m, const uint8_t *p, struct cfi_fde *f)
{
	struct cursor c = entry_open(m, p);

	if (take_bytes(&c, 4) != 0)
		return -1;

	const uint8_t version = take(&c);
	const uint8_t *augmentation = c.at;

	while (take(&c) && !c.bad)
		;
	if (c.bad || (version != 1 && version != 3) || (augmentation[0] && augmentation[0] != 'z'))
		return -1;
	f->code_align = take_uleb(&c);
	f->data_align = take_sleb(&c);
	f->ra_reg = (uint8_t)(version == 1 ? take(&c) : take_uleb(&c));
	f->pointer_encoding = PE_ABSPTR;
	if (augmentation[0] == 'z') {
		const uint64_t bytes = take_uleb(&c);
		struct cursor a = c;

		for (const uint8_t *s = augmentation + 1; *s; s++) {
			if (*s == 'R')
				f->pointer_encoding = take(&a);
			else if (*s == 'P')
				(void)take_pointer(&a, take(&a), 0);
			else if (*s == 'L')
				(void)take(&a);
			else if (*s == 'S')
				f->signal_frame = true;
			else if (*s == 'B') /* which key signs return addresses */
				continue;
			else
				break;
		}
		if (a.bad || bytes > (uint64_t)(c.end - c.at))
			return -1;
		c.at += bytes;
	}
	f->initial = c.at;
	f->initial_end = c.end;
	return c.bad || f->ra_reg >= REG_COUNT ? -1 : 0;
}

int cfi_fde_at(const struct cfi_module *m, uintptr_t pc, struct cfi_fde *ret)
{
	struct hdr_table table;
	struct cfi_fde f = { 0 };
	const uint8_t *p;

	if (hdr_read(m, &table) != 0 || !(p = hdr_search(m, &table, pc)))
		return -1;

	struct cursor c = entry_open(m, p);
	const uint8_t *const id_at = c.at;
	const uint64_t id = take_bytes(&c, 4);

	if (c.bad || id == 0 || cie_read(m, id_at - id, &f) != 0)
		return -1;
	f.start = take_pointer(&c, f.pointer_encoding, 0);

	const uintptr_t range = take_pointer(&c, f.pointer_encoding & 0x0f, 0);

	if (pc < f.start || pc - f.start >= range)
		return -1;

	/* Augmentation data: the LSDA; skipped. 'z' was there unless the initial string was empty. */
	const uint64_t bytes = take_uleb(&c);

	if (c.bad || bytes > (uint64_t)(c.end - c.at))
		return -1;
	f.instructions = c.at + bytes;
	f.end = c.end;
	*ret = f;
	return 0;
}

static void set_reg(struct cfi_row *row, uint64_t reg, uint8_t how, int64_t value)
{
	if (reg >= REG_COUNT)
		return; /* vector registers: no CFA uses them */
	row->reg[reg].how = how;
	row->reg[reg].value = value;
}

static void set_cfa(struct cfi_row *row, uint64_t reg, int64_t offset)
{
	row->cfa.how = reg < REG_COUNT ? CFI_REGISTER : CFI_UNDEFINED;
	row->cfa_reg = (uint8_t)reg;
	row->cfa.value = offset;
}

/*
 * If the CFA is a register and an offset, one of the two changes. If it is an expression, its value would no longer
 * be an address.
 */
static bool move_cfa(struct cfi_row *row, uint64_t reg, int64_t offset)
{
	if (row->cfa.how != CFI_REGISTER)
		return false;
	set_cfa(row, reg, offset);
	return true;
}

static int64_t take_block(struct cursor *c)
{
	const uint8_t *const block = c->at;
	const uint64_t bytes = take_uleb(c);

	if (bytes > (uint64_t)(c->end - c->at))
		c->bad = true;
	else
		c->at += bytes;
	return (int64_t)(intptr_t)block;
}

static void restore_reg(struct cfi_scratch *s, uint64_t reg)
{
	if (reg < REG_COUNT)
		s->row.reg[reg] = s->initial.reg[reg];
}

/* The offset is in units of the CIE. A value that overflows is not a valid offset, but does no harm. */
static int64_t factored(const struct cfi_fde *f, uint64_t n)
{
	return (int64_t)(n * (uint64_t)f->data_align);
}

static bool remember(struct cfi_scratch *s, unsigned *depth)
{
	if (*depth == CFI_REMEMBERED)
		return false;
	s->remembered[(*depth)++] = s->row;
	return true;
}

static bool recall(struct cfi_scratch *s, unsigned *depth)
{
	if (*depth == 0)
		return false;
	s->row = s->remembered[--*depth];
	return true;
}

/* An instruction that says what the CFA is. False: it is none of those. */
static bool define_cfa(const struct cfi_fde *f, struct cursor *c, struct cfi_row *row, uint8_t op)
{
	uint64_t reg;

	switch (op) {
	case CFA_DEF:
		reg = take_uleb(c);
		set_cfa(row, reg, (int64_t)take_uleb(c));
		return true;
	case CFA_DEF_SF:
		reg = take_uleb(c);
		set_cfa(row, reg, factored(f, (uint64_t)take_sleb(c)));
		return true;
	case CFA_DEF_REGISTER: return move_cfa(row, take_uleb(c), row->cfa.value);
	case CFA_DEF_OFFSET: return move_cfa(row, row->cfa_reg, (int64_t)take_uleb(c));
	case CFA_DEF_OFFSET_SF: return move_cfa(row, row->cfa_reg, factored(f, (uint64_t)take_sleb(c)));
	case CFA_DEF_EXPRESSION:
		row->cfa.value = take_block(c);
		row->cfa.how = CFI_EXPRESSION;
		return true;
	default: return false;
	}
}

/* Executes one instruction other than an advance. False: it is not understood. */
static bool run_one(const struct cfi_fde *f, struct cursor *c, struct cfi_scratch *s,
		    unsigned *depth, uint8_t op)
{
	struct cfi_row *const row = &s->row;
	uint64_t reg;

	if ((op & 0xc0) == CFA_OFFSET) {
		set_reg(row, op & 0x3f, CFI_AT_CFA, factored(f, take_uleb(c)));
		return true;
	}
	if ((op & 0xc0) == CFA_RESTORE) {
		restore_reg(s, op & 0x3f);
		return true;
	}
	switch (op) {
	case CFA_NOP: return true;
	case CFA_OFFSET_EXT:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_AT_CFA, factored(f, take_uleb(c)));
		return true;
	case CFA_OFFSET_SF:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_AT_CFA, factored(f, (uint64_t)take_sleb(c)));
		return true;
	case CFA_NEGATIVE_OFFSET:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_AT_CFA, factored(f, -take_uleb(c)));
		return true;
	case CFA_VAL_OFFSET:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_IS_CFA, factored(f, take_uleb(c)));
		return true;
	case CFA_VAL_OFFSET_SF:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_IS_CFA, factored(f, (uint64_t)take_sleb(c)));
		return true;
	case CFA_REGISTER:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_REGISTER, (int64_t)take_uleb(c));
		return true;
	case CFA_EXPRESSION:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_EXPRESSION, take_block(c));
		return true;
	case CFA_VAL_EXPRESSION:
		reg = take_uleb(c);
		set_reg(row, reg, CFI_IS_EXPRESSION, take_block(c));
		return true;
	case CFA_RESTORE_EXT: restore_reg(s, take_uleb(c)); return true;
	case CFA_UNDEFINED: set_reg(row, take_uleb(c), CFI_UNDEFINED, 0); return true;
	case CFA_SAME: set_reg(row, take_uleb(c), CFI_SAME, 0); return true;
	case CFA_REMEMBER: return remember(s, depth);
	case CFA_RESTORE_STATE: return recall(s, depth);
	case CFA_ARGS_SIZE: (void)take_uleb(c); return true;
	case CFA_NEGATE_RA_STATE: return ARCH_RA_SIGN_STATE;
	default: return define_cfa(f, c, row, op);
	}
}

/* The bytes of code that an advance steps over; 0 for any other instruction. */
static bool take_advance(struct cursor *c, uint8_t op, const struct cfi_fde *f, uintptr_t *loc)
{
	uint64_t delta;

	if ((op & 0xc0) == CFA_ADVANCE)
		delta = op & 0x3f;
	else if (op == CFA_ADVANCE1)
		delta = take(c);
	else if (op == CFA_ADVANCE2)
		delta = take_bytes(c, 2);
	else if (op == CFA_ADVANCE4)
		delta = take_bytes(c, 4);
	else if (op == CFA_SET_LOC) {
		*loc = take_pointer(c, f->pointer_encoding, 0);
		return true;
	} else
		return false;
	*loc += delta * f->code_align;
	return true;
}

static int run(const struct cfi_fde *f, const uint8_t *from, const uint8_t *to, uintptr_t pc,
	       struct cfi_scratch *s)
{
	struct cursor c = { from, to, false };
	uintptr_t loc = f->start;
	unsigned depth = 0;

	while (c.at < c.end && !c.bad) {
		const uint8_t op = take(&c);

		if (take_advance(&c, op, f, &loc)) {
			if (loc > pc)
				break;
		} else if (!run_one(f, &c, s, &depth, op)) {
			return -1;
		}
	}
	return c.bad ? -1 : 0;
}

int cfi_row_at(const struct cfi_fde *f, uintptr_t pc, struct cfi_scratch *s)
{
	memset(&s->row, 0, sizeof(s->row));
	memset(&s->initial, 0, sizeof(s->initial));
	if (run(f, f->initial, f->initial_end, UINTPTR_MAX, s) != 0)
		return -1;
	s->initial = s->row;
	return run(f, f->instructions, f->end, pc, s);
}
