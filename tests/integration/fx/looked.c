/*
 * looked - pointers in all the places where a look at the memory must find them, or must not. Each block has a size of its own, and the
 * program prints what is to be said of it: "1008 definitely".
 *
 * usage: looked CASE [LIBRARY] | each LIBRARY CASE...
 *
 * each: a forked child does the next case and ends, before the one after it begins. The program prints "CASE PID" for each.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

static void *volatile kept;
static volatile uintptr_t hidden;
static __thread void *volatile in_tls;
static pthread_barrier_t ready;
static volatile int never;

static void say(size_t size, const char *verdict)
{
	printf("%zu %s\n", size, verdict);
}

/* What calls have left behind on the stack, and in registers. */
NOINLINE static void clear_stack(void)
{
	volatile char room[32768];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0;
}

NOINLINE static void **block(size_t size)
{
	return calloc(1, size);
}

NOINLINE static void cycle(void)
{
	void **const a = block(1008), **const b = block(2016);

	a[0] = b;
	b[0] = a;
	say(1008, a < b ? "definitely" : "indirectly");
	say(2016, a < b ? "indirectly" : "definitely");
}

NOINLINE static void tree(void)
{
	void **const leaf = block(1008), **const root = block(2016), **const other = block(3024);

	root[1] = leaf;
	root[2] = other;
	say(1008, "indirectly");
	say(2016, "definitely");
	say(3024, "indirectly");
}

NOINLINE static void interior(void)
{
	kept = (char *)block(1008) + 100;
	say(1008, "possibly");
}

NOINLINE static void mapped(void)
{
	void **const p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	p[100] = block(1008);
	say(1008, "reachable");
}

NOINLINE static void xored(void)
{
	hidden = (uintptr_t)block(1008) ^ 0x5555555555555555u;
	say(1008, "definitely");
}

/* Found with --pointer-mask 0x00fffffffffffff8, and lost without. */
NOINLINE static void tagged(void)
{
	hidden = (uintptr_t)block(1008) | (uintptr_t)0xa5 << 56;
	in_tls = (char *)block(1016) + 3;
	say(1008, "definitely");
	say(1016, "possibly");
}

NOINLINE static void past(void)
{
	kept = (char *)block(1008) + 1008;
	say(1008, "definitely");
}

NOINLINE static void cache(void)
{
	for (int i = 0; i < 100; i++) {
		void **const p = block(1008);

		p[0] = kept;
		kept = p;
	}
	say(1008, "reachable");
}

NOINLINE static void tls(void)
{
	in_tls = block(1008);
	say(1008, "reachable");
}

NOINLINE static void specific(void)
{
	pthread_key_t key;

	for (int i = 0; i < 40; i++) /* some beyond the first 32, which lie elsewhere */
		pthread_key_create(&key, NULL);
	pthread_setspecific(key, block(1008));
	say(1008, "reachable");
}

NOINLINE static void loaded(const char *library)
{
	void *const l = dlopen(library, RTLD_NOW);
	int *(*const variable)(void) = (int *(*)(void))dlsym(l, "tls_plugin_pointer");

	*(void **)variable() = block(1008);
	say(1008, "reachable");
}

/* ---- threads ---- */

static void start(void *(*function)(void *))
{
	pthread_t t;

	pthread_barrier_init(&ready, NULL, 2);
	pthread_create(&t, NULL, function, NULL);
	pthread_barrier_wait(&ready);
}

NOINLINE static void *hold_on_stack(void *unused)
{
	void *volatile here = block(1008);

	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return here;
}

NOINLINE static void sleeping(void)
{
	start(hold_on_stack);
	say(1008, "reachable");
}

NOINLINE static void *end_with_stack(void *unused)
{
	void *volatile here[100];

	for (int i = 0; i < 100; i++)
		here[i] = NULL;
	here[50] = block(1008);
	return never ? here[1] : NULL;
}

NOINLINE static void ended(void)
{
	pthread_t t;

	pthread_create(&t, NULL, end_with_stack, NULL);
	pthread_join(t, NULL);
	say(1008, "definitely");
}

NOINLINE static void *hold_in_register(void *unused)
{
	void *p = block(1008);

	pthread_barrier_wait(&ready);
#if defined(__x86_64__)
	__asm__ volatile("mov %0, %%r15\n\txor %%rax, %%rax\n\tmov %%rax, %0\n1:\tpause\n\tcmpl $0, %1\n\tje 1b"
			 : "+m"(p)
			 : "m"(never)
			 : "rax", "r15", "memory");
#endif
	return p;
}

