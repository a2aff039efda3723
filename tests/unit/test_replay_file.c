/*
 * test_replay_file - an opened capture of libtracker-replay: snapshots at several points, totals, processes, events. What is expected
 * is what library.h puts into the capture.
 */
#include "library.h"

static void snapshots_at_points_outlive_the_file(void **state)
{
	struct making m = cpython();
	tracker_file *const f = tracker_file_open(m.file.path);
	tracker_snapshot *const one = tracker_file_snapshot(f, "one"), *const two = tracker_file_snapshot(f, "#2");
	tracker_snapshot *const peak = tracker_file_snapshot(f, NULL);

	tracker_file_free(f);
	expect_changes(two, one, TRACKER_KEY_FILENAME,
		       LINES("a.c:0: size=5032 B (+5000 B), count=5 (+1), average=1006 B", "c.c:0: size=400 B (+400 B), count=1 (+1), average=400 B",
			     "b.c:0: size=0 B (-66 B), count=0 (-1)", "<unknown>:0: size=0 B (-7 B), count=0 (-1)"));
	assert_int_equal(tracker_snapshot_len(peak), 6);
	tracker_snapshot_free(one);
	tracker_snapshot_free(two);
	tracker_snapshot_free(peak);
	close(m.file.fd);
}

static void totals_are_of_the_whole_capture(void **state)
{
	struct making m = cpython();
	tracker_file *const f = tracker_file_open(m.file.path);
	struct {
		tracker_totals known;
		uint64_t newer; /* than the library */
	} t;
	uint64_t allocations[2] = { 0, 77 };

	memset(&t, 0xff, sizeof(t));
	assert_int_equal(tracker_file_totals(f, &t.known, sizeof(t)), TRACKER_OK);
	assert_int_equal(t.known.allocations, 9);
	assert_int_equal(t.known.frees, 3);
	assert_int_equal(t.known.bytes_allocated, 105 + 5402);
	assert_int_equal(t.known.leaked_bytes, 30 + 5402);
	assert_int_equal(t.known.leaked_blocks, 6);
	assert_int_equal(t.known.peak_bytes, 30 + 5402);
	assert_int_equal(t.known.lost + t.known.sample_bytes, 0);
	assert_int_equal(t.newer, 0);
	/* an older program's structure had one field */
	assert_int_equal(tracker_file_totals(f, (tracker_totals *)(void *)allocations, sizeof(allocations[0])), TRACKER_OK);
	assert_int_equal(allocations[0], 9);
	assert_int_equal(allocations[1], 77);
	tracker_file_free(f);
	close(m.file.fd);
}

static void processes_are_told(void **state)
{
	struct making m = cpython();
	tracker_file *const f = tracker_file_open(m.file.path);
	tracker_process p;

	assert_int_equal(tracker_file_process(f, 0, &p, sizeof(p)), TRACKER_OK);
	assert_int_equal(p.pid, 100);
	assert_string_equal(p.name, "app");
	assert_true(p.end_ns == UINT64_MAX && p.status == -1 && p.signal == 0);
	assert_int_equal(tracker_file_process(f, 1, &p, sizeof(p)), TRACKER_EINVAL);
	expect_failure(TRACKER_EINVAL, "the capture has 1");
	tracker_file_free(f);
	close(m.file.fd);
}

struct seen {
	tracker_file *file;
	size_t mallocs, tracks, untracks, marks, all;
	size_t stop_after;
};

static int see(const tracker_event *e, void *data)
{
	struct seen *const s = data;
	tracker_frame f;

	s->all++;
	s->mallocs += !strcmp(e->kind, "malloc");
	s->tracks += !strcmp(e->kind, "track");
	s->untracks += !strcmp(e->kind, "untrack");
	if (!strcmp(e->kind, "mark")) {
		assert_memory_equal(e->label, s->marks ? "two" : "one", 3);
		assert_int_equal(e->label_bytes, 3);
		s->marks++;
	}
	assert_int_equal(e->pid, 100);
	assert_int_equal(e->tid, 100);
	if (e->size == 400) {
		assert_int_equal(e->domain, 4);
		assert_int_equal(tracker_traceback_frame(tracker_file_traceback(s->file, e->stack), -1, &f), TRACKER_OK);
		assert_int_equal(f.lineno, 578);
	}
	return s->all == s->stop_after ? 42 : 0;
}

static void events_come_in_order(void **state)
{
	struct making m = cpython();
	struct seen s = { .file = tracker_file_open(m.file.path) };

	assert_int_equal(tracker_file_events(s.file, see, &s), TRACKER_OK);
	assert_int_equal(s.mallocs, 3);
	assert_int_equal(s.tracks, 6);
	assert_int_equal(s.untracks, 3);
	assert_int_equal(s.marks, 2);
	assert_int_equal(s.all, 14);
	s = (struct seen){ .file = s.file, .stop_after = 5 };
	assert_int_equal(tracker_file_events(s.file, see, &s), 42);
	assert_int_equal(s.all, 5);
	assert_null(tracker_file_traceback(s.file, 1000));
	expect_failure(TRACKER_EINVAL, "there is no stack 1000");
	tracker_file_free(s.file);
	close(m.file.fd);
}

static void null_and_what_is_not_there_is_refused(void **state)
{
	struct making m = cpython();
	tracker_file *const f = tracker_file_open(m.file.path);
	tracker_totals totals;
	tracker_process process;

	assert_null(tracker_file_open(NULL));
	assert_null(tracker_file_open("/nowhere"));
	expect_failure(TRACKER_ENOENT, "No such file: /nowhere");
	assert_null(tracker_file_snapshot(NULL, NULL));
	assert_null(tracker_file_snapshot(f, "three"));
	expect_failure(TRACKER_ENOENT, "three");
	assert_null(tracker_file_snapshot(f, ""));
	assert_int_equal(tracker_file_totals(NULL, &totals, sizeof(totals)), TRACKER_EINVAL);
	assert_int_equal(tracker_file_totals(f, NULL, 8), TRACKER_EINVAL);
	assert_int_equal(tracker_file_process(NULL, 0, &process, sizeof(process)), TRACKER_EINVAL);
	assert_int_equal(tracker_file_events(NULL, see, NULL), TRACKER_EINVAL);
	assert_int_equal(tracker_file_events(f, NULL, NULL), TRACKER_EINVAL);
	assert_null(tracker_file_traceback(NULL, 0));
	tracker_file_free(NULL);
	tracker_file_free(f);
	close(m.file.fd);
}

static void the_program_itself_is_not_traced(void **state)
{
	int here;

	assert_null(tracker_take_snapshot());
	assert_int_equal(tracker_replay_last_code(), TRACKER_EDISABLED);
	assert_null(tracker_get_object_traceback(&here));
	expect_failure(TRACKER_EDISABLED, "tracker");
	assert_null(tracker_get_object_traceback_in(300, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(snapshots_at_points_outlive_the_file),
		cmocka_unit_test(totals_are_of_the_whole_capture),
		cmocka_unit_test(processes_are_told),
		cmocka_unit_test(events_come_in_order),
		cmocka_unit_test(null_and_what_is_not_there_is_refused),
		cmocka_unit_test(the_program_itself_is_not_traced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
