/*
 * attached - a program that runs already when it is attached to. It says that it is ready, waits for a line on its input, works, says
 * what it did, and waits for another line.
 *
 * count: eight threads allocate in every way, and count. call NAME [MS [coroutine]]: one blocking call, on a stack of its own, beside a thread
 * that waits on an ordinary one. check: one thread allocates and checks blocks,
 * floating point and a signal's counts until its input ends. load FILE: loads that library and calls its function.
 */
#include <dlfcn.h>
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/stat.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#define THREADS 8
#define ROUNDS 2000

static void say_ready(void)
{
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
}

static void wait_for_line(void)
{
	char line[16];

	(void)!read(0, line, sizeof(line));
}

/* ---- count ---- */

static pthread_barrier_t gate;
static atomic_long counts[4]; /* malloc, calloc, realloc, posix_memalign */

static void *count(void *data)
{
	long n = (long)data;

	pthread_barrier_wait(&gate);
	for (long i = 0; i < ROUNDS * (n + 1); i++) {
		char *a = malloc(100 + (size_t)n), *b = calloc(3, 50);
		void *c = NULL;

		a = realloc(a, 400);
		if (!a || !b || posix_memalign(&c, 64, 777) || (uintptr_t)c % 64)
			abort();
		for (unsigned k = 0; k < 4; k++)
			atomic_fetch_add(&counts[k], 1);
		free(c);
		free(b);
		free(a);
	}
	return NULL;
}

static int work_count(void)
{
	pthread_t threads[THREADS];
	void *kept;

	pthread_barrier_init(&gate, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, count, (void *)i);
	void *const before = malloc(123);

	say_ready();
	wait_for_line();
	pthread_barrier_wait(&gate);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	free(before); /* nobody knows it */
	kept = malloc(54321);
	printf("malloc %ld calloc %ld realloc %ld posix_memalign %ld\n", counts[0], counts[1], counts[2], counts[3]);
	fflush(stdout);
	wait_for_line();
	for (int i = 0; i < 1000; i++) /* not recorded any more */
		free(malloc(99));
	free(kept);
	return 7;
}

/* ---- call ---- */

static long wait_ms = 1500;

static int readable_later(void)
{
	int ends[2];

	if (pipe(ends) < 0)
		exit(9);
	if (fork() == 0) {
		close(ends[0]);
		usleep((useconds_t)wait_ms * 1000);
		(void)!write(ends[1], "x", 1);
		_exit(0);
	}
	return ends[0];
}

static int call_epoll(void)
{
	struct epoll_event e = { .events = EPOLLIN };
	const int set = epoll_create1(0), fd = readable_later();

	epoll_ctl(set, EPOLL_CTL_ADD, fd, &e);
	return epoll_wait(set, &e, 1, -1);
}

static int call_poll(void)
{
	struct pollfd p = { readable_later(), POLLIN, 0 };

	return poll(&p, 1, -1);
}

static int call_ppoll(void)
{
	struct pollfd p = { readable_later(), POLLIN, 0 };
	struct timespec t = { 100, 0 };
	sigset_t none;

	sigemptyset(&none);
	return ppoll(&p, 1, &t, &none);
}

static int call_select(void)
{
	const int fd = readable_later();
	struct timeval t = { 100, 0 };
	fd_set set;

	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &t);
}

static int call_nanosleep(void)
{
	const struct timespec t = { wait_ms / 1000, wait_ms % 1000 * 1000000 };

	return nanosleep(&t, NULL) == 0;
}

static int call_read(void)
{
	char c;

	return (int)read(readable_later(), &c, 1);
}

static struct timespec soon(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += wait_ms / 1000 + 1;
	return t;
}

static int call_sem(void)
{
	const struct timespec t = soon();
	sem_t s;

	sem_init(&s, 0, 0);
	return sem_timedwait(&s, &t) < 0 && errno == ETIMEDOUT;
}

static int call_mutex(void)
{
	pthread_mutex_t m = PTHREAD_MUTEX_INITIALIZER;
	const struct timespec t = soon();

	pthread_mutex_lock(&m);
	return pthread_mutex_timedlock(&m, &t) == ETIMEDOUT;
}

