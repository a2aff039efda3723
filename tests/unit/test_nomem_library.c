/*
 * nomem_library - memory runs out while libtracker-replay loads, filters, groups, compares and dumps: at the first allocation, at the
 * second, and so on until there are none left to refuse. Each time the call fails with TRACKER_ENOMEM, or what it says is right,
 * and all that was allocated is given back. Usage: test_nomem_library CAPTURE...
 */
#include "unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot_write.h"
#include "tools/allocations.h"
#include "tracker-replay.h"

/* What was said: a hash of all lines. */
struct said {
	uint64_t lines, hash;
};

static void say(struct said *s, const char *text)
{
	s->lines++;
	for (; *text; text++)
		s->hash = (s->hash ^ (uint8_t)*text) * 0x100000001b3ull;
}

static int say_statistics(const tracker_snapshot *s, tracker_key_type key, struct said *ret)
{
	tracker_statistic *all;
	char text[300];
	size_t n;
	const int code = tracker_snapshot_statistics(s, key, false, &all, &n);

	if (code)
		return code;
	for (size_t i = 0; i < n; i++) {
		tracker_frame f;

		assert_int_equal(tracker_traceback_frame(all[i].traceback, -1, &f), TRACKER_OK);
		snprintf(text, sizeof(text), "%s %u %zu %zu", f.filename, f.lineno, all[i].size, all[i].count);
		say(ret, text);
	}
	tracker_statistics_free(all);
	return TRACKER_OK;
}

static int say_changes(const tracker_snapshot *newer, const tracker_snapshot *older, struct said *ret)
{
	tracker_statistic_diff *all;
	char text[100];
	size_t n;
	const int code = tracker_snapshot_compare_to(newer, older, TRACKER_KEY_FUNCTION, true, &all, &n);

	if (code)
		return code;
	for (size_t i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "%lld %lld", (long long)all[i].size_diff, (long long)all[i].count_diff);
		say(ret, text);
	}
	tracker_statistics_free(all);
	return TRACKER_OK;
}

static int dump(const tracker_snapshot *s)
{
	const int fd = memfd_create("dump", MFD_CLOEXEC);
	const int err = snapshot_write(s, fd);

	close(fd);
	assert_true(!err || err == TRK_ERR_NOMEM);
	return err ? TRACKER_ENOMEM : TRACKER_OK;
}

static int ask(const char *path, struct said *ret)
{
	const tracker_filter some = { false, "*b.c", -1, true, -1 };
	tracker_snapshot *const s = tracker_snapshot_load(path), *const filtered = s ? tracker_snapshot_filter(s, &some, 1) : NULL;
	int code = filtered ? TRACKER_OK : tracker_replay_last_code();

	for (int key = TRACKER_KEY_FILENAME; key < TRACKER_KEY_TYPE && !code; key++)
		code = say_statistics(s, (tracker_key_type)key, ret);
	if (!code)
		code = say_changes(filtered, s, ret);
	if (!code)
		code = dump(filtered);
	tracker_snapshot_free(filtered);
	tracker_snapshot_free(s);
	if (allocations.live)
		fail_msg("%s: allocation %llu was refused, and %zu bytes are lost", path, (unsigned long long)allocations.fail_at, allocations.live);
	return code;
}

static uint64_t refuse_each(const char *path)
{
	struct said whole = { 0 };

	allocations_reset(0);
	assert_int_equal(ask(path, &whole), TRACKER_OK);
	for (uint64_t n = 1;; n++) {
		struct said got = { 0 };
		int code;

		allocations_reset(n);
		code = ask(path, &got);
		if (!allocations.refused)
			return n - 1;
		if (code ? code != TRACKER_ENOMEM : memcmp(&got, &whole, sizeof(got)) != 0)
			fail_msg("%s: without allocation %llu it says %d, in %llu lines of %llu", path, (unsigned long long)n, code,
				 (unsigned long long)got.lines, (unsigned long long)whole.lines);
	}
}

static char **paths;

static void every_allocation(void **state)
{
	uint64_t refused = 0;

	(void)state;
	for (char **path = paths; *path; path++)
		refused += refuse_each(*path);
	print_message("%llu allocations were refused\n", (unsigned long long)refused);
	assert_true(refused > 300);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation) };

	(void)argc;
	paths = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
