/*
 * session - attaching a process to its recorder, and a forked child anew.
 *
 * Runs before main, perhaps before the C library is up: reads the environment
 * where the kernel put it, uses raw system calls only, leaves no descriptor
 * behind. When anything is refused the process simply runs unrecorded; the
 * recorder notices that nobody came.
 */
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>

#include "cfi.h"
#include "raw.h"
#include "real.h"
#include "sample.h"
#include "state.h"

#define SHM_BYTES sizeof(struct shm)
#define STACK_MAX (1ull << 30) /* taken for the limit where there is none */
#define SLACK_FROM 256u /* frames; fewer are cheap to send anew, and so are counted exactly */
#define SHM_CHUNKS_LIMITED 1024u /* 4 MiB */

struct tracker_state state;

/* What the kernel put above the first stack frame. */
struct start_block {
	int argc;
	char **argv, **envp;
	const ElfW(auxv_t) *auxv;
};

/*
 * Only glibc has it. Where another C library's program inherits us from one that is recorded
 * (musl's), it is to start all the same: what that library may lack is weak.
 */
extern void *__libc_stack_end __attribute__((weak));

static struct start_block find_start_block(void)
{
	struct start_block b = { .argc = (int)*(const long *)__libc_stack_end };
	char **p;

	b.argv = (char **)__libc_stack_end + 1;
	b.envp = b.argv + b.argc + 1;
	for (p = b.envp; *p; p++)
		;
	b.auxv = (const void *)(p + 1);
	return b;
}

static uint64_t auxiliary(const struct start_block *b, uint64_t type)
{
	for (const ElfW(auxv_t) *a = b->auxv; a->a_type != AT_NULL; a++)
		if (a->a_type == type)
			return a->a_un.a_val;
	return 0;
}

static char **find_variable(const struct start_block *b, const char *name)
{
	const size_t n = strlen(name);

	for (char **p = b->envp; *p; p++)
		if (strncmp(*p, name, n) == 0 && (*p)[n] == '=')
			return p;
	return NULL;
}

static void drop_variable(char **p)
{
	do
		p[0] = p[1];
	while (*p++);
}

/*
 * --no-follow-exec: what this process executes must not find us. tracker run
 * put our library first in LD_PRELOAD; what the user had comes after a colon.
 */
static void restore_environment(const struct start_block *b)
{
	char **const preload = find_variable(b, "LD_PRELOAD");
	char **session;

	if (preload) {
		char *const value = *preload + strlen("LD_PRELOAD="), *const rest = strchr(value, ':');

		if (rest)
			memmove(value, rest + 1, strlen(rest + 1) + 1);
		else
			drop_variable(preload);
	}
	session = find_variable(b, SHM_ENV);
	if (session)
		drop_variable(session);
}

static uint64_t limit_of(int resource)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	(void)arch_syscall(SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0);
	return limit.rlim_cur;
}

/*
 * How much of the segment to map: all of it, or, where the user limits the
 * address space, only the first chunks, so that the program keeps its room.
 */
static size_t segment_bytes(void)
{
	return limit_of(RLIMIT_AS) == RLIM_INFINITY ? SHM_BYTES :
						      offsetof(struct shm, chunks[SHM_CHUNKS_LIMITED]);
}

static struct shm *map_file(const char *path, size_t bytes)
{
	const int fd = raw_open(path, O_RDWR | O_CLOEXEC);
	struct shm *s = NULL;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (arch_syscall(SYS_fstat, fd, (long)&st, 0, 0, 0, 0) == 0 && (size_t)st.st_size == SHM_BYTES)
		s = raw_mmap(bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	raw_close(fd);
	return s;
}

static struct shm *map_system_v(const char *number)
{
	struct shmid_ds d;
	long id = 0, at;

	for (; *number >= '0' && *number <= '9'; number++)
		id = id * 10 + *number - '0';
	if (arch_syscall(SYS_shmctl, id, IPC_STAT, (long)&d, 0, 0, 0) < 0 || d.shm_segsz != SHM_BYTES)
		return NULL;
	at = arch_syscall(SYS_shmat, id, 0, 0, 0, 0, 0);
	return at < 0 && at > -4096 ? NULL : (struct shm *)at;
}

static struct shm *map_segment(const char *name)
{
	const bool system_v = strncmp(name, SHM_SYSTEM_V, strlen(SHM_SYSTEM_V)) == 0;
	const size_t bytes = system_v ? SHM_BYTES : segment_bytes();
	struct shm *const s =
		system_v ? map_system_v(name + strlen(SHM_SYSTEM_V)) : map_file(name, bytes);

