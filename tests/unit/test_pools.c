/*
 * pools - the tracked blocks of a process, of which a program releases whole ranges: what is in the range comes once, by
 * ascending addresses, and all else stays. The truth is a table of bytes.
 */
#include "unit.h"

#include "replay/heap.h"
#include "tools/allocations.h"
#include "tools/record/pool_events.h"
#include "tools/record/pools.h"

enum { DOMAINS = 3,
       PLACES = 400,
       ROUNDS = 20000 };

/* Part of main.c of the recorder. */
uint64_t recorder_clock(const struct recorder *r)
{
	(void)r;
	return 0;
}

struct model {
	struct recorder r;
	struct process p;
	struct heap *heap;
	uint8_t tracked[DOMAINS][PLACES]; /* domains 300 to 302, addresses 1 to PLACES */
	uint32_t domain;
	uint64_t last; /* address that came last */
	size_t got, most;
};

static bool take(void *model, uint64_t address)
{
	struct model *const m = model;

	assert_true(address > m->last && address <= PLACES);
	assert_true(m->tracked[m->domain][address - 1]);
	m->tracked[m->domain][address - 1] = 0;
	m->last = address;
	m->got++;
	return m->got < m->most;
}

static size_t count(const struct model *m, uint32_t domain, uint64_t from, uint64_t end)
{
	size_t n = 0;

	for (uint64_t i = from; i < end; i++)
		n += i && i <= PLACES && m->tracked[domain][i - 1];
	return n;
}

static void take_range(struct model *m, uint32_t domain, uint64_t from, uint64_t bytes)
{
	const size_t want = count(m, domain, from, bytes > PLACES ? PLACES + 1 : from + bytes);

	m->domain = domain;
	m->last = m->got = 0;
	m->most = SIZE_MAX;
	pools_take_range(&m->r, &m->p, m->heap, 300 + domain, from, bytes, take, m);
	assert_int_equal(m->got, want);
}

static struct model *model_new(void)
{
	struct model *const m = calloc(1, sizeof(*m));

	assert_non_null(m);
	assert_int_equal(heap_new(&m->heap, 1, NULL), 0);
	return m;
}

static void model_free(struct model *m)
{
	pools_free(&m->p);
	heap_free(m->heap);
	free(m);
}

static void any_order_of_calls_is_survived(void **state)
{
	struct model *const m = model_new();
	uint64_t seed = 7;

	take_range(m, 0, 0, UINT64_MAX);
	for (int i = 0; i < ROUNDS; i++) {
		const uint32_t domain = (uint32_t)(random_next(&seed) % DOMAINS);
		const uint64_t address = 1 + random_next(&seed) % PLACES;

		switch (random_next(&seed) % 16) {
		case 0:
			take_range(m, domain, address, random_next(&seed) % 40);
			break;
		case 1:
		case 2:
		case 3:
		case 4:
			pools_untrack(&m->p, 300 + domain, address);
			m->tracked[domain][address - 1] = 0;
			break;
		default:
			pools_track(&m->r, &m->p, 300 + domain, address);
			m->tracked[domain][address - 1] = 1;
		}
	}
	for (uint32_t d = 0; d < DOMAINS; d++) {
		assert_true(count(m, d, 1, PLACES + 1) > 100);
		take_range(m, d, 0, UINT64_MAX);
		take_range(m, d, 0, UINT64_MAX);
	}
	assert_false(m->r.out_of_memory);
	model_free(m);
}

