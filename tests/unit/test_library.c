/*
 * test_library - libtracker-replay as programs use it: tracebacks, snapshots, files, and what callers do wrong. Each case is
 * named after the row of the promise that it checks (b33: dump and load ...).
 */
#include "library.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

/* ---- tracebacks ---- */

static void b21_frames_go_from_the_oldest_to_the_most_recent(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");
	tracker_trace trace;
	tracker_frame f;

	for (size_t i = 0; i < tracker_snapshot_len(s); i++) {
		assert_int_equal(tracker_snapshot_trace(s, i, &trace), TRACKER_OK);
		if (trace.size == 10)
			break;
	}
	assert_int_equal(tracker_traceback_len(trace.traceback), 2);
	assert_int_equal(tracker_traceback_frame(trace.traceback, 0, &f), TRACKER_OK);
	assert_string_equal(f.filename, "b.c");
	assert_int_equal(f.lineno, 4);
	assert_int_equal(tracker_traceback_frame(trace.traceback, -1, &f), TRACKER_OK);
	assert_string_equal(f.filename, "a.c");
	assert_string_equal(f.function, "a");
	assert_string_equal(f.module, "/bin/app");
	assert_int_equal(tracker_traceback_frame(trace.traceback, 1, &f), TRACKER_OK);
	assert_string_equal(f.filename, "a.c");
	assert_int_equal(tracker_traceback_frame(trace.traceback, 2, &f), TRACKER_EINVAL);
	assert_int_equal(tracker_traceback_frame(trace.traceback, -3, &f), TRACKER_EINVAL);
	assert_int_equal(tracker_traceback_frame(trace.traceback, PTRDIFF_MIN, &f), TRACKER_EINVAL);
	assert_int_equal(tracker_traceback_frame(trace.traceback, PTRDIFF_MAX, &f), TRACKER_EINVAL);
	expect_failure(TRACKER_EINVAL, "the traceback has 2");
	tracker_traceback_free((tracker_traceback *)trace.traceback); /* it is the snapshot's */
	tracker_snapshot_free(s);
	close(m.file.fd);
}

static void b21_an_empty_stack_has_one_unknown_frame(void **state)
{
	struct making m = cpython();
	const tracker_filter heap3 = { true, NULL, -1, false, 3 };
	tracker_snapshot *const s = load_at(&m.file, "one"), *const of3 = tracker_snapshot_filter(s, &heap3, 1);
	tracker_trace trace;

	assert_int_equal(tracker_snapshot_len(of3), 1);
	assert_int_equal(tracker_snapshot_trace(of3, 0, &trace), TRACKER_OK);
	assert_int_equal(tracker_traceback_len(trace.traceback), 1);
	expect_printed(trace.traceback, 0, false, "  File \"<unknown>\", line 0\n");
	tracker_snapshot_free(s);
	tracker_snapshot_free(of3);
	close(m.file.fd);
}

static void b22_total_nframe_counts_the_frames_that_were_cut_off(void **state)
{
	struct making m = begin();
	const uint32_t whole = STACK(&m, { "d.c", 4, "d" }, { "c.c", 3, "c" }, { "b.c", 2, "b" }, { "a.c", 1, "a" });
	/* its two most recent frames; the same, of stacks that were five deep */
	const uint32_t two = writer_node(m.writer, whole, writer_frame(m.writer, 0, TRK_FRAME_CUT + 2));
	const uint32_t of_five = writer_node(m.writer, two, writer_frame(m.writer, 0, TRK_FRAME_DEPTH + 5));
	tracker_statistic *all;
	tracker_trace trace;
	size_t n;

	writer_health(m.writer, "nframe", 2);
	put(&m, 0, 8, two);
	put(&m, 0, 8, of_five);
	end(&m);
	tracker_snapshot *const s = load_at(&m.file, "end");
	size_t totals = 0;

	assert_int_equal(tracker_snapshot_traceback_limit(s), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(tracker_snapshot_trace(s, i, &trace), TRACKER_OK);
		assert_int_equal(tracker_traceback_len(trace.traceback), 2);
		totals += tracker_traceback_total_nframe(trace.traceback);
	}
	assert_in_range(totals, 3 + 5, 5 + 5); /* the first does not say how deep it was */
	/* the same two frames: one traceback */
	assert_int_equal(tracker_snapshot_statistics(s, TRACKER_KEY_TRACEBACK, false, &all, &n), TRACKER_OK);
	assert_int_equal(n, 1);
	assert_int_equal(all[0].count, 2);
	tracker_statistics_free(all);
	tracker_snapshot_free(s);
	close(m.file.fd);
}

