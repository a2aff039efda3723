/* thread - see thread.h. */
#include "thread.h"

#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "contexts.h"
#include "forking.h"
#include "program.h"
#include "raw.h"
#include "segment.h"
#include "session.h"
#include "unwind.h"

#define KEYS_AT_HAND 32u /* glibc has room for these in each thread; it allocates for the others. musl never does */
#define TID_WORDS 256u /* of struct pthread; glibc has it at byte 720 of 2304 on x86-64 */

__thread struct tracker_tls tls __attribute__((tls_model("initial-exec")));

/* What pthread_atfork is, but weak. */
extern int __register_atfork(void (*prepare)(void), void (*parent)(void), void (*child)(void), void *dso)
	__attribute__((weak));
extern void *__dso_handle __attribute__((visibility("hidden")));

static pthread_key_t end_key;
static bool have_key;
static uint16_t tid_offset;

/* The lowest free thread slot of the segment. -1: all are taken. */
static int slot_claim(struct shm *s)
{
	for (uint32_t i = 0; i < SHM_THREADS; i++) {
		uint8_t free_state = SHM_FREE;
		uint32_t high;

		if (atomic_load_explicit(&s->thread_states[i], memory_order_relaxed) != SHM_FREE ||
		    !atomic_compare_exchange_strong(&s->thread_states[i], &free_state, SHM_CLAIMED))
			continue;
		high = atomic_load(&s->header.thread_high);
		while (high <= i && !atomic_compare_exchange_weak(&s->header.thread_high, &high, i + 1))
			;
		return (int)i;
	}
	atomic_fetch_add(&s->header.attach_failures, 1);
	return -1;
}

static void slot_fill(struct shm *s, uint32_t index, struct shm_thread *slot, uint32_t tid)
{
	slot->process = state.process_slot;
	slot->tid = tid;
	atomic_store_explicit(&slot->sandbox, SHM_SANDBOX_UNKNOWN, memory_order_relaxed);
	slot->start_ns = atomic_load_explicit(&s->header.clock_ns, memory_order_relaxed);
	atomic_store_explicit(&slot->first_chunk, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->busy, SHM_IDLE, memory_order_relaxed);
	atomic_store_explicit(&slot->lost, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->stalls, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->stalled_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&slot->name_version, tls.name[0] ? 2 : 0, memory_order_relaxed);
	memcpy(slot->name, tls.name, sizeof(slot->name));
	memcpy(slot->bases, state.bases, sizeof(slot->bases));
	atomic_store_explicit(&slot->moving, 0, memory_order_relaxed);
	atomic_store_explicit(&s->thread_states[index], SHM_LIVE, memory_order_release);
}

/* NULL: there is no room for it. A handler may fork meanwhile; then `s` is private memory. */
static struct shm_thread *slot_map(struct shm *s, uint32_t slot)
{
	struct shm_thread *const t = segment_thread(slot);

	atomic_signal_fence(memory_order_seq_cst);
	if (s != state.shm)
		return segment_moved_thread(s);
	if (!t) {
		atomic_store(&s->thread_states[slot], SHM_FREE);
		contexts_no_memory();
	}
	return t;
}

/*
 * Where the C library keeps a thread's id, from pthread_self() on. A sandbox that was closed before the thread began
 * may forbid to ask the kernel. It is found by searching for this thread's id; 0: unknown.
 */
static uint16_t find_tid_offset(void)
{
	const uint32_t *const words = (const uint32_t *)pthread_self(), tid = raw_gettid();
	uint16_t found = 0;

	for (uint16_t i = 1; i < TID_WORDS; i++) {
		if (words[i] != tid)
			continue;
		if (found)
			return 0;
		found = i;
	}
	return found * (uint16_t)sizeof(*words);
}

uint32_t thread_id_unasked(void)
{
	return tid_offset ? *(const uint32_t *)((uintptr_t)pthread_self() + tid_offset) : 0;
}

static uint32_t own_tid(void)
{
	if (unlikely(state.pid_was_told)) {
		const uint32_t tid = raw_gettid();

		return tid == raw_getpid() ? state.pid : tid;
	}
	if (state.pid_is_foreign)
		return raw_outer_tid();
	return tid_offset ? thread_id_unasked() : raw_gettid();
}