	if (!s)
		return NULL;
	if (s->header.magic != SHM_MAGIC || s->header.version != SHM_VERSION) {
		raw_munmap(s, bytes);
		return NULL;
	}
	(void)raw_madvise(s, bytes, MADV_DONTDUMP);
	state.shm_bytes = bytes;
	state.chunk_words = bytes == SHM_BYTES ? SHM_BITMAP_WORDS : SHM_CHUNKS_LIMITED / 64u;
	return s;
}

/* A page that reads 1 here and 0 in whatever child is made without sharing memory. */
static bool map_fork_page(void)
{
	volatile uint8_t *const page = raw_map_private(4096);

	if (!page || raw_madvise((void *)page, 4096, MADV_WIPEONFORK) != 0)
		return false;
	*page = 1;
	state.fork_page = page;
	return true;
}

static int claim_process(struct shm *s)
{
	for (uint32_t i = 0; i < SHM_PROCESSES; i++) {
		uint32_t free_state = SHM_FREE, high;

		if (!atomic_compare_exchange_strong(&s->processes[i].state, &free_state, SHM_CLAIMED))
			continue;
		high = atomic_load(&s->header.process_high);
		while (high <= i && !atomic_compare_exchange_weak(&s->header.process_high, &high, i + 1))
			;
		return (int)i;
	}
	atomic_fetch_add(&s->header.attach_failures, 1);
	return -1;
}

/* Slots are reused: every field is set. parent_pid: of the forking process, 0 when attached. */
static void fill_process(struct shm_process *p, uint32_t pid, uint32_t parent_pid)
{
	static uint64_t number; /* of the program that runs here; a forked child's copy is its parent's */

	p->pid = pid;
	p->ppid = raw_getppid();
	p->parent_pid = parent_pid;
	p->parent_number = number;
	p->number = number = atomic_fetch_add(&state.shm->header.programs, 1);
	p->origin = parent_pid ? SHM_FORKED : SHM_ATTACHED;
	p->start_ns = atomic_load_explicit(&state.shm->header.clock_ns, memory_order_relaxed);
	/* Nobody owns epoch 0: thread slot numbers are below 0xffff. */
	atomic_store(&p->order, 0xffff);
	atomic_store(&p->modules_lost, 0);
	for (unsigned i = 0; i < SHM_CUTS; i++)
		atomic_store(&p->truncated_stacks[i], 0);
	atomic_store(&p->verified_stacks, 0);
	atomic_store(&p->differing_stacks, 0);
	for (unsigned i = 0; i < SHM_ORACLES; i++) {
		atomic_store(&p->compared[i], 0);
		atomic_store(&p->differing[i], 0);
	}
	atomic_store(&p->oracles_differ, 0);
	atomic_store(&p->notices, real_is_bypassed() ? SHM_NOTICE_OWN_MALLOC : 0);
}

static void register_for_membarrier(void)
{
	(void)arch_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0);
}

static bool become_process(uint32_t parent_pid)
{
	const int slot = claim_process(state.shm);

	if (slot < 0)
		return false;
	state.pid = raw_outer_pid();
	state.pid_is_foreign = state.pid != raw_getpid();
	state.process_slot = (uint32_t)slot;
	state.process = &state.shm->processes[slot];
	fill_process(state.process, state.pid, parent_pid);
	return true;
}

/* Every process has other random bytes from the kernel. */
static void start_sampling(const struct start_block *b, uint64_t sample_bytes)
{
	const void *const random = (const void *)auxiliary(b, AT_RANDOM);
	uint64_t seed = state.pid;

	if (!sample_bytes)
		return;
	if (random) {
		memcpy(&seed, random, sizeof(seed));
		seed ^= (uint64_t)state.pid << 40;
	}
	sample_start(seed, limit_of(RLIMIT_AS) == RLIM_INFINITY);
	state.sample_bytes = sample_bytes;
}

