/*
 * python_code - the code objects of Python that stand in stacks: a table of their addresses, and how the recorder is told of them.
 *
 * Each gets a range of numbers, one for each instruction, which no other code object ever gets. An address may become another code
 * object's: the function by which CPython ends code objects is replaced by one that takes the address out of the table first.
 */
#include "python_private.h"

#include <string.h>

#include "send.h"

#define PROBES 64u
#define TEXT_BYTES 1024u /* of a record */
#define TEXT_MAX 4096u /* of a name; a longer one is cut */

static uint32_t place_of(uintptr_t code)
{
	return (uint32_t)((code * 0x9e3779b97f4a7c15ull) >> (64 - PYTHON_CODE_BITS));
}

static uint32_t next_place(uint32_t i)
{
	return (i + 1) & ((1u << PYTHON_CODE_BITS) - 1);
}

static void drop(struct python *p, uintptr_t code)
{
	uint32_t i = place_of(code);

	for (unsigned probe = 0; probe < PROBES; probe++, i = next_place(i)) {
		uintptr_t key = atomic_load(&p->codes[i].key);

		if (key == PYTHON_CODE_FREE)
			return;
		if (key == code && atomic_compare_exchange_strong(&p->codes[i].key, &key, PYTHON_CODE_DROPPED))
			atomic_fetch_add(&p->generation, 1);
	}
}

/* In the place of CPython's function. */
static void code_ends(uintptr_t code)
{
	struct python *const p = state.python;

	drop(p, code); /* first: another interpreter may get the memory at once */
	p->code_end(code);
}

void python_watch_codes(struct python *p)
{
	_Atomic uintptr_t *const end = (_Atomic uintptr_t *)(p->code_type + PYTHON_TYPE_END);
	const uintptr_t was = atomic_load(end);

	if (was == (uintptr_t)code_ends)
		return;
	p->code_end = (void (*)(uintptr_t))was;
	atomic_store(end, (uintptr_t)code_ends);
}

void python_forget_codes(struct python *p)
{
	if (atomic_load(&p->next) == PYTHON_FIRST_NUMBER) /* none is known, and the table was never touched */
		return;
	for (uint32_t i = 0; i < 1u << PYTHON_CODE_BITS; i++)
		atomic_store_explicit(&p->codes[i].key, PYTHON_CODE_FREE, memory_order_relaxed);
	atomic_fetch_add(&p->generation, 1);
}

/* ---- telling ---- */

/* A text on its way to the recorder: the operands of a record. */
struct telling {
	struct thread *t;
	uint8_t what; /* enum wire_python_text */
	uint32_t told; /* bytes so far */
	uint32_t n;
	uint8_t bytes[TEXT_BYTES];
};

static bool tell_bytes(struct telling *g)
{
	uint8_t head[1 + TRK_VARINT_MAX] = { g->what };
	const bool told = send_record(g->t, WIRE_PYTHON_TEXT, head, (uint32_t)(put_varint(head + 1, g->n) - head), g->bytes, g->n);

	g->told += g->n;
	g->n = 0;
	return told;
}

#define REPLACEMENT 0xfffdu

