/*
 * taken - asks for snapshots of itself, by tracker.h and libtracker-replay: taken MODE. The truth is what it allocates.
 *
 * FILL is a macro: the call of malloc must stand on the line that the documentation's example has.
 */
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tracker-replay.h>

static void *head; /* blocks keep their list alive through their first bytes: no other allocation */

#define FILL(bytes, count)                                                                         \
	do {                                                                                       \
		const unsigned long each = (bytes) / (count);                                      \
		for (unsigned long i = 0; i < (count); i++) {                                      \
			void **const block = malloc(each + (i < (bytes)-each * (count)));          \
			if (!block)                                                                \
				abort();                                                           \
			*block = head;                                                             \
			head = block;                                                              \
		}                                                                                  \
	} while (0)

static char output[1 << 14]; /* stdout's: it allocates nothing */

static tracker_snapshot *take(void)
{
	tracker_snapshot *const s = tracker_take_snapshot();

	if (!s) {
		printf("no snapshot: %d %s\n", tracker_replay_last_code(), tracker_replay_last_error());
		exit(1);
	}
	return s;
}

static void print_top(void)
{
	tracker_snapshot *const s = take();
	tracker_statistic *all;
	char line[1000];
	size_t n;

	if (tracker_snapshot_statistics(s, TRACKER_KEY_LINENO, false, &all, &n) != TRACKER_OK)
		exit(1);
	for (size_t i = 0; i < n && i < 10; i++) {
		tracker_statistic_format(line, sizeof(line), &all[i]);
		puts(line);
	}
	puts("");
	tracker_statistics_free(all);
	tracker_snapshot_free(s);
}

static int start_with(int nframe)
{
	const int code = tracker_start(nframe);

	if (code != TRACKER_OK)
		printf("start: %d %s\n", code, tracker_last_error());
	return code;
}

/* Example 3: clear, stop, and a snapshot afterwards. */
static void cleared(void)
{
	if (start_with(1) != TRACKER_OK)
		return;
#line 5 "/src/cleared.c"
	FILL(54001664ul, 1499745ul);
	print_top();
#line 15 "/src/cleared.c"
	FILL(657408ul, 14998ul);
	print_top();
	tracker_clear_traces();
#line 25 "/src/cleared.c"
	FILL(538624ul, 14873ul);
	print_top();
#line 77 "taken.c"
	printf("%d ", tracker_is_tracing());
	tracker_stop();
	printf("%d\n", tracker_is_tracing());
	printf("%d ", tracker_take_snapshot() != NULL);
	printf("%d %s\n", tracker_replay_last_code(), tracker_replay_last_error());
}

/* Example 2: every question once. */
static void methods(void)
{
	size_t current, peak;
	tracker_traceback *t;

	if (start_with(25) != TRACKER_OK)
		return;
#line 12 "/src/methods.c"
	char *volatile p = malloc(1000);
#line 96 "taken.c"
	free(malloc(5000));
	printf("limit %d\n", tracker_get_traceback_limit());
	t = tracker_get_object_traceback(p);
	tracker_traceback_print(t, stdout, 1, false);
	printf("total %d\n", tracker_traceback_total_nframe(t) >= tracker_traceback_len(t));
	tracker_traceback_free(t);
	tracker_get_traced_memory(&current, &peak);
	printf("peak above current: %d, current: %d\n", peak > current, current >= 1000);
	printf("overhead %d, tracing %d\n", tracker_get_tracker_memory() > 0, tracker_is_tracing());
}

static void print_place(const char *what, tracker_traceback *t)
{
	tracker_frame f;

	if (t && tracker_traceback_frame(t, -1, &f) == TRACKER_OK)
		printf("%s: %s:%u in %s\n", what, f.filename, f.lineno, f.function);
	else
		printf("%s: %d %s\n", what, tracker_replay_last_code(), tracker_replay_last_error());
	tracker_traceback_free(t);
}

static void where(void)
{
	int on_stack = 0;

	if (start_with(5) != TRACKER_OK)
		return;
#line 12 "/src/where.c"
	char *volatile p = malloc(100);
	tracker_track(300, 0x4000, 77);
#line 128 "taken.c"
	print_place("block", tracker_get_object_traceback(p));
	print_place("inside", tracker_get_object_traceback(p + 8));
	print_place("tracked", tracker_get_object_traceback_in(300, 0x4000));
	print_place("on the stack", tracker_get_object_traceback(&on_stack));
	free(p);
	print_place("freed", tracker_get_object_traceback(p));
	tracker_stop();
	print_place("stopped", tracker_get_object_traceback(p));
}

__attribute__((noinline)) static void *deep(int frames)
{
	void *volatile p = frames > 1 ? deep(frames - 1) : malloc(4321);

	return p;
}