/* Blocks of the heap, of other domains and of other processes are none of the range. */
static void the_first_range_finds_what_was_live_before(void **state)
{
	struct model *const m = model_new();
	const struct trk_event before[] = {
		{ .kind = TRK_MALLOC, .address = 20, .size = 8 },
		{ .kind = TRK_TRACK, .domain = 300, .address = 20, .size = 8 },
		{ .kind = TRK_TRACK, .domain = 300, .address = 30, .size = 8 },
		{ .kind = TRK_TRACK, .domain = 300, .address = 40, .size = 8 },
		{ .kind = TRK_UNTRACK, .domain = 300, .address = 30 },
		{ .kind = TRK_TRACK, .domain = 301, .address = 21, .size = 8 },
		{ .kind = TRK_TRACK, .domain = 300, .address = 22, .size = 8, .process = 1 },
	};

	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		assert_int_equal(heap_apply(m->heap, &before[i]), 0);
	m->tracked[0][20 - 1] = m->tracked[0][40 - 1] = m->tracked[1][21 - 1] = 1;
	take_range(m, 0, 10, 30); /* its end is not in it */
	assert_int_equal(m->got, 1);
	take_range(m, 0, 40, 1);
	assert_int_equal(m->got, 1);
	take_range(m, 1, 0, UINT64_MAX);
	assert_int_equal(m->got, 1);
	model_free(m);
}

static void track_in_heap(struct model *m, uint64_t address)
{
	assert_int_equal(heap_apply(m->heap, &(struct trk_event){ .kind = TRK_TRACK, .domain = 300, .address = address, .size = 8 }), 0);
}

/* The live heap is searched once, however often the program clears its traces. */
static void after_a_clear_the_table_is_empty(void **state)
{
	struct model *const m = model_new();

	take_range(m, 0, 0, UINT64_MAX);
	pools_track(&m->r, &m->p, 300, 20);
	track_in_heap(m, 30); /* the heap is not told of the clear: only a search would find this */
	pool_events_note(&m->r, &m->p, &(struct wire_record){ .kind = TRK_CLEAR });
	take_range(m, 0, 0, UINT64_MAX);
	pools_track(&m->r, &m->p, 300, 40);
	m->tracked[0][40 - 1] = 1;
	take_range(m, 0, 0, UINT64_MAX);
	model_free(m);
}

/* A heap that has stopped holds blocks that may have been released long ago. */
static void a_heap_that_stopped_is_not_believed(void **state)
{
	struct model *const m = model_new();

	track_in_heap(m, 30);
	m->r.heap_stopped = true;
	take_range(m, 0, 0, UINT64_MAX);
	model_free(m);
}

/* There is no memory for the table, or for another node: it is said, and not asked for again with each range or block. */
static void memory_is_asked_for_once(void **state)
{
	struct model *const m = model_new();

	allocations_reset(1);
	for (int i = 0; i < 3; i++)
		take_range(m, 0, 0, UINT64_MAX);
	assert_int_equal(allocations.calls, 1);
	assert_true(m->r.out_of_memory);
	pools_free(&m->p); /* another program */
	m->r.out_of_memory = false;
	take_range(m, 0, 0, UINT64_MAX);
	assert_int_equal(allocations.calls, 3);
	assert_false(m->r.out_of_memory);
	allocations_reset(1);
	for (uint64_t i = 1; i <= 5000; i++)
		pools_track(&m->r, &m->p, 301, i);
	assert_int_equal(allocations.calls, 1);
	assert_true(m->r.out_of_memory);
	allocations_reset(0);
	for (uint64_t i = 1; i <= PLACES; i++)
		m->tracked[1][i - 1] = 1;
	take_range(m, 1, 1, PLACES); /* it keeps what it has */
	model_free(m);
}

static void who_has_enough_gets_no_more(void **state)
{
	struct model *const m = model_new();

	take_range(m, 0, 0, 1);
	for (uint64_t i = 1; i <= 10; i++) {
		pools_track(&m->r, &m->p, 300, i);
		m->tracked[0][i - 1] = 1;
	}
	m->domain = m->last = m->got = 0;
	m->most = 4;
	pools_take_range(&m->r, &m->p, m->heap, 300, 0, 100, take, m);
	assert_int_equal(m->got, 4);
	model_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order_of_calls_is_survived),
		cmocka_unit_test(the_first_range_finds_what_was_live_before),
		cmocka_unit_test(after_a_clear_the_table_is_empty),
		cmocka_unit_test(a_heap_that_stopped_is_not_believed),
		cmocka_unit_test(memory_is_asked_for_once),
		cmocka_unit_test(who_has_enough_gets_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
