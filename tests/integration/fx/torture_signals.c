/*
 * torture_signals MODE - signal handlers that allocate, wherever that is allowed, and leave for
 * good, wherever they are.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <ucontext.h>

#include "modes.h"

static const void *self, *outsider; /* modules: this program, and what stands before libc's malloc */

static const void *module_of(const void *code)
{
	Dl_info info;

	return dladdr(code, &info) ? info.dli_fbase : NULL;
}

static void find_modules(void)
{
	const void *const first = module_of(dlsym(RTLD_DEFAULT, "malloc"));

	self = module_of((const void *)(uintptr_t)find_modules);
	outsider = first == module_of(dlsym(RTLD_DEFAULT, "gnu_get_libc_version")) ? NULL : first;
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	must(sigaction(signal, &action, NULL) == 0, "sigaction");
}

static volatile unsigned long handled, in_hooks, meant, idle;

/* Only where libc's own work on the heap is not what was interrupted. */
static void on_timer(int signal, siginfo_t *info, void *context)
{
	const void *const at = (const void *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
	const void *const module = handled < meant ? module_of(at) : NULL;

	(void)signal;
	(void)info;
	if (!module || (module != self && module != outsider))
		return;
	churn(1002, 1);
	in_hooks += module == outsider;
	handled++;
}

static void every(long us)
{
	const struct itimerval often = { { 0, us }, { 0, us } };

	must(setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
}

/* 20,000 signals a second; most find the program in the middle of one of our hooks. */
static void mode_timer(void)
{
	find_modules();
	meant = 1000;
	handle(SIGALRM, on_timer, SA_RESTART);
	every(50);
	churn(1001, 100000);
	while (handled < meant)
		idle++; /* where no hook is, this is where we are found */
	every(0);
	truth_churn(1001, 100000);
	truth_churn(1002, meant);
}

static void *timed_thread(void *unused)
{
	churn(1001, 50000);
	return unused;
}

/* The same, with four threads that are hit in turn. */
static void mode_timer_threads(void)
{
	pthread_t t[4];

	find_modules();
	meant = 0; /* the handler allocates nothing: it would be for each thread to count */
	handle(SIGALRM, on_timer, SA_RESTART);
	every(50);
	for (int i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, timed_thread, NULL), "pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	every(0);
	truth_churn(1001, 200000);
}

static sigjmp_buf out;
static volatile int left;

static void leave(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	left++;
	siglongjmp(out, 1);
}

/* What no heap has given: each of them dies in the C library, in the middle of a hook. */
static void bad_free(void *bad) { free(bad); }
static void bad_realloc(void *bad) { keep(realloc(bad, 3001)); }
static void bad_usable(void *bad) { *(volatile size_t *)&left = malloc_usable_size(bad); }
static void bad_result(void *bad) { must(posix_memalign(bad, 64, 3002) == 0, "posix_memalign"); }
static void bad_write(void *bad) { *(volatile char *)bad = 1; }

static void fault(void (*how)(void *), char *room)
{
	const stack_t stack = { .ss_sp = room, .ss_size = 64 << 10 }, none = { .ss_flags = SS_DISABLE };

	sigaltstack(room ? &stack : &none, NULL);
	if (sigsetjmp(out, 1) == 0)
		how((void *)24);
	churn(1001, 3);
}

/* SIGSEGV, and away by siglongjmp: what comes later is recorded as if nothing had been. */
static void mode_segv_jump(void)
{
	static void (*const how[])(void *) = { bad_free, bad_realloc, bad_usable, bad_result, bad_write };
	static char room[64 << 10];

	for (volatile int i = 0; i < 500; i++) {
		handle(SIGSEGV, leave, i % 2 ? SA_ONSTACK : 0);
		fault(how[i % 5], i % 2 ? room : NULL);
	}
	must(left == 500, "SIGSEGV");
	truth_churn(1001, 1500);
	truth("realloc", 3001, 0);
	truth("posix_memalign", 3002, 0);
}

static void allocate(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)info;
	(void)context;
	churn(1002, 2);
}

/* The least that a system lets a program have: the kernel's frame and 8 KiB. */
static void mode_tiny_altstack(void)
{
	const size_t room = (size_t)sysconf(_SC_MINSIGSTKSZ) + (8 << 10), page = 4096;
	const size_t pages = (room + page - 1) / page * page;
	char *const guarded = mmap(NULL, page + pages, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const stack_t stack = { .ss_sp = guarded + page, .ss_size = room };

	must(guarded != MAP_FAILED && mprotect(guarded, page, PROT_NONE) == 0, "a guard");
	must(sigaltstack(&stack, NULL) == 0, "sigaltstack");
	handle(SIGUSR1, allocate, SA_ONSTACK);
	for (int i = 0; i < 100; i++) {
		raise(SIGUSR1);
		churn(1001, 1);
	}
	truth_churn(1001, 100);
	truth_churn(1002, 200);
}

static volatile int nested;

static void descend(int signal, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	churn(1002, 1);
	if (nested++ % 20 != 19)
		raise(signal);
	churn(1003, 1);
}

/* Handlers within handlers, twenty of them. */
static void mode_nested(void)
{
	handle(SIGUSR1, descend, SA_NODEFER);
	for (int i = 0; i < 50; i++) {
		raise(SIGUSR1);
		churn(1001, 1);
	}
	truth_churn(1001, 50);
	truth_churn(1002, 1000);
	truth_churn(1003, 1000);
}

/* A signal that every thread of the program blocks waits for it: nobody else may be there to take it. */
static void mode_blocked(void)
{
	sigset_t set;
	int got;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGPROF);
	must(!pthread_sigmask(SIG_BLOCK, &set, NULL), "pthread_sigmask");
	for (int i = 0; i < 50; i++) {
		must(!kill(getpid(), i % 2 ? SIGTERM : SIGPROF), "kill");
		churn(1001, 100);
		must(!sigwait(&set, &got) && got == (i % 2 ? SIGTERM : SIGPROF), "sigwait");
	}
	truth_churn(1001, 5000);
}

/* What a signal does, and which are blocked: as whoever started us left it. */
static void mode_dispositions(void)
{
	sigset_t blocked;

	sigprocmask(SIG_SETMASK, NULL, &blocked);
	for (int i = 1; i < 65; i++) {
		struct sigaction now;

		if (sigaction(i, NULL, &now) == 0)
			truth_line("N", now.sa_handler == SIG_DFL ? "default" : now.sa_handler == SIG_IGN ? "ignored" : "handled",
				   (unsigned long)i, (unsigned long)sigismember(&blocked, i));
	}
	churn(1001, 10);
	truth_churn(1001, 10);
}

static void on_queue(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	handled += (unsigned long)info->si_value.sival_int;
	churn(1002, 1);
}

/* Signals that queue up, each with a value, while allocating goes on between them. */
static void mode_queued(void)
{
	sigset_t set;

	handle(SIGRTMIN, on_queue, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	for (int i = 0; i < 20; i++) {
		sigprocmask(SIG_BLOCK, &set, NULL);
		for (int k = 0; k < 50; k++)
			must(!sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 1 }), "sigqueue");
		churn(1001, 10);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
	}
	must(handled == 1000, "queued signals");
	truth_churn(1001, 200);
	truth_churn(1002, 1000);
}

static const struct mode modes[] = {
	MODE(timer), MODE(timer_threads), MODE(segv_jump), MODE(tiny_altstack), MODE(nested),
	MODE(blocked), MODE(dispositions), MODE(queued),
};

int main(int argc, char **argv)
{
	return RUN_MODE(argc, argv, modes);
}
