/*
 * walk - libtracker's unwinder walks the stack of this very program, in many
 * places, and must find each time what libgcc's _Unwind_Backtrace finds there. So must what it knows of earlier stacks.
 *
 * Depends on libc, libgcc and the unwinder's own sources alone, so that it runs
 * wherever those do; on another processor than the build's, by an emulator.
 */
#include <alloca.h>
#include <link.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unwind.h>

#include "libtracker/chunk.h"
#include "libtracker/known.h"
#include "libtracker/python_frames.h"
#include "libtracker/rules.h"
#include "libtracker/send.h"
#include "libtracker/unwind.h"

#define NOINLINE __attribute__((noinline))
#define FRAMES 4096u
#define STACK_BYTES (256 * 1024)

extern void *__libc_stack_end;

struct tracker_state state;
static struct shm_process process;
static volatile unsigned long compared, joined, known, failures, in_handlers;

/* ---- what the rest of the library would be ---- */

bool chunk_may_call(const struct thread *t)
{
	(void)t;
	return true;
}

bool chunk_could_call(const struct thread *t)
{
	(void)t;
	return true;
}

bool send_module(struct thread *t, const struct wire_record *m, const char *directory, uint32_t directory_bytes)
{
	(void)t;
	(void)m;
	(void)directory;
	(void)directory_bytes;
	return true;
}

void unwind_reference_start(void)
{
}

uint32_t unwind_reference(struct thread *t, const struct site *at)
{
	(void)t;
	(void)at;
	return 0;
}

void unwind_verify(struct thread *t, const struct site *at, uint32_t kept, uint32_t n)
{
	(void)t;
	(void)at;
	(void)kept;
	(void)n;
}

void python_met(const void *link_map)
{
	(void)link_map;
}

void python_tell_again(void)
{
}

static void *zeroed(size_t bytes)
{
	void *const p = calloc(1, bytes);

	if (!p)
		abort();
	return p;
}

static struct thread *thread_new(uintptr_t stack_top)
{
	struct thread *const t = zeroed(sizeof(*t));
	const size_t room = state.nframe + state.nframe_slack + 2u;

	t->stack_top = stack_top;
	t->sent = zeroed(room * sizeof(uintptr_t));
	t->walk = zeroed(room * sizeof(uintptr_t));
	t->walked = zeroed(room * sizeof(*t->walked));
	t->found = zeroed(room * sizeof(uintptr_t));
	t->memo.sp = zeroed(room * sizeof(uintptr_t));
	t->memo.bp = zeroed(room * sizeof(uintptr_t));
	t->memo.place = zeroed(room * sizeof(uintptr_t));
	t->memo.needs_bp = zeroed(room);
	t->memo.packed = zeroed(room * sizeof(uint32_t));
	t->known = zeroed(sizeof(*t->known));
	known_clear(t);
	t->memo.slots = zeroed(memo_slots() * sizeof(struct slot));
	return t;
}

/* ---- the comparison ---- */

struct trace {
	uintptr_t pcs[FRAMES];
	uint32_t count;
	bool exact; /* the last one is no return address: unwind.c */
};

static _Unwind_Reason_Code take_frame(struct _Unwind_Context *context, void *data)
{
	struct trace *const t = data;
	int exact = 0;
	const uintptr_t pc = _Unwind_GetIPInfo(context, &exact);

	if (exact && t->count && !t->exact) /* the one before is the kernel's trampoline */
		t->pcs[t->count - 1]++;
	t->exact = exact;
	if (t->count < FRAMES)
		t->pcs[t->count++] = pc + (exact != 0);
	return _URC_NO_REASON;
}

static void print_stacks(const struct thread *t, uint32_t depth, const struct trace *theirs, uint32_t first)
{
	if (failures > 3)
		return;
	for (uint32_t i = 0; i < depth || first + i < theirs->count; i++)
		printf("# %3u  ours %#18lx  libgcc's %#18lx\n", i, i < depth ? (long)t->sent[depth - 1 - i] : 0l,
		       first + i < theirs->count ? (long)theirs->pcs[first + i] : 0l);
}

