/* python_layout - where the fields stand that are read, by the minor version of CPython. */
#include "python_private.h"

#include "raw.h"

static const struct python_layout layouts[] = {
	{ 8, PYTHON_TOP_FRAME, PYTHON_INDEX_BYTES, PYTHON_COUNTED, 24, 0, 0, 0, 24, 32, 104, 0, 104, 112, 112, 40, 120, 48, 48, 72 },
	{ 9, PYTHON_TOP_FRAME, PYTHON_INDEX_BYTES, PYTHON_COUNTED, 24, 0, 0, 0, 24, 32, 104, 0, 104, 112, 112, 40, 120, 48, 48, 72 },
	{ 10, PYTHON_TOP_FRAME_AND_CFRAME, PYTHON_INDEX_UNITS, PYTHON_EACH, 24, 48, 0, 8, 24, 32, 96, 0, 104, 112, 112, 40, 120, 48, 48, 72 },
	{ 11, PYTHON_TOP_CFRAME, PYTHON_POINTER, PYTHON_ENTRIES, 0, 56, 8, 16, 48, 32, 56, 68, 112, 120, 128, 72, 136, 184, 48, 72 },
	{ 12, PYTHON_TOP_CFRAME, PYTHON_POINTER, PYTHON_SHIMS, 0, 56, 0, 8, 8, 0, 56, 70, 112, 120, 128, 68, 136, 192, 40, 56 },
	{ 13, PYTHON_TOP_FRAME, PYTHON_POINTER, PYTHON_SHIMS, 72, 0, 0, 0, 8, 0, 56, 70, 112, 120, 128, 68, 136, 200, 40, 56 },
};

const struct python_layout *python_layout_of(unsigned minor)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i].minor == minor)
			return &layouts[i];
	return NULL;
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
