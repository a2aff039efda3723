/* predict - events to PREDICTED blocks and back. Bytes of blocks: test_predict_bytes.c. */
#include "coded_events.h"

static void comes_back(const struct trk_event *events, uint32_t count)
{
	static const uint32_t most[] = { 1, 30, PREDICT_BATCH_MAX };
	static const uint32_t rooms[] = { 128, 7, 1 };

	for (size_t i = 0; i < 3; i++) {
		struct coded c = encode(events, count, most[i]);

		assert_comes_back(&c, events, count, rooms[i]);
		forget(&c);
	}
}

/* Every kind, with refs that are right only by chance. */
static void random_events_come_back(void **unused)
{
	enum { COUNT = 40000 };
	struct trk_event *const events = calloc(COUNT, sizeof(*events));
	uint64_t seed = 7, time_ns = 1000;

	for (int i = 0; i < COUNT; i++) {
		const uint8_t kind = (uint8_t)(random_next(&seed) % TRK_KINDS);

		time_ns += random_next(&seed) % 3 ? 0 : random_next(&seed) >> 30;
		events[i] = any_event(&seed, is_kind(kind) ? kind : TRK_MALLOC, time_ns);
		events[i].ref = random_next(&seed) % 2 ? (uint32_t)(random_next(&seed) % 40) : TRK_REF_NONE;
	}
	comes_back(events, COUNT);
	free(events);
}

/* Few addresses, sizes, nodes: what is expected is met by chance, with every op. */
static void events_that_resemble_one_another_come_back(void **unused)
{
	enum { COUNT = 60000 };
	struct trk_event *const events = calloc(COUNT, sizeof(*events));
	uint64_t seed = 3;

	for (int i = 0; i < COUNT; i++) {
		const uint64_t any = random_next(&seed);
		struct trk_event *const e = &events[i];

		*e = any_event(&seed, any % 2 ? TRK_MALLOC : any % 5 ? TRK_FREE :
								       TRK_REALLOC,
			       5);
		e->address = e->address ? 4096 + (any >> 8) % 8 * 32 : 0;
		e->old_address = e->old_address ? 4096 + (any >> 12) % 8 * 32 : 0;
		e->size = trk_kind_allocates(e->kind) ? (any >> 16) % 3 * 500 : 0;
		e->node = trk_kind_allocates(e->kind) ? (any >> 20) % 3 + 1 : 0;
		e->thread = (any >> 24) % 3;
		e->ref = (any >> 28) % 10;
	}
	comes_back(events, COUNT);
	free(events);
}

static uint32_t expected_ref(const struct trk_event *e, uint32_t back_most)
{
	const bool here = e->ref != TRK_REF_UNKNOWN && e->ref <= back_most;

	if (e->kind == TRK_FREE || e->kind == TRK_DELETE || e->kind == TRK_DELETE_ARRAY)
		return here ? e->ref : TRK_REF_NONE;
	if (trk_kind_allocates(e->kind) && e->kind != TRK_REALLOCARRAY && e->address && !e->old_address &&
	    e->kind != TRK_TRACK)
		return here || e->ref == TRK_REF_NONE ? e->ref : TRK_REF_UNKNOWN;
	return here ? e->ref : TRK_REF_UNKNOWN;
}

/* Of each event the allocation that it ends, as long as that stands in the same block. */
static void refs_come_back(void **unused)
{
	enum { COUNT = 300000 };
	struct program *const p = malloc(sizeof(*p));
	struct trk_event *const events = calloc(COUNT, sizeof(*events)), *const got = calloc(COUNT, sizeof(*got));
	uint32_t n, i = 0, named = 0;
	struct coded c;

	program_init(p, 21, 3);
	for (int e = 0; e < COUNT; e++)
		events[e] = program_next(p);
	c = encode(events, COUNT, PREDICT_BATCH_MAX);
	assert_comes_back(&c, events, COUNT, 100);
	for (uint32_t b = 0; b < c.count; b++) {
		uint32_t born = 0;

		assert_int_equal(decode(c.bytes[b], c.size[b], c.items[b], c.first_ns[b], COUNT, got, &n), TRK_END);
		for (uint32_t e = 0; e < n; e++, i++) {
			assert_int_equal(got[e].ref, expected_ref(&events[i], born));
			named += got[e].ref && got[e].ref != TRK_REF_NONE;
			born += events[i].address && events[i].kind <= TRK_NEW_ARRAY && events[i].kind != TRK_REALLOCARRAY;
		}
	}
	assert_true(c.count > 2 && named > COUNT / 3);
	forget(&c);
	free(events);
	free(got);
	free(p);
}

