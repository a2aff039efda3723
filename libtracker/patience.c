/* patience - see patience.h. */
#include "patience.h"

#include "state.h"

#define STILL_MS 1000u /* the recorder may stand still for so long */
#define BEHIND_MS 30000u /* it works, but may be behind by that much */

/* What the segment says when somebody has waited in vain; 0: nobody has. */
#define STOOD(progress) (1ull << 32 | (progress))

bool patience_is_over(void)
{
	const struct shm_header *const h = &state.shm->header;
	const uint64_t stood = atomic_load_explicit(&h->stood_still, memory_order_relaxed);

	return stood && stood == STOOD(atomic_load(&h->progress));
}

struct patience patience_begin(void)
{
	return (struct patience){ .seen = atomic_load(&state.shm->header.progress) };
}

bool patience_lasts(struct patience *p, unsigned ms)
{
	struct shm_header *const h = &state.shm->header;
	const uint32_t seen = atomic_load(&h->progress);

	p->waited_ms += ms;
	p->still_ms = seen == p->seen ? p->still_ms + ms : 0;
	p->seen = seen;
	if (p->still_ms >= STILL_MS)
		atomic_store_explicit(&h->stood_still, STOOD(seen), memory_order_relaxed);
	return p->waited_ms < BEHIND_MS && p->still_ms < STILL_MS && !atomic_load(&h->closed);
}
