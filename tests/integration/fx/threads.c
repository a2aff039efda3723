/*
 * threads short|many|churn|crowd - 2000 or 10,000 short threads that pass blocks
 * to one another; four that allocate beside each other as fast as they can; 500
 * that are alive at the same time.
 *
 * short, many: every thread frees its predecessor's block and leaves its own;
 * eight at a time, through an atomic exchange, so that blocks cross threads in
 * any order. The last block is freed by main.
 *
 * $MEMORY_FILE gets what the process uses then, of many at its end, of crowd
 * while all are alive: private and shared resident KiB.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "truth.h"

enum { SHORT = 2000, MANY = 10000, ABREAST = 8, CHURNERS = 4, CHURN = 20000, CROWD = 500, ROUNDS = 100 };

static _Atomic(void *) handed;
static pthread_barrier_t barrier;

static void *short_thread(void *unused)
{
	churn(1002, 3);
	free(atomic_exchange(&handed, keep(malloc(1001))));
	return unused;
}

static void *churn_thread(void *unused)
{
	prctl(PR_SET_NAME, "churner");
	churn(1003, CHURN);
	return unused;
}

/* Everybody has allocated when main looks, and goes on afterwards. */
static void *crowd_thread(void *unused)
{
	void *const kept = keep(malloc(1005));

	churn(1004, ROUNDS);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	churn(1004, ROUNDS);
	free(kept);
	return unused;
}

static long status_kib(const char *text, const char *key)
{
	const char *const at = strstr(text, key);

	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static void tell_memory(void)
{
	const char *const path = getenv("MEMORY_FILE");
	char text[4096] = "", line[64];
	const int in = open("/proc/self/status", O_RDONLY), out = path ? open(path, O_WRONLY | O_CREAT, 0600) : -1;
	const ssize_t got = read(in, text, sizeof(text) - 1);
	const int n = snprintf(line, sizeof(line), "%ld %ld\n", status_kib(text, "RssAnon:"),
			       status_kib(text, "RssShmem:"));

	must(got > 0 && (out < 0 || write(out, line, (size_t)n) == n), "status");
	close(in);
	if (out >= 0)
		close(out);
}

static void run(void *(*body)(void *), int count, int abreast)
{
	pthread_t threads[ABREAST];

	for (int done = 0; done < count; done += abreast) {
		for (int i = 0; i < abreast; i++)
			must(!pthread_create(&threads[i], NULL, body, NULL), "pthread_create");
		for (int i = 0; i < abreast; i++)
			pthread_join(threads[i], NULL);
	}
}

static void hand_on(int count)
{
	run(short_thread, count, ABREAST);
	free(atomic_exchange(&handed, NULL));
	tell_memory();
	truth_churn(1001, (unsigned long)count);
	truth_churn(1002, 3 * (unsigned long)count);
}

static void crowd(void)
{
	static pthread_t threads[CROWD];

	pthread_barrier_init(&barrier, NULL, CROWD + 1);
	for (int i = 0; i < CROWD; i++)
		must(!pthread_create(&threads[i], NULL, crowd_thread, NULL), "pthread_create");
	pthread_barrier_wait(&barrier);
	tell_memory();
	pthread_barrier_wait(&barrier);
	for (int i = 0; i < CROWD; i++)
		pthread_join(threads[i], NULL);
	truth_churn(1004, 2 * CROWD * ROUNDS);
	truth_churn(1005, CROWD);
}

int main(int argc, char **argv)
{
	const char *const mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "short")) {
		hand_on(SHORT);
	} else if (!strcmp(mode, "many")) {
		hand_on(MANY);
	} else if (!strcmp(mode, "crowd")) {
		crowd();
	} else {
		run(churn_thread, CHURNERS, CHURNERS);
		truth_churn(1003, CHURNERS * CHURN);
	}
	return 0;
}
