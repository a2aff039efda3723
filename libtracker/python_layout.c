/* python_layout - where the fields stand that are read: by the minor version of CPython, or as the interpreter itself tells it. */
#include "python_private.h"

#include <pthread.h>
#include <string.h>

#include "raw.h"

static const struct python_layout layouts[] = {
	{ 8, PYTHON_TOP_FRAME, PYTHON_INDEX_BYTES, PYTHON_COUNTED, 24, 0, 0, 0, 24, 32, 104, 0, 104, 112, 112, 40, 120, 48, 48, 72 },
	{ 9, PYTHON_TOP_FRAME, PYTHON_INDEX_BYTES, PYTHON_COUNTED, 24, 0, 0, 0, 24, 32, 104, 0, 104, 112, 112, 40, 120, 48, 48, 72 },
	{ 10, PYTHON_TOP_FRAME_AND_CFRAME, PYTHON_INDEX_UNITS, PYTHON_EACH, 24, 48, 0, 8, 24, 32, 96, 0, 104, 112, 112, 40, 120, 48, 48, 72 },
	{ 11, PYTHON_TOP_CFRAME, PYTHON_POINTER, PYTHON_ENTRIES, 0, 56, 8, 16, 48, 32, 56, 68, 112, 120, 128, 72, 136, 184, 48, 72 },
	{ 12, PYTHON_TOP_CFRAME, PYTHON_POINTER, PYTHON_SHIMS, 0, 56, 0, 8, 8, 0, 56, 70, 112, 120, 128, 68, 136, 192, 40, 56 },
	{ .minor = 13, .top = PYTHON_TOP_FRAME, .instruction = PYTHON_POINTER, .begins = PYTHON_SHIMS }, /* it tells the rest */
};

#define TELLS_FROM 13u

/* What it tells, as words of _Py_DebugOffsets of 3.13, which begins its _PyRuntime. The members that are to be equal are no part of a layout. */
enum { TOLD_NO_LOCK = 2,
       TOLD_STATE_FRAME = 23,
       TOLD_OLDER = 29,
       TOLD_CODE = 30,
       TOLD_INSTR = 31,
       TOLD_OWNER = 33,
       TOLD_FILE = 35,
       TOLD_NAME = 36,
       TOLD_QUALIFIED = 37,
       TOLD_LINES = 38,
       TOLD_FIRST_LINE = 39,
       TOLD_BYTES = 43,
       TOLD_TYPE = 45,
       TOLD_TYPE_NAME = 47,
       TOLD_SIZE = 65,
       TOLD_BYTES_BEGIN = 66,
       TOLD_STRING_STATE = 68,
       TOLD_STRING_LENGTH = 69,
       TOLD_ASCII = 70 };

_Static_assert(TOLD_ASCII + 1 == PYTHON_TOLD_WORDS, "as many are read");

/* They are within what is looked at when it is compared (below). */
static const struct {
	uint8_t member, word, most;
} told[] = {
#define MEMBER(name) offsetof(struct python_layout, name)
	{ MEMBER(state_frame), TOLD_STATE_FRAME, 120 },
	{ MEMBER(older), TOLD_OLDER, 104 },
	{ MEMBER(code), TOLD_CODE, 104 },
	{ MEMBER(instr), TOLD_INSTR, 104 },
	{ MEMBER(owner), TOLD_OWNER, 104 },
	{ MEMBER(file), TOLD_FILE, 200 },
	{ MEMBER(name), TOLD_NAME, 200 },
	{ MEMBER(qualified), TOLD_QUALIFIED, 200 },
	{ MEMBER(first_line), TOLD_FIRST_LINE, 200 },
	{ MEMBER(lines), TOLD_LINES, 200 },
	{ MEMBER(bytes), TOLD_BYTES, 255 },
	{ MEMBER(ascii), TOLD_ASCII, 200 },
#undef MEMBER
};

static const struct {
	uint8_t word, value;
} equal[] = {
	{ TOLD_TYPE, PYTHON_TYPE },
	{ TOLD_TYPE_NAME, PYTHON_TYPE_NAME },
	{ TOLD_SIZE, PYTHON_SIZE },
	{ TOLD_BYTES_BEGIN, PYTHON_BYTES },
	{ TOLD_STRING_STATE, PYTHON_STRING_STATE },
	{ TOLD_STRING_LENGTH, PYTHON_STRING_LENGTH },
};

static bool take_told(const uint64_t *words, struct python_layout *ret)
{
	for (size_t i = 0; i < sizeof(equal) / sizeof(*equal); i++)
		if (words[equal[i].word] != equal[i].value)
			return false;
	for (size_t i = 0; i < sizeof(told) / sizeof(*told); i++) {
		const uint16_t at = (uint16_t)words[told[i].word];

		if (words[told[i].word] > told[i].most)
			return false;
		memcpy((uint8_t *)ret + told[i].member, &at, sizeof(at));
	}
	ret->compact = ret->ascii + 2 * sizeof(uintptr_t); /* PyCompactUnicodeObject, of which it says nothing */
	return true;
}

enum trk_python python_layout_find(unsigned minor, const uint64_t *words, struct python_layout *ret)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++) {
		if (layouts[i].minor != minor)
			continue;
		*ret = layouts[i];
		if (minor >= TELLS_FROM && words && words[TOLD_NO_LOCK])
			return TRK_PYTHON_NO_LOCK;
		return minor < TELLS_FROM || (words && take_told(words, ret)) ? TRK_PYTHON_READ : TRK_PYTHON_DIFFERS;
	}
	return TRK_PYTHON_VERSION;
}