/* Whether the known stack of that number + 1, if any, is the one that was walked. */
static bool is_walked(struct thread *t, const struct site *at, uint32_t number)
{
	const uint32_t depth = number ? known_walk(t, at, number - 1) : 0;
	bool same = !number || depth == t->sent_depth;

	known += number != 0;
	for (uint32_t i = 0; i < depth && same; i++)
		same = t->walk[i] == t->sent[depth - 1 - i];
	return same;
}

static __thread struct thread *own;
static __thread volatile sig_atomic_t looking;

static NOINLINE void look(void)
{
	static __thread struct trace theirs;
	const struct site at = SITE_HERE();
	const uint32_t last = own->sent_depth;
	uint32_t depth, first = 0, count, number;
	struct change c;

	looking = 1;
	number = known_find(own, &at);
	c = unwind(own, &at);
	if (!number)
		(void)known_learn(own, &at);
	failures += !is_walked(own, &at, number);
	depth = own->sent_depth;
	theirs.count = 0;
	theirs.exact = false;
	_Unwind_Backtrace(take_frame, &theirs);
	while (theirs.count && theirs.pcs[theirs.count - 1] < 4096) /* the root's caller */
		theirs.count--;
	while (first < theirs.count && theirs.pcs[first] != own->sent[depth - 1])
		first++;
	count = theirs.count - first;
	compared++;
	joined += c.pops < last;
	for (uint32_t i = 0; i < count && depth == count; i++)
		count = own->sent[depth - 1 - i] == theirs.pcs[first + i] ? count : 0;
	if (!count || depth != count) {
		failures++;
		print_stacks(own, depth, &theirs, first);
	}
	looking = 0;
}

/* ---- stacks ---- */

static unsigned random_state = 1;

static unsigned random_below(unsigned n)
{
	random_state = random_state * 1103515245u + 12345u;
	return (random_state >> 16) % n;
}

static void descend(int depth);

static NOINLINE void with_alloca(int depth)
{
	volatile char *const p = alloca(random_below(3000) + 1);

	p[0] = 1;
	descend(depth - 1);
	p[0] = 2;
}

static NOINLINE void with_big_frame(int depth)
{
	volatile char room[70000];

	room[depth] = 1;
	descend(depth - 1);
	room[depth] = room[0];
}

static NOINLINE void with_alignment(int depth)
{
	_Alignas(128) volatile char room[128];

	room[depth] = 1;
	descend(depth - 1);
	room[depth] = room[0];
}

static NOINLINE int with_registers(int a, int b, int c, int d, int e, int f, int depth)
{
	descend(depth - 1);
	return a * b + c * d + e * f + depth;
}

static int in_qsort_depth;

static int on_compare(const void *a, const void *b)
{
	const int depth = in_qsort_depth;

	in_qsort_depth = 0;
	if (depth > 0)
		descend(depth - 1);
	return *(const int *)a - *(const int *)b;
}

static NOINLINE void with_callback(int depth)
{
	int numbers[] = { 3, 1, 2 };

	in_qsort_depth = depth;
	qsort(numbers, 3, sizeof(*numbers), on_compare);
}

static NOINLINE void descend(int depth)
{
	look();
	for (unsigned i = random_below(3); depth > 0 && i < 3; i++) {
		switch (random_below(5)) {
		case 0: with_alloca(depth); break;
		case 1: with_big_frame(depth); break;
		case 2: with_alignment(depth); break;
		case 3: (void)with_registers(depth, 2, 3, 4, 5, 6, depth); break;
		default: with_callback(depth);
		}
		look();
	}
}

static NOINLINE void below_twins(void)
{
	look();
	__asm__ volatile("");
}

static NOINLINE void left(void)
{
	below_twins();
	__asm__ volatile("nop");
}

static NOINLINE void right(void)
{
	below_twins();
	__asm__ volatile("");
}

/* Callers whose frames are alike: the frame below has the same registers, and another stack above it. */
static void twins(void)
{
	for (int i = 0; i < 1000; i++)
		(random_below(2) ? left : right)();
}

/* Two bits of `path` a level: frames of two sizes, with a call in two places each. */
static NOINLINE void small_frame(unsigned path, int depth);

static NOINLINE void large_frame(unsigned path, int depth)
{
	volatile char room[200];

	room[depth] = 1;
	if (depth == 0)
		look();
	else if (path & 1)
		(path & 2 ? large_frame : small_frame)(path >> 2, depth - 1);
	else
		small_frame(path >> 2, depth - 1);
	room[depth] = room[0];
}

