/*
 * cfi_expression - a machine for the DWARF expressions that compilers and libcs
 * write into unwind information (DWARF 5, 2.5). No heap; memory is read only
 * where the caller allows it.
 */
#include "cfi.h"
#include "cfi_bytes.h"

enum {
	OP_ADDR = 0x03,
	OP_DEREF = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_OVER = 0x14,
	OP_SWAP = 0x16,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_MUL = 0x1e,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_UCONST = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_SHRA = 0x26,
	OP_XOR = 0x27,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_LIT0 = 0x30,
	OP_LIT31 = 0x4f,
	OP_BREG0 = 0x70,
	OP_BREG31 = 0x8f,
	OP_BREGX = 0x92,
	OP_NOP = 0x96
};

#define EXPRESSION_DEPTH 16

struct machine {
	uintptr_t stack[EXPRESSION_DEPTH + 1];
	unsigned depth;
	bool bad;
};

static void push(struct machine *m, uintptr_t v)
{
	if (m->depth == EXPRESSION_DEPTH)
		m->bad = true;
	else
		m->stack[m->depth++] = v;
}

static uintptr_t pop(struct machine *m)
{
	if (m->depth == 0) {
		m->bad = true;
		return 0;
	}
	return m->stack[--m->depth];
}

static bool binary(struct machine *m, uint8_t op)
{
	const uintptr_t b = pop(m), a = pop(m);
	const intptr_t sa = (intptr_t)a, sb = (intptr_t)b;

	switch (op) {
	case OP_AND: push(m, a & b); return true;
	case OP_MINUS: push(m, a - b); return true;
	case OP_MUL: push(m, a * b); return true;
	case OP_OR: push(m, a | b); return true;
	case OP_PLUS: push(m, a + b); return true;
	case OP_SHL: push(m, b < 64 ? a << b : 0); return true;
	case OP_SHR: push(m, b < 64 ? a >> b : 0); return true;
	case OP_SHRA: push(m, (uintptr_t)(sa >> (b < 64 ? b : 63))); return true;
	case OP_XOR: push(m, a ^ b); return true;
	case OP_EQ: push(m, a == b); return true;
	case OP_GE: push(m, sa >= sb); return true;
	case OP_GT: push(m, sa > sb); return true;
	case OP_LE: push(m, sa <= sb); return true;
	case OP_LT: push(m, sa < sb); return true;
	case OP_NE: push(m, a != b); return true;
	default: return false;
	}
}

/* Operations that only move values on the stack. False, and nothing is done: it is another operation. */
static bool shuffle(struct machine *m, uint8_t op)
{
	uintptr_t a, b;

	if (op != OP_DUP && op != OP_DROP && op != OP_OVER && op != OP_SWAP)
		return false;
	b = pop(m);
	if (op == OP_DROP)
		return true;
	if (op == OP_DUP) {
		push(m, b);
		push(m, b);
		return true;
	}
	a = pop(m);
	if (op == OP_OVER)
		push(m, a);
	push(m, b);
	push(m, a);
	return true;
}

static uintptr_t constant(struct cursor *c, uint8_t op)
{
	const unsigned bytes = 1u << ((op - OP_CONST1U) / 2);
	const bool is_signed = (op - OP_CONST1U) & 1;
	const uint64_t v = take_bytes(c, bytes);

	if (!is_signed || bytes == 8)
		return v;
	return (uintptr_t)((int64_t)(v << (64 - 8 * bytes)) >> (64 - 8 * bytes));
}

static void register_plus(struct machine *m, struct cursor *c, const uintptr_t *regs, uint64_t reg)
{
	const int64_t offset = take_sleb(c);

	if (reg >= REG_COUNT)
		m->bad = true;
	else
		push(m, regs[reg] + (uintptr_t)offset);
}

int cfi_expression(const uint8_t *block, const uintptr_t *regs, bool push_initial,
		   uintptr_t initial, bool (*readable)(void *data, uintptr_t address), void *data,
		   uintptr_t *ret)
{
	struct cursor c = { block, block + 16, false };
	struct machine m = { .depth = 0 };
	uintptr_t a;

	c.end = c.at + TRK_VARINT_MAX;
	const uint64_t bytes = take_uleb(&c);

	c.end = c.at + (bytes < 4096 ? bytes : 0);
	if (push_initial)
		push(&m, initial);
	while (c.at < c.end && !c.bad && !m.bad) {
		const uint8_t op = take(&c);

		if (op >= OP_LIT0 && op <= OP_LIT31) {
			push(&m, (uintptr_t)(op - OP_LIT0));
		} else if (op >= OP_BREG0 && op <= OP_BREG31) {
			register_plus(&m, &c, regs, (uint64_t)(op - OP_BREG0));
		} else if (op >= OP_CONST1U && op <= OP_CONST8S) {
			push(&m, constant(&c, op));
		} else {
			switch (op) {
			case OP_ADDR: push(&m, take_bytes(&c, 8)); break;
			case OP_BREGX: register_plus(&m, &c, regs, take_uleb(&c)); break;
			case OP_CONSTU: push(&m, take_uleb(&c)); break;
			case OP_CONSTS: push(&m, (uintptr_t)take_sleb(&c)); break;
			case OP_DEREF:
				a = pop(&m);
				if (m.bad || !readable(data, a))
					return -1;
				push(&m, *(const uintptr_t *)a);
				break;
			case OP_NEG: push(&m, -pop(&m)); break;
			case OP_NOT: push(&m, ~pop(&m)); break;
			case OP_PLUS_UCONST:
				a = pop(&m);
				push(&m, a + take_uleb(&c));
				break;
			case OP_NOP: break;
			default:
				if (!shuffle(&m, op) && !binary(&m, op))
					return -1;
			}
		}
	}
	a = pop(&m);
	if (c.bad || m.bad)
		return -1;
	*ret = a;
	return 0;
}