static uintptr_t own_stack_top(void)
{
	return tls.tid == state.pid ? state.main_stack_top : (uintptr_t)pthread_self();
}

/* The one that this thread had in an earlier recording, or a free one. */
static struct thread *context_for(uint32_t level, uintptr_t frame)
{
	struct thread *const t = tls.threads[level];

	tls.threads[level] = NULL; /* a handler must not find it while it is half empty */
	atomic_signal_fence(memory_order_seq_cst);
	if (t && contexts_renew(t, frame))
		return t;
	if (t)
		contexts_release(t);
	return contexts_claim(frame);
}

/*
 * The context is seen to be at work before this looks whether the recording goes on: who ends it first says so, and then waits for
 * contexts that are at work.
 */
static bool goes_on(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	return state.on;
}

void thread_set_key(pthread_key_t key, const void *value, uintptr_t frame)
{
	const uintptr_t outer = tls.real_frame;

	if (!outer || frame > outer)
		tls.real_frame = frame;
	(void)pthread_setspecific(key, value);
	tls.real_frame = outer;
}

/*
 * Where the library came after the program's own keys, the C library may allocate for this one. That is only done where the program has
 * called the heap itself: a mapping, for one, may come from a signal handler that has interrupted malloc, with its lock held.
 */
static void settle(struct thread *t, uintptr_t frame, bool heap)
{
	if (t->level == 0 && have_key) {
		if (end_key >= KEYS_AT_HAND && !heap)
			return;
		thread_set_key(end_key, t, frame);
	}
	t->settled = t->recording;
}

/* hook: not the thread that begins the recording. */
static struct thread *claim(uint32_t level, uintptr_t frame, bool hook)
{
	struct shm *const s = state.shm;
	struct thread *t;
	int slot;

	atomic_signal_fence(memory_order_seq_cst);
	if (!tls.tid)
		tls.tid = own_tid();
	t = context_for(level, frame);
	if (!t)
		return NULL;
	slot = !hook || goes_on() ? slot_claim(s) : -1;
	if (slot >= 0)
		t->slot = slot_map(s, (uint32_t)slot);
	if (!t->slot) {
		contexts_release(t);
		return NULL;
	}
	t->recording = state.recording;
	t->settled = ~state.recording;
	t->slot_index = (uint32_t)slot;
	t->level = level;
	t->stack_top = own_stack_top();
	slot_fill(s, t->slot_index, t->slot, tls.tid);
	atomic_signal_fence(memory_order_seq_cst);
	/* A handler forked meanwhile, and this is the child: this context is good for one event. */
	if (s != state.shm) {
		t->orphan = true;
		return t;
	}
	tls.threads[level] = t;
	return t;
}

/* The context's slot is one of the recording that goes on: as long as its thread is at work, that does not change. */
static bool is_current(const struct thread *t)
{
	atomic_signal_fence(memory_order_seq_cst);
	return t->recording == *state.fork_page;
}

struct thread *thread_claim(uint32_t level, uintptr_t frame)
{
	return claim(level, frame, false);
}

struct thread *thread_begin(uint32_t level, uintptr_t frame, bool heap)
{
	struct thread *t = tls.threads[level];

	if (t && *state.fork_page && is_current(t)) {
		settle(t, frame, heap);
		return t;
	}
	tls.claiming = frame;
	if (!*state.fork_page) {
		tls.level = (uint16_t)level;
		return session_enter_child() ? thread_enter_as(frame, heap) : NULL;
	}
	t = claim(level, frame, true);
	if (!t) {
		tls.level = (uint16_t)level;
		return NULL;
	}
	if (!t->orphan)
		settle(t, frame, heap);
	if (state.announce_modules)
		unwind_forked(t);
	return t;
}

static void thread_end(struct thread *t)
{
	t->frame = (uintptr_t)t;
	tls.threads[t->level] = NULL;
	if (is_current(t))
		atomic_store_explicit(&state.shm->thread_states[t->slot_index], SHM_EXITED, memory_order_release);
	contexts_release(t);
}

/* ---- signal handlers ---- */

