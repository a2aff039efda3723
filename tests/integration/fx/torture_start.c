/*
 * torture_start MODE - the first and the last moments of a program, and what it finds there.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>

#include "modes.h"

static char *self;
static const char *early_mode = "";

static void *(*next_calloc)(size_t, size_t);

/* The very first thing: dlsym and dlerror, which allocate, and calloc as it is found. */
static void look_up(void)
{
	next_calloc = (void *(*)(size_t, size_t))dlsym(RTLD_DEFAULT, "calloc");
	must(next_calloc != NULL, "dlsym of calloc");
	must(!dlsym(RTLD_NEXT, "no_such_function") && dlerror(), "dlsym of nothing");
	free(next_calloc(1, 1002));
	churn(1001, 3);
}

static void preinit(int argc, char **argv, char **env)
{
	(void)env;
	early_mode = argc > 1 ? argv[1] : "";
	if (!strcmp(early_mode, "lookup"))
		look_up();
}

__attribute__((section(".preinit_array"), used)) static void (*const preinit_entry)(int, char **, char **) = preinit;

static void mode_lookup(void)
{
	churn(1003, 3);
	truth_churn(1001, 3);
	truth("calloc", 1002, 1);
	truth("free", 1002, 1);
	truth_churn(1003, 3);
}

static void *blocks[2000];

/* Far more than anybody needs before main, kept, and given back in main. */
__attribute__((constructor(101))) static void much(void)
{
	if (strcmp(early_mode, "much"))
		return;
	for (int i = 0; i < 2000; i++)
		blocks[i] = keep(calloc(1, 1001));
}

static void mode_much(void)
{
	for (int i = 0; i < 2000; i++)
		free(keep(realloc(blocks[i], 1002)));
	truth("calloc", 1001, 2000);
	truth("realloc-old", 1001, 2000);
	truth("realloc", 1002, 2000);
	truth("free", 1002, 2000);
}

static void first_handler(void) { churn(1001, 5); }
static void second_handler(void) { churn(1002, 5); }

static void handler_with_status(int status, void *size)
{
	must(status == 3, "on_exit's status");
	churn((size_t)(uintptr_t)size, 5);
}

static void mode_handlers(void)
{
	must(!atexit(first_handler) && !on_exit(handler_with_status, (void *)1003) && !atexit(second_handler), "atexit");
	truth_churn(1001, 5);
	truth_churn(1002, 5);
	truth_churn(1003, 5);
	exit(3);
}

static void mode_quick(void)
{
	must(!at_quick_exit(first_handler) && !atexit(second_handler), "at_quick_exit");
	truth_churn(1001, 5);
	truth("malloc", 1002, 0);
	quick_exit(3);
}

static pthread_barrier_t barrier;

static void *late(void *unused)
{
	pthread_barrier_wait(&barrier);
	churn(1004, 2000);
	pthread_barrier_wait(&barrier);
	for (;;)
		pause();
	return unused;
}

static void wait_for_thread(void)
{
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
}

/* A thread that works while the process ends. */
static void mode_thread_at_exit(void)
{
	pthread_t t;

	pthread_barrier_init(&barrier, NULL, 2);
	must(!pthread_create(&t, NULL, late, NULL) && !atexit(wait_for_thread), "pthread_create");
	truth_churn(1004, 2000);
}

static void print_line(const char *text)
{
	must(write(1, text, strlen(text)) >= 0 && write(1, "\n", 1) == 1, "write");
}

/* What makes us be recorded is left out. */
static int is_ours(const char *variable)
{
	return !strncmp(variable, "LD_PRELOAD=", 11) || !strncmp(variable, "TRACKER_", 8);
}

/* All of it, in its order; then, as a child of its own, once more. */
static void mode_environment(void)
{
	for (char **p = environ; *p; p++)
		if (!is_ours(*p))
			print_line(*p);
	churn(1001, 1);
	truth_churn(1001, 1);
	if (getenv("AGAIN"))
		return;
	setenv("AGAIN", "1", 1);
	execl(self, self, "environment", (char *)NULL);
}