static void b23_a_traceback_is_printed_as_tracemalloc_does(void **state)
{
	char a[] = "/tmp/test-library-XXXXXX";
	const int fd = mkstemp(a);
	char want[2][500];
	struct making m = begin();
	tracker_trace trace;

	assert_int_equal(write(fd, "int x;\n\tp = malloc(10);\n", 24), 24);
	fchmod(fd, 0644);
	put(&m, 0, 8, STACK(&m, { "/nowhere/b.c", 4, "b" }, { a, 2, "a" }));
	end(&m);
	tracker_snapshot *const s = load_at(&m.file, "end");

	assert_int_equal(tracker_snapshot_trace(s, 0, &trace), TRACKER_OK);
	snprintf(want[0], sizeof(want[0]), "  File \"/nowhere/b.c\", line 4\n");
	snprintf(want[1], sizeof(want[1]), "  File \"%s\", line 2\n    p = malloc(10);\n", a);
	expect_printed(trace.traceback, 1, false, want[1]);
	expect_printed(trace.traceback, -1, false, want[0]);
	expect_printed(trace.traceback, 1, true, want[1]);
	char both[1100];

	snprintf(both, sizeof(both), "%s%s", want[0], want[1]);
	expect_printed(trace.traceback, 0, false, both);
	expect_printed(trace.traceback, 9, false, both);
	expect_printed(trace.traceback, -9, false, both);
	snprintf(both, sizeof(both), "%s%s", want[1], want[0]);
	expect_printed(trace.traceback, 0, true, both);
	FILE *const full = fopen("/dev/full", "w");

	setvbuf(full, NULL, _IONBF, 0);
	assert_int_equal(tracker_traceback_print(trace.traceback, full, 0, false), TRACKER_EIO);
	fclose(full);
	tracker_snapshot_free(s);
	close(m.file.fd);
	close(fd);
	unlink(a);
}

/* ---- snapshots ---- */

static void b31_a_snapshot_has_one_trace_for_each_block(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const one = load_at(&m.file, "one"), *const two = load_at(&m.file, "two");
	tracker_trace trace;
	size_t bytes = 0, domains = 0;

	assert_int_equal(tracker_snapshot_len(one), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(tracker_snapshot_trace(one, i, &trace), TRACKER_OK);
		assert_true(trace.address >= 0x1000);
		bytes += trace.size;
		domains += trace.domain;
	}
	assert_int_equal(bytes, 105);
	assert_int_equal(domains, 1 + 2 + 3);
	assert_int_equal(tracker_snapshot_trace(one, 6, &trace), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_len(two), 6);
	tracker_snapshot_free(one);
	tracker_snapshot_free(two);
	close(m.file.fd);
}

static void b32_the_limit_is_the_recordings_or_the_default(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");

	assert_int_equal(tracker_snapshot_traceback_limit(s), 1024);
	tracker_snapshot_free(s);
	close(m.file.fd);
}

struct folder {
	char path[64], file[96];
};

static struct folder folder_new(void)
{
	struct folder f = { .path = "/tmp/test-library-XXXXXX" };

