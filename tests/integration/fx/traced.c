/*
 * traced - asks tracker.h what it knows.
 *
 * usage: traced MODE; prints what the answers were.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "traced.h"

static void limits(void)
{
	static const int bad[] = { 0, -1, 65536, INT32_MIN };

	printf("before: %d %d\n", tracker_is_tracing(), tracker_get_traceback_limit());
	for (unsigned i = 0; i < 4; i++)
		start(bad[i]);
	start(3);
	start(7);
	printf("after: %d %d\n", tracker_is_tracing(), tracker_get_traceback_limit());
}

static void stopped(void)
{
	start(1);
	void *const p = block(1000);

	printf("traced: %d\n", now() >= 1000);
	printf("stop: %d, again %d\n", tracker_stop(), tracker_stop());
	printf("now: %zu %zu tracing %d limit %d dump %d\n", now(), peak(), tracker_is_tracing(), tracker_get_traceback_limit(), dumped(p));
	start(2);
	printf("restarted: %zu limit %d\n", now(), tracker_get_traceback_limit());
	free(p); /* unknown by now */
	printf("freed: %zu\n", now());
	free(block(50));
	printf("peak: %zu\n", peak());
}

static void figures(void)
{
	start(1);
	const size_t before = now();
	void *const p = block(MIB), *q;

	printf("block: %zu\n", now() - before);
	q = realloc(p, 3 * MIB);
	printf("realloc: %zu\n", now() - before);
	q = realloc(q, MIB / 2);
	printf("shrunk: %zu, peak %zu\n", now() - before, peak() - before);
	free(q);
	printf("freed: %zu\n", now() - before);
	void *const empty = block(0);

	printf("empty: %zu, frames %d\n", now() - before, dumped(empty));
	free(empty);
	printf("no pointers: %d\n", tracker_get_traced_memory(NULL, NULL));
}

/* CPython's test_reset_peak. */
static void reset(void)
{
	size_t peak1, peak2, peak3;
	void *p;

	start(1);
	free(block(10 * MIB));
	peak1 = peak();
	tracker_reset_peak();
	peak2 = peak();
	p = block(2 * MIB);
	peak3 = peak();
	free(p);
	printf("%d %d\n", peak2 < peak1, peak3 - peak2 >= MIB);
}

static void cleared(void)
{
	start(5);
	void *const before = block(5000);

	printf("clear: %d\n", tracker_clear_traces());
	printf("now: %zu %zu, frames %d\n", now(), peak(), dumped(before));
	void *const behind = block(70);

	free(before);
	printf("behind: %zu, frames %d\n", now(), dumped(behind));
}

static void cost(void)
{
	size_t one, many, gone;
	static void *all[20000];

	start(25);
	one = tracker_get_tracker_memory();
	for (int i = 0; i < 20000; i++)
		all[i] = deep(i % 30 + 1, 10);
	many = tracker_get_tracker_memory();
	tracker_clear_traces();
	gone = tracker_get_tracker_memory();
	printf("%d %d %d, lost %d\n", one > 0, many > one, gone <= many, (int)tracker_get_lost_traces());
	(void)all;
}

static void where(void)
{
	char on_stack;

	start(10);
	char *const p = deep(3, 100);
	const uintptr_t address = (uintptr_t)p;

	printf("at %d in %d behind %d stack %d null %d\n", dumped(p) > 3, dumped(p + 99) == dumped(p), dumped(p + 100 + 24), dumped(&on_stack),
	       dumped(NULL));
	printf("missing: %d ", tracker_dump_traceback(1, &on_stack));
	printf("%s\n", tracker_last_error());
	free(p);
	printf("freed: %d\n", dumped_at(address));
}

static void frames(void)
{
	start(4);
	printf("%d %d %d\n", dumped(deep(1, 10)), dumped(deep(20, 10)), dumped(deep(3, 10)));
}

