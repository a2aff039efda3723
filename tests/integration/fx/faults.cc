/*
 * faults - does with the allocator what tracker lint finds, each fault a known number of times in a function of its name, and much that
 * looks like it and is right.
 *
 * usage: faults MODE
 */
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOINLINE __attribute__((noinline))

/* The compiler shall know nothing of them. */
static void *(*volatile allocate)(size_t) = malloc;
static void *(*volatile resize)(void *, size_t) = realloc;
static void (*volatile release)(void *) = free;
static void *(*volatile new_one)(size_t) = operator new;
static void *(*volatile new_array)(size_t) = operator new[];
static void (*volatile delete_one)(void *) = operator delete;
static void (*volatile delete_array)(void *) = operator delete[];
static void *volatile sink;

/* ---- right ---- */

NOINLINE static void right()
{
	void *p;

	for (int i = 0; i < 100; i++) {
		release(allocate(10));
		delete_one(new_one(10));
		delete_array(new_array(10));
		release(resize(resize(allocate(10), 11), 12));
		if (posix_memalign(&p, 64, 100) == 0)
			release(p);
		release(aligned_alloc(64, 128));
		release(resize(aligned_alloc(64, 128), 10));
		release(strdup("text"));
		release(nullptr);
		delete_one(nullptr);
		delete new (std::nothrow) int;
		struct alignas(64) wide {
			char c[64];
		};
		delete new wide;
		delete[] new wide[3];
	}
}

/* ---- the wrong function ---- */

NOINLINE static void mismatched()
{
	for (int i = 0; i < 3; i++)
		release(new_one(10));
	for (int i = 0; i < 4; i++)
		delete_one(new_array(20));
	for (int i = 0; i < 5; i++)
		delete_one(allocate(30));
	for (int i = 0; i < 2; i++)
		delete_array(allocate(40));
	for (int i = 0; i < 6; i++)
		release(resize(new_one(50), 51));
	for (int i = 0; i < 7; i++)
		delete_array(new_one(60));
}

/* ---- in a handler ---- */

NOINLINE static void handler(int)
{
	release(allocate(70));
}

NOINLINE static void handlers()
{
	static char other[1 << 16];
	struct sigaction act = {};
	stack_t alternate = {};

	act.sa_handler = handler;
	sigaction(SIGUSR1, &act, nullptr);
	for (int i = 0; i < 7; i++)
		raise(SIGUSR1);
	alternate.ss_sp = other;
	alternate.ss_size = sizeof(other);
	sigaltstack(&alternate, nullptr);
	act.sa_flags = SA_ONSTACK;
	sigaction(SIGUSR2, &act, nullptr);
	for (int i = 0; i < 2; i++)
		raise(SIGUSR2);
	release(allocate(71)); /* afterwards */
}

/* ---- between fork and exec ---- */

static sem_t started, over;

static void *beside(void *)
{
	sink = allocate(10);
	release(sink);
	sem_post(&started);
	sem_wait(&over);
	return nullptr;
}

NOINLINE static void in_child(bool executes)
{
	for (int i = 0; i < 8; i++)
		release(allocate(80));
	if (executes)
		execl("/bin/true", "true", (char *)nullptr);
	_exit(0);
}

NOINLINE static void fork_once(bool executes)
{
	const pid_t pid = fork();

	if (!pid)
		in_child(executes);
	waitpid(pid, nullptr, 0);
}

static void forks(bool threads, bool executes)
{
	pthread_t t;

	sem_init(&started, 0, 0);
	sem_init(&over, 0, 0);
	if (threads) {
		pthread_create(&t, nullptr, beside, nullptr);
		sem_wait(&started);
	}
	fork_once(executes);
	fork_once(executes);
	if (threads) {
		sem_post(&over);
		pthread_join(t, nullptr);
	}
}

/* ---- what nobody can give ---- */

static int (*volatile aligned_posix)(void **, size_t, size_t) = posix_memalign;
static void *(*volatile aligned)(size_t, size_t) = aligned_alloc;
static void *(*volatile product)(size_t, size_t) = calloc;
static void *(*volatile resize_product)(void *, size_t, size_t) = reallocarray;
static void *(*volatile new_nothrow)(size_t, const std::nothrow_t &) = operator new;

NOINLINE static void requests()
{
	void *p = allocate(5), *q;

	for (int i = 0; i < 4; i++)
		aligned_posix(&q, 3, 100);
	aligned_posix(&q, 4, 100);
	for (int i = 0; i < 5; i++)
		release(aligned(64, 100));
	for (int i = 0; i < 6; i++)
		release(allocate(SIZE_MAX - 100));
	for (int i = 0; i < 2; i++)
		release(product(SIZE_MAX / 2, 4));
	for (int i = 0; i < 3; i++)
		resize(p, SIZE_MAX / 2);
	resize_product(p, SIZE_MAX / 2, 4);
	for (int i = 0; i < 2; i++)
		new_nothrow(SIZE_MAX / 2, std::nothrow);
	for (int i = 0; i < 7; i++)
		allocate((size_t)1 << 60);
	resize(p, (size_t)1 << 60);
	try {
		new_array((size_t)1 << 60);
	} catch (const std::bad_alloc &) {
	}
	release(p);
}

/* ---- of no use ---- */

NOINLINE static void nothing()
{
	for (int i = 0; i < 9; i++)
		release(allocate(0));
	for (int i = 0; i < 3; i++)
		delete_array(new_array(0));
	for (int i = 0; i < 4; i++)
		release(resize(nullptr, 0));
	for (int i = 0; i < 2; i++)
		resize(allocate(5), 0); /* a release */
}

NOINLINE static void same_size()
{
	void *p = allocate(90);

	for (int i = 0; i < 11; i++)
		p = resize(p, 90);
	for (int i = 0; i < 5; i++)
		p = resize(p, 91 + (size_t)i);
	release(p);
}

int main(int argc, char **argv)
{
	const char *const mode = argc > 1 ? argv[1] : "right";

	right();
	if (strcmp(mode, "mismatched") == 0)
		mismatched();
	if (strcmp(mode, "handlers") == 0)
		handlers();
	if (strncmp(mode, "fork", 4) == 0)
		forks(strstr(mode, "threads"), strstr(mode, "exec"));
	if (strcmp(mode, "requests") == 0)
		requests();
	if (strcmp(mode, "nothing") == 0)
		nothing();
	if (strcmp(mode, "same") == 0)
		same_size();
	right();
	return 0;
}
