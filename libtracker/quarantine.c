/* quarantine - see quarantine.h. */
#include "quarantine.h"

#include <string.h>

#include "ask.h"
#include "error.h"
#include "hook.h"
#include "raw.h"

/*
 * The table is an array of lines of four places. A block is in the line of its address, or in one that lies elsewhere: blocks that lie
 * near each other share pages of the table.
 */
#define LINES 131072u
#define PLACES 4u
#define LINE_SPAN 128u /* bytes of addresses */
#define TAKEN 1u /* the place is being filled */
#define RELEASED (1ull << 63) /* the program has released it */

struct place {
	_Atomic uintptr_t address; /* 0: free */
	_Atomic uint64_t size; /* with RELEASED */
};

static _Atomic(struct place *) table;
static _Atomic uint64_t kept_bytes;
static _Atomic uint32_t holds;
static bool asks;

void quarantine_start(void)
{
	asks = state.shm->header.flags & SHM_KEEPS;
}

void quarantine_class(void)
{
	asks = true;
}

bool quarantine_holds(void)
{
	return atomic_load(&holds);
}

/* ---- the table ---- */

static struct place *map_table(void)
{
	struct place *t = atomic_load(&table), *none = NULL;
	const size_t bytes = (size_t)LINES * PLACES * sizeof(*t);

	if (t)
		return t;
	t = raw_map_private(bytes);
	if (!t)
		return NULL;
	if (atomic_compare_exchange_strong(&table, &none, t))
		return t;
	raw_release(t, bytes);
	return none;
}

static struct place *line_of(struct place *t, uintptr_t address, unsigned which)
{
	const uintptr_t near = address / LINE_SPAN, line = which ? (near * 0x9e3779b97f4a7c15ull) >> 40 : near;

	return &t[line % LINES * PLACES];
}

static struct place *find(const void *p)
{
	struct place *const t = atomic_load(&table);

	for (unsigned i = 0; t && i < 2 * PLACES; i++) {
		struct place *const at = line_of(t, (uintptr_t)p, i / PLACES) + i % PLACES;

		if (atomic_load(&at->address) == (uintptr_t)p)
			return at;
	}
	return NULL;
}

static bool add(const void *p, uint64_t size)
{
	struct place *const t = map_table();

	for (unsigned i = 0; t && i < 2 * PLACES; i++) {
		struct place *const at = line_of(t, (uintptr_t)p, i / PLACES) + i % PLACES;
		uintptr_t none = 0;

		if (!atomic_compare_exchange_strong(&at->address, &none, TAKEN))
			continue;
		atomic_store(&at->size, size);
		atomic_store(&at->address, (uintptr_t)p);
		return true;
	}
	return false;
}

/* ---- what is to stay ---- */

int quarantine_object(const void *p, uint64_t size)
{
	if (!find(p) && !add(p, size))
		return error_set(TRACKER_ENOMEM, "too many objects are kept");
	if (!atomic_exchange(&holds, 1))
		(void)start_hold(1);
	return TRACKER_OK;
}

void quarantine_annotated(const void *p, const char *type_name)
{
	struct question q = { .what = SHM_ASK_CLASS, .text = type_name, .given = { SHM_CLASS_KEPT, (uintptr_t)p } };

	if (asks && ask(&q) == TRACKER_OK && q.figures[0])
		(void)quarantine_object(p, q.figures[1]);
}

/* ---- releases ---- */

static void tell(const void *p, uint64_t how, const struct site *at)
{
	struct thread *const t = thread_enter(at->sp);

	if (!t)
		return;
	send_about(t, &(struct trk_event){ .kind = TRK_CLASS, .address = (uintptr_t)p, .size = TRK_CLASS_KEPT | how }, at);
	thread_leave(t);
}

/* Asked for at each release, because a program may have started its recorder itself, in the middle of its run. */
static uint64_t limit(void)
{
	const uint64_t asked = state.shm->header.asked.keep_limit;

	return asked ? asked : SHM_KEEP_LIMIT;
}

/* The block stays, unless the limit is reached. *ret_again: it was released before, and is still there. */
static bool stays(void *p, const struct site *at, bool *ret_again)
{
	struct place *const here = atomic_load(&holds) && state.on && !nested_in_real(at->sp) ? find(p) : NULL;
	uint64_t size;

	*ret_again = false;
	if (!here)
		return false;
	size = atomic_fetch_or(&here->size, RELEASED);
	*ret_again = size & RELEASED;
	if (*ret_again)
		return true;
	if (atomic_fetch_add(&kept_bytes, size) + size > limit()) {
		atomic_fetch_sub(&kept_bytes, size);
		atomic_store(&here->address, 0);
		tell(p, TRK_CLASS_OVER, at);
		return false;
	}
	tell(p, 0, at);
	return true;
}

bool quarantine_release(uint8_t kind, void *p, const struct site *at)
{
	bool again;

	if (!stays(p, at, &again))
		return false;
	hook_release(kind, p, at->sp);
	return true;
}

bool quarantine_resizes(void *p, const struct site *at)
{
	bool again;

	return p && stays(p, at, &again);
}

void *quarantine_move(void *p, size_t size)
{
	struct place *const here = find(p);
	const uint64_t told = atomic_load(&here->size) & ~RELEASED;
	const size_t old = real.malloc_usable_size ? real.malloc_usable_size(p) : (size_t)told;
	void *const q = size ? real.malloc(size) : NULL;

	if (q) {
		memcpy(q, p, old < size ? old : size);
	} else if (size) { /* the program still has it */
		atomic_store(&here->size, told);
		atomic_fetch_sub(&kept_bytes, told);
	}
	return q;
}