NOINLINE static void *hold_in_vector(void *unused)
{
	void *p = block(1008);

	pthread_barrier_wait(&ready);
#if defined(__x86_64__)
	__asm__ volatile("movq %0, %%xmm9\n\txor %%rax, %%rax\n\tmov %%rax, %0\n1:\tpause\n\tcmpl $0, %1\n\tje 1b"
			 : "+m"(p)
			 : "m"(never)
			 : "rax", "xmm9", "memory");
#endif
	return p;
}

NOINLINE static void in_register(void)
{
	start(hold_in_register);
	usleep(20000);
	say(1008, "reachable");
}

NOINLINE static void in_vector(void)
{
	start(hold_in_vector);
	usleep(20000);
	say(1008, "reachable");
}

NOINLINE static void on_signal(int number)
{
	void *volatile here = block(1008);

	pthread_barrier_wait(&ready);
	while (!never)
		pause();
	kept = here;
}

NOINLINE static void *signalled(void *unused)
{
	const stack_t alternate = { .ss_sp = malloc(65536), .ss_size = 65536 };

	sigaltstack(&alternate, NULL);
	raise(SIGUSR1);
	return NULL;
}

NOINLINE static void alternate_stack(void)
{
	const struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_ONSTACK };

	sigaction(SIGUSR1, &action, NULL);
	start(signalled);
	say(1008, "reachable");
	say(65536, "reachable");
}

/* ---- coroutines ---- */

static struct coroutine {
	ucontext_t own, back;
	char *stack;
} * coroutine;

NOINLINE static void in_coroutine(void)
{
	void *volatile here = block(1008);

	swapcontext(&coroutine->own, &coroutine->back);
	kept = here;
}

NOINLINE static void begin_coroutine(void)
{
	coroutine = calloc(1, sizeof(*coroutine));
	coroutine->stack = malloc(65536);
	memset(coroutine->stack, 0, 65536);
	getcontext(&coroutine->own);
	coroutine->own.uc_stack.ss_sp = coroutine->stack;
	coroutine->own.uc_stack.ss_size = 65536;
	coroutine->own.uc_link = &coroutine->back;
	makecontext(&coroutine->own, in_coroutine, 0);
	swapcontext(&coroutine->back, &coroutine->own);
}

NOINLINE static void suspended(void)
{
	begin_coroutine();
	say(1008, "reachable");
	say(65536, "reachable");
}

NOINLINE static void ended_coroutine(void)
{
	begin_coroutine();
	swapcontext(&coroutine->back, &coroutine->own);
	kept = NULL;
	say(1008, "reachable"); /* its stack is a block that is held */
	say(65536, "reachable");
}

static const struct {
	const char *name;
	void (*function)(void);
} cases[] = {
	{ "cycle", cycle },
	{ "tree", tree },
	{ "interior", interior },
	{ "mapped", mapped },
	{ "ended_coroutine", ended_coroutine },
	{ "ended_thread", ended },
	{ "xored", xored },
	{ "past", past },
	{ "tagged", tagged },
	{ "register", in_register },
	{ "vector", in_vector },
	{ "tls", tls },
	{ "alternate_stack", alternate_stack },
	{ "suspended", suspended },
	{ "cache", cache },
	{ "sleeping", sleeping },
	{ "specific", specific },
};

static void run(const char *name, const char *library)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (!strcmp(name, cases[i].name))
			cases[i].function();
	if (!strcmp(name, "loaded"))
		loaded(library);
	clear_stack();
}

/* Whether it is the child, whose case is done. */
static bool is_child(const char *name, const char *library)
{
	const pid_t pid = fork();

	if (pid == 0) {
		run(name, library);
		return true;
	}
	waitpid(pid, NULL, 0);
	printf("%s %d\n", name, pid);
	fflush(stdout);
	return false;
}

int main(int argc, char **argv)
{
	bool child = false;

	if (strcmp(argv[1], "each"))
		run(argv[1], argv[2]);
	else
		for (int i = 3; i < argc && !child; i++)
			child = is_child(argv[i], argv[2]);
	return 0;
}
