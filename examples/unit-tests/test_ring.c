/*
 * test_ring - what ring promises of memory. Each case is a test; those that begin with "bad" break a promise, and must be
 * found out. 77: the library is not there, so that nothing could be checked.
 */
#include "ring.h"

#include <tracker.h>

#include <stdio.h>
#include <string.h>

#define ROOM 1000
#define SKIPPED 77

static bool good_push(void)
{
	struct ring *r = ring_new(ROOM);
	int n = 0;

	TRACKER_ASSERT_NO_ALLOC
	{
		for (int i = 0; i < ROOM; i++)
			if (!ring_push(r, i))
				break;
		while (ring_pop(r, &n))
			;
	}
	ring_free(r);
	return n == ROOM - 1;
}

static bool good_new(void)
{
	struct ring *r = NULL;

	TRACKER_ASSERT_MAX_ALLOCS(2, ROOM * sizeof(int) + 64)
	r = ring_new(ROOM);
	ring_free(r);
	return r != NULL;
}

static bool good_free(void)
{
	TRACKER_ASSERT_NO_LEAK
	{
		struct ring *r = ring_new(ROOM);

		if (!r || !ring_push_growing(r, 1))
			return false; /* leaves the block as its end does */
		ring_free(r);
	}
	return true;
}

/* One ring is one small and one large allocation. */
static bool good_sizes(void)
{
	tracker_allocation_size sizes = TRACKER_ALLOCATION_SIZE_INIT;

	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	ring_free(ring_new(ROOM));
	return sizes.bucket[1] == 1 && sizes.bucket[8] == 1;
}

/* Whoever makes a ring without memory gets none, and loses nothing. */
static bool good_failure(void)
{
	tracker_alarm second = TRACKER_ALARM_INIT;
	struct ring *r = NULL;

	second.action = TRACKER_ALARM_FAIL;
	TRACKER_ASSERT_NO_LEAK
	TRACKER_WITH_ALARM(tracker_alarm_ignore(&second, 1))
	r = ring_new(ROOM);
	return r == NULL && second.fired == 1;
}

static bool bad_push(void)
{
	struct ring *r = ring_new(ROOM);

	TRACKER_ASSERT_NO_ALLOC
	ring_push_growing(r, 1);
	ring_free(r);
	return true;
}

static bool bad_new(void)
{
	TRACKER_ASSERT_MAX_ALLOCS(2, ROOM)
	ring_free(ring_new(ROOM));
	return true;
}

static bool bad_free(void)
{
	TRACKER_ASSERT_NO_LEAK
	ring_push(ring_new(ROOM), 1);
	return true;
}

static const struct {
	const char *name;
	bool (*run)(void);
} cases[] = {
	{ "good_push", good_push },
	{ "good_new", good_new },
	{ "good_free", good_free },
	{ "good_sizes", good_sizes },
	{ "good_failure", good_failure },
	{ "bad_push", bad_push },
	{ "bad_new", bad_new },
	{ "bad_free", bad_free },
};

int main(int argc, char **argv)
{
	if (!tracker_version()[0]) {
		puts("skipped: libtracker is not there");
		return SKIPPED;
	}
	for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(argv[1], cases[i].name) == 0)
			return cases[i].run() ? 0 : 1;
	fprintf(stderr, "usage: test_ring CASE\n");
	return 2;
}
