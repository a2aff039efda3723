/* memory_use - see memory_use.h. */
#include "memory_use.h"
#include "proc.h"

#include <string.h>
#include <unistd.h>

static void sample(struct recorder *r, struct process *p, uint64_t page_bytes)
{
	const uint64_t resident = proc_resident_pages(p->pid, &p->statm);

	if (resident)
		writer_rss(r->writer, p->index, r->now_ns, resident * page_bytes);
}

/*
 * For a thread that another thread named: the kernel is asked again when it is 10 ms, 100 ms and 1 s old. Names that
 * threads give themselves come from the slot.
 */
static void look_at_names(const struct recorder *r, const struct process *p)
{
	static const uint64_t ages_ns[] = { 10000000, 100000000, 1000000000 };

	for (size_t i = 0; i < p->stream_count; i++) {
		struct stream *const s = p->streams[i];
		char name[SHM_NAME_BYTES];

		if (s->name_version || s->name_looks == sizeof(ages_ns) / sizeof(*ages_ns) ||
		    r->now_ns - s->start_ns < ages_ns[s->name_looks])
			continue;
		s->name_looks++;
		proc_thread_name(p->pid, s->tid, name);
		if (name[0])
			memcpy(s->name, name, sizeof(name));
	}
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
		if (r->live[i]->dying)
			continue;
		sample(r, r->live[i], page_bytes);
		look_at_names(r, r->live[i]);
	}
	/* a file that does not grow with events must not grow with samples: the longer the recording, the rarer they become */
	r->samples += r->live_count;
	if (r->aggregate && r->samples >= SAMPLES_PER_INTERVAL) {
		r->samples = 0;
		r->memory_interval_ns *= 2;
	}
}
