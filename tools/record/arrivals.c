/* arrivals - see arrivals.h. */
#include "arrivals.h"

#include <stdlib.h>

static int by_number(const void *a, const void *b)
{
	const struct arrival *const x = a, *const y = b;

	return (x->number > y->number) - (x->number < y->number);
}

/*
 * Sorted by the order in which they came: a forked child before the program that it executes, a parent before its
 * children, the old owner of a pid before the new one. Only programs that had a number before the scan began count.
 * Before such a program took its number, its parent and its own earlier program were live, so the scan does not miss
 * them. Programs that come meanwhile are for the next round.
 */
size_t arrivals_find(const struct recorder *r, uint64_t end, struct arrival new[SHM_PROCESSES])
{
	uint32_t high = atomic_load_explicit(&r->shm->header.process_high, memory_order_acquire);
	size_t count = 0;

	if (high > SHM_PROCESSES)
		high = SHM_PROCESSES;
	for (uint32_t i = 0; i < high; i++) {
		const struct shm_process *const slot = &r->shm->processes[i];
		const uint32_t state = atomic_load_explicit(&r->shm->process_states[i], memory_order_acquire);

		if (r->slot_process[i] || (state != SHM_LIVE && state != SHM_EXITED))
			continue;
		new[count] = (struct arrival){ .number = slot->number, .slot = i };
		count += new[count].number < end;
	}
	qsort(new, count, sizeof(*new), by_number);
	return count;
}