static void limited(void)
{
	tracker_trace trace;
	void *volatile p;

	if (start_with(2) != TRACKER_OK)
		return;
	p = deep(5);
	tracker_traceback *const t = tracker_get_object_traceback(p);
	tracker_snapshot *const s = take();

	printf("block: %zu of %d\n", tracker_traceback_len(t), tracker_traceback_total_nframe(t) >= 6);
	for (size_t i = 0; i < tracker_snapshot_len(s); i++)
		if (tracker_snapshot_trace(s, i, &trace) == TRACKER_OK && trace.size == 4321)
			printf("trace: %zu of %d, at it %d\n", tracker_traceback_len(trace.traceback),
			       tracker_traceback_total_nframe(trace.traceback) == tracker_traceback_total_nframe(t), trace.address == (uintptr_t)p);
	printf("limit %d\n", tracker_snapshot_traceback_limit(s));
	tracker_traceback_free(t);
	tracker_snapshot_free(s);
}

/* What the library allocates in this program is nobody's. */
static void unseen(void)
{
	size_t before, after;

	if (start_with(10) != TRACKER_OK)
		return;
	tracker_snapshot_free(take()); /* what is allocated once, by the C library, too */
	tracker_get_traced_memory(&before, NULL);
	tracker_snapshot *const s = take();
	tracker_statistic *all;
	size_t n;

	tracker_snapshot_statistics(s, TRACKER_KEY_LINENO, false, &all, &n);
	tracker_get_traced_memory(&after, NULL);
	printf("more: %zu\n", after - before);
	tracker_statistics_free(all);
	tracker_snapshot_free(s);
	tracker_get_traced_memory(&after, NULL);
	printf("more: %zu\n", after - before);
}

/* ---- a snapshot while threads go on ---- */

#define THREADS 8
#define BLOCKS 64 /* of each */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *blocks[THREADS][BLOCKS];
static size_t sizes[THREADS][BLOCKS];
static int over;

static void *work(void *data)
{
	const size_t me = (size_t)data;
	unsigned random = (unsigned)me + 1;

	while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
		const unsigned i = (random = random * 1103515245 + 12345) / 65536 % BLOCKS;
		const size_t size = 100000 + random % 1000;

		free(malloc(50)); /* without the lock */
		pthread_mutex_lock(&lock);
		free(blocks[me][i]);
		blocks[me][i] = random & 64 ? malloc(size) : NULL;
		sizes[me][i] = blocks[me][i] ? size : 0;
		pthread_mutex_unlock(&lock);
	}
	return NULL;
}

static size_t find(const void *p)
{
	for (size_t t = 0; t < THREADS; t++)
		for (size_t i = 0; i < BLOCKS; i++)
			if (blocks[t][i] == p)
				return sizes[t][i];
	return 0;
}

/* Under the lock: the snapshot has exactly the blocks that stand in the tables. */
static int is_exact(const tracker_snapshot *s)
{
	size_t want = 0, have = 0, wrong = 0;
	tracker_trace trace;

	for (size_t t = 0; t < THREADS; t++)
		for (size_t i = 0; i < BLOCKS; i++)
			want += blocks[t][i] != NULL;
	for (size_t i = 0; i < tracker_snapshot_len(s); i++) {
		tracker_snapshot_trace(s, i, &trace);
		if (trace.size < 100000 || trace.size >= 101000)
			continue;
		have++;
		wrong += find((void *)trace.address) != trace.size;
	}
	return want == have && !wrong && want > 0;
}

static bool have_begun(void)
{
	bool any = false;

	pthread_mutex_lock(&lock);
	for (size_t t = 0; t < THREADS; t++)
		for (size_t i = 0; i < BLOCKS; i++)
			any |= blocks[t][i] != NULL;
	pthread_mutex_unlock(&lock);
	return any;
}

static void threads(void)
{
	pthread_t all[THREADS];
	int exact = 0;

	if (start_with(25) != TRACKER_OK)
		return;
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&all[i], NULL, work, (void *)i);
	while (!have_begun())
		sched_yield();
	for (int i = 0; i < 10; i++) {
		pthread_mutex_lock(&lock);
		tracker_snapshot *const s = take();

		exact += is_exact(s);
		pthread_mutex_unlock(&lock);
		tracker_snapshot_free(s);
	}
	__atomic_store_n(&over, 1, __ATOMIC_RELEASE);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(all[i], NULL);
	printf("exact: %d of 10\n", exact);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} modes[] = { { "cleared", cleared }, { "methods", methods }, { "where", where }, { "limited", limited }, { "unseen", unseen }, { "threads", threads } };

	setvbuf(stdout, output, _IOFBF, sizeof(output));
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (argc > 1 && strcmp(argv[1], modes[i].name) == 0)
			modes[i].run();
	return 0;
}
