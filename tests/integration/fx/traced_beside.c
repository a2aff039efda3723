/*
 * traced_beside - asks tracker.h from threads, handlers, destructors and forked children, beside a recorder that is killed or stands still;
 * and looks whether anything of the recorder is to be seen.
 *
 * usage: traced_beside MODE; prints what the answers were.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "traced.h"

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

static void few(void)
{
	threads(30000);
}

static void many(void)
{
	threads(1000000);
}

/* More threads than can ask at once: each waits for its turn. */
static void *ask_often(void *data)
{
	size_t failed = 0;

	for (int i = 0; i < 200; i++)
		failed += tracker_get_traced_memory(NULL, NULL) != TRACKER_OK;
	return (char *)data + failed;
}

static void crowd(void)
{
	enum { CROWD = 40 };
	pthread_t all[CROWD];
	size_t failed = 0;

	start(1);
	for (int i = 0; i < CROWD; i++)
		pthread_create(&all[i], NULL, ask_often, NULL);
	for (int i = 0; i < CROWD; i++) {
		void *ret;

		pthread_join(all[i], &ret);
		failed += (size_t)ret;
	}
	printf("failed %zu\n", failed);
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
	static const struct traced_mode modes[] = { { "forked", forked }, { "few", few }, { "many", many }, { "crowd", crowd }, { "places", places }, { "killed", killed }, { "unread", unread }, { "unseen", unseen }, { NULL, NULL } };

	return run_mode(modes, argc > 1 ? argv[1] : "");
}