struct python_cursor python_top(const struct python_layout *l, uintptr_t s)
{
	struct python_cursor c = { 0 };

	if (l->top != PYTHON_TOP_FRAME)
		c.cframe = python_word(s + l->state_cframe);
	if (l->top == PYTHON_TOP_CFRAME && unlikely(!c.cframe))
		return c;
	c.frame = l->top == PYTHON_TOP_CFRAME ? python_word(c.cframe + l->cframe_frame) : python_word(s + l->state_frame);
	return c;
}

bool python_begins_run(const struct python_layout *l, uintptr_t frame)
{
	switch ((enum python_begins)l->begins) {
	case PYTHON_ENTRIES: return python_byte(frame + l->owner);
	case PYTHON_SHIMS: return python_byte(frame + l->owner) == PYTHON_SHIM;
	default: return true;
	}
}

uintptr_t python_instr(const struct python_layout *l, uintptr_t frame)
{
	return l->instruction == PYTHON_POINTER ? python_word(frame + l->instr) :
						  (uintptr_t)(intptr_t) * (const volatile int32_t *)(frame + l->instr);
}

/* ---- whether the running interpreter has these fields ---- */

#define CHECKED_FRAMES 64u
#define UNITS_MAX (1u << 28)
#define LINE_MAX (1 << 28)

static bool readable(uintptr_t at, size_t bytes)
{
	return at % sizeof(uint32_t) == 0 && raw_is_readable(at) && raw_is_readable(at + bytes - 8);
}

static bool is_of_type(uintptr_t object, uintptr_t type)
{
	return object % sizeof(uintptr_t) == 0 && readable(object, 64) && python_word(object + PYTHON_TYPE) == type;
}

static uint64_t units_of(const struct python_layout *l, uintptr_t code)
{
	return l->instruction == PYTHON_POINTER ? python_word(code + PYTHON_SIZE) : python_word(python_word(code + l->bytes) + PYTHON_SIZE) / 2;
}

static bool code_agrees(const struct python *p, uintptr_t code)
{
	const struct python_layout *const l = p->layout;

	if (!is_of_type(code, p->code_type) || !readable(code, 208u))
		return false;
	if (!is_of_type(python_word(code + l->file), p->string_type) || !is_of_type(python_word(code + l->name), p->string_type) ||
	    !is_of_type(python_word(code + l->qualified), p->string_type) || !is_of_type(python_word(code + l->lines), p->bytes_type))
		return false;
	if (l->instruction != PYTHON_POINTER && !is_of_type(python_word(code + l->bytes), p->bytes_type))
		return false;

	const int32_t line = *(const int32_t *)(code + l->first_line);

	return line >= 0 && line < LINE_MAX && units_of(l, code) < UNITS_MAX;
}

static bool frame_agrees(const struct python *p, uintptr_t frame)
{
	const struct python_layout *const l = p->layout;
	const uintptr_t code = python_word(frame + l->code);
	intptr_t unit;

	if (!code_agrees(p, code))
		return false;
	unit = (intptr_t)python_instr(l, frame);
	if (l->instruction == PYTHON_POINTER)
		unit = (intptr_t)((uintptr_t)unit - (code + l->bytes)) / 2;
	else if (l->instruction == PYTHON_INDEX_BYTES)
		unit /= 2;
	return unit >= -1 && unit <= (intptr_t)units_of(l, code);
}

/* The frame at the cursor, which moves on. */
static bool one_agrees(const struct python *p, struct python_cursor *c, unsigned *seen)
{
	const struct python_layout *const l = p->layout;

	if (!readable(c->frame, 112))
		return false;
	if (l->begins != PYTHON_SHIMS || !python_begins_run(l, c->frame)) {
		if (!frame_agrees(p, c->frame))
			return false;
		++*seen;
	}
	if (python_has_cframes(l) && python_begins_run(l, c->frame)) {
		if (!readable(c->cframe, 24))
			return false;
		c->cframe = python_word(c->cframe + l->cframe_older);
	}
	c->frame = python_word(c->frame + l->older);
	return true;
}

#define STATE_BYTES 320u

uint32_t python_find_thread_id(uintptr_t s)
{
	const uintptr_t mine = (uintptr_t)pthread_self();

	for (uint32_t at = 8; at < STATE_BYTES && readable(s + at, 8); at += 8)
		if (python_word(s + at) == mine)
			return at;
	return 0;
}

enum python_says python_compare(const struct python *p, uintptr_t s)
{
	const struct python_layout *const l = p->layout;
	struct python_cursor c;
	unsigned seen = 0;

	if (!readable(s, 128) || (l->top != PYTHON_TOP_FRAME && !readable(python_word(s + l->state_cframe), 24)))
		return PYTHON_SAYS_DIFFERS;
	c = python_top(l, s);
	for (unsigned i = 0; c.frame && i < CHECKED_FRAMES; i++)
		if (!one_agrees(p, &c, &seen))
			return PYTHON_SAYS_DIFFERS;
	return seen ? PYTHON_SAYS_AGREES : PYTHON_SAYS_NOTHING;
}
