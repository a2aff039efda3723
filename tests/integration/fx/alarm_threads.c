/*
 * alarm_threads - as alarm.c, with several threads and processes, and in signal handlers.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../libtracker/tracker.h"

static tracker_alarm alarm_of_2 = TRACKER_ALARM_INIT; /* blocks or more; counts, and repeats */

static void allocate(size_t size)
{
	void *volatile own = malloc(size);

	free(own);
}

static size_t fired_by(size_t size)
{
	const size_t before = alarm_of_2.fired;

	allocate(size);
	return alarm_of_2.fired - before;
}

static const char *word(size_t fired)
{
	return fired ? "fired" : "quiet";
}

static void *allocate_20(void *data)
{
	allocate(20);
	return data;
}

static void *exit_other(void *data)
{
	*(int *)data = tracker_alarm_exit(&alarm_of_2);
	return NULL;
}

static void in_thread(void *(*run)(void *), void *data)
{
	pthread_t t;

	pthread_create(&t, NULL, run, data);
	pthread_join(t, NULL);
}

static int threads(void)
{
	tracker_alarm all = alarm_of_2;
	int status = 0;

	in_thread(allocate_20, NULL); /* its stack, and what the C library keeps of it, are there */
	all.scope = TRACKER_SCOPE_PROCESS;
	all.minimum_block_count = alarm_of_2.minimum_block_count;
	tracker_alarm_enter(&alarm_of_2);
	tracker_alarm_ignore(&alarm_of_2, SIZE_MAX); /* what pthread_create allocates */
	in_thread(allocate_20, NULL);
	in_thread(exit_other, &status);
	printf("thread:%d other:%d", tracker_alarm_exit(&alarm_of_2), status);
	tracker_alarm_enter(&all);
	in_thread(allocate_20, NULL);
	printf(" process:%s\n", word((size_t)tracker_alarm_exit(&all)));
	return 0;
}

static pthread_key_t key;
static tracker_alarm of_process = TRACKER_ALARM_INIT;

static void enter_at_end(void *data)
{
	(void)data;
	of_process.serial_ = 0;
	tracker_alarm_enter(&of_process);
}

static void *enter_and_end(void *data)
{
	tracker_alarm *const own = data;

	pthread_setspecific(key, own);
	tracker_alarm_enter(own);
	tracker_alarm_enter(&alarm_of_2);
	return NULL;
}

/* What an ended thread had armed is gone, and what its destructors armed, too. */
static int thread_end(void)
{
	tracker_alarm own = alarm_of_2;
	size_t before;

	own.scope = TRACKER_SCOPE_PROCESS;
	of_process = own;
	pthread_key_create(&key, enter_at_end);
	in_thread(enter_and_end, &own);
	before = own.fired + of_process.fired + alarm_of_2.fired;
	allocate(20);
	printf("more=%zu enter=%d\n", own.fired + of_process.fired + alarm_of_2.fired - before, tracker_alarm_enter(&own));
	return tracker_alarm_exit(&own);
}

static void *wait_armed(void *data)
{
	tracker_alarm *const other = data;

	tracker_alarm_enter(other);
	pause();
	return NULL;
}

static int case_fork(void)
{
	static tracker_alarm other = TRACKER_ALARM_INIT;
	pthread_t t;
	int status = 0;
	size_t before;

	other = alarm_of_2;
	other.scope = TRACKER_SCOPE_PROCESS;
	pthread_create(&t, NULL, wait_armed, &other);
	while (!__atomic_load_n(&other.owner_, __ATOMIC_SEQ_CST))
		sched_yield();
	tracker_alarm_enter(&alarm_of_2);
	before = other.fired;
	fflush(stdout);
	if (fork() == 0)
		_exit(fired_by(20) == 1 && other.fired == before ? 0 : 1);
	wait(&status);
	printf("child:%s parent:%s", status ? "quiet" : "fired", word(fired_by(20)));
	printf(" other:%s\n", word(other.fired - before));
	return 0;
}

static int in_handler_fired;

static void handler(int number)
{
	tracker_alarm a = TRACKER_ALARM_INIT;

	(void)number;
	a.action = TRACKER_ALARM_COUNT;
	tracker_alarm_enter(&a);
	allocate(8);
	in_handler_fired += tracker_alarm_exit(&a);
}

static int signals(void)
{
	char own_stack[65536];
	const stack_t s = { .ss_sp = own_stack, .ss_size = sizeof(own_stack) };
	struct sigaction on_own = { .sa_handler = handler, .sa_flags = SA_ONSTACK };
	size_t inside;

	signal(SIGUSR1, handler);
	sigaltstack(&s, NULL);
	sigaction(SIGUSR2, &on_own, NULL);
	TRACKER_WITH_ALARM(&alarm_of_2)
	{
		raise(SIGUSR1);
		raise(SIGUSR2);
		inside = fired_by(20);
	}
	printf("handler:%d inside:%zu\n", in_handler_fired, inside);
	return 0;
}

static volatile bool done;

static void *allocate_on(void *data)
{
	size_t *const made = data;

	while (!done) {
		allocate(20);
		(*made)++;
	}
	return NULL;
}

/* An alarm of the process comes and goes while others allocate: what has been left is touched no more. */
static int crowd(void)
{
	enum { THREADS = 4 };
	pthread_t t[THREADS];
	size_t made[THREADS] = { 0 };
	unsigned touched = 0;

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, allocate_on, &made[i]);
	for (int i = 0; i < 2000; i++) {
		tracker_alarm a = alarm_of_2;
		size_t fired;

		a.scope = TRACKER_SCOPE_PROCESS;
		tracker_alarm_enter(&a);
		allocate(20);
		fired = (size_t)tracker_alarm_exit(&a);
		for (int k = 0; k < 20; k++)
			touched += fired == 0 || a.fired != fired;
	}
	done = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	printf("touched=%u\n", touched);
	return 0;
}

static const struct {
	const char *name;
	int (*run)(void);
} cases[] = {
	{ "threads", threads },
	{ "thread_end", thread_end },
	{ "fork", case_fork },
	{ "signals", signals },
	{ "crowd", crowd },
};

int main(int argc, char **argv)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	alarm_of_2.minimum_block_count = 2;
	alarm_of_2.action = TRACKER_ALARM_COUNT;
	alarm_of_2.repeat = true;
	for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run();
	return 2;
}