/* A byte of a file name that was no UTF-8 is a surrogate from U+DC80 on: it becomes that byte again. */
static void put_character(struct telling *g, uint32_t c)
{
	uint8_t *const at = g->bytes + g->n;

	if (c >= 0xdc80 && c < 0xdd00) {
		g->bytes[g->n++] = (uint8_t)c;
		return;
	}
	if ((c >= 0xd800 && c < 0xe000) || c > 0x10ffff || !c)
		c = REPLACEMENT;
	if (c < 0x80) {
		at[0] = (uint8_t)c;
		g->n += 1;
	} else if (c < 0x800) {
		at[0] = (uint8_t)(0xc0 | c >> 6);
		at[1] = (uint8_t)(0x80 | (c & 63));
		g->n += 2;
	} else if (c < 0x10000) {
		at[0] = (uint8_t)(0xe0 | c >> 12);
		at[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		at[2] = (uint8_t)(0x80 | (c & 63));
		g->n += 3;
	} else {
		at[0] = (uint8_t)(0xf0 | c >> 18);
		at[1] = (uint8_t)(0x80 | (c >> 12 & 63));
		at[2] = (uint8_t)(0x80 | (c >> 6 & 63));
		at[3] = (uint8_t)(0x80 | (c & 63));
		g->n += 4;
	}
}

static uint32_t character(const uint8_t *at, unsigned kind, size_t i)
{
	uint16_t two;
	uint32_t four;

	if (kind == 1)
		return at[i];
	if (kind == 2) {
		memcpy(&two, at + 2 * i, sizeof(two));
		return two;
	}
	memcpy(&four, at + 4 * i, sizeof(four));
	return four;
}

/* An object of another type, or an old form of string, is told as nothing. */
static bool tell_name(struct thread *t, const struct python *p, uint8_t what, uintptr_t string)
{
	struct telling g = { .t = t, .what = what };

	if (!string || python_word(string + PYTHON_TYPE) != p->string_type)
		return true;

	const uint32_t bits = *(const uint32_t *)(string + PYTHON_STRING_STATE);
	const unsigned kind = bits >> 2 & 7, compact = bits >> 5 & 1, ascii = bits >> 6 & 1;
	const uint8_t *const at = (const void *)(string + (ascii ? p->layout->ascii : p->layout->compact));
	const size_t length = compact && (kind == 1 || kind == 2 || kind == 4) ? python_word(string + PYTHON_STRING_LENGTH) : 0;

	for (size_t i = 0; i < length && g.told + g.n + 4 <= TEXT_MAX; i++) {
		if (g.n + 4 > TEXT_BYTES && !tell_bytes(&g))
			return false;
		put_character(&g, character(at, kind, i));
	}
	return !g.n || tell_bytes(&g);
}

static bool tell_lines(struct thread *t, const struct python *p, uintptr_t table)
{
	const size_t size = table && python_word(table + PYTHON_TYPE) == p->bytes_type ? python_word(table + PYTHON_SIZE) : 0;
	struct telling g = { .t = t, .what = WIRE_PYTHON_LINES };

	for (size_t at = 0; at < size; at += TEXT_BYTES) {
		g.n = (uint32_t)(size - at < TEXT_BYTES ? size - at : TEXT_BYTES);
		memcpy(g.bytes, (const void *)(table + PYTHON_BYTES + at), g.n);
		if (!tell_bytes(&g))
			return false;
	}
	return true;
}

static bool tell_head(struct thread *t, const struct python *p, uintptr_t code, const struct python_code *c)
{
	uint8_t head[4 * TRK_VARINT_MAX], *at = put_varint(put_varint(head, c->first), c->units);

	*at++ = p->layout->minor;
	at = put_zigzag(at, *(const int32_t *)(code + p->layout->first_line));
	return send_record(t, WIRE_PYTHON, head, (uint32_t)(at - head), NULL, 0);
}

static bool tell_end(struct thread *t)
{
	struct telling g = { .t = t, .what = WIRE_PYTHON_END };

	return tell_bytes(&g);
}

static bool tell(struct thread *t, const struct python *p, uintptr_t code, const struct python_code *c)
{
	const struct python_layout *const l = p->layout;

	return tell_head(t, p, code, c) && tell_name(t, p, WIRE_PYTHON_FILE, python_word(code + l->file)) &&
	       tell_name(t, p, WIRE_PYTHON_NAME, python_word(code + l->qualified)) && tell_lines(t, p, python_word(code + l->lines)) &&
	       tell_end(t);
}

/* ---- the table ---- */

static bool is_text(const struct python *p, uintptr_t string, const char *text)
{
	const uint32_t bits = *(const uint32_t *)(string + PYTHON_STRING_STATE);
	const size_t length = python_word(string + PYTHON_STRING_LENGTH);

	return (bits >> 5 & 3) == 3 && length == strlen(text) && memcmp((const void *)(string + p->layout->ascii), text, length) == 0;
}

/* From 3.12 on, a call of a class may put a frame between the caller and __init__, whose code is written nowhere. */
static bool is_internal(const struct python *p, uintptr_t code)
{
	return p->layout->begins == PYTHON_SHIMS && is_text(p, python_word(code + p->layout->file), "__init__") &&
	       is_text(p, python_word(code + p->layout->name), "__init__");
}

static uint64_t units_of(const struct python *p, uintptr_t code)
{
	if (p->layout->instruction == PYTHON_POINTER)
		return python_word(code + PYTHON_SIZE);
	return python_word(python_word(code + p->layout->bytes) + PYTHON_SIZE) / 2;
}

#define UNITS_MAX (1u << 28)

/* Fills the entry that this thread has claimed. False: the recorder was not told. */
static bool fill(struct thread *t, struct python *p, uintptr_t code, struct python_code *c)
{
	const uint64_t units = units_of(p, code);

	c->units = units < UNITS_MAX ? (uint32_t)units + 1 : UNITS_MAX; /* the last one: it has not begun */
	c->first = atomic_fetch_add(&p->next, c->units);
	if (!is_internal(p, code))
		return tell(t, p, code, c);
	c->first = 0;
	return true;
}

/* The entry of a code object; NULL: it has no place. `spare` is the first entry that could become its. */
static struct python_code *find(struct python *p, uintptr_t code, struct python_code **spare)
{
	uint32_t i = place_of(code);

	*spare = NULL;
	for (unsigned probe = 0; probe < PROBES; probe++, i = next_place(i)) {
		struct python_code *const c = &p->codes[i];
		const uintptr_t key = atomic_load_explicit(&c->key, memory_order_acquire);

		if (key == code)
			return c;
		if (!*spare && (key == PYTHON_CODE_FREE || key == PYTHON_CODE_DROPPED))
			*spare = c;
		if (key == PYTHON_CODE_FREE)
			return NULL;
	}
	return NULL;
}

/* The entry of the code object, which the recorder knows then. NULL: there is no room in the table, or on the way to the recorder. */
static struct python_code *get(struct thread *t, struct python *p, uintptr_t code)
{
	struct python_code *spare, *c;
	uintptr_t key;

	/* If another thread tells of the same one meanwhile, it is told twice. */
	do {
		c = find(p, code, &spare);
		if (c || !spare)
			return c;
		key = atomic_load_explicit(&spare->key, memory_order_relaxed);
	} while ((key != PYTHON_CODE_FREE && key != PYTHON_CODE_DROPPED) || !atomic_compare_exchange_strong(&spare->key, &key, PYTHON_CODE_TAKEN));
	if (!fill(t, p, code, spare)) {
		atomic_store_explicit(&spare->key, PYTHON_CODE_DROPPED, memory_order_release);
		atomic_fetch_add(&p->generation, 1); /* it is tried again with the next stack */
		return NULL;
	}
	atomic_store_explicit(&spare->key, code, memory_order_release);
	return spare;
}

static bool is_code(const struct python *p, uintptr_t code)
{
	return code && code % sizeof(uintptr_t) == 0 && python_word(code + PYTHON_TYPE) == p->code_type;
}

uint64_t python_pc(struct thread *t, struct python *p, uintptr_t code, uintptr_t instr)
{
	const struct python_code *const c = is_code(p, code) ? get(t, p, code) : NULL;
	int64_t unit;

	if (!c) {
		atomic_fetch_add_explicit(&state.process->python_unknown, 1, memory_order_relaxed);
		return WIRE_PYTHON_PC;
	}
	if (!c->first)
		return 0;
	switch ((enum python_instruction)p->layout->instruction) {
	case PYTHON_INDEX_BYTES: unit = (int32_t)instr >> 1; break; /* -1 stays negative */
	case PYTHON_INDEX_UNITS: unit = (int32_t)instr; break;
	default: unit = (int64_t)(instr - (code + p->layout->bytes)) / 2;
	}
	if (unit < 0 || unit >= c->units)
		unit = c->units - 1;
	return WIRE_PYTHON_PC + c->first + (uint64_t)unit;
}