static NOINLINE void small_frame(unsigned path, int depth)
{
	if (depth == 0)
		look();
	else if (path & 1)
		(path & 2 ? large_frame : small_frame)(path >> 2, depth - 1);
	else
		small_frame(path >> 2, depth - 1);
	__asm__ volatile("");
}

/* Stacks alike: most frames stand where others stood, called from elsewhere. */
static void paths(void)
{
	for (int i = 0; i < 3000; i++)
		small_frame(random_below(1u << 16) << 16 | random_below(1u << 16), 15);
}

/* Stacks that come again and again, with others between them. */
static void again(void)
{
	known_clear(own); /* so many stacks never came again that none is looked for */
	for (unsigned i = 0; i < 3000; i++) {
		random_state = 1 + i % 5;
		descend(2);
		small_frame(0x5a17u * (i % 30), 5 + (int)(i % 9));
	}
}

static jmp_buf back;
static volatile int bottom; /* volatile: gcc must not see that jump_from never returns */

static NOINLINE void jump_from(int depth)
{
	look();
	if (depth > bottom)
		jump_from(depth - 1);
	if (!bottom)
		longjmp(back, 1);
	__asm__ volatile("");
}

static void jumps(void)
{
	for (volatile int i = 0; i < 50; i++) {
		if (setjmp(back) == 0)
			jump_from(10 + i % 7);
		look();
	}
}

/* ---- signals ---- */

/* Once: what a slow processor needs for a handler must not be what is left for the program. */
static void set_timer(void)
{
	const struct itimerval once = { { 0, 0 }, { 0, 500 } };

	setitimer(ITIMER_REAL, &once, NULL);
}

static void on_signal(int signal)
{
	if (!looking && own) {
		in_handlers++;
		look();
	}
	if (signal == SIGALRM)
		set_timer();
}

static NOINLINE unsigned leaf(unsigned x)
{
	for (int i = 0; i < 50; i++)
		x = x * 3 + (x >> 7);
	return x;
}

static NOINLINE unsigned busy(unsigned n)
{
	volatile char room[40];

	room[n % sizeof(room)] = 1;
	return n < 2 ? leaf(n) : busy(n - 1) + busy(n - 2) + (unsigned)room[0];
}

static void signals(bool alternate)
{
	static char room[STACK_BYTES];
	const stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = alternate ? SA_ONSTACK : 0 };
	const struct itimerval none = { 0 };
	const unsigned long enough = in_handlers + 300;

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGALRM, &action, NULL);
	for (int i = 0; i < 50; i++)
		raise(SIGUSR1);
	set_timer();
	while (in_handlers < enough)
		(void)busy(15);
	setitimer(ITIMER_REAL, &none, NULL);
}

/* ---- other stacks ---- */

static ucontext_t main_context, context;

static void coroutine(void)
{
	for (;;) {
		descend(3);
		swapcontext(&context, &main_context);
	}
}

static void coroutines(void)
{
	getcontext(&context);
	context.uc_stack.ss_size = 4 * STACK_BYTES;
	context.uc_stack.ss_sp = zeroed(4 * STACK_BYTES);
	makecontext(&context, coroutine, 0);
	for (int i = 0; i < 10; i++) {
		swapcontext(&main_context, &context);
		descend(2);
	}
}

static void *in_thread(void *data)
{
	own = thread_new((uintptr_t)pthread_self());
	descend(6);
	return data;
}

int main(void)
{
	pthread_t thread;

	state.process = &process;
	state.nframe = FRAMES;
	state.main_stack_top = (uintptr_t)__libc_stack_end;
	state.own_stack_max = 8u << 20;
	if (!unwind_start())
		return 1;
	own = thread_new(state.main_stack_top);
	for (int i = 0; i < 100; i++)
		descend(7);
	twins();
	paths();
	again();
	jumps();
	coroutines();
	signals(false);
	signals(true);
	if (pthread_create(&thread, NULL, in_thread, NULL) != 0 || pthread_join(thread, NULL) != 0)
		return 1;
	printf("%lu stacks compared, %lu of them in handlers, %lu joined the one before, %lu were known, %lu differ\n", compared,
	       in_handlers, joined, known, failures);
	return failures || compared < 2000 || joined < compared / 2 || known < 1000;
}
