/*
 * sampled MODE MEAN - work whose totals are counted by itself, for estimates to be compared with.
 *
 *   churn	random sizes and lifetimes
 *   reallocs	blocks that grow and shrink in steps
 *   threads	four threads; each frees what its neighbour made
 *   forks	the same work in ten children, one after another
 *   empty	blocks of no size, and such that are larger than the distance of samples
 *
 * Says: allocations bytes frees leaked_blocks leaked_bytes peak_bytes (0: depends on the scheduler),
 * and the variances of the first five's estimates when one allocation in MEAN bytes is recorded: a
 * block that is with probability p stands for 1/p of its kind, which has the variance (1-p)/p.
 */
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/wait.h>

#include "fx/truth.h"

#define SLOTS 2000
#define THREADS 4

struct account {
	unsigned long allocations, bytes, frees, live_blocks, live_bytes, peak;
	double var_allocations, var_bytes, var_frees, var_live_blocks, var_live_bytes;
	uint32_t seed;
};

static double mean;

struct slot {
	void *p;
	size_t size;
};

static uint32_t next(struct account *a)
{
	return (a->seed = a->seed * 1103515245 + 12345) >> 8;
}

static double variance(size_t size)
{
	const double p = -expm1(-(double)(size ? size : 1) / mean);

	return (1 - p) / p;
}

static void born(struct account *a, size_t size)
{
	const double var = variance(size), var_bytes = var * (double)size * (double)size;

	a->allocations++;
	a->bytes += size;
	a->live_blocks++;
	a->live_bytes += size;
	if (a->live_bytes > a->peak)
		a->peak = a->live_bytes;
	a->var_allocations += var;
	a->var_bytes += var_bytes;
	a->var_live_blocks += var;
	a->var_live_bytes += var_bytes;
}

static void died(struct account *a, size_t size)
{
	const double var = variance(size);

	a->frees++;
	a->live_blocks--;
	a->live_bytes -= size;
	a->var_frees += var;
	a->var_live_blocks -= var;
	a->var_live_bytes -= var * (double)size * (double)size;
}

/* Another thread's or process's: they draw independently. */
static void include(struct account *a, const struct account *other)
{
	a->allocations += other->allocations;
	a->bytes += other->bytes;
	a->frees += other->frees;
	a->live_blocks += other->live_blocks;
	a->live_bytes += other->live_bytes;
	a->var_allocations += other->var_allocations;
	a->var_bytes += other->var_bytes;
	a->var_frees += other->var_frees;
	a->var_live_blocks += other->var_live_blocks;
	a->var_live_bytes += other->var_live_bytes;
}

static struct slot make(struct account *a, size_t size)
{
	const struct slot s = { keep(malloc(size)), size };

	must(s.p != NULL, "malloc");
	born(a, size);
	return s;
}

static void drop(struct account *a, struct slot *s)
{
	if (!s->p)
		return;
	free(s->p);
	died(a, s->size);
	s->p = NULL;
}

static void resize(struct account *a, struct slot *s, size_t size)
{
	s->p = keep(realloc(s->p, size));
	must(s->p != NULL, "realloc");
	died(a, s->size);
	born(a, size);
	s->size = size;
}

/* One in 20 stays for good. */
static void churn_slots(struct account *a, struct slot *slots, unsigned steps)
{
	for (unsigned i = 0; i < steps; i++) {
		struct slot *const s = &slots[next(a) % SLOTS];

		if (s->p && next(a) % 20)
			drop(a, s);
		*s = make(a, 64 + next(a) % (next(a) % 8 ? 512 : 20000));
	}
}

static void do_churn(struct account *a)
{
	static struct slot slots[SLOTS];

	churn_slots(a, slots, 40000);
	for (unsigned i = 0; i < SLOTS; i++)
		drop(a, &slots[i]);
}

static void do_reallocs(struct account *a)
{
	for (unsigned i = 0; i < 1500; i++) {
		struct slot s = make(a, 100 + next(a) % 100);

		while (s.size < 30000)
			resize(a, &s, s.size + s.size / 2);
		while (s.size > 1000)
			resize(a, &s, s.size / 2 + 100 * (next(a) % 2));
		if (i % 4)
			drop(a, &s);
	}
}

static struct account accounts[THREADS];
static struct slot handed[THREADS][SLOTS];
static pthread_barrier_t barrier;

static void *worker(void *data)
{
	struct account *const a = data;
	const size_t me = (size_t)(a - accounts);

	for (unsigned round = 0; round < 8; round++) {
		for (unsigned i = 0; i < SLOTS; i++)
			handed[me][i] = make(a, 64 + next(a) % 2000);
		pthread_barrier_wait(&barrier);
		for (unsigned i = 0; i < SLOTS; i++)
			if (i % 10)
				drop(a, &handed[(me + 1) % THREADS][i]);
		pthread_barrier_wait(&barrier);
	}
	return NULL;
}

static void do_threads(struct account *a)
{
	pthread_t threads[THREADS];

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (unsigned i = 0; i < THREADS; i++) {
		accounts[i].seed = i;
		must(pthread_create(&threads[i], NULL, worker, &accounts[i]) == 0, "pthread_create");
	}
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		include(a, &accounts[i]);
	}
}

static int told[2]; /* what children tell their parent */

/* Frees what it inherited, too: of no concern to its own totals. */
static void be_child(unsigned seed, struct slot *inherited)
{
	static struct slot slots[SLOTS];
	struct account a = { .seed = seed };

	churn_slots(&a, slots, 6000);
	for (unsigned i = 0; i < SLOTS; i++)
		free(inherited[i].p);
	_exit(write(told[1], &a, sizeof(a)) == sizeof(a) ? 0 : 99);
}

/* What the parent holds lives on in each child, but belongs to the parent. */
static void do_forks(struct account *a)
{
	struct slot own[SLOTS];
	const int failed = pipe(told);

	must(!failed, "pipe");

	for (unsigned i = 0; i < SLOTS; i++)
		own[i] = make(a, 1000);
	for (unsigned n = 0; n < 10; n++) {
		struct account child;
		const pid_t pid = fork();

		if (!pid)
			be_child(7 + n, own);
		must(waitpid(pid, NULL, 0) == pid && read(told[0], &child, sizeof(child)) == sizeof(child),
		     "a child");
		include(a, &child);
	}
	a->peak = 0; /* when a child's end is noticed, the next one may have begun */
}

static void do_empty(struct account *a)
{
	for (unsigned i = 0; i < 100000; i++) {
		struct slot s = make(a, 0);

		if (i % 2)
			drop(a, &s);
	}
	for (unsigned i = 0; i < 20; i++)
		make(a, 100000 + i * 10000);
}

static const struct {
	const char *name;
	void (*run)(struct account *a);
} modes[] = {
	{ "churn", do_churn }, { "reallocs", do_reallocs }, { "threads", do_threads },
	{ "forks", do_forks }, { "empty", do_empty },
};

int main(int argc, char **argv)
{
	struct account a = { .seed = 42 };
	char line[200];

	must(argc == 3 && (mean = atof(argv[2])) > 0, "a mode and a mean");
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(argv[1], modes[i].name))
			modes[i].run(&a);
	must(a.allocations != 0, "a known mode");
	snprintf(line, sizeof(line), "%lu %lu %lu %lu %lu %lu %.9g %.9g %.9g %.9g %.9g\n", a.allocations,
		 a.bytes, a.frees, a.live_blocks, a.live_bytes, a.peak, a.var_allocations, a.var_bytes,
		 a.var_frees, a.var_live_blocks, a.var_live_bytes);
	return write(1, line, strlen(line)) < 0;
}
