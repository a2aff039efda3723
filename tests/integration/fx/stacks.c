/*
 * stacks MODE - stacks that jump: signal handlers, longjmp, coroutines, an
 * alternate stack, a handler at every instruction, 100,000 frames. The function that allocates is named after
 * the size, so that harness.py can compare stacks with truth, too.
 */
#include <dlfcn.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "truth.h"

#define NOINLINE __attribute__((noinline))

static NOINLINE void allocate_1001(int count) { churn(1001, count); }
static NOINLINE void allocate_1002(int count) { churn(1002, count); }

static void on_signal(int signal)
{
	(void)signal;
	allocate_1002(3);
}

static void mode_signal(void)
{
	signal(SIGUSR1, on_signal);
	for (int i = 0; i < 100; i++) {
		allocate_1001(2);
		raise(SIGUSR1);
	}
	truth_churn(1001, 200);
	truth_churn(1002, 300);
}

static void mode_altstack(void)
{
	static char room[64 * 1024];
	const stack_t stack = { .ss_sp = room, .ss_size = sizeof(room) };
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	must(sigaltstack(&stack, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0, "sigaltstack");
	for (int i = 0; i < 100; i++) {
		allocate_1001(2);
		raise(SIGUSR1);
	}
	truth_churn(1001, 200);
	truth_churn(1002, 300);
}

static jmp_buf back;
static volatile int floor_reached; /* volatile: gcc must not see that dive never returns */

static NOINLINE void dive(int depth)
{
	allocate_1001(1);
	if (depth > floor_reached)
		dive(depth - 1);
	if (!floor_reached)
		longjmp(back, 1);
	__asm__ volatile("");
}

static void mode_longjmp(void)
{
	for (volatile int i = 0; i < 100; i++) {
		if (setjmp(back) == 0)
			dive(9);
		allocate_1002(1);
	}
	truth_churn(1001, 1000);
	truth_churn(1002, 100);
}

static const void *outsider; /* the module that stands before libc's malloc; NULL: none */
static sigjmp_buf out;
static volatile int steps;

static const void *module_of(const void *code)
{
	Dl_info info;

	return dladdr(code, &info) ? info.dli_fbase : NULL;
}

/* After so many instructions of the outsider, never within libc's own work on the heap. */
static void on_step(int signal, siginfo_t *info, void *context)
{
	const ucontext_t *const c = context;

	(void)signal;
	(void)info;
	if (module_of((const void *)c->uc_mcontext.gregs[REG_RIP]) == outsider && --steps == 0)
		siglongjmp(out, 1);
}

static NOINLINE void single_step(void)
{
	__asm__ volatile("pushfq; orq $0x100, (%%rsp); popfq" ::: "memory", "cc");
}

static NOINLINE void walk_normally(void)
{
	__asm__ volatile("pushfq; andq $~0x100, (%%rsp); popfq" ::: "memory", "cc");
}

/* A handler leaves malloc by siglongjmp, at each of its instructions in turn: what comes later is recorded. */
static void mode_abandoned(void)
{
	const struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	const void *const first = module_of(dlsym(RTLD_DEFAULT, "malloc"));

	if (first != module_of(dlsym(RTLD_DEFAULT, "gnu_get_libc_version")))
		outsider = first;
	must(sigaction(SIGTRAP, &action, NULL) == 0, "sigaction");
	for (volatile int i = 1; outsider && i <= 400; i++) {
		if (sigsetjmp(out, 1) == 0) {
			steps = i;
			single_step();
			keep(malloc(3001));
			walk_normally();
		}
		allocate_1001(1);
	}
	allocate_1001(outsider ? 0 : 400);
	truth_churn(1001, 400);
}

static ucontext_t main_context, contexts[2];

static void coroutine(int number)
{
	for (int i = 0; i < 100; i++) {
		if (number)
			allocate_1002(1);
		else
			allocate_1001(1);
		swapcontext(&contexts[number], &contexts[1 - number]);
	}
}

static void mode_coroutines(void)
{
	static char rooms[2][64 * 1024];

	for (volatile int i = 0; i < 2; i++) {
		must(getcontext(&contexts[i]) == 0, "getcontext");
		contexts[i].uc_stack.ss_sp = rooms[i];
		contexts[i].uc_stack.ss_size = sizeof(rooms[i]);
		contexts[i].uc_link = &main_context;
		makecontext(&contexts[i], (void (*)(void))coroutine, 1, i);
	}
	must(swapcontext(&main_context, &contexts[0]) == 0, "swapcontext");
	truth_churn(1001, 100);
	truth_churn(1002, 100);
}

#define HEAP_ROUNDS 100
#define HEAP_COROUTINES 4

static ucontext_t heap_contexts[HEAP_COROUTINES];

static NOINLINE void descend_and_switch(int number, int depth)
{
	allocate_1001(1);
	if (depth > 0)
		descend_and_switch(number, depth - 1);
	else
		swapcontext(&heap_contexts[number], &main_context);
	allocate_1002(1);
}

static void heap_coroutine(int number)
{
	descend_and_switch(number, 10 + number);
}

/* Stacks that come from the heap, are freed, and serve other coroutines then, at other depths. */
static void mode_heap_coroutines(void)
{
	const size_t bytes = 64 * 1024;
	volatile unsigned long calls = 0;

	for (volatile int round = 0; round < HEAP_ROUNDS; round++) {
		void *rooms[HEAP_COROUTINES];

		for (volatile int i = 0; i < HEAP_COROUTINES; i++) {
			const int number = (i + round) % HEAP_COROUTINES;
			ucontext_t *const c = &heap_contexts[number];

			rooms[i] = malloc(bytes);
			must(rooms[i] && getcontext(c) == 0, "getcontext");
			c->uc_stack.ss_sp = rooms[i];
			c->uc_stack.ss_size = bytes;
			c->uc_link = &main_context;
			makecontext(c, (void (*)(void))heap_coroutine, 1, number);
			calls += 11 + (unsigned long)number;
		}
		for (volatile int i = 0; i < 2 * HEAP_COROUTINES; i++) /* to the bottom, then to the end */
			must(swapcontext(&main_context, &heap_contexts[i % HEAP_COROUTINES]) == 0, "swapcontext");
		for (int i = 0; i < HEAP_COROUTINES; i++)
			free(rooms[i]);
	}
	truth_churn(1001, calls);
	truth_churn(1002, calls);
}

#define TRAP_FLAG 0x100

static unsigned long handled;
static volatile int stepping;

/* The flag is set and cleared here, not by code that would have to say so in its unwind information. */
static void on_every_step(int signal, siginfo_t *info, void *context)
{
	ucontext_t *const c = context;

	(void)signal;
	(void)info;
	allocate_1002(1);
	handled++;
	if (stepping)
		c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	else
		c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static NOINLINE unsigned long compute(unsigned long x, char *text)
{
	char room[100];

	room[x % sizeof(room)] = *(char *)keep(text);
	if (x % 5 == 0)
		return strlen(keep(text)) + (unsigned long)*(char *)keep(&room[x % sizeof(room)]);
	return compute(x - 1, text) * 3 + compute(x / 2, text);
}

/* A handler at each instruction of ordinary code: prologues, epilogues, calls through the PLT, the loader. */
static void mode_stepped(void)
{
	const struct sigaction action = { .sa_sigaction = on_every_step, .sa_flags = SA_SIGINFO };
	char text[] = "text";

	must(sigaction(SIGTRAP, &action, NULL) == 0, "sigaction");
	for (int i = 0; i < 37; i++) {
		stepping = 1;
		raise(SIGTRAP);
		(void)keep((void *)compute(13, text));
		stepping = 0;
		allocate_1002(1);
		handled++;
	}
	must(handled > 10000, "single steps");
	truth_churn(1002, handled);
}

static NOINLINE void recurse(int depth)
{
	if (depth % 1000 == 0)
		allocate_1001(1);
	if (depth > 0)
		recurse(depth - 1);
	__asm__ volatile("");
}

static void mode_deep(void)
{
	recurse(100000 - 1);
	allocate_1002(1);
	truth_churn(1001, 100);
	truth_churn(1002, 1);
}

#define LEVELS 10000

static void branch(int level);

static NOINLINE void left(int level) { branch(level); __asm__ volatile(""); }
static NOINLINE void right(int level) { branch(level); __asm__ volatile("nop"); }

/* No two levels are alike, and each allocates on the way down and on the way up. */
static NOINLINE void branch(int level)
{
	allocate_1001(1);
	if (level > 0 && ((unsigned)level * 2654435761u) >> 31)
		left(level - 1);
	else if (level > 0)
		right(level - 1);
	allocate_1001(1);
}

static void mode_branches(void)
{
	branch(LEVELS - 1);
	truth_churn(1001, 2 * LEVELS);
}

#define MODE(name) { #name, mode_##name }

static const struct { const char *name; void (*run)(void); } modes[] = {
	MODE(signal), MODE(altstack), MODE(longjmp), MODE(coroutines), MODE(heap_coroutines),
	MODE(stepped), MODE(abandoned), MODE(deep), MODE(branches),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(argv[1], modes[i].name)) {
			modes[i].run();
			return 0;
		}
	}
	return 2;
}
