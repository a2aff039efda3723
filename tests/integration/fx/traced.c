/*
 * traced - asks tracker.h what it knows.
 *
 * usage: traced MODE; prints what the answers were.
 */
#include <stdint.h>

#include "traced.h"

static void is_traced(void)
{
	printf("tracing %d limit %d\n", tracker_is_tracing(), tracker_get_traceback_limit());
}

static void limits(void)
{
	static const int bad[] = { 0, -1, 65536, INT32_MIN };

	printf("before: %d %d\n", tracker_is_tracing(), tracker_get_traceback_limit());
	for (unsigned i = 0; i < 4; i++)
		start(bad[i]);
	start(3);
	start(7);
	printf("after: %d %d\n", tracker_is_tracing(), tracker_get_traceback_limit());
}

static void stopped(void)
{
	start(1);
	void *const p = block(1000);

	printf("traced: %d\n", now() >= 1000);
	printf("stop: %d, again %d\n", tracker_stop(), tracker_stop());
	printf("now: %zu %zu tracing %d limit %d dump %d\n", now(), peak(), tracker_is_tracing(), tracker_get_traceback_limit(), dumped(p));
	start(2);
	printf("restarted: %zu limit %d\n", now(), tracker_get_traceback_limit());
	free(p); /* unknown by now */
	printf("freed: %zu\n", now());
	free(block(50));
	printf("peak: %zu\n", peak());
}

static void figures(void)
{
	start(1);
	const size_t before = now();
	void *const p = block(MIB), *q;

	printf("block: %zu\n", now() - before);
	q = realloc(p, 3 * MIB);
	printf("realloc: %zu\n", now() - before);
	q = realloc(q, MIB / 2);
	printf("shrunk: %zu, peak %zu\n", now() - before, peak() - before);
	free(q);
	printf("freed: %zu\n", now() - before);
	void *const empty = block(0);

	printf("empty: %zu, frames %d\n", now() - before, dumped(empty));
	free(empty);
	printf("no pointers: %d\n", tracker_get_traced_memory(NULL, NULL));
}

/* CPython's test_reset_peak. */
static void reset(void)
{
	size_t peak1, peak2, peak3;
	void *p;

	start(1);
	free(block(10 * MIB));
	peak1 = peak();
	tracker_reset_peak();
	peak2 = peak();
	p = block(2 * MIB);
	peak3 = peak();
	free(p);
	printf("%d %d\n", peak2 < peak1, peak3 - peak2 >= MIB);
}

static void cleared(void)
{
	start(5);
	void *const before = block(5000);

	printf("clear: %d\n", tracker_clear_traces());
	printf("now: %zu %zu, frames %d\n", now(), peak(), dumped(before));
	void *const behind = block(70);

	free(before);
	printf("behind: %zu, frames %d\n", now(), dumped(behind));
}

static void cost(void)
{
	size_t one, many, gone;
	static void *all[20000];

	start(25);
	one = tracker_get_tracker_memory();
	for (int i = 0; i < 20000; i++)
		all[i] = deep(i % 30 + 1, 10);
	many = tracker_get_tracker_memory();
	tracker_clear_traces();
	gone = tracker_get_tracker_memory();
	printf("%d %d %d, lost %d\n", one > 0, many > one, gone <= many, (int)tracker_get_lost_traces());
	(void)all;
}

static void where(void)
{
	char on_stack;

	start(10);
	char *const p = deep(3, 100);
	const uintptr_t address = (uintptr_t)p;

	printf("at %d in %d behind %d stack %d null %d\n", dumped(p) > 3, dumped(p + 99) == dumped(p), dumped(p + 100 + 24), dumped(&on_stack),
	       dumped(NULL));
	printf("missing: %d ", tracker_dump_traceback(1, &on_stack));
	printf("%s\n", tracker_last_error());
	free(p);
	printf("freed: %d\n", dumped_at(address));
}

static void frames(void)
{
	start(4);
	printf("%d %d %d\n", dumped(deep(1, 10)), dumped(deep(20, 10)), dumped(deep(3, 10)));
}

/* CPython's TestCAPI. */
static void domains(void)
{
	int tracked[4];
	size_t current, most;

	printf("off: %d %d\n", tracker_track(5, 0x7000, 123), tracker_untrack(5, 0x7000));
	start(10);
	const size_t before = now();

	tracked[0] = tracker_track(5, 0x7000, 123);
	tracked[1] = tracker_track(6, 0x7000, 20);
	tracker_get_traced_memory_in(5, &current, &most);
	printf("track: %d %d, %zu %zu, all %zu\n", tracked[0], tracked[1], current, most, now() - before);
	tracked[0] = tracker_track(5, 0x7000, 200);
	tracker_get_traced_memory_in(5, &current, &most);
	printf("again: %d, %zu %zu, all %zu\n", tracked[0], current, most, now() - before);
	for (int i = 0; i < 3; i++)
		tracked[i] = tracker_untrack(5, 0x7000);
	tracker_get_traced_memory_in(5, &current, &most);
	printf("untrack: %d %d %d, %zu %zu, all %zu\n", tracked[0], tracked[1], tracked[2], current, most, now() - before);
	tracker_get_traced_memory_in(4000, &current, &most);
	printf("unknown: %zu %zu\n", current, most);
	tracker_stop();
	printf("stopped: %d %d\n", tracker_track(5, 0x7000, 1), tracker_untrack(5, 0x7000));
}

/* An arena is one block of the heap; what it is cut into are blocks of a domain of the pool's. */
static void pool(void)
{
	enum { DOMAIN = 300, OBJECTS = 100, BYTES = 48 };
	size_t heap, most, objects;
	static char *all[OBJECTS];

	start(5);
	tracker_get_traced_memory_in(TRACKER_DOMAIN_HEAP, &heap, &most);
	const size_t before = now(), heap_before = heap;
	char *const arena = block(MIB);

	for (int i = 0; i < OBJECTS; i++) {
		all[i] = arena + i * BYTES;
		tracker_track(DOMAIN, (uintptr_t)all[i], BYTES);
	}
	for (int i = 0; i < OBJECTS / 2; i++)
		tracker_untrack(DOMAIN, (uintptr_t)all[i]);
	tracker_get_traced_memory_in(TRACKER_DOMAIN_HEAP, &heap, NULL);
	tracker_get_traced_memory_in(DOMAIN, &objects, &most);
	printf("heap %zu, pool %zu of %zu, all %zu\n", heap - heap_before, objects, most, now() - before);
	free(arena);
	tracker_get_traced_memory_in(TRACKER_DOMAIN_HEAP, &heap, NULL);
	printf("freed: heap %zu, all %zu\n", heap - heap_before, now() - before);
}

int main(int argc, char **argv)
{
	static const struct traced_mode modes[] = { { "limits", limits }, { "stopped", stopped }, { "figures", figures }, { "reset", reset }, { "cleared", cleared }, { "cost", cost }, { "where", where }, { "frames", frames }, { "domains", domains }, { "pool", pool }, { "", is_traced }, { NULL, NULL } };

	return run_mode(modes, argc > 1 ? argv[1] : "");
}
