/* writer_file - what captures are written into: pipes, full disks, files that may not grow, and how large they become. */
#include "written_file.h"

static void a_pipe_does_for_a_file(void **unused)
{
	struct writer *w;
	uint8_t b[256];
	int p[2];

	assert_int_equal(pipe(p), 0);
	assert_int_equal(writer_new(&w, p[1], &header), 0);
	assert_int_equal(writer_finish(w), 0);
	assert_int_equal(read(p[0], b, sizeof(b)), writer_bytes(w));
	writer_free(w);
	close(p[0]);
	close(p[1]);
}

static void a_full_disk_is_told_once_and_for_all(void **unused)
{
	FILE *full = fopen("/dev/full", "w");
	struct writer *w = (void *)1;

	assert_non_null(full);
	assert_int_equal(writer_new(&w, fileno(full), &header), TRK_ERR_IO);
	assert_int_equal(errno, ENOSPC);
	assert_ptr_equal(w, (void *)1);
	fclose(full);
}

/* A file that may not grow beyond 100 KB: the last write is a short one. */
static void what_was_written_before_an_error_stays_readable(void **unused)
{
	const struct rlimit small = { 100000, RLIM_INFINITY };
	struct rlimit old;
	struct file f = { .fd = -1 };
	struct trk_block_header h;
	struct writer *w;
	uint64_t seed = 2, items = 0;
	FILE *t = tmpfile();

	assert_non_null(t);
	f.fd = dup(fileno(t));
	fclose(t);
	assert_int_equal(writer_new(&w, f.fd, &header), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 100000; i++) {
		const struct trk_event e = { .kind = TRK_MALLOC, .address = random_next(&seed) };

		writer_event(w, &e);
		if (i % 1000 == 0)
			writer_flush(w);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(writer_error(w), EFBIG);
	assert_int_equal(writer_finish(w), TRK_ERR_IO);
	assert_int_equal(errno, EFBIG);
	assert_int_equal(writer_bytes(w), 100000);
	load(&f);
	assert_int_equal(f.size, 100000);
	while (next_block(&f, &h))
		items += h.items;
	assert_true(items > 5000 && items < 20000);
	assert_true(f.size - f.at < 20000);
	writer_free(w);
	done(&f);
}

static void an_idle_process_costs_nothing(void **unused)
{
	struct file f;
	struct writer *w = begin(&f);
	struct trk_event e = { .kind = TRK_FREE };

	for (e.process = 0; e.process < 30000; e.process++) {
		writer_event(w, &e);
		if (e.process % 100 == 0)
			writer_flush(w);
	}
	finish(w, &f);
	done(&f);
}

static uint32_t noise(uint32_t *state)
{
	return *state = *state * 1664525u + 1013904223u;
}

/* What cannot be packed, and names that do not fit: never more than what was foreseen. */
static void a_file_never_outgrows_its_bound(void **state)
{
	struct file f;
	struct writer *w = begin(&f);
	struct trk_event e = { .kind = TRK_MALLOC };
	uint32_t random = 1;
	uint64_t bound;
	char name[300];
	(void)state;

	for (uint32_t i = 0; i < 100000; i++) {
		e.address = ((uint64_t)noise(&random) << 32 | noise(&random)) & ~15ull;
		e.size = noise(&random);
		e.node = writer_node(w, 0, writer_frame(w, 0, noise(&random)));
		e.time_ns += noise(&random) >> 8;
		e.process = i % 7;
		writer_event(w, &e);
	}
	bound = writer_bytes_bound(w);
	writer_limit_symbols(w, bound + 200000);
	assert_false(writer_symbols_left_out(w));
	for (uint32_t i = 1; i <= 20000; i++) {
		for (size_t k = 0; k < sizeof(name) - 1; k++)
			name[k] = (char)(' ' + (noise(&random) >> 8) % 90);
		name[sizeof(name) - 1] = 0;
		writer_symbols(w, i, &(struct trk_symbol_text){ .function = name }, 1);
		if (i == 100)
			assert_false(writer_symbols_left_out(w));
	}
	assert_true(writer_symbols_left_out(w));
	finish(w, &f);
	assert_in_range(f.size, bound / 2, bound + 200000);
	done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipe_does_for_a_file),
		cmocka_unit_test(a_full_disk_is_told_once_and_for_all),
		cmocka_unit_test(what_was_written_before_an_error_stays_readable),
		cmocka_unit_test(an_idle_process_costs_nothing),
		cmocka_unit_test(a_file_never_outgrows_its_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
