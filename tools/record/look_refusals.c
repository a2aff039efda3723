/* look_refusals - see look_refusals.h. */
#include "look_refusals.h"

#include <stdio.h>
#include <unistd.h>

#include "proc.h"
#include "sandbox.h"

const char *look_refusal_of_recording(const struct recorder *r)
{
	if (!LOOK_ARCH)
		return "looks are not built for this processor";
	if (r->aggregate)
		return "the recording is aggregated (--aggregate)";
	if (r->shm->header.sample_bytes)
		return "only a sample of the blocks is known (--sample)";
	if (r->waiting)
		return "the recording has not begun yet (--start-after)";
	if (r->discard || r->bounds.full || r->heap_stopped || r->out_of_memory)
		return "the recording lacks events";
	return NULL;
}

static bool lacks_events(const struct process *p)
{
	for (size_t i = 0; i < p->stream_count; i++)
		if (p->streams[i]->broken || p->streams[i]->gaps)
			return true;
	return false;
}

const char *look_refusal_of_process(const struct recorder *r, const struct process *p)
{
	if (p->slot == NO_SLOT || !r->shm->processes[p->slot].look_code)
		return "the program had no memory left for it";
	if (lacks_events(p))
		return "events of the program were lost";
	return NULL;
}

const char *look_stop_hindrance(const struct process *p, char text[LOOK_REASON])
{
	uint32_t count;
	const uint32_t tracer = proc_status(p->pid, "TracerPid:", &count);

	if (!tracer || tracer == (uint32_t)getpid())
		return NULL;
	snprintf(text, LOOK_REASON, "another program traces it, perhaps a debugger (pid %u)", tracer);
	return text;
}

const char *look_fork_hindrance(const struct process *p)
{
	if (!sandbox_may_call(p->pid, p->pid))
		return "the program has forbidden itself system calls (seccomp)";
	return NULL;
}
