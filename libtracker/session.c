/* session - see session.h. */
#include "session.h"

#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>

#include "cfi.h"
#include "directory.h"
#include "ended.h"
#include "error.h"
#include "linger.h"
#include "looked_at.h"
#include "named_domains.h"
#include "raw.h"
#include "real_functions.h"
#include "sample.h"
#include "segment.h"
#include "start.h"
#include "symbol.h"
#include "environment.h"
#include "forking.h"
#include "program.h"
#include "thread.h"
#include "unwind.h"
#include "watchers.h"
#include "way.h"

#define STACK_MAX (1ull << 30) /* stands for the limit if there is none */

struct tracker_state state;

/* The values that the kernel put above the first stack frame. */
struct start_block {
	int argc;
	char **argv, **envp;
	const ElfW(auxv_t) * auxv;
};

/*
 * Only glibc has it. If a program with another C library (musl's) inherits libtracker from a recorded program, it
 * must start all the same. So functions that this C library may lack are weak.
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

static uint64_t limit_of(int resource)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	(void)arch_syscall(SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0);
	return limit.rlim_cur;
}

static uint64_t read_number(const char **text, unsigned base)
{
	uint64_t number = 0;

	for (;; ++*text) {
		const char c = **text;

		if (c >= '0' && c <= '9')
			number = number * base + (uint64_t)(c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			number = number * base + (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	*text += **text == ':';
	return number;
}

/* "fd:N:SESSION:PID", as way.c writes it. */
static bool read_inherited(const char *name, struct inherited *ret)
{
	if (strncmp(name, SHM_DESCRIPTOR, strlen(SHM_DESCRIPTOR)) != 0)
		return false;
	name += strlen(SHM_DESCRIPTOR);
	ret->fd = (int)read_number(&name, 10);
	ret->recording = read_number(&name, 16);
	ret->pid = (uint32_t)read_number(&name, 10);
	return true;
}

/* A page that holds 1 here, and 0 in every child that is made without sharing memory. */
static bool map_fork_page(void)
{
	volatile uint8_t *const page = raw_map_private(2 * raw_page_bytes); /* the second page is for program_find */

	if (!page || raw_madvise((void *)page, raw_page_bytes, MADV_WIPEONFORK) != 0)
		return false;
	*page = 1;
	state.fork_page = page;
	return true;
}

static int claim_process(struct shm *s)
{
	for (uint32_t i = 0; i < SHM_PROCESSES; i++) {
		uint8_t free_state = SHM_FREE;
		uint32_t high;

		if (!atomic_compare_exchange_strong(&s->process_states[i], &free_state, SHM_CLAIMED))
			continue;
		high = atomic_load(&s->header.process_high);
		while (high <= i && !atomic_compare_exchange_weak(&s->header.process_high, &high, i + 1))
			;
		return (int)i;
	}
	atomic_fetch_add(&s->header.attach_failures, 1);
	return -1;
}

/*
 * The process's pid, as the recorder sees it. /proc tells it if it is the recorder's /proc. If it is another /proc,
 * or there is none, the recorder has told it, or will find out by itself.
 */
struct own_pid {
	uint32_t pid;
	enum shm_inner inner;
};

static struct own_pid find_pid(uint32_t told)
{
	char name[SHM_WAY_BYTES];

	if (told)
		return (struct own_pid){ told, SHM_INNER_TIDS };
	way_name(name);
	if (state.segment_inode && !way_is_open(name))
		return (struct own_pid){ raw_getpid(), SHM_INNER_ALL };
	return (struct own_pid){ raw_outer_pid(), SHM_INNER_NONE };
}