static void what_repeats_costs_nothing(void **unused)
{
	enum { COUNT = 100000 };
	struct trk_event *const events = calloc(COUNT, sizeof(*events));
	struct coded c;

	for (uint32_t i = 0; i < COUNT; i++)
		events[i] = i % 2 ? (struct trk_event){ .kind = TRK_FREE, .address = 4096, .ref = 1 } : (struct trk_event){
			.kind = TRK_MALLOC,
			.address = 4096,
			.size = 40,
			.node = 9,
			.ref = TRK_REF_NONE,
		};
	for (uint32_t most = 1; most <= PREDICT_BATCH_MAX; most += PREDICT_BATCH_MAX - 1) {
		c = encode(events, COUNT, most);
		assert_true(c.count == 1 && c.size[0] < COUNT / 128 + 100);
		assert_comes_back(&c, events, COUNT, 128);
		forget(&c);
	}
	free(events);
}

/* A hundred thousand expected events behind columns that have little room left. */
static void a_run_ends_where_its_column_is_nearly_full(void **unused)
{
	enum { COUNT = 120000 };
	struct trk_event *const events = calloc(COUNT, sizeof(*events));

	for (uint32_t odd = 0; odd < 4000; odd += 97) {
		for (uint32_t i = 0; i < COUNT; i++)
			events[i] = i < odd ? (struct trk_event){ .kind = TRK_FREE, .address = i * 48, .ref = TRK_REF_NONE } : i % 2 ? (struct trk_event){
				.kind = TRK_FREE,
				.address = 4096,
				.ref = 1,
			} :
																       (struct trk_event){ .kind = TRK_MALLOC, .address = 4096, .ref = TRK_REF_NONE };
		struct coded c = encode(events, odd % 2 ? COUNT : 3000, 1);

		assert_comes_back(&c, events, odd % 2 ? COUNT : 3000, 128);
		forget(&c);
	}
	free(events);
}

static void times_stand_still_or_run_backwards(void **unused)
{
	enum { COUNT = 5000 };
	struct trk_event *const events = calloc(COUNT, sizeof(*events));
	uint64_t seed = 5, time_ns = 1ull << 62;

	for (int i = 0; i < COUNT; i++) {
		const uint64_t any = random_next(&seed);

		time_ns += any % 7 == 0 ? random_any(&seed) >> 12 : 0;
		events[i] = any_event(&seed, TRK_FREE, any % 11 ? time_ns : random_next(&seed) % (time_ns + 1));
		events[i].thread = any % 13 ? 0 : any_u32(&seed);
	}
	comes_back(events, COUNT);
	free(events);
}

static void a_block_is_full_of_events(void **unused)
{
	enum { COUNT = 300000 };
	struct trk_event *const events = calloc(COUNT, sizeof(*events));
	struct coded c;

	for (uint32_t i = 0; i < COUNT; i++)
		events[i] = (struct trk_event){ .kind = TRK_FREE, .address = 16, .time_ns = i };
	c = encode(events, COUNT, PREDICT_BATCH_MAX);
	assert_int_equal(c.count, 3);
	assert_in_range(c.items[0], PREDICT_EVENTS_MAX - 2 * PREDICT_BATCH_MAX, PREDICT_EVENTS_MAX);
	assert_comes_back(&c, events, COUNT, 128);
	forget(&c);
	free(events);
}

/* The largest fields, and labels as long as they come. */
static void a_block_is_full_of_bytes(void **unused)
{
	enum { COUNT = 30000 };
	struct trk_event *const events = calloc(COUNT, sizeof(*events));
	char label[TRK_LABEL_MAX];
	uint64_t seed = 1;

	memset(label, 'x', sizeof(label));
	for (uint32_t labels = 0; labels < 2; labels++) {
		for (uint32_t i = 0; i < COUNT; i++) {
			struct trk_event *const e = &events[i];

			*e = any_event(&seed, labels ? TRK_MARK : i % 3 ? TRK_REALLOC :
									  TRK_MREMAP,
				       (uint64_t)i << 48);
			e->thread = i % 2 ? UINT32_MAX : 0;
			e->node = i % 2 ? UINT32_MAX : 0;
			e->address = labels ? 0 : random_next(&seed) | 1ull << 63;
			e->old_address = labels ? 0 : random_next(&seed) >> 1 | 1;
			e->size = labels ? 0 : UINT64_MAX - i;
			e->label = labels ? label : NULL;
			e->label_bytes = labels ? sizeof(label) : 0;
			e->ref = TRK_REF_NONE;
		}
		struct coded c = encode(events, COUNT, PREDICT_BATCH_MAX);

		assert_true(c.count > 2 && c.size[0] > PREDICT_PAYLOAD_MAX / 3);
		assert_comes_back(&c, events, COUNT, 128);
		forget(&c);
	}
	free(events);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_events_come_back),
		cmocka_unit_test(events_that_resemble_one_another_come_back),
		cmocka_unit_test(refs_come_back),
		cmocka_unit_test(what_repeats_costs_nothing),
		cmocka_unit_test(a_run_ends_where_its_column_is_nearly_full),
		cmocka_unit_test(times_stand_still_or_run_backwards),
		cmocka_unit_test(a_block_is_full_of_events),
		cmocka_unit_test(a_block_is_full_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
