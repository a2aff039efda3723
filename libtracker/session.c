/* session - see session.h. */
#include "session.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>

#include "cfi.h"
#include "contexts.h"
#include "directory.h"
#include "dormant.h"
#include "error.h"
#include "late.h"
#include "linger.h"
#include "named_domains.h"
#include "own_slot.h"
#include "quarantine.h"
#include "raw.h"
#include "real_functions.h"
#include "sample.h"
#include "segment.h"
#include "start.h"
#include "start_block.h"
#include "symbol.h"
#include "ended.h"
#include "environment.h"
#include "forking.h"
#include "free_check.h"
#include "program.h"
#include "thread.h"
#include "unwind.h"
#include "watchers.h"
#include "way.h"

#define STACK_MAX (1ull << 30) /* stands for the limit if there is none */
/*
 * So long the next recording waits for hooks that are at work in the last one, and so long whoever ends one waits, since
 * nothing else would be too late for it. Mostly there are none, or they end at once.
 */
#define WAITS 20u
#define LAST_WAITS 200u
#define WAIT_NS 1000000l

struct tracker_state state;

static uint64_t limit_of(int resource)
{
	struct rlimit limit = { .rlim_cur = RLIM_INFINITY };

	(void)arch_syscall(SYS_prlimit64, 0, resource, 0, (long)&limit, 0, 0);
	return limit.rlim_cur;
}

/* Contexts that were claimed for another recording are told by it, and so is every hook that was about to use one. */
static void take_next_number(void)
{
	if (!++state.recording)
		++state.recording;
	*(volatile uint32_t *)state.fork_page = state.recording;
}