/* Slots are reused, so every field is set. parent_pid: of the forking process, 0 when the process attached. */
static void fill_process(struct shm_process *p, const struct own_pid *own, uint32_t parent_pid)
{
	static uint64_t number; /* of the program that runs here; a forked child's copy is its parent's */

	p->pid = own->pid;
	p->inner = own->inner;
	p->ppid = raw_getppid();
	p->parent_pid = parent_pid;
	if (!own->inner)
		ended_look();
	p->parent_number = number;
	p->number = number = atomic_fetch_add(&state.shm->header.programs, 1);
	p->origin = parent_pid ? SHM_FORKED : SHM_ATTACHED;
	p->fork = 0;
	p->start_ns = atomic_load_explicit(&state.shm->header.clock_ns, memory_order_relaxed);
	/* Nobody owns epoch 0: thread slot numbers are below 0xffff. */
	atomic_store(&p->order, 0xffff);
	atomic_store(&p->modules_lost, 0);
	atomic_store(&p->guessed_stacks, 0);
	for (unsigned i = 0; i < SHM_CUTS; i++)
		atomic_store(&p->truncated_stacks[i], 0);
	atomic_store(&p->chunks_refused, 0);
	atomic_store(&p->tables_refused, 0);
	atomic_store(&p->verified_stacks, 0);
	atomic_store(&p->differing_stacks, 0);
	for (unsigned i = 0; i < SHM_ORACLES; i++) {
		atomic_store(&p->compared[i], 0);
		atomic_store(&p->differing[i], 0);
	}
	atomic_store(&p->oracles_differ, 0);
	atomic_store(&p->notices, start_is_bypassed() ? SHM_NOTICE_OWN_MALLOC : 0);
	atomic_store(&p->arena_look, 0);
	atomic_store(&p->modules_seen, 0);
	atomic_store(&p->code_seen, 0);
	look_tell(p);
}

/*
 * Libraries are mapped downwards, and few lie above libtracker. If the executable lies low, all other low code is near
 * address 0, in reach of 32 bits, too.
 */
static void choose_bases(void)
{
	const uintptr_t executable = (uintptr_t)state.program_headers & ~(uintptr_t)0xfffff;

	state.bases[0] = (uintptr_t)&state - (3ull << 29);
	state.bases[1] = executable >> WIRE_CODE_BITS ? executable : 0;
}

static void register_for_membarrier(void)
{
	(void)arch_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0, 0, 0, 0);
}

/* Programs that another process than the started one executes are not followed, either. */
static bool is_unwanted(const struct own_pid *own)
{
	const struct shm_header *const h = &state.shm->header;

	return h->flags & SHM_NO_FOLLOW_FORK && own->pid != atomic_load(&h->program_pid);
}

static bool become_process(const struct own_pid *own, uint32_t parent_pid)
{
	const int slot = claim_process(state.shm);

	if (slot < 0)
		return false;
	if (!segment_take_process((uint32_t)slot)) {
		atomic_store(&state.shm->process_states[slot], SHM_FREE);
		atomic_fetch_add(&state.shm->header.attach_failures, 1);
		return false;
	}
	state.pid = own->pid;
	state.pid_is_foreign = state.pid != raw_getpid();
	state.pid_was_told = own->inner == SHM_INNER_TIDS;
	fill_process(state.process, own, parent_pid);
	ended_start((uint32_t)slot, state.process);
	return true;
}

static void be_live(void)
{
	atomic_store_explicit(&state.shm->process_states[state.process_slot], SHM_LIVE, memory_order_release);
}

/* Every process has other ones from the kernel. */
static uint64_t random_bytes(const struct start_block *b)
{
	const void *const random = (const void *)auxiliary(b, AT_RANDOM);
	uint64_t bytes = 0;

	if (random)
		memcpy(&bytes, random, sizeof(bytes));
	return bytes;
}

static bool start_sampling(const struct start_block *b, uint64_t sample_bytes)
{
	if (sample_bytes && !sample_start(random_bytes(b) ^ (uint64_t)state.pid << 40))
		return false;
	state.sample_bytes = sample_bytes;
	return true;
}

/*
 * The kernel tells where the loader is, but not where it is if it was executed itself, with the program as its
 * argument.
 */
