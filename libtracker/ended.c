/*
 * ended - puts the ends of processes into the order of programs' starts.
 *
 * Programs are numbered as they start. Whoever learns that a process is over writes the next free number into its
 * slot: the program with that number, and all later ones, started afterwards. The recorder alone cannot know this,
 * because a shell runs several programs between two of its rounds. It believes such a note only about a process that
 * has ended.
 *
 * The status of a process is also noted here. The recorder is nobody's parent, and the kernel tells it the status only
 * of processes that still existed when it looked, and only since 6.15.
 */
#include "ended.h"

#include <errno.h>
#include <string.h>

#include "looked_at.h"
#include "program.h"
#include "raw.h"
#include "real_functions.h"
#include "state.h"

/* A starting program looks for so many processes; each look costs it up to 10 us. */
#define LOOKS_MAX 8u
#define PATH_BYTES 32u

/*
 * atexit takes no memory for the first 32 functions of a process. It runs this function last, because it was
 * registered first.
 */
extern int on_exit(void (*function)(int code, void *data), void *data) __attribute__((weak));

static uint32_t own_pid; /* as getpid has it */

/* A child of fork has no slot before its first event, and does not count as this process. */
static bool has_slot(void)
{
	return state.process && *state.fork_page;
}

/*
 * A child of vfork does not, either. It shares this process's memory, so only the kernel can tell. A sandbox may kill
 * a process that asks; then the process that waits for this one tells its end.
 */
bool ended_is_us(void)
{
	return has_slot() && !state.sandboxed && raw_getpid() == own_pid;
}

static void say_over(struct shm_life *p)
{
	uint64_t nobody = 0;

	atomic_compare_exchange_strong(&p->over, &nobody, atomic_load(&state.shm->header.programs) + 1);
}

static void say_end(int code, bool now)
{
	struct shm_life *const own = &state.shm->lives[state.process_slot];

	program_tell_title(state.process);
	atomic_store(&own->end, SHM_END(state.pid, SHM_END_SAID, (code & 0xff) << 8));
	if (now)
		say_over(own);
}

void ended_self(int code, bool now)
{
	if (ended_is_us())
		say_end(code, now);
}

static void at_exit(int code, void *data)
{
	(void)data;
	look_at_end(); /* if nothing came by the hooks of main and exit: the last thread has ended */
	if (has_slot())
		say_end(code, true);
}

/* a sanitizer's own on_exit must not be called before the sanitizer has begun */
void ended_watch(void)
{
	if (on_exit)
		(void)on_exit(at_exit, NULL);
}

void ended_start(uint32_t slot, const struct shm_process *p)
{
	struct shm_life *const own = &state.shm->lives[slot];

	own_pid = own->own_pid = raw_getpid();
	own->own_parent = p->ppid;
	own->inner_pid = p->inner == SHM_INNER_ALL;
	atomic_store(&own->over, 0);
	atomic_store(&own->waited, 0);
	atomic_store(&own->end, 0);
	atomic_store(&own->pid, p->pid);
}

/* In another PID namespace than the recorder's, wait returns other numbers than the recorder knows. */
static bool is_child(const struct shm_life *p, uint32_t pid)
{
	if (state.pid_is_foreign || state.process->inner != SHM_INNER_NONE)
		return p->own_pid == pid && p->own_parent == own_pid;
	return atomic_load(&p->pid) == pid && !p->inner_pid;
}

static uint32_t slots_used(void)
{
	const uint32_t high = atomic_load(&state.shm->header.process_high);

	return high < SHM_PROCESSES ? high : SHM_PROCESSES;
}

/*
 * This process's events from here on come after the end of `p`: they get later epochs than the events before. A child
 * of fork has no events of its own yet, and must not change its parent's order.
 */
static void say_waited(struct shm_life *p)
{
	_Atomic uint64_t *const order = &state.process->order;
	uint64_t word = atomic_load(order);
	const uint64_t epoch = word >> 16;

	if (!has_slot())
		return;
	atomic_store(&p->waited, SHM_WAITED(epoch, state.process_slot));
	/* if that fails, another thread has begun a later epoch */
	(void)atomic_compare_exchange_strong(order, &word, (epoch + 1) << 16 | SHM_NOBODY);
}

void ended_child(uint32_t pid, int status)
{
	const uint32_t high = state.process ? slots_used() : 0;

	for (uint32_t i = 0; i < high; i++) {
		struct shm_life *const p = &state.shm->lives[i];
		const uint32_t known_as = atomic_load(&p->pid);

		if (!known_as || !is_child(p, pid))
			continue;
		/* the status comes first: a process that finds this one over looks for it */
		atomic_store(&p->end, SHM_END(known_as, SHM_END_WAITED, (uint32_t)status));
		say_over(p);
		say_waited(p);
	}
}

/*
 * The kernel does not know the executable of a zombie, and does not tell the executables of other users' processes.
 */
static bool is_gone(uint32_t pid)
{
	char path[PATH_BYTES] = "/proc/", target[8];
	char digits[10];
	size_t at = strlen(path), n = 0;

	for (; pid; pid /= 10)
		digits[n++] = (char)('0' + pid % 10);
	while (n)
		path[at++] = digits[--n];
	memcpy(path + at, "/exe", 5);
	return raw_readlink(path, target, sizeof(target)) == -ENOENT;
}

void ended_children(void)
{
	const uint32_t high = has_slot() && !state.pid_is_foreign && !state.sandboxed ? slots_used() : 0;

	for (uint32_t i = 0; i < high; i++) {
		struct shm_life *const p = &state.shm->lives[i];
		const uint32_t pid = atomic_load(&p->pid);

		if (!pid || p->own_parent != own_pid || p->inner_pid || atomic_load(&p->waited) || !is_gone(pid))
			continue;
		say_over(p);
		say_waited(p);
	}
}

void ended_look(void)
{
	const uint32_t high = slots_used();
	uint32_t looks = 0;

	for (uint32_t i = 0; i < high && looks < LOOKS_MAX; i++) {
		struct shm_life *const p = &state.shm->lives[i];
		const uint32_t pid = atomic_load(&p->pid);

		if (!pid || pid == state.pid || p->inner_pid || atomic_load(&p->over) ||
		    atomic_load(&state.shm->process_states[i]) != SHM_LIVE)
			continue;
		looks++;
		if (is_gone(pid))
			say_over(p);
	}
}
