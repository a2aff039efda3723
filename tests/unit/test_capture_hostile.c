/* capture_hostile - captures whose checksums hold and whose tables lie: nothing breaks, and nothing costs much. */
#include "capture_reading.h"

/* Events whose tables never came: every id in range, nothing lost. */
static void ids_that_no_table_has_become_0(void **state)
{
	const struct capture_file f = header_only();
	uint8_t raw[TRK_EVENT_BYTES_MAX];
	struct event_state s = event_state_init(0);
	const struct trk_event e = { .kind = TRK_NEW, .address = 64, .size = 8, .node = 4000, .thread = 55 };
	const size_t n = (size_t)(event_encode(&s, &e, raw) - raw);
	struct trk_event *events;
	struct capture *c;
	size_t count;

	capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_EVENTS, .process = 2, .items = 1 },
			   raw, n);
	c = capture_file_open(&f);
	assert_int_equal(c->process_count, 3);
	assert_string_equal(c->processes[2].name, "");
	assert_true(c->thread_count > 0);
	events = capture_file_events(c, UINT32_MAX, &count);
	assert_int_equal(count, 1);
	assert_int_equal(events[0].process, 2);
	assert_int_equal(events[0].node, 0);
	assert_int_equal(events[0].thread, 0);
	assert_int_equal(events[0].size, 8);
	free(events);
	capture_close(c);
	close(f.fd);
}

static long peak_rss_kib(void)
{
	struct rusage u;

	assert_int_equal(getrusage(RUSAGE_SELF, &u), 0);
	return u.ru_maxrss;
}

/* One small number must not buy gigabytes. */
static void claimed_counts_and_ids_cost_nothing(void **state)
{
	static const uint16_t types[] = { TRK_BLOCK_MODULES, TRK_BLOCK_FRAMES, TRK_BLOCK_NODES,
					  TRK_BLOCK_STRINGS };
	const struct capture_file f = header_only();
	const long before = peak_rss_kib();
	uint8_t raw[64], *end;
	struct capture *c;

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
		end = put_varint(raw, 0xf0000000u);
		*end++ = 1;
		*end++ = 1;
		capture_file_block(&f, (struct trk_block_header){ .type = types[i], .items = 9 }, raw,
				   (size_t)(end - raw));
	}
	end = put_varint(raw, 5);
	end = put_varint(end, 0xefffffffu);
	for (uint16_t t = TRK_BLOCK_PROCESSES; t <= TRK_BLOCK_THREADS; t++)
		capture_file_block(&f, (struct trk_block_header){ .type = t, .items = 9 }, raw,
				   (size_t)(end - raw));
	end = put_varint(put_varint(raw, 1), 1ull << 60); /* symbols of frame 1 */
	capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_SYMBOLS, .items = 9 }, raw,
			   (size_t)(end - raw));
	capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_EVENTS, .process = 0xeffffff0u, .items = UINT32_MAX },
			   raw, 4);
	c = capture_file_open(&f);
	assert_int_equal(c->damaged_blocks, 8);
	capture_close(c);
	assert_true(peak_rss_kib() - before < 64 * 1024);
	close(f.fd);
}

static void a_lost_table_leaves_a_gap_of_unknown_ids(void **state)
{
	const struct capture_file f = header_only();
	uint8_t raw[64], *end = put_varint(raw, 5);
	struct capture *c;

	end = put_varint(end, 3);
	memcpy(end, "abc", 3);
	capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_STRINGS, .items = 1 }, raw,
			   (size_t)(end + 3 - raw));
	end = put_varint(put_varint(put_varint(raw, 9), 2), 700);
	capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_NODES, .items = 1 }, raw,
			   (size_t)(end - raw));
	c = capture_file_open(&f);
	assert_int_equal(c->damaged_blocks, 0);
	assert_int_equal(c->string_count, 6);
	assert_string_equal(c->strings[0], "");
	assert_string_equal(c->strings[4], "");
	assert_string_equal(c->strings[5], "abc");
	assert_int_equal(c->node_count, 10);
	assert_int_equal(c->nodes[9].parent, 7);
	assert_int_equal(c->nodes[9].frame, 0);
	capture_close(c);
	close(f.fd);
}

/* Nodes that would make a loop. */
static void a_parent_is_always_older(void **state)
{
	static const uint8_t raws[][3] = { { 1, 0, 1 }, { 1, 2, 1 } };

	for (size_t i = 0; i < 2; i++) {
		const struct capture_file f = header_only();
		struct capture *c;

		capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_NODES, .items = 1 },
				   raws[i], 3);
		c = capture_file_open(&f);
		assert_int_equal(c->damaged_blocks, 1);
		assert_int_equal(c->node_count, 1);
		capture_close(c);
		close(f.fd);
	}
}

/* Checksums hold, contents are random: nothing may break. */
static void random_payloads_do_no_harm(void **state)
{
	uint64_t seed = 7;

	for (int round = 0; round < 300; round++) {
		const struct capture_file f = header_only();
		bool complete;

		for (uint16_t type = 1; type <= TRK_BLOCK_INDEX; type++) {
			uint8_t raw[300];
			const size_t n = random_next(&seed) % sizeof(raw);

			for (size_t i = 0; i < n; i++)
				raw[i] = (uint8_t)(random_next(&seed) >> (random_next(&seed) % 8));
			if (n)
				raw[0] %= 2; /* `first` is often right */
			capture_file_block(&f, (struct trk_block_header){ .type = type, .items = (uint32_t)n },
					   raw, n);
		}
		assert_true(read_all(&f, &complete) >= 0);
		close(f.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_that_no_table_has_become_0),
		cmocka_unit_test(claimed_counts_and_ids_cost_nothing),
		cmocka_unit_test(a_lost_table_leaves_a_gap_of_unknown_ids),
		cmocka_unit_test(a_parent_is_always_older),
		cmocka_unit_test(random_payloads_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