static void find_loader(void)
{
	const struct symbol its = symbol_next("__tls_get_addr");
	struct cfi_module m;

	if (!its.address || !cfi_module_at((uintptr_t)its.address, &m))
		return;
	state.loader = m.start;
	state.loader_bytes = m.end - m.start;
}

/*
 * Programs that this one executes find the recorder in the usual way. There is room for the name, because it is not
 * longer.
 */
static void put_usual_name(char *value)
{
	char name[SHM_WAY_BYTES];

	way_name(name);
	if (strlen(name) <= strlen(value))
		memcpy(value, name, strlen(name) + 1);
}

/*
 * The program has threads by now. Who sees that we are on must see all that was stored before: each of them passes a
 * barrier here, so that the hooks need none.
 */
static void be_seen_by_all(void)
{
	(void)arch_syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0);
	if (arch_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0, 0, 0, 0) < 0)
		(void)arch_syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0, 0, 0, 0);
}

static void begin(const struct start_block *b, const struct own_pid *own)
{
	const struct shm_header *const h = &state.shm->header;
	bool room;

	if (is_unwanted(own)) {
		environment_restore(b->envp);
		return;
	}
	if (atomic_load(&h->closed) || h->nframe == 0 || h->nframe >= WIRE_DEPTH_MAX / 2 ||
	    h->sample_bytes > SHM_SAMPLE_BYTES_MAX)
		return;
	state.nframe = h->nframe;
	state.nframe_slack = h->nframe < WIRE_SLACK_FROM ? 0 : h->nframe / 2;
	/* Loads other unwinders, which allocates: a malloc of the program's own may have called this function. */
	if (!start_is_bypassed()) {
		state.reference_unwinder = h->flags & SHM_UNWIND_LIBUNWIND;
		state.verify_unwinder = h->flags & (SHM_VERIFY_LIBUNWIND | SHM_VERIFY_LIBGCC);
	}
	state.program_headers = (const void *)auxiliary(b, AT_PHDR);
	state.program_header_count = (unsigned)auxiliary(b, AT_PHNUM);
	choose_bases();
	/* glibc gives threads stacks of this size, too, unless they ask for another. */
	state.own_stack_max = limit_of(RLIMIT_STACK);
	if (state.own_stack_max > STACK_MAX)
		state.own_stack_max = STACK_MAX;
	state.main_stack_top = (uintptr_t)__libc_stack_end;
	if (!map_fork_page() || !unwind_start() || !become_process(own, 0))
		return;
	/* the kernel gives the address of a loader to a program for which it loaded one */
	program_find((const char *)auxiliary(b, AT_EXECFN), auxiliary(b, AT_BASE) == 0, b->argc, b->argv,
		     (uint8_t *)state.fork_page + raw_page_bytes);
	directory_ask();
	linger_start();
	program_tell(state.process);
	state.own_path = start_own_path();
	state.follow = !(h->flags & SHM_NO_FOLLOW_EXEC) && state.own_path;
	if (h->flags & SHM_NO_FOLLOW_EXEC && !(h->flags & SHM_OWN))
		environment_restore(b->envp);
	register_for_membarrier();
	if (real_is_sanitizer()) {
		atomic_fetch_or(&state.process->notices, SHM_NOTICE_SANITIZER);
		be_live();
		return;
	}
	find_loader();
	room = thread_start() && start_sampling(b, h->sample_bytes);
	if (!room) {
		atomic_fetch_or(&state.process->notices, SHM_NOTICE_NO_MEMORY);
		atomic_fetch_add(&state.shm->header.attach_failures, 1);
	}
	be_live();
	if (h->flags & SHM_OWN)
		be_seen_by_all();
	start_works();
	state.on = room;
}

