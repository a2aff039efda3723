/*
 * marks - what a thread leaves behind when it begins to be recorded at a bad place, or never comes to the end of a hook.
 * It says that it is ready, and does one thing for each line that it reads.
 *
 * keys THREADS: the program has so many thread-specific keys that the C library must allocate to set another one. The first event of its
 * thread is a mapping, in a signal handler that has interrupted malloc. Then so many threads, one after the other, allocate a block.
 * jump THREADS: so many threads are sent away, by siglongjmp, from within the library that records them, and then wait.
 * watch: a scope in which nothing may be allocated, in a program with many keys.
 */
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "libtracker/tracker.h"

#define KEYS 40
#define PATIENCE_S 60
#define HANDLED 3002 /* pages */

static void must(bool good, const char *what)
{
	if (good)
		return;
	printf("bad: %s\n", what);
	exit(9);
}

static void say(const char *what)
{
	printf("%s %d\n", what, (int)getpid());
	fflush(stdout);
}

static void wait_for_line(void)
{
	char c = 0;

	while (c != '\n' && read(0, &c, 1) == 1)
		;
}

static void take_keys(void)
{
	pthread_key_t key;

	for (int i = 0; i < KEYS; i++)
		must(pthread_key_create(&key, NULL) == 0, "pthread_key_create");
}

/* ---- keys ---- */

static char *closed;
static size_t closed_bytes;

/* malloc wanted to write there, with its lock held. */
static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	if ((uintptr_t)info->si_addr - (uintptr_t)closed >= closed_bytes)
		_exit(8);
	(void)syscall(SYS_mprotect, closed, closed_bytes, PROT_READ | PROT_WRITE);
	(void)mmap(NULL, (size_t)HANDLED << 12, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void *wait_for_ever(void *unused)
{
	pause();
	return unused;
}

static void *one_block(void *ret)
{
	*(void **)ret = malloc(2001);
	return NULL;
}

static void do_keys(unsigned threads)
{
	const struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	const uintptr_t page = 4096;
	pthread_attr_t small;
	pthread_t t;
	char *last;

	take_keys();
	must(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 64 << 10) == 0, "small stacks");
	must(pthread_create(&t, &small, wait_for_ever, NULL) == 0, "pthread_create"); /* so that malloc takes its lock */
	must(sigaction(SIGSEGV, &action, NULL) == 0, "sigaction");
	free(malloc(100000)); /* the heap has room */
	last = malloc(1000);
	closed = (char *)(((uintptr_t)last + 1000 + 2 * page - 1) & ~(page - 1));
	closed_bytes = (size_t)((char *)sbrk(0) - closed);
	must(closed_bytes > 60000 && closed_bytes < 1 << 20, "the heap's end");
	say("ready");
	wait_for_line();
	(void)syscall(SYS_mprotect, closed, closed_bytes, PROT_NONE);
	alarm(PATIENCE_S);
	last = malloc(50000);
	alarm(0);
	must(last != NULL, "malloc");
	for (unsigned i = 0; i < threads; i++) {
		void *block = NULL;

		must(pthread_create(&t, &small, one_block, &block) == 0 && pthread_join(t, NULL) == 0 && block, "a thread");
		free(block);
	}
	say("done");
	wait_for_line();
}

/* ---- jump ---- */

#define JUMPS_MAX 64u

static uintptr_t code, code_end; /* of the library that records */
static __thread sigjmp_buf out;
static __thread bool may_jump;
static atomic_uint jumped;
static atomic_uint steps;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	const uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];

	(void)signal, (void)info;
	if (may_jump && pc - code < code_end - code)
		siglongjmp(out, 1);
}

static bool find_code(void)
{
	FILE *const f = fopen("/proc/self/maps", "r");
	char line[512];
	unsigned long low, high;

	while (f && !code && fgets(line, sizeof(line), f))
		if (strstr(line, "r-xp") && strstr(line, "libtracker.so") && sscanf(line, "%lx-%lx", &low, &high) == 2) {
			code = low;
			code_end = high;
		}
	if (f)
		fclose(f);
	return code != 0;
}

/* It waits without a call that is recorded. */
static void wait_for_step(unsigned step)
{
	while (atomic_load(&steps) < step)
		usleep(1000);
}

static void *jumps(void *kept)
{
	wait_for_step(1);
	if (sigsetjmp(out, 1) == 0) {
		may_jump = true;
		for (;;)
			free(malloc(1001));
	}
	may_jump = false;
	atomic_fetch_add(&jumped, 1);
	wait_for_step(2);
	for (int i = 0; i < 10; i++)
		free(malloc(2001));
	*(void **)kept = malloc(2002);
	return NULL;
}

static void do_jump(unsigned threads)
{
	const struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_RESTART };
	struct pollfd input = { .fd = 0, .events = POLLIN };
	static void *kept[JUMPS_MAX];
	pthread_t t[JUMPS_MAX];

	must(threads <= JUMPS_MAX && sigaction(SIGUSR1, &action, NULL) == 0, "sigaction");
	for (unsigned i = 0; i < threads; i++)
		must(pthread_create(&t[i], NULL, jumps, &kept[i]) == 0, "pthread_create");
	say("ready");
	wait_for_line();
	must(find_code(), "no library");
	atomic_store(&steps, 1);
	for (unsigned i = 0; i < threads; i++)
		while (atomic_load(&jumped) < threads && pthread_kill(t[i], SIGUSR1) == 0)
			i = (i + 1) % threads;
	say("jumped");
	while (poll(&input, 1, 1) == 0)
		free(malloc(3003)); /* a dormant program is woken by its allocations */
	wait_for_line();
	atomic_store(&steps, 2);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
	say("done");
	wait_for_line();
}

/* ---- watch ---- */

static void do_watch(void)
{
	take_keys();
	say("ready");
	wait_for_line();
	TRACKER_ASSERT_NO_ALLOC
	{
		atomic_store(&steps, 1);
	}
	say("done");
	wait_for_line();
}

int main(int argc, char **argv)
{
	const unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 0;

	must(argc > 1, "usage");
	if (strcmp(argv[1], "keys") == 0)
		do_keys(threads);
	else if (strcmp(argv[1], "jump") == 0)
		do_jump(threads);
	else
		do_watch();
	return 5;
}
