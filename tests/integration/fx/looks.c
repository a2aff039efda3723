/*
 * looks - a busy program whose memory is looked at again and again: what it counts must be what each look says.
 *
 * usage: looks reallocs LOOKS | threads LOOKS | forks LOOKS | biased LOOKS | calls | million BLOCKS | marks SIGNAL
 */
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "libtracker/tracker.h"

#define THREADS 8

static atomic_bool over;
static atomic_uint children, taken;
static bool has_children; /* of its own */
static tracker_leaks found;

static unsigned descriptors(void)
{
	DIR *const d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void on_child(int number)
{
	atomic_fetch_add(&children, 1);
}

/* Nothing of this program is ever lost, unless it says so. */
static void look(unsigned count, size_t lost_blocks)
{
	const unsigned before = descriptors();
	unsigned failed = 0;

	for (unsigned i = 0; i < count; i++) {
		memset(&found, 0, sizeof(found));
		failed += tracker_leak_check("busy", &found) != TRACKER_OK;
		if (found.definitely_blocks != lost_blocks || found.indirectly_blocks)
			printf("look %u: %zu definitely, %zu indirectly lost\n", i, found.definitely_blocks, found.indirectly_blocks);
		atomic_fetch_add(&taken, 1);
		usleep(2000);
	}
	printf("%u looks failed\n", failed);
	if (!has_children)
		printf("%d children to wait for\n", waitpid(-1, NULL, WNOHANG | __WALL) >= 0 || errno != ECHILD);
	printf("%u SIGCHLD, %d descriptors more\n", atomic_load(&children), (int)(descriptors() - before));
}

/* Waits with the n-th step, of so many for each look: on a slow machine a look takes long, and nobody wants to read millions of events. */
static void pace(unsigned n, unsigned steps)
{
	while (n / steps > atomic_load(&taken) && !atomic_load(&over))
		usleep(500);
}

/* A list whose nodes grow and move all the time. Each node is held by the one before, the first by a stack. */
static void *reallocs(void *unused)
{
	void **nodes[50];
	unsigned seed = (unsigned)(size_t)unused;

	for (int i = 0; i < 50; i++) {
		nodes[i] = malloc(64);
		nodes[i][0] = malloc(48);
	}
	for (unsigned n = 0; !atomic_load(&over); n++) {
		const int i = rand_r(&seed) % 50;

		nodes[i] = realloc(nodes[i], 64 + (size_t)rand_r(&seed) % 3000);
		if (n % 50 == 0)
			usleep(1000); /* or the recorder is a segment behind, and each look waits for that */
		pace(n, 2000);
	}
	for (int i = 0; i < 50; i++) {
		free(nodes[i][0]);
		free(nodes[i]);
	}
	return NULL;
}

/* Threads that come and go, each with blocks that only it holds. */
static void *brief(void *unused)
{
	void **const p = malloc(100);

	p[0] = malloc(200);
	sched_yield();
	free(p[0]);
	free(p);
	return NULL;
}

static void *comes_and_goes(void *unused)
{
	for (unsigned n = 0; !atomic_load(&over); n++) {
		pthread_t t;

		if (pthread_create(&t, NULL, brief, NULL) == 0)
			pthread_join(t, NULL);
		usleep(500); /* or a recorder that is held up has no room for so many threads */
		pace(n, 500);
	}
	return NULL;
}

static void *forks(void *unused)
{
	for (unsigned n = 0; !atomic_load(&over); n++) {
		int status;
		const pid_t pid = fork();

		if (pid == 0)
			_exit(7);
		if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
			printf("a child of the program's own was not waited for\n");
		pace(n, 50);
	}
	return NULL;
}

/* One thread that allocates all the time, so that the order is its own. */
static void *biased(void *unused)
{
	static void *volatile list;

	for (unsigned n = 0; !atomic_load(&over); n++) {
		void **const p = malloc(64);

		p[0] = list;
		list = p;
		if (n % 100 < 99)
			continue;
		usleep(100);
		pace(n, 20000);
		while (list) {
			void **const first = list;

			list = first[0];
			free(first);
		}
	}
	while (list) {
		void **const first = list;

		list = first[0];
		free(first);
	}
	return NULL;
}

static void busy(void *(*function)(void *), unsigned threads, unsigned looks)
{
	pthread_t t[THREADS];

	for (unsigned i = 0; i < threads; i++)
		pthread_create(&t[i], NULL, function, (void *)(size_t)(i + 1));
	look(looks, 0);
	atomic_store(&over, true);
	for (unsigned i = 0; i < threads; i++)
		pthread_join(t[i], NULL);
}

/* ---- calls that wait ---- */

static int pair[2], queue, set, events;
static sem_t never;
static const struct timespec wait_time = { 0, 400000000 };

static int call(int which)
{
	struct pollfd p = { pair[0], POLLIN, 0 };
	struct timeval tv = { 0, 400000 };
	struct sembuf take = { 0, -1, 0 };
	struct timespec until;
	struct epoll_event e;
	sigset_t signals;
	fd_set fds;
	char byte;

	switch (which) {
	case 0:
		return nanosleep(&wait_time, NULL);
	case 1:
		return poll(&p, 1, 400);
	case 2:
		return epoll_wait(events, &e, 1, 400);
	case 3:
		sigemptyset(&signals);
		sigaddset(&signals, SIGUSR2);
		return sigtimedwait(&signals, NULL, &wait_time);
	case 4:
		return semtimedop(set, &take, 1, &wait_time);
	case 5:
		return (int)recv(pair[0], &byte, 1, 0);
	case 6:
		FD_ZERO(&fds);
		return select(0, &fds, NULL, NULL, &tv);
	case 7:
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec++;
		return sem_timedwait(&never, &until);
	case 8:
		return ppoll(&p, 1, &wait_time, NULL);
	default:
		errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &wait_time, NULL);
		return errno ? -1 : 0;
	}
}