/*
 * A hook at `frame` finds that another one, at `left`, has not returned. Either the signal handler that called this
 * hook interrupted it, or a handler left it for good, by siglongjmp. A handler's frames lie below what it
 * interrupted, unless it runs on an alternate stack; only then the kernel must be asked. In doubt, the other hook
 * counts as interrupted.
 */
static bool abandoned(uintptr_t left, uintptr_t frame)
{
	const uintptr_t top = own_stack_top();
	stack_t s;

	if (frame < left || frame >= top || top - frame > state.own_stack_max)
		return false;
	if (arch_syscall(SYS_sigaltstack, 0, (long)&s, 0, 0, 0, 0) != 0)
		return false;
	return !(s.ss_flags & SS_ONSTACK) || left - (uintptr_t)s.ss_sp <= s.ss_size;
}

/*
 * What an abandoned hook had half written does no harm: its stream ends at its last whole event, and the level begins
 * another stream.
 */
uint32_t thread_nested_level(uintptr_t frame)
{
	struct thread *t;

	while (tls.level) {
		t = tls.threads[tls.level - 1];
		if (!abandoned(t ? t->frame : tls.claiming, frame))
			break;
		tls.level--;
		if (t)
			thread_end(t);
	}
	if (tls.level >= THREAD_LEVELS && (t = tls.threads[THREAD_LEVELS - 1]) && is_current(t))
		atomic_fetch_add_explicit(&t->slot->lost, 1, memory_order_relaxed);
	return tls.level;
}

void thread_forget_hooks(void)
{
	while (tls.level) {
		struct thread *const t = --tls.level < THREAD_LEVELS ? tls.threads[tls.level] : NULL;

		if (t)
			thread_end(t);
	}
}

/* Runs in the thread that ends. No other destructor runs in the last round, so nothing comes after it. */
static void key_destructor(void *data)
{
	struct thread *const t = data;

	if (tls.threads[0] != t)
		return;
	if (state.on && *state.fork_page && ++t->end_rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
		(void)pthread_setspecific(end_key, t);
		return;
	}
	for (unsigned i = 0; i < THREAD_LEVELS; i++)
		if (tls.threads[i])
			thread_end(tls.threads[i]);
}

void thread_prepare(void)
{
	tid_offset = find_tid_offset();
	/* Among the first keys of the process, as a rule: then setting it never allocates. */
	have_key = pthread_key_create(&end_key, key_destructor) == 0;
}

bool thread_start(void)
{
	return contexts_start();
}

void thread_watch_forks(void)
{
	static atomic_bool watched;

	if (__register_atfork && !atomic_exchange(&watched, true))
		(void)__register_atfork(forking_begin, forking_end_unsaid, session_in_child, __dso_handle);
}

/*
 * In a child of fork only the calling thread lives. Its contexts are freed, too, because the slots and chunks that
 * they write to are the parent's. But if a handler forked, the hooks that it interrupted go on with their contexts.
 * Then none is given away.
 */
void thread_forked(void)
{
	contexts_forked(tls.threads, tls.level < THREAD_LEVELS ? tls.level : THREAD_LEVELS);
	for (unsigned i = 0; i < THREAD_LEVELS; i++) {
		if (i < tls.level && tls.threads[i]) {
			tls.threads[i]->orphan = true;
			tls.claiming = tls.threads[i]->frame;
		}
		tls.threads[i] = NULL;
	}
	tls.tid = 0;
}

/* A thread is often named before it has allocated anything. Then slot_fill takes the name. */
void thread_set_name(const char *name)
{
	struct thread *const t = tls.threads[0];

	if (!state.on)
		return;
	memset(tls.name, 0, sizeof(tls.name));
	memcpy(tls.name, name, strnlen(name, sizeof(tls.name) - 1));
	if (!tls.tid && !state.sandboxed)
		tls.tid = own_tid();
	if (tls.tid == state.pid)
		program_named(tls.name);
	if (t && !tls.level)
		t->frame = (uintptr_t)t;
	if (t && is_current(t)) {
		atomic_fetch_add(&t->slot->name_version, 1);
		memcpy(t->slot->name, tls.name, sizeof(t->slot->name));
		atomic_fetch_add(&t->slot->name_version, 1);
	}
	if (t && !tls.level)
		__atomic_store_n(&t->frame, 0, __ATOMIC_RELEASE);
}