/* All of it, as it is: for --no-follow-exec. */
static void mode_whole_environment(void)
{
	for (char **p = environ; *p; p++)
		print_line(*p);
	must(!system("env"), "system");
}

/* A library of the user's that replaces malloc, too, stands behind ours and is still asked. */
static void mode_wrapped(void)
{
	unsigned long (*const calls)(void) = (unsigned long (*)(void))dlsym(RTLD_DEFAULT, "wrapper_calls");
	const char *const preload = getenv("LD_PRELOAD");

	must(calls != NULL, "the user's library");
	must(preload && strstr(preload, "fx_wrapper.so"), "LD_PRELOAD");
	const unsigned long before = calls();

	churn(1001, 100);
	free(keep(realloc(keep(calloc(1, 1002)), 1003)));
	must(calls() - before == 203, "calls of the user's malloc");
	truth_churn(1001, 100);
	truth("calloc", 1002, 1);
	truth("realloc-old", 1002, 1);
	truth("realloc", 1003, 1);
	truth("free", 1003, 1);
}

static void list(const char *folder, const char *what)
{
	DIR *const d = opendir(folder);
	const struct dirent *e;

	must(d != NULL, folder);
	while ((e = readdir(d))) {
		char path[300], target[300] = "";
		ssize_t n;

		if (e->d_name[0] == '.' || !strcmp(e->d_name, "task"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		n = readlink(path, target, sizeof(target) - 1);
		/* pipes, pids and our own descriptor of the folder have other numbers each time */
		target[n > 0 ? strcspn(target, ":") : 0] = 0;
		if (strncmp(target, "/proc/", 6))
			truth_line("N", what, (unsigned long)strlen(target), target[0] ? (unsigned long)atoi(e->d_name) : 0);
	}
	closedir(d);
}

/* Descriptors, threads, children: what there is when main begins. */
static void mode_footprint(void)
{
	list("/proc/self/fd", "descriptor");
	list("/proc/self/task", "thread");
	must(waitpid(-1, NULL, WNOHANG) < 0, "no child");
	churn(1001, 1);
	truth_churn(1001, 1);
}

/* N events, for whoever counts system calls. */
static void mode_calls(void)
{
	const char *const count = getenv("COUNT");

	free(keep(malloc(1 << 20)));
	churn(1001, count ? atoi(count) : 1);
}

enum { DEEP = 64 << 10 };

static ucontext_t here, there;

static void on_painted(void)
{
	void *p = keep(malloc(1001));

	p = keep(realloc(p, 1002));
	free(p);
}

static size_t used_of(unsigned char *stack)
{
	size_t untouched = 0;

	memset(stack, 0xa5, DEEP);
	must(getcontext(&there) == 0, "getcontext");
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = DEEP;
	there.uc_link = &here;
	makecontext(&there, on_painted, 0);
	must(swapcontext(&here, &there) == 0, "swapcontext");
	while (untouched < DEEP && stack[untouched] == 0xa5)
		untouched++;
	return DEEP - untouched;
}

/* How deep the stack was used: the first time, when much is found out, and later. In $USED_FILE. */
static void mode_stack_use(void)
{
	static unsigned char stack[DEEP] __attribute__((aligned(64)));
	const size_t first = used_of(stack), later = used_of(stack);
	const char *const path = getenv("USED_FILE");
	FILE *const out = path ? fopen(path, "w") : NULL;

	if (out) {
		fprintf(out, "%zu %zu\n", first, later);
		fclose(out);
	}
}

static const struct mode modes[] = {
	MODE(lookup), MODE(much), MODE(handlers), MODE(quick), MODE(thread_at_exit), MODE(environment),
	MODE(whole_environment), MODE(wrapped), MODE(footprint), MODE(calls), MODE(stack_use),
};

int main(int argc, char **argv)
{
	self = argv[0];
	return RUN_MODE(argc, argv, modes);
}
