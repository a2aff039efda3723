/* ending - see ending.h. */
#include "ending.h"
#include "process.h"

#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* At most so many processes are kept for their parents at one time, and of their slots fewer. */
#define KEPT_MAX 512u
#define LEFT_MAX 64u
/* A recorded parent asks at once, or it asks the kernel directly. */
#define LEFT_NS 10000000000ull

/* The kernel's first layout of struct pidfd_info, under a name of the recorder's: headers may be older than kernels. */
struct kernel_info {
	uint64_t mask, cgroup;
	uint32_t ids[11];
	int32_t exit_code;
};

#define KERNEL_GET_INFO _IOWR(0xff, 11, struct kernel_info)
#define KERNEL_INFO_EXIT 8u

_Static_assert(sizeof(struct kernel_info) == 64, "layout");

static void set(struct process *p, int status)
{
	p->ended = WIFSIGNALED(status) ? TRK_KILLED : TRK_EXITED;
	p->code = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

static bool ask_kernel(struct process *p)
{
	struct kernel_info info = { .mask = KERNEL_INFO_EXIT };

	if (p->pidfd < 0 || ioctl(p->pidfd, KERNEL_GET_INFO, &info) < 0 || !(info.mask & KERNEL_INFO_EXIT))
		return false;
	set(p, info.exit_code);
	return true;
}

/* False: nobody has told how it ended, or only the process itself how it was about to end. */
static bool ask_slot(const struct recorder *r, struct process *p, uint32_t slot)
{
	const struct shm_life *const from = slot == NO_SLOT ? NULL : &r->shm->lives[slot];
	const uint64_t end = from ? atomic_load(&from->end) : 0;

	if (!end || end >> 32 != atomic_load(&from->pid) || !(end & (SHM_END_SAID | SHM_END_WAITED)))
		return false;
	set(p, (int)(end & 0xffff));
	return end & SHM_END_WAITED;
}

static void drop_pidfd(struct process *p)
{
	if (p->pidfd >= 0)
		close(p->pidfd);
	p->pidfd = -1;
}

static void drop_slot(struct recorder *r, struct process *p)
{
	if (p->left_slot != NO_SLOT) {
		process_free_slot(r, p->left_slot);
		r->left_slots--;
	}
	p->left_slot = NO_SLOT;
}

void ending_begin(struct recorder *r, struct process *p)
{
	const bool heard = ask_slot(r, p, p->slot);

	if (heard || ask_kernel(p) || r->unasked >= KEPT_MAX)
		drop_pidfd(p);
	/* its number in the table belongs to no process any more, so no other process takes it, and its parent finds it */
	if (p->slot != NO_SLOT && !p->ended && r->left_slots < LEFT_MAX) {
		p->left_slot = p->slot;
		r->left_slots++;
		r->slot_process[p->slot] = NULL;
		atomic_store(&r->shm->process_states[p->slot], SHM_CLAIMED);
	} else if (p->slot != NO_SLOT) {
		process_free_slot(r, p->slot);
	}
	p->slot = NO_SLOT;
	r->unasked += p->pidfd >= 0 || p->left_slot != NO_SLOT;
}

static void ask_again(struct recorder *r, struct process *p)
{
	const uint32_t ended = p->ended;
	const bool heard = ask_slot(r, p, p->left_slot), told = ask_kernel(p);

	if (heard || told)
		drop_pidfd(p);
	if (p->ended || r->now_ns - p->end_ns > LEFT_NS)
		drop_slot(r, p);
	r->unasked -= p->pidfd < 0 && p->left_slot == NO_SLOT;
	if (told || p->ended != ended)
		process_write(r, p);
}

void ending_ask(struct recorder *r)
{
	for (size_t i = 0; r->unasked && i < r->process_count; i++) {
		struct process *const p = r->processes[i];

		if (p->gone && (p->pidfd >= 0 || p->left_slot != NO_SLOT))
			ask_again(r, p);
	}
}