/* CPython's TestCAPI. */
static void domains(void)
{
	int tracked[4];
	size_t current, most;

	printf("off: %d %d\n", tracker_track(5, 0x7000, 123), tracker_untrack(5, 0x7000));
	start(10);
	const size_t before = now();

	tracked[0] = tracker_track(5, 0x7000, 123);
	tracked[1] = tracker_track(6, 0x7000, 20);
	tracker_get_traced_memory_in(5, &current, &most);
	printf("track: %d %d, %zu %zu, all %zu\n", tracked[0], tracked[1], current, most, now() - before);
	tracked[0] = tracker_track(5, 0x7000, 200);
	tracker_get_traced_memory_in(5, &current, &most);
	printf("again: %d, %zu %zu, all %zu\n", tracked[0], current, most, now() - before);
	for (int i = 0; i < 3; i++)
		tracked[i] = tracker_untrack(5, 0x7000);
	tracker_get_traced_memory_in(5, &current, &most);
	printf("untrack: %d %d %d, %zu %zu, all %zu\n", tracked[0], tracked[1], tracked[2], current, most, now() - before);
	tracker_get_traced_memory_in(4000, &current, &most);
	printf("unknown: %zu %zu\n", current, most);
	tracker_stop();
	printf("stopped: %d %d\n", tracker_track(5, 0x7000, 1), tracker_untrack(5, 0x7000));
}

static void forked(void)
{
	start(6);
	char *const p = deep(2, 1000), *const q = block(10);
	const uintptr_t address = (uintptr_t)p;
	const size_t before = now();
	int status = 0;

	fflush(stdout);
	if (fork() == 0) {
		const bool same = now() == before && tracker_is_tracing() && tracker_get_traceback_limit() == 6;
		const int found = dumped(p);

		free(p);
		_exit(same && found == 6 && dumped_at(address) == -1 && now() == before - 1000 && dumped(q) > 0 ? 7 : 1);
	}
	wait(&status);
	printf("child %d, parent %d %d\n", WEXITSTATUS(status), dumped(p), now() == before);
}

#define THREADS 8

static void *churn(void *data)
{
	const int blocks = *(const int *)data;
	void *some[16] = { NULL };

	for (int i = 0; i < blocks; i++) {
		free(some[i % 16]);
		some[i % 16] = malloc((size_t)(i % 100 + 1));
	}
	for (int i = 0; i < 16; i++)
		free(some[i]);
	return data;
}

static void run_threads(int blocks)
{
	pthread_t list[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&list[i], NULL, churn, &blocks);
	for (int i = 0; i < THREADS; i++)
		pthread_join(list[i], NULL);
}

static void threads(int blocks)
{
	start(25);
	run_threads(100); /* what the C library keeps of threads is there before and after */
	const size_t before = now();

	run_threads(blocks);
	printf("left %zu, lost %d\n", now() - before, (int)tracker_get_lost_traces());
}

static volatile sig_atomic_t handled;
static char *asked;

static void handler(int number)
{
	(void)number;
	handled = dumped(asked);
}

static pthread_key_t key;

static void at_thread_end(void *data)
{
	(void)data;
	handled = dumped(asked);
}

static void *thread_with_key(void *data)
{
	pthread_setspecific(key, data);
	return NULL;
}

static void at_exit(void)
{
	printf("at exit: %d\n", dumped(asked) > 0);
}

static void *start_here(void *data)
{
	return tracker_start(9) == TRACKER_OK ? data : NULL;
}

/* From wherever a program may ask. */
static void places(void)
{
	pthread_t all[4];
	int started = 0;

	for (int i = 0; i < 4; i++)
		pthread_create(&all[i], NULL, start_here, &started);
	for (int i = 0; i < 4; i++) {
		void *ret;

		pthread_join(all[i], &ret);
		started += ret != NULL;
	}
	asked = block(10);
	printf("started by %d, limit %d\n", started, tracker_get_traceback_limit());
	atexit(at_exit);
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	printf("in a handler: %d\n", handled > 0);
	handled = 0;
	pthread_key_create(&key, at_thread_end);
	pthread_create(&all[0], NULL, thread_with_key, asked);
	pthread_join(all[0], NULL);
	printf("in a destructor: %d\n", handled > 0);
}

static pid_t recorder(void)
{
	char command[64];
	FILE *f;
	int pid = 0;

	snprintf(command, sizeof(command), "pgrep -f 'tracker-record .*--pid %d '", (int)getpid());
	f = popen(command, "r");
	while (f && fscanf(f, "%d", &pid) == 1) {
		char name[64], text[64] = "";
		FILE *comm;

		snprintf(name, sizeof(name), "/proc/%d/comm", pid);
		comm = fopen(name, "r");
		if (comm && fgets(text, sizeof(text), comm) && strcmp(text, "tracker-record\n") == 0) {
			fclose(comm);
			break;
		}
		if (comm)
			fclose(comm);
	}
	if (f)
		pclose(f);
	return pid;
}

