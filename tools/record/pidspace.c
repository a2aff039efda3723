/* pidspace - see pidspace.h. */
#include "pidspace.h"
#include "proc.h"
#include "process.h"

#define ANCESTORS_MAX 64u

uint32_t pidspace_inner(uint32_t pid)
{
	uint32_t count;
	const uint32_t last = proc_status(pid, "NSpid:", &count);

	return count > 1 ? last : 0;
}

uint32_t pidspace_parent(uint32_t pid)
{
	uint32_t count;

	return proc_status(pid, "PPid:", &count);
}

bool pidspace_is_ours(const struct recorder *r, uint32_t pid)
{
	if (proc_segment(r, pid) == THERE)
		return true;
	for (uint32_t i = 0; i < ANCESTORS_MAX && pid > 1; i++) {
		pid = pidspace_parent(pid);
		if (pid && process_by_pid(r, pid))
			return true;
	}
	return false;
}

uint32_t pidspace_name(uint32_t pid)
{
	uint32_t count;

	return proc_status(pid, "NSpid:", &count);
}

struct named {
	uint32_t name;
	bool (*is_it)(void *context, uint32_t pid);
	void *context;
};

static bool is_named(void *named, uint32_t pid)
{
	const struct named *const n = named;

	return pid != n->name && pidspace_name(pid) == n->name && n->is_it(n->context, pid);
}

uint32_t pidspace_find(uint32_t name, bool (*is_it)(void *context, uint32_t pid), void *context)
{
	/* a process in the recorder's own namespace that may not look at the recorder cannot know that it is there */
	if (pidspace_name(name) == name && is_it(context, name))
		return name;

	return proc_find(is_named, &(struct named){ name, is_it, context });
}
