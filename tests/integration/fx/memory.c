/*
 * memory - a program that limits its own memory, locks it, or writes past its blocks, and says what happened.
 *
 * memory size THREADS      VmSize in KiB, at start and with so many threads that have allocated
 * memory past BYTES        writes so many bytes past a block that has a mapping of its own, then allocates
 * memory before BYTES      the same before it
 * memory lock MIB          locks all its memory, present and future, as a user under a limit
 * memory future            locks what it maps from now on, then starts threads
 * memory address KIB       limits its address space to what it has and so many KiB
 * memory data KIB          limits its data likewise
 */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "truth.h"

enum { BLOCK = 262144, PAGE = 4096, THREADS_MAX = 64 };

static long status_kib(const char *name)
{
	FILE *const f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			kib = strtol(line + strlen(name) + 1, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static pthread_barrier_t all_here;

static void *work(void *unused)
{
	(void)unused;
	churn(1003, 100);
	pthread_barrier_wait(&all_here);
	pthread_barrier_wait(&all_here);
	return NULL;
}

/* VmSize while they live. */
static long with_threads(unsigned count)
{
	pthread_t t[THREADS_MAX];
	long kib;

	must(count <= THREADS_MAX && pthread_barrier_init(&all_here, NULL, count + 1) == 0, "a barrier");
	for (unsigned i = 0; i < count; i++)
		must(pthread_create(&t[i], NULL, work, NULL) == 0, "a thread");
	pthread_barrier_wait(&all_here);
	kib = status_kib("VmSize");
	pthread_barrier_wait(&all_here);
	for (unsigned i = 0; i < count; i++)
		pthread_join(t[i], NULL);
	truth("malloc", 1003, count * 100ul);
	truth("free", 1003, count * 100ul);
	return kib;
}

static void size(unsigned threads)
{
	long start;

	churn(1001, 10);
	start = status_kib("VmSize");
	printf("%ld %ld\n", start, threads ? with_threads(threads) : start);
}

static void overflow(int before, size_t bytes)
{
	char *volatile p = malloc(BLOCK);

	churn(1001, 1);
	for (size_t i = 0; i < bytes; i++)
		p[before ? -17 - (long)i : (long)(BLOCK + PAGE + i)] = 'A';
	churn(1001, 1000);
	puts("survived");
}

static void lock(int flags, size_t mib)
{
	const struct rlimit r = { mib << 20, mib << 20 };
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	must(mib == 0 || setrlimit(RLIMIT_MEMLOCK, &r) == 0, "RLIMIT_MEMLOCK");
	must(mib == 0 || syscall(SYS_capset, &h, none) == 0, "no capabilities");
	if (mlockall(flags) != 0)
		printf("mlockall: %s\n", strerror(errno));
}

static void limit(int resource, long kib)
{
	const struct rlimit r = { (rlim_t)kib << 10, (rlim_t)kib << 10 };

	must(setrlimit(resource, &r) == 0, "a limit");
}

/* As many blocks as there is room for, at least some. */
static void until_refused(void)
{
	unsigned count = 0;

	while (count < 100000 && malloc(10007))
		count++;
	puts(count >= 100 ? "some room" : "no room");
	churn(1001, 50000);
	truth("malloc", 1001, 50000);
	truth("free", 1001, 50000);
}

int main(int argc, char **argv)
{
	const char *const how = argc > 1 ? argv[1] : "";
	const long n = argc > 2 ? atol(argv[2]) : 0;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (strcmp(how, "size") == 0)
		size((unsigned)n);
	else if (strcmp(how, "past") == 0 || strcmp(how, "before") == 0)
		overflow(how[0] == 'b', (size_t)n);
	else if (strcmp(how, "lock") == 0)
		lock(MCL_CURRENT | MCL_FUTURE, (size_t)n);
	else if (strcmp(how, "future") == 0)
		lock(MCL_FUTURE, 0), (void)with_threads(4);
	else if (strcmp(how, "address") == 0)
		limit(RLIMIT_AS, status_kib("VmSize") + n), until_refused();
	else if (strcmp(how, "data") == 0)
		limit(RLIMIT_DATA, status_kib("VmData") + n), until_refused();
	else
		return 2;
	return 0;
}
