/*
 * fuzz_snapshot - whole files, as libtracker-replay is given them: a snapshot at one of several points, filtered, grouped and
 * formatted; what is dumped is a capture that says the same. Inputs are those of fuzz_capture.
 */
#include "capture_input.h"

#include "snapshot_write.h"
#include "tracker-replay.h"

static const tracker_key_type keys[] = { TRACKER_KEY_FILENAME, TRACKER_KEY_LINENO, TRACKER_KEY_TRACEBACK, TRACKER_KEY_FUNCTION,
					 TRACKER_KEY_MODULE };

struct sums {
	uint64_t bytes, count;
};

static struct sums sums_of(const tracker_snapshot *s, tracker_key_type key)
{
	struct sums ret = { 0 };
	tracker_statistic *all;
	char text[64];
	size_t n;

	MUST(tracker_snapshot_statistics(s, key, false, &all, &n) == TRACKER_OK);
	for (size_t i = 0; i < n; i++) {
		MUST(tracker_traceback_len(all[i].traceback) >= 1);
		MUST(tracker_traceback_total_nframe(all[i].traceback) >= tracker_traceback_len(all[i].traceback));
		MUST(tracker_statistic_format(text, sizeof(text), &all[i]) > 0);
		MUST(i == 0 || all[i - 1].size >= all[i].size);
		ret.bytes += all[i].size;
		ret.count += all[i].count;
	}
	tracker_statistics_free(all);
	return ret;
}

/*
 * But where releases were lost, and two blocks are at one address; and in sums of a sampled capture fractions are rounded by which
 * allocation of its thread a block was, which a snapshot does not say.
 */
static void must_be_the_same(const tracker_snapshot *a, const tracker_snapshot *b)
{
	tracker_statistic_diff *all;
	size_t n;

	MUST(tracker_snapshot_len(a) <= tracker_snapshot_len(b));
	if (source_capture(b->source)->damaged_blocks || source_capture(b->source)->header.sample_bytes)
		return;
	MUST(tracker_snapshot_len(a) == tracker_snapshot_len(b));
	MUST(tracker_snapshot_compare_to(a, b, TRACKER_KEY_TRACEBACK, false, &all, &n) == TRACKER_OK);
	for (size_t i = 0; i < n; i++)
		MUST(all[i].size_diff == 0 && all[i].count_diff == 0);
	tracker_statistics_free(all);
}

static void must_come_back_whole(const tracker_snapshot *s)
{
	tracker_snapshot *again;
	char path[64];
	const int fd = as_file(NULL, 0, path);

	if (fd < 0)
		return;
	MUST(snapshot_write(s, fd) == 0);
	again = tracker_snapshot_load(path);
	MUST(again);
	must_be_the_same(again, s);
	tracker_snapshot_free(again);
	close(fd);
}

static void filter(const tracker_snapshot *s, const struct sums *all)
{
	const tracker_filter with = { true, "*", 0, true, -1 }, without = { false, "*", 0, true, -1 };
	tracker_snapshot *const some = tracker_snapshot_filter(s, &with, 1), *const others = tracker_snapshot_filter(s, &without, 1);
	const struct sums a = sums_of(some, TRACKER_KEY_LINENO), b = sums_of(others, TRACKER_KEY_LINENO);

	MUST(a.bytes + b.bytes == all->bytes && a.count + b.count == all->count);
	MUST(tracker_snapshot_len(some) + tracker_snapshot_len(others) == tracker_snapshot_len(s));
	must_come_back_whole(some);
	tracker_snapshot_free(some);
	tracker_snapshot_free(others);
}

static void use(const tracker_snapshot *s)
{
	const struct sums all = sums_of(s, TRACKER_KEY_LINENO);
	tracker_trace trace;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct sums same = sums_of(s, keys[i]);

		MUST(same.bytes == all.bytes && same.count == all.count);
	}
	for (size_t i = 0; i < tracker_snapshot_len(s); i += 97)
		MUST(tracker_snapshot_trace(s, i, &trace) == TRACKER_OK && trace.traceback);
	if (capture_is_aggregated(source_capture(s->source)))
		return;
	filter(s, &all);
	must_come_back_whole(s);
}

/* At one point, which the input chooses: all take too long. */
static void ask_for_snapshot(const char *path, size_t which)
{
	static const char *const points[] = { "", "@end", "@500ns", "@#1", "@20ns..900ns" };
	char at[100];
	tracker_snapshot *s;

	snprintf(at, sizeof(at), "%s%s", path, points[which % (sizeof(points) / sizeof(points[0]))]);
	s = tracker_snapshot_load(at);
	MUST(s || (tracker_replay_last_code() < 0 && *tracker_replay_last_error()));
	if (s)
		use(s);
	tracker_snapshot_free(s);
}

/* Captures of many events take too long. */
static bool is_small(const char *path)
{
	struct trk_fault fault;
	struct capture *c = NULL;
	const bool ret = capture_open(&c, path, &fault) != 0 || c->event_count <= 2000;

	capture_close(c);
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trk_header header = { .version = TRK_VERSION, .page_bytes = 4096 };
	const uint8_t *bytes = file;
	size_t n;
	char path[64];

	if (!size || size > FILE_MAX)
		return 0;
	if (data[0] & 0x80) {
		header.required = TRK_FEATURE_SAMPLED;
		header.sample_bytes = 512;
	}
	if (data[0] & 1) {
		n = build_file(&header, data + 1, size - 1);
	} else if (data[0] & 2) {
		n = stamp_file(data + 1, size - 1);
	} else {
		bytes = data + 1;
		n = size - 1;
	}
	const int fd = as_file(bytes, n, path);

	if (fd < 0)
		return 0;
	if (is_small(path))
		ask_for_snapshot(path, size);
	close(fd);
	return 0;
}
