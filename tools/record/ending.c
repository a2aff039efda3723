/*
 * ending - how descendants ended. Only a parent may wait for a process, but the
 * kernel (6.15 and later) tells the status to whoever holds its pidfd, from
 * the moment the parent has asked. Older ones do not: the end stays unknown.
 */
#include "recorder.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* More processes than this are not kept waiting for their parents at one time. */
#define KEPT_MAX 512u

/* The kernel's first layout of struct pidfd_info, in our own name: headers may be older than kernels. */
struct kernel_info {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};

#define KERNEL_GET_INFO _IOWR(0xff, 11, struct kernel_info)
#define KERNEL_INFO_EXIT 8u

_Static_assert(sizeof(struct kernel_info) == 64, "layout");

static bool ask(struct process *p)
{
	struct kernel_info info = { .mask = KERNEL_INFO_EXIT };

	if (ioctl(p->pidfd, KERNEL_GET_INFO, &info) < 0 || !(info.mask & KERNEL_INFO_EXIT))
		return false;
	p->ended = WIFSIGNALED(info.exit_code) ? 2 : 1;
	p->code = (uint32_t)(WIFSIGNALED(info.exit_code) ? WTERMSIG(info.exit_code) :
							   WEXITSTATUS(info.exit_code));
	return true;
}

static void drop(struct process *p)
{
	close(p->pidfd);
	p->pidfd = -1;
}

void ending_begin(struct recorder *r, struct process *p)
{
	if (p->pidfd < 0)
		return;
	if (ask(p) || r->unasked >= KEPT_MAX)
		drop(p);
	else
		r->unasked++;
}

void ending_ask(struct recorder *r)
{
	for (size_t i = 0; r->unasked && i < r->process_count; i++) {
		struct process *const p = r->processes[i];

		if (!p->gone || p->pidfd < 0 || !ask(p))
			continue;
		drop(p);
		r->unasked--;
		process_write(r, p);
	}
}
