/*
 * again - a program that is recorded again and again: it makes a segment and a recorder itself, attaches to it, and lets it end.
 *
 * usage: fx_again (meet|run) TRACKER_RECORD FOLDER RECORDINGS
 *
 * Eight threads allocate in every way and count for themselves. "meet": they stand still while a recording begins or ends, and FOLDER/N.txt has
 * the counts of each. "run": they never stand still, and the size of each malloc says which one of its thread it is. At the end it prints
 * how much its address space, its descriptors and its threads have grown since the second recording.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/new_segment.h"
#include "tools/run/launch.h"

enum { THREADS = 8, ROUNDS = 300, FIRST = 1000, NUMBERS = 1 << 20, RUN_MS = 30 };

static pthread_barrier_t meeting;
static atomic_bool over;
static _Atomic unsigned long allocations, frees, bytes;
static bool stands_still;

static bool (*attach)(int fd, uint64_t recording);
static void (*leave)(void);

static void must(bool condition, const char *what)
{
	if (condition)
		return;
	perror(what);
	exit(1);
}

static void made(void *p, size_t size)
{
	must(p != NULL, "malloc");
	memset(p, 1, size);
	atomic_fetch_add(&allocations, 1);
	atomic_fetch_add(&bytes, size);
}

/* One block by each name of the family, and back. */
static void every_way(size_t size)
{
	void *p[7] = { malloc(size), calloc(1, size), aligned_alloc(64, size / 64 * 64 + 64), memalign(64, size), NULL, reallocarray(NULL, 1, size), valloc(size) };

	must(posix_memalign(&p[4], 64, size) == 0, "posix_memalign");
	for (unsigned i = 0; i < 7; i++)
		made(p[i], i == 2 ? size / 64 * 64 + 64 : size);
	p[0] = realloc(p[0], size * 2);
	made(p[0], size * 2);
	atomic_fetch_add(&frees, 1);
	for (unsigned i = 0; i < 7; i++)
		free(p[i]);
	atomic_fetch_add(&frees, 7);
}

static void *stand(void *unused)
{
	for (;;) {
		pthread_barrier_wait(&meeting); /* a recording has begun */
		if (atomic_load(&over))
			return unused;
		for (unsigned i = 0; i < ROUNDS; i++)
			every_way(16 + i);
		pthread_barrier_wait(&meeting); /* ... and may end */
	}
}

/* Sizes FIRST + n, n = 0, 1, 2 ...; each block lives while the next one is made. */
static void *run(void *unused)
{
	void *last = NULL;

	for (unsigned long n = 0; !atomic_load(&over); n++) {
		void *const p = malloc(FIRST + n % NUMBERS);

		free(last);
		last = p;
		free(realloc(malloc(8), 24));
		free(calloc(2, 8));
	}
	free(last);
	return unused;
}

static long number_in(const char *path, const char *name)
{
	char line[256];
	long number = -1;
	FILE *const f = fopen(path, "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, name, strlen(name)) == 0)
			number = atol(line + strlen(name));
	if (f)
		fclose(f);
	return number;
}

static long descriptors(void)
{
	long count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* From the beginning of the recording to its end, this thread itself allocates nothing. */
static void record(const char *recorder, const char *folder, unsigned number)
{
	char path[256], *argv[] = { (char *)"again", NULL };
	const struct shm_header header = new_segment_header(SHM_NO_FOLLOW_EXEC, 64 + number % 3 * 64, 0);
	struct new_segment segment;
	char way[64];
	int pair[2], output;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%u.bin", folder, number);
	output = descriptor_high(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
	must(output >= 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0, "open");
	pair[1] = descriptor_high(pair[1]);
	must(new_segment_create(&segment, &header) == 0, "a segment");
	pid = recorder_start(&(struct recorder_options){ .path = recorder, .segment = &segment, .output = output, .control = pair[1],
							 .pidfd = -1, .connector = -1, .program = getpid(), .file = path, .no_symbols = true,
							 .temporary_threshold = UINT64_MAX, .argv = argv });
	must(pid > 0, "a recorder");
	close(pair[1]);
	close(output);
	new_segment_name(&segment, pid, way, sizeof(way));
	new_segment_tell(&segment, way, getpid());
	atomic_store(&allocations, 0);
	atomic_store(&frees, 0);
	atomic_store(&bytes, 0);
	must(attach(segment.fd, header.recording), "the recording does not begin"); /* it closes the segment, too */
	if (stands_still) {
		pthread_barrier_wait(&meeting);
		pthread_barrier_wait(&meeting);
	} else {
		usleep(RUN_MS * 1000);
	}
	if (number % 2)
		leave();
	kill(pid, SIGTERM);
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	close(pair[0]);
	snprintf(path, sizeof(path), "%s/%u.txt", folder, number);

	FILE *const f = fopen(path, "w");

	must(f && fprintf(f, "%lu %lu %lu\n", allocations, frees, bytes) > 0 && fclose(f) == 0, path);
}

int main(int argc, char **argv)
{
	pthread_t threads[THREADS];
	long size = 0, open_files = 0, contexts = 0;
	const unsigned recordings = argc > 4 ? (unsigned)atoi(argv[4]) : 0;

	must(argc == 5, "usage");
	stands_still = strcmp(argv[1], "meet") == 0;
	attach = (bool (*)(int, uint64_t))dlsym(RTLD_DEFAULT, "again_attach");
	leave = (void (*)(void))dlsym(RTLD_DEFAULT, "again_leave");
	must(attach && leave, "the library is not preloaded");
	pthread_barrier_init(&meeting, NULL, THREADS + 1);
	for (unsigned i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, stands_still ? stand : run, NULL) == 0, "pthread_create");
	for (unsigned i = 1; i <= recordings; i++) {
		record(argv[2], argv[3], i);
		if (i == 4) {
			size = number_in("/proc/self/status", "VmSize:");
			contexts = number_in("/proc/self/status", "VmRSS:");
			open_files = descriptors();
		}
	}
	size = number_in("/proc/self/status", "VmSize:") - size;
	contexts = number_in("/proc/self/status", "VmRSS:") - contexts;
	open_files = descriptors() - open_files;
	atomic_store(&over, true);
	if (stands_still)
		pthread_barrier_wait(&meeting);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("%ld %ld %ld\n", size, contexts, open_files);
	return 0;
}