static void killed(void)
{
	start(1);
	void *const p = block(10);
	const pid_t pid = recorder();
	size_t current = 1;

	printf("recorder: %d\n", pid > 1 && kill(pid, SIGKILL) == 0);
	printf("dump: %d ", tracker_dump_traceback(1, p));
	printf("%s\n", tracker_last_error());
	printf("memory: %d ", tracker_get_traced_memory(&current, NULL));
	printf("%zu\n", current);
	free(p);
	printf("alive: %d\n", block(10) != NULL);
}

/* A program may map nothing more, and its recorder stands still: what finds no room is counted, and no allocation fails for that. */
static void unread(void)
{
	enum { BLOCKS = 1000000 };
	const struct rlimit none = { 0, RLIM_INFINITY };
	size_t current;
	uint64_t lost;
	int failed = 0;

	start(1);
	const pid_t pid = recorder();

	printf("recorder: %d, limit %d\n", pid > 1 && kill(pid, SIGSTOP) == 0, setrlimit(RLIMIT_AS, &none));
	for (int i = 0; i < BLOCKS; i++) {
		void *const p = block(10);

		failed += p == NULL;
		free(p);
	}
	kill(pid, SIGCONT);
	for (int i = 0; i < 10000 && tracker_get_traced_memory(&current, NULL) == TRACKER_EIO; i++)
		usleep(1000); /* until it runs again */
	lost = tracker_get_lost_traces();
	printf("failed %d, lost %d\n", failed, lost > 0 && lost <= 2 * BLOCKS);
}

/* An arena is one block of the heap; what it is cut into are blocks of a domain of the pool's. */
static void pool(void)
{
	enum { DOMAIN = 300, OBJECTS = 100, BYTES = 48 };
	size_t heap, most, objects;
	static char *all[OBJECTS];

	start(5);
	tracker_get_traced_memory_in(TRACKER_DOMAIN_HEAP, &heap, &most);
	const size_t before = now(), heap_before = heap;
	char *const arena = block(MIB);

	for (int i = 0; i < OBJECTS; i++) {
		all[i] = arena + i * BYTES;
		tracker_track(DOMAIN, (uintptr_t)all[i], BYTES);
	}
	for (int i = 0; i < OBJECTS / 2; i++)
		tracker_untrack(DOMAIN, (uintptr_t)all[i]);
	tracker_get_traced_memory_in(TRACKER_DOMAIN_HEAP, &heap, NULL);
	tracker_get_traced_memory_in(DOMAIN, &objects, &most);
	printf("heap %zu, pool %zu of %zu, all %zu\n", heap - heap_before, objects, most, now() - before);
	free(arena);
	tracker_get_traced_memory_in(TRACKER_DOMAIN_HEAP, &heap, NULL);
	printf("freed: heap %zu, all %zu\n", heap - heap_before, now() - before);
}

/* None of it is the program's: no child, no descriptor, no signal. */
static volatile sig_atomic_t children;

static void on_child(int number)
{
	(void)number;
	children++;
}

static int descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += write(fd, "", 0) == 0 || errno != EBADF;
	return count;
}

static void unseen(void)
{
	const int before = descriptors();

	signal(SIGCHLD, on_child);
	start(1);
	printf("signals %d, ", (int)children);
	errno = 0;
	const pid_t waited = waitpid(-1, NULL, WNOHANG);
	const int error = errno;

	printf("child %d %d, descriptors %d\n", (int)waited, error == ECHILD ? 1 : error, descriptors() - before);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = { { "limits", limits }, { "stopped", stopped }, { "figures", figures }, { "reset", reset }, { "cleared", cleared }, { "cost", cost }, { "where", where }, { "frames", frames }, { "domains", domains }, { "forked", forked }, { "places", places }, { "killed", killed }, { "unread", unread }, { "pool", pool }, { "unseen", unseen } };

	setvbuf(stdout, output, _IOFBF, sizeof(output));
	if (argc > 2 && strcmp(argv[1], "threads") == 0)
		threads(atoi(argv[2]));
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(*modes); i++)
		if (strcmp(argv[1], modes[i].name) == 0)
			modes[i].run();
	if (argc < 2)
		printf("tracing %d limit %d\n", tracker_is_tracing(), tracker_get_traceback_limit());
	return 0;
}