/* False: the pages here have a size that libtracker does not know. */
static bool prepare_mapping(const struct start_block *b)
{
	const uint64_t page_bytes = auxiliary(b, AT_PAGESZ);

	if (page_bytes < RAW_PAGE_LEAST || page_bytes > RAW_PAGE_MOST || page_bytes & (page_bytes - 1))
		return false;
	raw_page_bytes = page_bytes;
	/* A sanitizer lays out the address space itself, and ends programs in which it finds other mappings. */
	if (!real_is_sanitizer())
		raw_start(random_bytes(b));
	return true;
}

static void attach(const struct start_block *b, char *name)
{
	struct inherited from = { 0 };
	const bool inherited = read_inherited(name, &from);

	if (!prepare_mapping(b) || !segment_open(name, inherited ? &from : NULL))
		return;
	if (inherited)
		put_usual_name(name);

	const struct own_pid own = find_pid(from.pid);

	begin(b, &own);
	segment_opened();
}

void session_withdraw_own_malloc(void)
{
	if (state.process)
		atomic_fetch_and(&state.process->notices, ~SHM_NOTICE_OWN_MALLOC);
}

/* The environment as the kernel gave it. It is kept, because a program may take entries away later. */
static struct start_block at_start;

void session_start(void)
{
	static bool started;

	if (started)
		return;
	started = true;
	if (!&__libc_stack_end)
		return;
	at_start = find_start_block();

	char **const variable = environment_find(at_start.envp, SHM_ENV);

	if (variable && !auxiliary(&at_start, AT_SECURE))
		attach(&at_start, *variable + strlen(SHM_ENV) + 1);
}

const char *session_variable(const char *name)
{
	return at_start.auxv && !auxiliary(&at_start, AT_SECURE) ? environment_get(at_start.envp, name) : NULL;
}

bool session_arguments(struct session_arguments *ret)
{
	if (!at_start.auxv)
		return false;
	*ret = (struct session_arguments){ at_start.argc, at_start.argv, at_start.envp, (const char *)auxiliary(&at_start, AT_EXECFN) };
	return true;
}

int session_may_attach(void)
{
	if (!at_start.auxv || auxiliary(&at_start, AT_SECURE))
		return error_set(TRACKER_EDISABLED, "this program runs with rights that its user does not have: it is never recorded");
	if (real_is_sanitizer())
		return error_set(TRACKER_EDISABLED, "this program was built with a sanitizer, whose malloc cannot be recorded");
	if (!prepare_mapping(&at_start))
		return error_set(TRACKER_EDISABLED, "this system has pages of a size that is not supported");
	return TRACKER_OK;
}

bool session_attach(const struct inherited *from)
{
	if (segment_open(NULL, from)) {
		const struct own_pid own = find_pid(0);

		begin(&at_start, &own);
		segment_opened();
	}
	return state.on;
}

bool session_enter_child(void)
{
	const uint32_t parent_pid = state.pid, flags = state.shm->header.flags, fork_number = forking_take();
	const bool moved = !tls.level || segment_move();
	bool is_process = false;

	if (tls.tid != state.pid)
		state.main_stack_top = (uintptr_t)pthread_self();
	thread_forked();
	if (state.sample_bytes)
		sample_forked();
	*(volatile uint8_t *)state.fork_page = 1;
	if (moved && !(flags & SHM_NO_FOLLOW_FORK) && !atomic_load(&state.shm->header.closed)) {
		const struct own_pid own = find_pid(0);

		is_process = become_process(&own, parent_pid);
	}
	if (!is_process) {
		state.on = false;
		state.sample_bytes = 0;
		return false;
	}
	tls.tid = state.pid; /* the only thread; after a fork by system call the C library has the parent's id */
	state.process->fork = fork_number;
	program_tell(state.process);
	register_for_membarrier();
	be_live();
	state.announce_modules = true;
	named_domains_forked();
	return true;
}

void session_in_child(void)
{
	watch_forked();
	/* when a handler forked in a hook; and what a child inherits must not be kept for one that never comes */
	if (state.on && (tls.level || tls.fork) && !*state.fork_page)
		(void)session_enter_child();
	else if (state.sample_bytes)
		sample_forked();
}