/* A page that holds a number here, and 0 in every child that is made without sharing memory. */
static bool map_fork_page(void)
{
	volatile uint32_t *const page = raw_map_private(2 * raw_page_bytes); /* the second page is for program_find */

	if (!page || raw_madvise((void *)page, raw_page_bytes, MADV_WIPEONFORK) != 0)
		return false;
	state.fork_page = page;
	take_next_number();
	return true;
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

static bool start_sampling(const struct start_block *b, uint64_t sample_bytes)
{
	if (sample_bytes && !sample_start(start_block_random(b) ^ (uint64_t)state.pid << 40))
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

/* What is the same in each recording. */
static bool prepare(const struct start_block *b)
{
	if (state.fork_page)
		return true;
	state.program_headers = (const void *)start_block_value(b, AT_PHDR);
	state.program_header_count = (unsigned)start_block_value(b, AT_PHNUM);
	choose_bases();
	/* glibc gives threads stacks of this size, too, unless they ask for another. */
	state.own_stack_max = limit_of(RLIMIT_STACK);
	if (state.own_stack_max > STACK_MAX)
		state.own_stack_max = STACK_MAX;
	state.main_stack_top = (uintptr_t)(b->argv - 1);
	if (!map_fork_page())
		return false;
	/* the kernel gives the address of a loader to a program for which it loaded one */
	program_find((const char *)start_block_value(b, AT_EXECFN), start_block_value(b, AT_BASE) == 0, start_block_argc(b), b->argv,
		     (uint8_t *)state.fork_page + raw_page_bytes);
	directory_ask();
	state.own_path = start_own_path();
	register_for_membarrier();
	if (!real_is_sanitizer()) {
		find_loader();
		thread_prepare();
		ended_watch();
	}
	return true;
}

/* False: the recording is not for this process, or over, or made by something else than tracker. */
static bool take_options(const struct shm_header *h)
{
	if (atomic_load(&h->closed) || h->nframe == 0 || h->nframe >= WIRE_DEPTH_MAX / 2 ||
	    h->sample_bytes > SHM_SAMPLE_BYTES_MAX)
		return false;
	state.nframe = h->nframe;
	state.nframe_slack = h->nframe < WIRE_SLACK_FROM ? 0 : h->nframe / 2;
	/* Loads other unwinders, which allocates: a malloc of the program's own may have called this function. */
	if (!start_is_bypassed()) {
		state.reference_unwinder = h->flags & SHM_UNWIND_LIBUNWIND;
		state.verify_unwinder = h->flags & (SHM_VERIFY_LIBUNWIND | SHM_VERIFY_LIBGCC);
	}
	atomic_store(&state.stuck_progress, 0);
	atomic_store(&state.barren_freed, 0);
	atomic_store(&state.unanswered_progress, 0);
	return true;
}

/* The recorder of this recording knows nothing of what the one before was told. */
static void tell_again(void)
{
	const uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	struct thread *t;

	unwind_code_unloaded(); /* and nobody looked at what was loaded and unloaded meanwhile */
	atomic_fetch_add(&state.code_generation, 1);
	named_domains_forked();
	tls.claiming = frame;
	tls.level = 1;
	t = thread_claim(0, frame);
	if (t) {
		unwind_forked(t);
		thread_leave(t);
	} else {
		tls.level = 0;
		state.announce_modules = true;
	}
}

/* late: not at the program's start, which put the recording into the environment. */
static void begin(const struct start_block *b, const struct own_pid *own, bool late)
{
	const struct shm_header *const h = &state.shm->header;
	const bool again = state.process != NULL;
	bool room;

	if (own_slot_is_unwanted(own)) {
		if (!late)
			environment_restore(start_block_envp(b));
		return;
	}
	if (!take_options(h) || !prepare(b) || !unwind_start() || !own_slot_take(own, 0))
		return;
	linger_start();
	program_tell(state.process);
	state.follow = !(h->flags & SHM_NO_FOLLOW_EXEC) && state.own_path;
	if (h->flags & SHM_NO_FOLLOW_EXEC && !late)
		environment_restore(start_block_envp(b));
	if (real_is_sanitizer()) {
		atomic_fetch_or(&state.process->notices, SHM_NOTICE_SANITIZER);
		own_slot_live();
		return;
	}
	room = thread_start() && start_sampling(b, h->sample_bytes);
	if (!room) {
		atomic_fetch_or(&state.process->notices, SHM_NOTICE_NO_MEMORY);
		atomic_fetch_add(&state.shm->header.attach_failures, 1);
	}
	if (room && again)
		tell_again();
	own_slot_live();
	if (late)
		be_seen_by_all();
	start_works();
	state.on = room;
}

/* False: the pages here have a size that libtracker does not know. */
static bool prepare_mapping(const struct start_block *b)
{
	const uint64_t page_bytes = start_block_value(b, AT_PAGESZ);
	static bool prepared;

	if (prepared)
		return true;
	if (page_bytes < RAW_PAGE_LEAST || page_bytes > RAW_PAGE_MOST || page_bytes & (page_bytes - 1))
		return false;
	raw_page_bytes = page_bytes;
	/* A sanitizer lays out the address space itself, and ends programs in which it finds other mappings. */
	if (!real_is_sanitizer())
		raw_start(start_block_random(b));
	prepared = true;
	return true;
}

static void attach(const struct start_block *b, char *name)
{
	struct inherited from = { 0 };
	const bool inherited = way_read(name, &from);

	if (!prepare_mapping(b) || !segment_open(name, inherited ? &from : NULL))
		return;
	if (inherited)
		put_usual_name(name);

	const struct own_pid own = own_slot_pid(from.pid);

	begin(b, &own, false);
	segment_opened();
}

void session_withdraw_own_malloc(void)
{
	if (state.process)
		atomic_fetch_and(&state.process->notices, ~SHM_NOTICE_OWN_MALLOC);
}

/* The environment as the kernel gave it. It is kept, because a program may take entries away later. */
static struct start_block at_start;

void session_start(bool late)
{
	static bool started;
	char *name;

	if (started)
		return;
	started = true;
	if (!start_block_is_there())
		return;
	at_start = start_block_find();
	if (late)
		return;

	char **const variable = environment_find(start_block_envp(&at_start), SHM_ENV);

	if (!variable || start_block_value(&at_start, AT_SECURE))
		return;
	name = *variable + strlen(SHM_ENV "=");
	if (strncmp(name, SHM_DORMANT, strlen(SHM_DORMANT)) != 0)
		attach(&at_start, name);
	else if (!real_is_sanitizer() && prepare_mapping(&at_start) && prepare(&at_start))
		dormant_start(name + strlen(SHM_DORMANT));
}

const char *session_variable(const char *name)
{
	return at_start.auxv && !start_block_value(&at_start, AT_SECURE) ? environment_get(start_block_envp(&at_start), name) : NULL;
}

bool session_arguments(struct session_arguments *ret)
{
	if (!at_start.auxv)
		return false;
	*ret = (struct session_arguments){ start_block_argc(&at_start), at_start.argv, start_block_envp(&at_start), (const char *)start_block_value(&at_start, AT_EXECFN) };
	return true;
}

int session_may_attach(void)
{
	if (!at_start.auxv || start_block_value(&at_start, AT_SECURE))
		return error_set(TRACKER_EDISABLED, "this program runs with rights that its user does not have: it is never recorded");
	if (real_is_sanitizer())
		return error_set(TRACKER_EDISABLED, "this program was built with a sanitizer, whose malloc cannot be recorded");
	if (!prepare_mapping(&at_start))
		return error_set(TRACKER_EDISABLED, "this system has pages of a size that is not supported");
	return TRACKER_OK;
}

bool session_may_attach_late(void)
{
	return at_start.auxv && !real_is_sanitizer() && prepare_mapping(&at_start);
}

/* ---- later recordings ---- */

/* From here on no hook begins an event of the recording that there was. Hooks that have begun one may still be at work. */
static void stop(void)
{
	state.on = false;
	if (!state.fork_page)
		return;
	if (!*state.fork_page)
		contexts_forget();
	take_next_number();
	be_seen_by_all();
}

bool session_is_idle(void)
{
	return contexts_are_idle();
}

uint64_t session_block_signals(void)
{
	const uint64_t all = UINT64_MAX;
	uint64_t before = 0;

	(void)arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof(all), 0, 0);
	return before;
}

void session_restore_signals(uint64_t before)
{
	(void)arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof(before), 0, 0);
}

