/*
 * order - what it costs to give events of several threads one order.
 *
 * Every thread takes a stamp, then does work of its own, many times; once with
 * no work between (the worst case of a line that all of them write), once with
 * about as much as a malloc, its unwinding and its record. Prints nanoseconds of
 * CPU per stamp, the work taken off, and for the biased epoch how often it
 * changed hands; JSON for tests/bench/run.
 */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { STAMPS = 4000000, ROUNDS = 5, THREADS_MAX = 4, WORK = 150 };

static _Alignas(64) _Atomic uint64_t shared;
static _Alignas(64) pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t locked_count;
static pthread_barrier_t start;

/* Each on lines of its own: a thread's number, how often it took the epoch over, what its work made. */
struct worker {
	_Alignas(128) pthread_t thread;
	uint64_t number, takeovers, sum, stamps;
	double cpu_ns;
	int work;
	uint64_t (*body)(struct worker *w);
};

#define BODY(name, stamp)                                                                          \
	static uint64_t name(struct worker *w)                                                     \
	{                                                                                          \
		uint64_t sum = 0, x = w->number;                                                   \
                                                                                                   \
		for (uint64_t i = 0; i < w->stamps; i++) {                                         \
			sum += stamp(w);                                                           \
			__asm__ volatile("" : "+r"(sum)); /* a loop, also with nothing in it */    \
			for (int k = 0; k < w->work; k++) /* a chain of additions */   \
				x = x * 5 + 1;                                                     \
		}                                                                                  \
		return sum + x;                                                                    \
	}

static inline uint64_t stamp_nothing(struct worker *w)
{
	return w->number;
}

static inline uint64_t stamp_counter(struct worker *w)
{
	(void)w;
	return atomic_fetch_add_explicit(&shared, 1, memory_order_acq_rel);
}

/* As in libtracker/send.c. */
static inline uint64_t stamp_epoch(struct worker *w)
{
	uint64_t word = atomic_load_explicit(&shared, memory_order_acquire);

	while ((word & 0xffff) != w->number) {
		const uint64_t mine = ((word >> 16) + 1) << 16 | w->number;

		if (atomic_compare_exchange_weak_explicit(&shared, &word, mine, memory_order_acq_rel,
							  memory_order_acquire)) {
			w->takeovers++;
			return mine >> 16;
		}
	}
	return word >> 16;
}

static inline uint64_t stamp_mutex(struct worker *w)
{
	uint64_t n;

	(void)w;
	pthread_mutex_lock(&lock);
	n = locked_count++;
	pthread_mutex_unlock(&lock);
	return n;
}

BODY(run_nothing, stamp_nothing)
BODY(run_counter, stamp_counter)
BODY(run_epoch, stamp_epoch)
BODY(run_mutex, stamp_mutex)

#if defined(__x86_64__)
static inline uint64_t stamp_rdtscp(struct worker *w)
{
	uint32_t low, high, cpu;

	(void)w;
	__asm__ volatile("rdtscp" : "=a"(low), "=d"(high), "=c"(cpu) : : "memory");
	return (uint64_t)high << 32 | low;
}
BODY(run_rdtscp, stamp_rdtscp)
#endif

static const struct scheme {
	const char *name;
	uint64_t (*body)(struct worker *w);
} schemes[] = {
	{ "nothing", run_nothing },
	{ "biased epoch", run_epoch },
	{ "atomic counter", run_counter },
#if defined(__x86_64__)
	{ "rdtscp", run_rdtscp },
#endif
	{ "mutex", run_mutex },
};

enum { SCHEMES = sizeof(schemes) / sizeof(*schemes), CELLS = 6 };

static const struct cell {
	int threads, work;
} cells[CELLS] = { { 1, 0 }, { 2, 0 }, { 4, 0 }, { 1, WORK }, { 2, WORK }, { 4, WORK } };

static void *work(void *data)
{
	struct worker *const w = data;
	struct timespec before, t;
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(w->number % (unsigned long)sysconf(_SC_NPROCESSORS_ONLN), &set);
	(void)sched_setaffinity(0, sizeof(set), &set); /* side by side, or this is about nothing */
	pthread_barrier_wait(&start);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
	w->sum = w->body(w);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	w->cpu_ns = (double)(t.tv_sec - before.tv_sec) * 1e9 + (double)(t.tv_nsec - before.tv_nsec);
	return NULL;
}

/* CPU ns per stamp; adds up the takeovers. */
static double run(const struct scheme *s, const struct cell *c, uint64_t *takeovers)
{
	static struct worker workers[THREADS_MAX];
	double ns = 0;

	atomic_store(&shared, 0xffff);
	pthread_barrier_init(&start, NULL, (unsigned)c->threads);
	for (int i = 0; i < c->threads; i++) {
		workers[i] = (struct worker){ .number = (uint64_t)i, .work = c->work, .body = s->body,
					      .stamps = (uint64_t)(STAMPS / c->threads / (c->work ? 8 : 1)) };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			exit(1);
	}
	for (int i = 0; i < c->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		ns += workers[i].cpu_ns / (double)workers[i].stamps / c->threads;
		*takeovers += workers[i].takeovers;
	}
	pthread_barrier_destroy(&start);
	return ns;
}

static double least[SCHEMES][CELLS];
static uint64_t takeovers[CELLS];

static void measure(void)
{
	for (int r = 0; r < ROUNDS; r++)
		for (int c = 0; c < CELLS; c++)
			for (int s = 0; s < SCHEMES; s++) {
				const double ns = run(&schemes[s], &cells[c], &takeovers[c]);

				if (r == 0 || ns < least[s][c])
					least[s][c] = ns;
			}
}

int main(void)
{
	measure();
	printf("{\"title\": \"Order: CPU ns per stamp, in a row and with work between two\",\n"
	       " \"head\": [\"scheme\"");
	for (int c = 0; c < CELLS; c++)
		printf(", \"%d thread%s%s\"", cells[c].threads, cells[c].threads > 1 ? "s" : "",
		       cells[c].work ? ", work" : "");
	printf("],\n \"rows\": [[\"(the loop and its work)\"");
	for (int c = 0; c < CELLS; c++)
		printf(", %.2f", least[0][c]);
	printf("]");
	for (int s = 1; s < SCHEMES; s++) {
		printf(",\n  [\"%s\"", schemes[s].name);
		for (int c = 0; c < CELLS; c++)
			printf(", %.2f", least[s][c] - least[0][c]);
		printf("]");
	}
	printf(",\n  [\"biased epoch changed hands, %% of stamps\"");
	for (int c = 0; c < CELLS; c++)
		printf(", %.2f", 100.0 * (double)takeovers[c] / ROUNDS / (STAMPS / (cells[c].work ? 8 : 1)));
	printf("]]}\n");
	return 0;
}
