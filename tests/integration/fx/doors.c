/* doors DOOR - 5000 blocks, half of them freed, then leaves by that door. Nothing may be lost. */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>

#include "truth.h"

static void door_exit(void) { exit(3); }
static void door__exit(void) { _exit(3); }
static void door__Exit(void) { _Exit(3); }
static void door_quick_exit(void) { quick_exit(3); }
static void door_abort(void) { abort(); }
static void door_segv(void) { *(volatile int *)8 = 1; }
static void door_term(void) { raise(SIGTERM); }
static void door_kill(void) { raise(SIGKILL); }
static void door_fpe(void)
{
	volatile int none = 0;

	none = 7 / none; /* 1 / x would be folded */
}
static void door_exit_group(void) { syscall(SYS_exit_group, 3); }
static void door_main_pthread_exit(void) { pthread_exit(NULL); }

static volatile int depth_bound = 1 << 30;

static __attribute__((noinline)) int overflow(int depth)
{
	volatile char room[4096];

	room[0] = (char)depth;
	return depth < depth_bound ? overflow(depth + 1) + room[0] : 0;
}

static void door_stack_overflow(void) { depth_bound = overflow(0); }

static void *leaver(void *unused)
{
	(void)unused;
	exit(3);
}

static void door_thread_exit(void)
{
	pthread_t t;

	pthread_create(&t, NULL, leaver, NULL);
	pthread_join(t, NULL);
}

#define DOOR(name) { #name, door_##name }

static const struct { const char *name; void (*leave)(void); } doors[] = {
	DOOR(exit), DOOR(_exit), DOOR(_Exit), DOOR(quick_exit), DOOR(abort), DOOR(segv),
	DOOR(term), DOOR(kill), DOOR(fpe), DOOR(exit_group), DOOR(main_pthread_exit),
	DOOR(stack_overflow), DOOR(thread_exit),
};

int main(int argc, char **argv)
{
	truth("malloc", 1001, 5000);
	truth("free", 1001, 2500);
	truth_leaked(1001, 2500);
	for (int i = 0; i < 5000; i++) {
		void *const p = keep(malloc(1001));

		if (i % 2)
			free(p);
	}
	for (size_t i = 0; argc > 1 && i < sizeof(doors) / sizeof(doors[0]); i++) {
		if (!strcmp(argv[1], doors[i].name))
			doors[i].leave();
	}
	return 2;
}
