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
 * memory use MIB BLOCKS    uses so much, and allocates and releases so many blocks beside it
 * memory beside MIB BLOCKS the same, while its recorder stands still
 * memory enter FOLDER ARGUMENT...  executes itself with these in the control group of that folder
 * memory crowded           allocates and may map nothing more, while all of the recorder's memory that
 *                          it has mapped is held by threads of a child that do nothing
 */
#include <errno.h>
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

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

static void use(size_t mib, unsigned blocks)
{
	char *volatile p = malloc(mib << 20);

	must(p != NULL, "memory");
	memset(p, 1, mib << 20);
	churn(1001, blocks);
	free(p);
	truth("malloc", mib << 20, 1);
	truth("free", mib << 20, 1);
	truth("malloc", 1001, blocks);
	truth("free", 1001, blocks);
}

static void tell_recorder(int signal)
{
	const char *const name = getenv("TRACKER_SHM");
	int pid;

	if (name && sscanf(name, "/proc/%d/", &pid) == 1)
		must(kill(pid, signal) == 0, "a signal");
}

static void enter(char **argv)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/cgroup.procs", argv[2]);
	f = fopen(path, "w");
	must(f && fputs("0", f) >= 0 && fclose(f) == 0, "a group");
	argv[2] = argv[0];
	execv(argv[0], argv + 2);
	must(0, "a program");
}

static void *hold(void *unused)
{
	(void)unused;
	pthread_barrier_wait(&all_here);
	churn(1003, 1);
	pthread_barrier_wait(&all_here);
	return pause(), NULL;
}

/* What others gave back while the threads were made is theirs, too: they begin a while later. */
static void hold_all(int say)
{
	enum { HOLDERS = 300 };
	pthread_attr_t small;
	pthread_t t;

	must(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 65536) == 0, "small stacks");
	must(pthread_barrier_init(&all_here, NULL, HOLDERS + 1) == 0, "a barrier");
	for (int i = 0; i < HOLDERS; i++)
		must(pthread_create(&t, &small, hold, NULL) == 0, "a thread");
	usleep(200000);
	pthread_barrier_wait(&all_here);
	pthread_barrier_wait(&all_here);
	must(write(say, "", 1) == 1, "a pipe");
	pause();
}

static void crowded(void)
{
	int said[2];
	char byte;
	long kib;
	pid_t child;

	must(pipe(said) == 0, "a pipe");
	kib = status_kib("VmSize");
	child = fork();
	if (child == 0)
		hold_all(said[1]);
	must(read(said[0], &byte, 1) == 1, "a child");
	limit(RLIMIT_AS, kib);
	churn(1001, 5000);
	puts("went on");
	must(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "its end");
}

int main(int argc, char **argv)
{
	const char *const how = argc > 1 ? argv[1] : "";
	const long n = argc > 2 ? atol(argv[2]) : 0;
	const unsigned blocks = argc > 3 ? (unsigned)atol(argv[3]) : 0;

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
	else if (strcmp(how, "use") == 0)
		use((size_t)n, blocks);
	else if (strcmp(how, "beside") == 0)
		tell_recorder(SIGSTOP), use((size_t)n, blocks), tell_recorder(SIGCONT);
	else if (strcmp(how, "enter") == 0 && argc > 3)
		enter(argv);
	else if (strcmp(how, "crowded") == 0)
		crowded();
	else
		return 2;
	return 0;
}