static int call_sigtimedwait(void)
{
	const struct timespec t = { wait_ms / 1000, wait_ms % 1000 * 1000000 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return sigtimedwait(&set, NULL, &t) < 0 && errno == EAGAIN;
}

static int call_semop(void)
{
	const int id = semget(IPC_PRIVATE, 1, 0600);
	struct sembuf down = { 0, -1, 0 };
	const struct timespec t = { wait_ms / 1000, wait_ms % 1000 * 1000000 };
	const int good = semtimedop(id, &down, 1, &t) < 0 && errno == EAGAIN;

	semctl(id, 0, IPC_RMID);
	return good;
}

struct message {
	long type;
	char text[4];
};

static int call_msgrcv(void)
{
	const int id = msgget(IPC_PRIVATE, 0600);
	struct message m = { 1, "" };
	int got;

	if (fork() == 0) {
		usleep((useconds_t)wait_ms * 1000);
		_exit(msgsnd(id, &m, 4, 0));
	}
	got = (int)msgrcv(id, &m, 4, 0, 0);
	msgctl(id, IPC_RMID, NULL);
	return got == 4;
}

static int call_recv(void)
{
	struct timeval t = { wait_ms / 1000, wait_ms % 1000 * 1000 };
	int ends[2];
	char c;

	socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	return recv(ends[0], &c, 1, 0) < 0 && errno == EAGAIN;
}

static int call_inotify(void)
{
	char folder[] = "/tmp/attached.XXXXXX", name[64], buffer[512];
	const int fd = inotify_init();
	ssize_t n;

	if (!mkdtemp(folder))
		return -1;
	snprintf(name, sizeof(name), "%s/x", folder);
	inotify_add_watch(fd, folder, IN_CREATE);
	if (fork() == 0) {
		usleep((useconds_t)wait_ms * 1000);
		_exit(mkdir(name, 0700));
	}
	n = read(fd, buffer, sizeof(buffer));
	rmdir(name);
	rmdir(folder);
	return n > 0;
}

static int call_waitpid(void)
{
	const pid_t child = fork();

	if (child == 0) {
		usleep((useconds_t)wait_ms * 1000);
		_exit(0);
	}
	return waitpid(child, NULL, 0) == child;
}

static int call_accept(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	const socklen_t size = sizeof(to.sun_family) + 20;

	snprintf(to.sun_path + 1, 19, "attached%d", (int)getpid());
	bind(fd, (struct sockaddr *)&to, size);
	listen(fd, 1);
	if (fork() == 0) {
		usleep((useconds_t)wait_ms * 1000);
		_exit(connect(socket(AF_UNIX, SOCK_STREAM, 0), (struct sockaddr *)&to, size));
	}
	return accept(fd, NULL, NULL) >= 0;
}

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "epoll_wait", call_epoll },
	{ "poll", call_poll },
	{ "ppoll", call_ppoll },
	{ "select", call_select },
	{ "nanosleep", call_nanosleep },
	{ "read", call_read },
	{ "sem_timedwait", call_sem },
	{ "mutex", call_mutex },
	{ "sigtimedwait", call_sigtimedwait },
	{ "semop", call_semop },
	{ "msgrcv", call_msgrcv },
	{ "recv", call_recv },
	{ "inotify", call_inotify },
	{ "waitpid", call_waitpid },
	{ "accept", call_accept },
};

static int (*called)(void);
static int got, called_errno;

static void in_coroutine(void)
{
	errno = 0;
	got = called();
	called_errno = errno;
}

static void *wait_for_ever(void *data)
{
	for (;;)
		sleep(1000);
	return data;
}

static int call_in_coroutine(int (*call)(void))
{
	static ucontext_t here, there;
	pthread_t other;

	called = call;
	pthread_create(&other, NULL, wait_for_ever, NULL);
	getcontext(&there);
	there.uc_stack.ss_size = 256 << 10;
	there.uc_stack.ss_sp = mmap(NULL, there.uc_stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	there.uc_link = &here;
	makecontext(&there, in_coroutine, 0);
	say_ready();
	swapcontext(&here, &there);
	errno = called_errno;
	return got;
}

static int call_here(int (*call)(void))
{
	say_ready();
	errno = 0;
	return call();
}

static int work_call(const char *name, bool coroutine)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		if (strcmp(calls[i].name, name) != 0)
			continue;
		const int good = coroutine ? call_in_coroutine(calls[i].call) : call_here(calls[i].call);

		printf("%s %s\n", good > 0 ? "good" : "bad", good > 0 ? "" : strerror(errno));
		return good > 0 ? 0 : 1;
	}
	return 2;
}

/* ---- check ---- */

static volatile sig_atomic_t alarms;
static volatile bool over;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void *wait_for_end(void *data)
{
	(void)data;
	wait_for_line();
	over = true;
	return NULL;
}

static int work_check(void)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } };
	struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	double sum = 0, expected = 0;
	pthread_t waiter;
	sigset_t mask;
	long rounds = 0;

	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	pthread_create(&waiter, NULL, wait_for_end, NULL);
	say_ready();
	while (!over) {
		unsigned char *const block = malloc(1000);

		memset(block, (int)(rounds & 255), 1000);
		sum += sqrt((double)(rounds % 1000)) * 1.25;
		expected += sqrt((double)(rounds % 1000)) * 1.25;
		if (block[999] != (unsigned char)(rounds & 255) || sum != expected)
			return 3;
		free(block);
		rounds++;
	}
	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int i = 1; i < 32; i++)
		if (sigismember(&mask, i))
			return 4;
	printf("%s\n", rounds > 0 && alarms > 0 ? "good" : "bad");
	return 5;
}

/* ---- load ---- */

static int work_load(const char *file)
{
	void (*function)(void **, int);
	void *library, *block = NULL;

	say_ready();
	wait_for_line();
	library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	function = library ? (void (*)(void **, int))dlsym(library, "plugin_first") : NULL;
	if (!function) {
		printf("%s\n", dlerror());
		return 1;
	}
	function(&block, 3); /* 1001 bytes */
	free(block);
	puts("called");
	fflush(stdout);
	wait_for_line();
	return dlclose(library);
}

int main(int argc, char **argv)
{
	const char *const what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "count") == 0)
		return work_count();
	if (argc > 3)
		wait_ms = strtol(argv[3], NULL, 10);
	if (strcmp(what, "call") == 0 && argc > 2)
		return work_call(argv[2], argc > 4);
	if (strcmp(what, "check") == 0)
		return work_check();
	if (strcmp(what, "load") == 0 && argc > 2)
		return work_load(argv[2]);
	return 2;
}