	assert_non_null(mkdtemp(f.path));
	snprintf(f.file, sizeof(f.file), "%s/snapshot.bin", f.path);
	return f;
}

static size_t files_in(const struct folder *f)
{
	DIR *const d = opendir(f->path);
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void folder_end(const struct folder *f)
{
	unlink(f->file);
	assert_int_equal(rmdir(f->path), 0);
}

static void b33_a_dumped_snapshot_loads_as_the_same(void **state)
{
	static const char *const lines[] = { "b.c:1: size=66 B, count=1, average=66 B", "a.c:2: size=30 B, count=3, average=10 B",
					     "<unknown>:0: size=7 B, count=1, average=7 B", "a.c:5: size=2 B, count=1, average=2 B", NULL };
	const struct folder folder = folder_new();
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");
	struct stat st;

	expect_statistics(s, TRACKER_KEY_LINENO, false, lines);
	for (int i = 0; i < 2; i++) /* the second replaces the first */
		assert_int_equal(tracker_snapshot_dump(s, folder.file), TRACKER_OK);
	assert_int_equal(files_in(&folder), 1);
	assert_int_equal(stat(folder.file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	tracker_snapshot *const again = tracker_snapshot_load(folder.file);

	expect_statistics(again, TRACKER_KEY_LINENO, false, lines);
	assert_int_equal(tracker_snapshot_len(again), 6);
	/* one that was loaded from where it is written to */
	assert_int_equal(tracker_snapshot_dump(again, folder.file), TRACKER_OK);
	expect_changes(s, again, TRACKER_KEY_FILENAME,
		       LINES("b.c:0: size=66 B (+0 B), count=1 (+0), average=66 B", "a.c:0: size=32 B (+0 B), count=4 (+0), average=8 B",
			     "<unknown>:0: size=7 B (+0 B), count=1 (+0), average=7 B"));
	tracker_snapshot_free(s);
	tracker_snapshot_free(again);
	folder_end(&folder);
	close(m.file.fd);
}

static void b33_what_passed_the_filters_is_dumped(void **state)
{
	const tracker_filter not_a = { false, "a.c", -1, false, -1 };
	const struct folder folder = folder_new();
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one"), *const some = tracker_snapshot_filter(s, &not_a, 1);

	assert_int_equal(tracker_snapshot_dump(some, folder.file), TRACKER_OK);
	tracker_snapshot *const again = tracker_snapshot_load(folder.file);

	expect_statistics(again, TRACKER_KEY_LINENO, false,
			  LINES("b.c:1: size=66 B, count=1, average=66 B", "<unknown>:0: size=7 B, count=1, average=7 B"));
	assert_int_equal(tracker_snapshot_len(again), 2);
	tracker_snapshot_free(s);
	tracker_snapshot_free(some);
	tracker_snapshot_free(again);
	folder_end(&folder);
	close(m.file.fd);
}

static void b33_a_mapping_that_was_cut_stays_one_block(void **state)
{
	const struct folder folder = folder_new();
	struct making m = begin();
	const uint32_t node = STACK(&m, { "map.c", 3, "map" });
	struct trk_event e = event_of(0, 0, TRK_MMAP, 0x100000, 5 * 4096 - 100);

	e.node = node;
	writer_event(m.writer, &e);
	e = event_of(0, 0, TRK_MUNMAP, 0x101000, 4096);
	writer_event(m.writer, &e);
	e = event_of(0, 0, TRK_MUNMAP, 0x103000, 4096);
	writer_event(m.writer, &e);
	put(&m, 0, 50, node);
	end(&m);
	tracker_snapshot *s = load_at(&m.file, "end");

	for (int i = 0; i < 2; i++) {
		expect_statistics(s, TRACKER_KEY_LINENO, false, LINES("map.c:3: size=12.0 KiB, count=2, average=6119 B"));
		assert_int_equal(tracker_snapshot_len(s), 4);
		assert_int_equal(tracker_snapshot_dump(s, folder.file), TRACKER_OK);
		tracker_snapshot_free(s);
		s = tracker_snapshot_load(folder.file);
		assert_non_null(s);
	}
	tracker_snapshot_free(s);
	folder_end(&folder);
	close(m.file.fd);
}

static void b33_a_dump_that_fails_leaves_nothing_behind(void **state)
{
	const struct folder folder = folder_new();
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");

	assert_int_equal(tracker_snapshot_dump(s, "/dev/full"), TRACKER_EIO);
	expect_failure(TRACKER_EIO, "/dev/full cannot be written: ");
	assert_int_equal(access("/dev/full", F_OK), 0);
	assert_int_equal(mkdir(folder.file, 0700), 0);
	assert_int_equal(tracker_snapshot_dump(s, folder.file), TRACKER_EIO);
	assert_int_equal(rmdir(folder.file), 0);
	assert_int_equal(files_in(&folder), 0);
	assert_int_equal(tracker_snapshot_dump(s, "/nowhere/at/all"), TRACKER_EIO);
	expect_failure(TRACKER_EIO, "No such file or directory");
	tracker_snapshot_free(s);
	folder_end(&folder);
	close(m.file.fd);
}

static void b34_what_is_no_capture_is_refused(void **state)
{
	const struct folder folder = folder_new();
	const int fd = open(folder.file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert_null(tracker_snapshot_load(folder.file));
	expect_failure(TRACKER_EINVAL, "is empty");
	assert_int_equal(write(fd, "(dp0\nVtraces\np1\n. And so on, as pickle does.", 45), 45);
	assert_null(tracker_snapshot_load(folder.file));
	expect_failure(TRACKER_EINVAL, "Failed to parse allocation records in ");
	close(fd);
	folder_end(&folder);
	assert_null(tracker_snapshot_load(folder.file));
	expect_failure(TRACKER_ENOENT, "No such file: ");
	assert_null(tracker_snapshot_load("/tmp"));
	expect_failure(TRACKER_EIO, "Cannot read /tmp");
}

static void b30_a_point_that_is_none_is_refused(void **state)
{
	struct making m = cpython();
	char path[200];

	snprintf(path, sizeof(path), "%s@three", m.file.path);
	assert_null(tracker_snapshot_load(path));
	expect_failure(TRACKER_ENOENT, "three");
	snprintf(path, sizeof(path), "%s@120%%", m.file.path);
	assert_null(tracker_snapshot_load(path));
	assert_true(tracker_replay_last_code() < 0);
	close(m.file.fd);
}

static void b59_one_address_in_two_domains_is_two_blocks(void **state)
{
	const struct folder folder = folder_new();
	struct making m = begin();
	const uint32_t node = STACK(&m, { "pool.c", 7, "f" });

	put(&m, 5, 10, node);
	m.address -= 0x10000;
	put(&m, 6, 20, node);
	end(&m);
	tracker_snapshot *const s = load_at(&m.file, "end");

	expect_statistics(s, TRACKER_KEY_LINENO, false, LINES("pool.c:7: size=30 B, count=2, average=15 B"));
	assert_int_equal(tracker_snapshot_dump(s, folder.file), TRACKER_OK);
	tracker_snapshot *const again = tracker_snapshot_load(folder.file);

	assert_int_equal(tracker_snapshot_len(again), 2);
	tracker_snapshot_free(s);
	tracker_snapshot_free(again);
	folder_end(&folder);
	close(m.file.fd);
}

/* ---- the caller's mistakes, and threads ---- */

static void null_is_refused_and_never_followed(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");
	tracker_statistic *all;
	tracker_statistic_diff *changes;
	tracker_trace trace;
	tracker_frame frame;
	char text[8];
	size_t n;

	assert_null(tracker_snapshot_load(NULL));
	expect_failure(TRACKER_EINVAL, "tracker_snapshot_load was given NULL");
	assert_null(tracker_snapshot_filter(NULL, NULL, 0));
	assert_null(tracker_snapshot_filter(s, NULL, 1));
	assert_int_equal(tracker_snapshot_dump(NULL, "/tmp/x"), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_dump(s, NULL), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_trace(NULL, 0, &trace), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_trace(s, 0, NULL), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_statistics(NULL, TRACKER_KEY_LINENO, false, &all, &n), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_statistics(s, TRACKER_KEY_LINENO, false, NULL, &n), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_statistics(s, TRACKER_KEY_LINENO, false, &all, NULL), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_compare_to(s, NULL, TRACKER_KEY_LINENO, false, &changes, &n), TRACKER_EINVAL);
	assert_int_equal(tracker_snapshot_compare_to(NULL, s, TRACKER_KEY_LINENO, false, &changes, &n), TRACKER_EINVAL);
	assert_int_equal(tracker_traceback_frame(NULL, 0, &frame), TRACKER_EINVAL);
	assert_int_equal(tracker_traceback_print(NULL, stdout, 0, false), TRACKER_EINVAL);
	assert_int_equal(tracker_traceback_len(NULL) + tracker_traceback_total_nframe(NULL), 0);
	assert_int_equal(tracker_snapshot_len(NULL), 0);
	assert_int_equal(tracker_snapshot_traceback_limit(NULL), 0);
	assert_int_equal(tracker_statistic_format(text, sizeof(text), NULL), -1);
	assert_int_equal(tracker_statistic_diff_format(text, sizeof(text), NULL), -1);
	tracker_snapshot_free(NULL);
	tracker_statistics_free(NULL);
	tracker_traceback_free(NULL);
	tracker_snapshot_free(s);
	close(m.file.fd);
}

static void *use(void *data)
{
	const tracker_filter some = { true, "a.c", ANY, true, ANY };

	for (int i = 0; i < 50; i++) {
		tracker_snapshot *const own = tracker_snapshot_filter(data, &some, 1);
		tracker_statistic *all;
		size_t n;

		if (tracker_snapshot_statistics(own, TRACKER_KEY_TRACEBACK, false, &all, &n) != TRACKER_OK || n != 2)
			return data;
		tracker_statistics_free(all);
		tracker_snapshot_free(own);
	}
	return tracker_replay_last_code() == TRACKER_OK ? NULL : data; /* others' failures are not this thread's */
}

static void threads_use_one_snapshot(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");
	pthread_t threads[4];
	void *failed;

	assert_null(tracker_snapshot_load(NULL));
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, use, s), 0);
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	tracker_snapshot_free(s);
	close(m.file.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b21_frames_go_from_the_oldest_to_the_most_recent),
		cmocka_unit_test(b21_an_empty_stack_has_one_unknown_frame),
		cmocka_unit_test(b22_total_nframe_counts_the_frames_that_were_cut_off),
		cmocka_unit_test(b23_a_traceback_is_printed_as_tracemalloc_does),
		cmocka_unit_test(b30_a_point_that_is_none_is_refused),
		cmocka_unit_test(b31_a_snapshot_has_one_trace_for_each_block),
		cmocka_unit_test(b32_the_limit_is_the_recordings_or_the_default),
		cmocka_unit_test(b33_a_dumped_snapshot_loads_as_the_same),
		cmocka_unit_test(b33_what_passed_the_filters_is_dumped),
		cmocka_unit_test(b33_a_mapping_that_was_cut_stays_one_block),
		cmocka_unit_test(b33_a_dump_that_fails_leaves_nothing_behind),
		cmocka_unit_test(b34_what_is_no_capture_is_refused),
		cmocka_unit_test(b59_one_address_in_two_domains_is_two_blocks),
		cmocka_unit_test(null_is_refused_and_never_followed),
		cmocka_unit_test(threads_use_one_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