static void wait_for_hooks(unsigned most)
{
	for (unsigned i = 0; i < most && !contexts_are_idle(); i++) {
		const struct timespec t = { .tv_nsec = WAIT_NS };

		(void)arch_syscall(SYS_nanosleep, (long)&t, 0, 0, 0, 0, 0);
	}
}

static bool attach_late(const char *name, const struct inherited *from, bool waits)
{
	const uint64_t before = session_block_signals();

	if (tls.level)
		(void)thread_nested_level((uintptr_t)__builtin_frame_address(0)); /* this thread may have left a hook for good */
	stop();
	if (waits)
		wait_for_hooks(WAITS);
	if (contexts_are_left() && segment_open(name, from)) {
		const struct own_pid told = { from ? from->pid : 0, from && from->pid == raw_getpid() ? SHM_INNER_NONE : SHM_INNER_TIDS };
		const struct own_pid own = from && from->late ? told : own_slot_pid(0);

		begin(&at_start, &own, true);
		segment_opened();
	}
	if (state.on) {
		free_check_start(true);
		quarantine_start();
	}
	session_restore_signals(before);
	return state.on;
}

bool session_attach(const char *name, const struct inherited *from)
{
	return attach_late(name, from, true);
}

bool session_attach_in_hook(const char *name)
{
	return attach_late(name, NULL, false);
}

void session_leave(void)
{
	const uint64_t before = session_block_signals();

	state.follow = false;
	stop();
	start_rests(); /* after the barrier: every thread has seen that recording is over */
	/*
	 * The parts of the segment are not replaced at one time. A thread that went on meanwhile could lead the recorder, by a part that is
	 * still shared, to a chunk that it has filled in one that is not.
	 */
	wait_for_hooks(LAST_WAITS);
	(void)contexts_are_left();
	if (state.shm)
		segment_leave();
	session_restore_signals(before);
}

/* ---- forked children ---- */

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
	*(volatile uint32_t *)state.fork_page = state.recording;
	if (moved && !(flags & SHM_NO_FOLLOW_FORK) && !atomic_load(&state.shm->header.closed)) {
		const struct own_pid own = own_slot_pid(0);

		is_process = own_slot_take(&own, parent_pid);
	}
	if (!is_process) {
		start_rests();
		state.sample_bytes = 0;
		return false;
	}
	tls.tid = state.pid; /* the only thread; after a fork by system call the C library has the parent's id */
	state.process->fork = fork_number;
	program_tell(state.process);
	register_for_membarrier();
	own_slot_live();
	state.announce_modules = true;
	named_domains_forked();
	return true;
}

/* A dormant process forked. The child's first thread may be any of its parent's, and may have been known as another. */
static void take_stack(void)
{
	const uintptr_t sp = (uintptr_t)__builtin_frame_address(0);

	tls.tid = 0;
	if (sp > state.main_stack_top || state.main_stack_top - sp > state.own_stack_max)
		state.main_stack_top = (uintptr_t)pthread_self();
}

void session_in_child(void)
{
	late_forked();
	watch_forked();
	/* when a handler forked in a hook; and what a child inherits must not be kept for one that never comes */
	if (state.on && (tls.level || tls.fork) && !*state.fork_page)
		(void)session_enter_child();
	else if (state.sample_bytes)
		sample_forked();
	if (!state.on && state.fork_page)
		take_stack();
}
