/* memory_use - see memory_use.h. */
#include "memory_use.h"
#include "proc.h"

#include <unistd.h>

static void sample(struct recorder *r, struct process *p, uint64_t page_bytes)
{
	const uint64_t resident = proc_resident_pages(p->pid, &p->statm);

	if (resident)
		writer_rss(r->writer, p->index, r->now_ns, resident * page_bytes);
}

#define SAMPLES_PER_INTERVAL 10000u

void memory_use_look(struct recorder *r)
{
	const uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);

	if (!r->memory_interval_ns || r->now_ns < r->next_sample_ns)
		return;
	/* missed samples are not made up for: the distance between two samples is at least the interval */
	r->next_sample_ns = r->now_ns + r->memory_interval_ns;
	for (size_t i = 0; i < r->live_count; i++) {
		if (!r->live[i]->dying)
			sample(r, r->live[i], page_bytes);
	}
	/* a file that does not grow with events must not grow with samples: the longer the recording, the rarer they become */
	r->samples += r->live_count;
	if (r->aggregate && r->samples >= SAMPLES_PER_INTERVAL) {
		r->samples = 0;
		r->memory_interval_ns *= 2;
	}
}
