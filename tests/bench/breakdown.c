/*
 * breakdown - what the parts of one event cost, in nanoseconds.
 *
 * churn's call tree, whose leaves call stages of recording instead of malloc and
 * free: each stage does what the one before does, and one part more. The stages
 * are libtracker's own functions, linked or included; events go to a segment of
 * our own, whose chunks we give back ourselves, so nobody reads along and all of
 * it stays in the caches. Prints JSON for tests/bench/run.
 *
 *   breakdown [ROUNDS]   least CPU time of so many rounds counts (5)
 */
#include "libtracker/send.c"
#include "libtracker/hook.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

typedef void *allocator(size_t);
typedef void releaser(void *);

static allocator *allocate;
static releaser *release_block;

/* churn.c's own allocations and its main are not called; its leaves' are ours. */
#define malloc(size) allocate(size)
#define free(p) release_block(p)
#define main churn_main
#include "churn.c"
#undef main
#undef free
#undef malloc

enum { PAIRS = 300000, ROUNDS = 5, LOOPS = 2000000 };

/* ---- stages ---- */

static struct shm_chunk *last_chunk;

/* What the recorder does with a chunk that was read. */
static void give_back(void)
{
	const struct thread *const t = tls.threads[0];
	struct shm *const s = state.shm;

	if (!t || t->chunk == last_chunk)
		return;
	if (last_chunk) {
		const size_t n = (size_t)(last_chunk - state.chunk_pieces[0]);

		atomic_fetch_and(&s->chunk_bitmap[n / 64], ~(1ull << n % 64));
	}
	last_chunk = t->chunk;
}

static void *bare_alloc(size_t size)
{
	return real.malloc(size);
}

static void bare_free(void *p)
{
	real.free(p);
}

static void *hook_malloc(size_t size)
{
	void *const p = malloc(size);

	give_back();
	return p;
}

static void hook_free(void *p)
{
	free(p);
	give_back();
}

/* A hook that records nothing: the thread's context is taken and left. */
static __attribute__((noinline)) void *context_hook(size_t size)
{
	const struct site at = SITE_HERE();
	void *const p = real.malloc(size);
	struct thread *const t = thread_enter(at.sp);

	if (t)
		thread_leave(t);
	return p;
}

static void *context_alloc(size_t size)
{
	void *const p = context_hook(size);

	give_back();
	return p;
}

static __attribute__((noinline)) void context_free_hook(void *p)
{
	const struct site at = SITE_HERE();
	struct thread *const t = p ? thread_enter(at.sp) : NULL;

	if (t)
		thread_leave(t);
	real.free(p);
}

static void context_free(void *p)
{
	context_free_hook(p);
	give_back();
}

static __attribute__((noinline)) void *unwind_hook(size_t size)
{
	const struct site at = SITE_HERE();
	void *const p = real.malloc(size);
	struct thread *const t = thread_enter(at.sp);

	if (t) {
		(void)next_stack(t, &at);
		t->forget_stack = false;
		thread_leave(t);
	}
	return p;
}

static void *unwind_alloc(size_t size)
{
	void *const p = unwind_hook(size);

	give_back();
	return p;
}

static const struct stage {
	bool on;
	allocator *alloc;
	releaser *free;
} stages[] = {
	{ false, bare_alloc, bare_free },
	{ true, context_alloc, context_free },
	{ true, unwind_alloc, context_free },
	{ true, hook_malloc, hook_free },
};

/* A part is the difference between two stages. */
static const char *const parts[] = {
	"hook: into libtracker and on to libc, thread, nesting, fork",
	"unwinding: walk, comparison with the last stack",
	"record: coding, order, clock, publishing",
};

enum { STAGES = sizeof(stages) / sizeof(*stages), PARTS = sizeof(parts) / sizeof(*parts) };

static const struct shape {
	const char *name;
	int depth, change;
} shapes[] = {
	{ "20 deep, same", 20, 0 }, { "20 deep, few", 20, 3 }, { "20 deep, all", 20, 20 },
	{ "60 deep, same", 60, 0 }, { "60 deep, few", 60, 3 },
};

enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

static double cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double run_stage(const struct shape *shape, const struct stage *stage)
{
	struct walker w = { .random = 0x9e3779b97f4a7c15ull, .left = PAIRS };

	options.depth = shape->depth;
	options.change = shape->change;
	allocate = stage->alloc;
	release_block = stage->free;
	state.on = stage->on;

	const double before = cpu_ns();

	walk(&w);
	return (cpu_ns() - before) / (2.0 * PAIRS);
}