static void attach(const struct start_block *b, const char *path)
{
	state.shm = map_segment(path);
	if (!state.shm)
		return;

	const struct shm_header *const h = &state.shm->header;

	if (atomic_load(&h->closed) || h->nframe == 0 || h->nframe >= WIRE_DEPTH_MAX / 2 ||
	    h->sample_bytes > SHM_SAMPLE_BYTES_MAX)
		return;
	state.nframe = h->nframe;
	state.nframe_slack = h->nframe < SLACK_FROM ? 0 : h->nframe / 2;
	state.reference_unwinder = h->flags & SHM_UNWIND_LIBUNWIND;
	state.verify_unwinder = h->flags & (SHM_VERIFY_LIBUNWIND | SHM_VERIFY_LIBGCC);
	state.program_headers = (const void *)auxiliary(b, AT_PHDR);
	state.program_header_count = (unsigned)auxiliary(b, AT_PHNUM);
	/* glibc gives threads stacks of this size, too, unless they ask for another. */
	state.own_stack_max = limit_of(RLIMIT_STACK);
	if (state.own_stack_max > STACK_MAX)
		state.own_stack_max = STACK_MAX;
	state.main_stack_top = (uintptr_t)__libc_stack_end;
	if (!map_fork_page() || !unwind_start() || !become_process(0))
		return;
	program_find((const char *)auxiliary(b, AT_EXECFN), b->argc, b->argv);
	program_tell(state.process);
	if (h->flags & SHM_NO_FOLLOW_EXEC)
		restore_environment(b);
	register_for_membarrier();
	if (real_is_sanitizer()) {
		atomic_fetch_or(&state.process->notices, SHM_NOTICE_SANITIZER);
		atomic_store_explicit(&state.process->state, SHM_LIVE, memory_order_release);
		return;
	}
	thread_start();
	state.foreign_allocator = real_is_foreign();
	atomic_store_explicit(&state.process->state, SHM_LIVE, memory_order_release);
	start_sampling(b, h->sample_bytes);
	state.on = true;
}

void session_reached(void)
{
	if (state.process)
		atomic_fetch_and(&state.process->notices, ~SHM_NOTICE_OWN_MALLOC);
}

void session_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	if (!&__libc_stack_end)
		return;

	const struct start_block b = find_start_block();
	char **const variable = find_variable(&b, SHM_ENV);

	if (variable && !auxiliary(&b, AT_SECURE))
		attach(&b, *variable + strlen(SHM_ENV) + 1);
}

/*
 * The segment goes on at another address; at the old one there is private memory now. What
 * the hooks that a handler interrupted still write goes there, and nobody reads it.
 */
static bool move_segment(void)
{
	struct shm *const old = state.shm, *const new = raw_map_again(old, state.shm_bytes);

	if (new) {
		(void)raw_madvise(new, state.shm_bytes, MADV_DONTDUMP);
		state.shm = new;
	}
	return raw_map_private_at(old, state.shm_bytes) && new;
}

bool session_forked(void)
{
	const uint32_t parent_pid = state.pid, flags = state.shm->header.flags;
	const bool moved = !tls.level || move_segment();

	if (tls.tid != state.pid)
		state.main_stack_top = (uintptr_t)pthread_self();
	thread_forked();
	if (state.sample_bytes)
		sample_forked();
	*(volatile uint8_t *)state.fork_page = 1;
	if (!moved || flags & SHM_NO_FOLLOW_FORK || atomic_load(&state.shm->header.closed) ||
	    !become_process(parent_pid)) {
		state.on = false;
		state.sample_bytes = 0;
		return false;
	}
	tls.tid = state.pid; /* nobody else is here; who forked by himself left the parent's id with the C library */
	program_tell(state.process);
	register_for_membarrier();
	atomic_store_explicit(&state.process->state, SHM_LIVE, memory_order_release);
	state.announce_modules = true;
	return true;
}

void session_in_child(void)
{
	if (state.on && tls.level && !*state.fork_page)
		(void)session_forked();
	else if (state.sample_bytes)
		sample_forked();
}
