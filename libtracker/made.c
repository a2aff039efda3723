/* made - see made.h. */
#include "made.h"

#include <errno.h>
#include <string.h>

#include "chunk.h"
#include "code.h"
#include "raw.h"

#define FAR 65536u /* the search for a method's entry begins so far before pc */
#define ASSUMED 128u /* so few bytes of a page before pc do not tell what code it is, so a step by the frame pointer is tried */

struct look {
	struct thread *t;
	uintptr_t pc;
	uintptr_t end; /* signs that begin there or later have already been looked for */
	uint8_t *room; /* the window: code from `from` on, and zeros behind its end */
	uintptr_t from, to;
	bool uses; /* some code near pc uses frame pointers */
	bool refused; /* because of a sandbox: the bytes before the page of pc are not known */
	int32_t size;
};

/* Of the smallest page size: if one byte of such a page can be read, all of it can. */
static uintptr_t page_of(uintptr_t address)
{
	return address & ~(uintptr_t)(RAW_PAGE_LEAST - 1);
}

/* Reads the code from `start` to l->to. False: nothing is there, or it cannot be read. */
static bool read_code(struct look *l, uintptr_t start, uint8_t *room)
{
	const size_t bytes = l->to - start;
	long got = -EPERM;

	if (!code_is_mapped(start))
		return false;
	if (chunk_could_call(l->t))
		got = raw_read_memory(start, room, bytes);
	l->refused = got < 0 && got != -EFAULT;
	if (l->refused && start >= page_of(l->pc - 1) && l->to <= page_of(l->pc) + RAW_PAGE_LEAST) { /* the thread will go on there */
		memcpy(room, (const void *)start, bytes);
		got = (long)bytes;
	}
	memset(room + bytes, 0, ARCH_SIGN_BYTES);
	return got == (long)bytes;
}

/*
 * Reads the next window: one page, and the bytes that its last signs need. Zeros stand before the first page that can
 * be read.
 */
static bool read_window(struct look *l, size_t room)
{
	const uintptr_t page = page_of(l->end - 1);

	l->to = l->end + ARCH_SIGN_BYTES < l->pc ? l->end + ARCH_SIGN_BYTES : l->pc;
	l->from = page_of(l->end - 1 - ARCH_SIGN_BEFORE);
	if (l->to - l->from > room)
		l->from = l->to - room;
	if (read_code(l, l->from, l->room))
		return true;
	if (l->from >= page)
		return false;
	l->from = page - ARCH_SIGN_BEFORE;
	memset(l->room, 0, ARCH_SIGN_BEFORE);
	return read_code(l, page, l->room + ARCH_SIGN_BEFORE);
}

/* The sign nearest to pc decides. A sign that says little is only noted. */
static enum arch_sign find_sign(struct look *l)
{
	const uintptr_t first = l->from + ARCH_SIGN_BEFORE;

	while (l->end > first) {
		const enum arch_sign sign = arch_sign_at(l->room + (--l->end - l->from), &l->size);

		if (sign == ARCH_SIGN_USE)
			l->uses |= l->pc - l->end <= MADE_NEAR;
		else if (sign != ARCH_SIGN_NONE)
			return sign;
	}
	return ARCH_SIGN_NONE;
}

/* Of the frame, if the code at pc gives it back; otherwise 0. */
static int32_t left_size(struct look *l)
{
	l->to = l->pc + ARCH_LEAVE_BYTES;
	return read_code(l, l->pc, l->room) ? arch_left_size(l->room) : 0;
}

enum made made_look(struct thread *t, uintptr_t pc, int32_t *ret_size)
{
	struct look l = { .t = t, .pc = pc, .end = pc, .room = (uint8_t *)t->cfi.remembered };
	const size_t room = sizeof(t->cfi.remembered) - ARCH_SIGN_BYTES;
	enum arch_sign sign = ARCH_SIGN_NONE;

	*ret_size = left_size(&l);
	if (*ret_size)
		return MADE_LEFT;
	while (ARCH_FRAME_BYTES && sign == ARCH_SIGN_NONE && pc - l.end < FAR && read_window(&l, room))
		sign = find_sign(&l);
	*ret_size = l.size;
	if (sign == ARCH_SIGN_SIZED)
		return MADE_SIZED;
	if (sign == ARCH_SIGN_METHOD)
		return MADE_METHOD;
	if ((sign == ARCH_SIGN_FRAME && pc - l.end <= MADE_NEAR) || l.uses)
		return MADE_FRAME;
	return ARCH_FRAME_BYTES && l.refused && pc - page_of(pc) < ASSUMED ? MADE_FRAME : MADE_UNKNOWN;
}
