/*
 * questions - how long a program waits for the names of the stack of one block: for the first one, for others in modules that
 * were asked for before, and for snapshots.
 *
 * usage: questions [N]; run it under tracker run, or with libtracker.so preloaded. With CPU in the environment it tells CPU time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tracker-replay.h"

static double now_us(void)
{
	struct timespec t;

	clock_gettime(getenv("CPU") ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Each depth is another stack. */
__attribute__((noinline)) static void *deep(int frames)
{
	void *volatile p = frames > 1 ? deep(frames - 1) : malloc(100);

	return p;
}

static double ask(const void *p)
{
	const double began = now_us();
	tracker_traceback *const t = tracker_get_object_traceback(p);
	const double took = now_us() - began;

	if (!t) {
		fprintf(stderr, "questions: %s\n", tracker_last_error());
		exit(1);
	}
	tracker_traceback_free(t);
	return took;
}

static double ask_snapshot(void)
{
	const double began = now_us();
	tracker_snapshot *const s = tracker_take_snapshot();
	tracker_trace trace;

	for (size_t i = 0; i < tracker_snapshot_len(s); i++)
		(void)tracker_snapshot_trace(s, i, &trace);
	tracker_snapshot_free(s);
	return now_us() - began;
}

int main(int argc, char **argv)
{
	const int n = argc > 1 ? atoi(argv[1]) : 100;
	double *const took = calloc((size_t)n + 1, sizeof(*took));

	if (!took || tracker_start(25) != TRACKER_OK) {
		fprintf(stderr, "questions: %s\n", tracker_last_error());
		return 1;
	}
	printf("first %.0f us\n", ask(deep(3)));
	for (int i = 0; i < n; i++)
		took[i] = ask(deep(i % 20 + 1));
	qsort(took, (size_t)n, sizeof(*took), by_value);
	printf("later: least %.0f us, median %.0f us, most %.0f us\n", took[0], took[n / 2], took[n - 1]);
	for (int i = 0; i < 3; i++)
		printf("snapshot %.0f us\n", ask_snapshot());
	return 0;
}
