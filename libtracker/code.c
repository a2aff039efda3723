/* code - see code.h. */
#include "code.h"

#include <stdatomic.h>

#include "raw.h"

#define RANGES 1024u

/*
 * If threads add ranges at the same time, ranges may overlap, which does no harm. If a part of a range is unmapped,
 * the rest stays as it was, because a range only says what may be code.
 */
struct range {
	_Atomic uintptr_t start; /* 0: free, 1: being filled */
	_Atomic uintptr_t end;
};

static struct range *_Atomic table; /* mapped with the first of them: the program has just mapped something itself */
static _Atomic uint32_t high; /* ranges at and above were never used */

static struct range *get_table(void)
{
	struct range *t = atomic_load(&table), *expected = NULL;

	if (t)
		return t;
	t = raw_map_private(RANGES * sizeof(*t));
	if (!t || atomic_compare_exchange_strong(&table, &expected, t))
		return t;
	raw_release(t, RANGES * sizeof(*t));
	return expected;
}

/* Adds to a range that is there already, or extends it at its end: heaps of code are committed bit by bit. */
static bool join(struct range *ranges, uintptr_t start, uintptr_t end)
{
	const uint32_t n = atomic_load(&high);

	for (uint32_t i = 0; i < n; i++) {
		const uintptr_t its = atomic_load(&ranges[i].start);
		uintptr_t its_end = atomic_load(&ranges[i].end);

		if (its <= 1 || start < its || start > its_end)
			continue;
		while (its_end < end && !atomic_compare_exchange_weak(&ranges[i].end, &its_end, end))
			;
		return true;
	}
	return false;
}

/* No entry is free: code there is not known to be code. */
void code_mapped(uintptr_t start, size_t bytes)
{
	struct range *const ranges = get_table();

	if (!ranges || join(ranges, start, start + bytes))
		return;
	for (uint32_t i = 0; i < RANGES; i++) {
		uint32_t n = atomic_load(&high);
		uintptr_t expected = 0;

		if (!atomic_compare_exchange_strong(&ranges[i].start, &expected, 1))
			continue;
		while (n <= i && !atomic_compare_exchange_weak(&high, &n, i + 1))
			;
		atomic_store(&ranges[i].end, start + bytes);
		atomic_store(&ranges[i].start, start);
		return;
	}
}

void code_unmapped(uintptr_t start, size_t bytes)
{
	struct range *const ranges = atomic_load_explicit(&table, memory_order_acquire);
	const uint32_t n = ranges ? atomic_load_explicit(&high, memory_order_relaxed) : 0;

	for (uint32_t i = 0; i < n; i++) {
		uintptr_t its = atomic_load(&ranges[i].start);

		if (its > 1 && its >= start && atomic_load(&ranges[i].end) <= start + bytes)
			atomic_compare_exchange_strong(&ranges[i].start, &its, 0);
	}
}

bool code_is_mapped(uintptr_t pc)
{
	struct range *const ranges = atomic_load_explicit(&table, memory_order_acquire);
	const uint32_t n = ranges ? atomic_load_explicit(&high, memory_order_acquire) : 0;

	for (uint32_t i = 0; i < n; i++) {
		const uintptr_t its = atomic_load_explicit(&ranges[i].start, memory_order_acquire);

		if (its > 1 && pc >= its && pc < atomic_load_explicit(&ranges[i].end, memory_order_relaxed))
			return true;
	}
	return false;
}
