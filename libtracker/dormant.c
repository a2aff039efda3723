/* dormant - see dormant.h. */
#include "dormant.h"

#include <string.h>

#include "format/control_page.h"
#include "raw.h"
#include "session.h"
#include "state.h"
#include "thread.h"

static const uint8_t nobody;
const volatile uint8_t *dormant_wanted = &nobody;

/* Behind the number in the page that forked children find wiped: they have tried nothing, and no thread of theirs attaches. */
struct own_words {
	uint32_t number;
	_Atomic uint32_t tried; /* number of the recording that this process attached to, or could not attach to */
	_Atomic uint32_t busy; /* 1: a thread attaches */
};

static struct own_words *own(void)
{
	return (struct own_words *)state.fork_page;
}

/* ---- the page ---- */

/* There is one: something is wanted, or was. */
static struct shm_control *control(void)
{
	return (struct shm_control *)((uintptr_t)dormant_wanted - offsetof(struct shm_control, head.wanted));
}

static bool is_control(const struct shm_control_head *h)
{
	return h->magic == SHM_CONTROL_MAGIC && h->version == SHM_VERSION;
}

static bool map(int fd)
{
	struct shm_control *const c = raw_reserve(sizeof(*c));
	const size_t first = offsetof(struct shm_control, asks);
	struct shm_control_head h;
	struct stat st;

	if (!c)
		return false;
	if (raw_stat_fd(fd, &st) && (size_t)st.st_size == sizeof(*c) &&
	    arch_syscall(SYS_pread64, fd, (long)&h, sizeof(h), 0, 0, 0) == sizeof(h) && is_control(&h) &&
	    arch_syscall(SYS_mmap, (long)c, (long)first, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0) == (long)c &&
	    raw_map_file_at((uint8_t *)c + first, sizeof(*c) - first, fd, first)) {
		(void)raw_madvise(c, sizeof(*c), MADV_DONTDUMP);
		dormant_wanted = (const volatile uint8_t *)&c->head.wanted;
		return true;
	}
	raw_release(c, sizeof(*c));
	return false;
}

/* ---- may this thread make system calls? ---- */

/* An entry of this thread's, or a free one that it claims. NULL: others have all. */
static _Atomic uint32_t *entry_of(uint32_t tid)
{
	for (uint32_t i = 0; i < SHM_CONTROL_ASKS; i++) {
		const uint32_t what = atomic_load(&control()->asks[i].state);

		if (control()->asks[i].tid == tid && what >= SHM_CONTROL_ASKED)
			return &control()->asks[i].state;
	}
	for (uint32_t i = 0; i < SHM_CONTROL_ASKS; i++) {
		uint32_t free_state = SHM_CONTROL_FREE;

		if (!atomic_compare_exchange_strong(&control()->asks[i].state, &free_state, SHM_CONTROL_CLAIMED))
			continue;
		control()->asks[i].tid = tid;
		atomic_store(&control()->asks[i].state, SHM_CONTROL_ASKED);
		return &control()->asks[i].state;
	}
	return NULL;
}

/* False: no, or nobody has said so yet. A program that was seen to forbid itself something, and threads that nobody can see: no. */
static bool may_call(uint32_t number)
{
	const uint32_t tid = thread_id_unasked();
	_Atomic uint32_t *entry;
	uint32_t answer;

	if (state.sandboxed || !tid) {
		atomic_store(&own()->tried, number);
		return false;
	}
	entry = entry_of(tid);
	answer = entry ? atomic_load(entry) : SHM_CONTROL_ASKED;
	if (answer != SHM_CONTROL_MAY && answer != SHM_CONTROL_MAY_NOT)
		return false;
	atomic_store(entry, SHM_CONTROL_FREE);
	return answer == SHM_CONTROL_MAY;
}

/* ---- waking ---- */

static bool attach(void)
{
	const uint32_t number = atomic_load(&control()->head.number);
	char way[SHM_WAY_BYTES];
	bool on;

	memcpy(way, control()->head.way, sizeof(way));
	way[sizeof(way) - 1] = 0;
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load(&control()->head.number) != number || number == atomic_load(&own()->tried))
		return false;
	on = session_attach_in_hook(way);
	if (on || session_is_idle())
		atomic_store(&own()->tried, number); /* otherwise a hook of the recording before is at work: again, later */
	return on;
}

void dormant_start(const char *name)
{
	const int fd = raw_open(name, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return;
	(void)map(fd);
	raw_close(fd);
	/* before main, and before any sandbox of the program's own */
	if (*dormant_wanted)
		(void)attach();
}

bool dormant_wake(uintptr_t frame)
{
	const uint32_t number = atomic_load(&control()->head.number);
	uint64_t before;
	bool on = false;

	if (number == atomic_load(&own()->tried) || !may_call(number))
		return false;
	/* in a signal handler that has interrupted a hook at work; unless that was left for good */
	if (tls.level && thread_nested_level(frame))
		return false;
	before = session_block_signals();
	if (!atomic_exchange(&own()->busy, 1)) { /* otherwise another thread attaches */
		on = !state.on && attach();
		atomic_store(&own()->busy, 0);
		on = on || state.on;
	}
	session_restore_signals(before);
	return on;
}