static void *waits(void *which)
{
	sigset_t all;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	errno = 0;
	if (call((int)(size_t)which) < 0 && errno == EINTR)
		printf("call %d: EINTR\n", (int)(size_t)which);
	return NULL;
}

static void calls(void)
{
	struct timeval limit = { 0, 400000 };
	pthread_t t[10];

	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	queue = msgget(IPC_PRIVATE, 0600);
	set = semget(IPC_PRIVATE, 1, 0600);
	events = epoll_create1(0);
	sem_init(&never, 0, 0);
	for (size_t i = 0; i < 10; i++)
		pthread_create(&t[i], NULL, waits, (void *)i);
	usleep(50000);
	look(20, 0);
	for (size_t i = 0; i < 10; i++)
		pthread_join(t[i], NULL);
	semctl(set, 0, IPC_RMID);
	msgctl(queue, IPC_RMID, NULL);
}

/* A cache of many blocks, and one that is lost beside it. */
static void **cache;

__attribute__((noinline)) static void lose_one(void)
{
	void *volatile p = malloc(12345);

	p = NULL;
	(void)p;
}

static void million(size_t count)
{
	volatile char room[4096];

	for (size_t i = 0; i < count; i++) {
		void **const p = calloc(1, 48 + i % 5 * 16);

		p[0] = cache;
		p[2] = &cache;
		cache = p;
	}
	lose_one();
	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0;
	look(1, 1);
}

/* Blocks that are lost between two marks, one that is released between them, and one that is lost after both. */
static void *volatile kept;

__attribute__((noinline)) static void lose(size_t size)
{
	volatile char *volatile p = malloc(size);

	p[0] = 1;
	p = NULL;
}

__attribute__((noinline)) static void clear_stack(void)
{
	volatile char room[8192];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0;
}

static void marks(int signal_number)
{
	kept = malloc(1111);
	lose(2222);
	clear_stack();
	tracker_mark("first");
	lose(3333);
	free(kept);
	kept = malloc(5555);
	clear_stack();
	tracker_mark("second");
	lose(4444);
	clear_stack();
	if (signal_number)
		raise(signal_number);
}

int main(int argc, char **argv)
{
	const unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 0;
	const struct sigaction action = { .sa_handler = on_child };
	const char *const what = argc > 1 ? argv[1] : "";

	has_children = !strcmp(what, "forks");
	if (!has_children)
		sigaction(SIGCHLD, &action, NULL);
	setvbuf(stdout, NULL, _IOLBF, 4096);
	if (!strcmp(what, "reallocs"))
		busy(reallocs, THREADS, n);
	else if (!strcmp(what, "threads"))
		busy(comes_and_goes, 4, n);
	else if (!strcmp(what, "forks"))
		busy(forks, 2, n);
	else if (!strcmp(what, "biased"))
		busy(biased, 1, n);
	else if (!strcmp(what, "calls"))
		calls();
	else if (!strcmp(what, "million"))
		million(n);
	else if (!strcmp(what, "marks"))
		marks((int)n);
	return 0;
}