/* ---- the last part's own parts, each alone in a loop ---- */

static void order_part(struct thread *t)
{
	atomic_store_explicit(&t->slot->busy, stamp(t), memory_order_relaxed);
}

static void clock_part(struct thread *t)
{
	t->last.time_ns = atomic_load_explicit(&state.shm->header.clock_ns, memory_order_relaxed);
}

static void publish_part(struct thread *t)
{
	publish(t, t->at);
}

/* A record of an unchanged stack, written over and over in the same place. */
static void record_part(struct thread *t)
{
	uint8_t *const at = t->at;
	struct draft d = begin(t, TRK_MALLOC);

	put_address(t, &d, t->last.address + 4096);
	d.at = put_varint(d.at, 200);
	finish(t, &d);
	t->at = at;
}

static const struct loop {
	const char *name;
	void (*body)(struct thread *t);
} loops[] = {
	{ "order, alone in a loop", order_part },
	{ "clock, alone in a loop", clock_part },
	{ "publishing, alone in a loop", publish_part },
	{ "record of an unchanged stack, alone in a loop", record_part },
};

enum { LOOP_COUNT = sizeof(loops) / sizeof(*loops) };

static double run_loop(const struct loop *l)
{
	struct thread *const t = tls.threads[0];
	void (*volatile body)(struct thread *) = l->body;
	const double before = cpu_ns();

	for (int i = 0; i < LOOPS; i++)
		body(t);
	return (cpu_ns() - before) / LOOPS;
}

/* ---- a session without a recorder ---- */

/* libtracker looks for the segment in the environment that a program starts with. */
static int start_again(char **argv)
{
	const struct shm_header header = { .magic = SHM_MAGIC, .version = SHM_VERSION, .nframe = 1024 };
	char value[64];
	const int fd = memfd_create("breakdown", 0);

	if (fd < 0 || ftruncate(fd, sizeof(struct shm)) < 0 || pwrite(fd, &header, sizeof(header), 0) < 0)
		return 1;
	snprintf(value, sizeof(value), "/proc/%d/fd/%d", (int)getpid(), fd);
	setenv(SHM_ENV, value, 1);
	execv("/proc/self/exe", argv);
	return 1;
}

static void least(double *into, double value)
{
	if (*into == 0 || value < *into)
		*into = value;
}

static double least_stages[SHAPES][STAGES], least_loops[LOOP_COUNT];

static void measure(int rounds)
{
	for (int r = 0; r <= rounds; r++) { /* the first one fills caches and is not counted */
		for (int s = 0; s < SHAPES; s++)
			for (int i = 0; i < STAGES; i++) {
				const double ns = run_stage(&shapes[s], &stages[i]);

				if (r)
					least(&least_stages[s][i], ns);
			}
		for (int i = 0; r && i < LOOP_COUNT; i++)
			least(&least_loops[i], run_loop(&loops[i]));
	}
}

static void print(void)
{
	printf("{\"title\": \"What the parts of an event cost, ns/event, with a segment that nobody "
	       "reads\",\n \"head\": [\"part\"");
	for (int s = 0; s < SHAPES; s++)
		printf(", \"%s\"", shapes[s].name);
	printf("],\n \"rows\": [");
	for (int i = 0; i < PARTS; i++) {
		printf("%s[\"%s\"", i ? ",\n  " : "", parts[i]);
		for (int s = 0; s < SHAPES; s++)
			printf(", %.2f", least_stages[s][i + 1] - least_stages[s][i]);
		printf("]");
	}
	printf(",\n  [\"all of it\"");
	for (int s = 0; s < SHAPES; s++)
		printf(", %.2f", least_stages[s][STAGES - 1] - least_stages[s][0]);
	printf("]");
	for (int i = 0; i < LOOP_COUNT; i++)
		printf(",\n  [\"%s\", %.2f%s]", loops[i].name, least_loops[i],
		       ", null, null, null, null");
	printf("]}\n");
}

int main(int argc, char **argv)
{
	const int rounds = argc > 1 ? atoi(argv[1]) : ROUNDS;

	if (!getenv(SHM_ENV))
		return start_again(argv);
	real.free(malloc(1));
	if (!state.on || rounds < 1)
		return 1;
	measure(rounds);
	state.on = false;
	print();
	return 0;
}
