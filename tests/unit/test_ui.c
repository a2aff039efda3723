/*
 * test_ui - numbers, text, JSON and output files. The table of sizes was printed
 * by CPython's tracemalloc._format_size; JSON is read back with cJSON.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "ui/ui.h"

#define TIB (1024ll * 1024 * 1024 * 1024)

static void sizes_are_tracemallocs(void **state)
{
	static const struct {
		int64_t bytes;
		const char *plain, *with_sign;
	} golden[] = {
		{ 0, "0 B", "+0 B" },
		{ 1, "1 B", "+1 B" },
		{ -1, "-1 B", "-1 B" },
		{ 6544, "6544 B", "+6544 B" },
		{ 10239, "10239 B", "+10239 B" },
		{ -10239, "-10239 B", "-10239 B" },
		{ 10240, "10.0 KiB", "+10.0 KiB" },
		{ -10240, "-10.0 KiB", "-10.0 KiB" },
		{ 102399, "100.0 KiB", "+100.0 KiB" },
		{ 102400, "100 KiB", "+100 KiB" },
		{ 10485759, "10240 KiB", "+10240 KiB" },
		{ 10485760, "10.0 MiB", "+10.0 MiB" },
		{ 10 * TIB, "10.0 TiB", "+10.0 TiB" },
		{ 99999 * TIB, "99999 TiB", "+99999 TiB" },
	};
	char buf[32];

	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++) {
		assert_string_equal(ui_size(buf, sizeof(buf), golden[i].bytes, false),
				    golden[i].plain);
		assert_string_equal(ui_size(buf, sizeof(buf), golden[i].bytes, true),
				    golden[i].with_sign);
	}
}

static void averages_round_half_to_even(void **state)
{
	char buf[32];

	assert_string_equal(ui_size_fraction(buf, sizeof(buf), 0.5, false), "0 B");
	assert_string_equal(ui_size_fraction(buf, sizeof(buf), 1.5, false), "2 B");
	assert_string_equal(ui_size_fraction(buf, sizeof(buf), 2.5, false), "2 B");
	assert_string_equal(ui_size_fraction(buf, sizeof(buf), 6544 / 3.0, false), "2181 B");
}

static void sizes_parse_in_both_kinds_of_units(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 },
		{ "4096", 4096 },
		{ "100MB", 100000000 },
		{ "100MiB", 104857600 },
		{ "1.5g", 1610612736 },
		{ "64kib", 65536 },
		{ "2 KB", 2000 },
		{ "7B", 7 },
		{ "0.5k", 512 },
		{ "18446744073709551615", UINT64_MAX },
	};
	static const char *const bad[] = { "", "-1", "x", "1x", "1.", ".5", "1e3", "0x10", "inf",
					   "18446744073709551616", "99999999t", "1KiBB", "1,5k" };
	uint64_t n;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(ui_parse_size(good[i].text, &n));
		assert_int_equal(n, good[i].bytes);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ui_parse_size(bad[i], &n));
}

static void durations_parse_to_nanoseconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "1.5s", 1500000000 },
		{ "200ms", 200000000 },
		{ "3m", 180000000000 },
		{ "2", 2000000000 },
		{ "0.25", 250000000 },
		{ "7us", 7000 },
		{ "9ns", 9 },
		{ "1h", 3600000000000 },
	};
	static const char *const bad[] = { "", "peak", "-1s", "1.5.5", "s", "1 day", "99999999999h" };
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(ui_parse_duration(good[i].text, &ns));
		assert_int_equal(ns, good[i].ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(ui_parse_duration(bad[i], &ns));
}

static void counts_have_thousands_separators(void **state)
{
	char buf[40];

	assert_string_equal(ui_count(buf, sizeof(buf), 0), "0");
	assert_string_equal(ui_count(buf, sizeof(buf), 999), "999");
	assert_string_equal(ui_count(buf, sizeof(buf), 1000), "1,000");
	assert_string_equal(ui_count(buf, sizeof(buf), 1284331), "1,284,331");
	assert_string_equal(ui_count(buf, sizeof(buf), UINT64_MAX), "18,446,744,073,709,551,615");
	assert_string_equal(ui_count(buf, 4, 1284331), "1,2");
}

static char *text_of(const char *s)
{
	char *out = NULL;
	size_t n = 0;
	FILE *const f = open_memstream(&out, &n);

	ui_text(f, s);
	fclose(f);
	return out;
}

static void text_cannot_drive_a_terminal(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "plain, \xc3\xa4\xe2\x82\xac\xf0\x9f\x93\x82", "plain, \xc3\xa4\xe2\x82\xac\xf0\x9f\x93\x82" },
		{ "a\x1b[31mb\nc\td\x7f", "a\\x1b[31mb\\x0ac\\x09d\\x7f" },
		{ "\xff\xc0\x80", "\\xff\\xc0\\x80" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "cut \xe2\x82", "cut \\xe2\\x82" },
		{ "\xe2\x80\xae"
		  "flow",
		  "\\u202eflow" },
		{ "\xc2\x9b"
		  "31m",
		  "\\x9b31m" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *const got = text_of(cases[i].in);
		assert_string_equal(got, cases[i].out);
		free(got);
	}
}

static void json_reads_back(void **state)
{
	char *out = NULL;
	size_t n = 0;
	struct ui_json j;
	const double pi = 0.1 + 0.2;

	for (int compact = 0; compact < 2; compact++) {
		FILE *const f = open_memstream(&out, &n);
		ui_json_init(&j, f, compact);
		ui_json_begin_report(&j, "tracker.test", 3);
		ui_json_string(&j, "text", "q\" b\\ \n\x01 \xc3\xa4");
		ui_json_string(&j, "none", NULL);
		ui_json_uint(&j, "big", UINT64_MAX);
		ui_json_int(&j, "small", INT64_MIN);
		ui_json_double(&j, "sum", pi);
		ui_json_double(&j, "nan", NAN);
		ui_json_bool(&j, "yes", true);
		ui_json_array(&j, "list");
		ui_json_uint(&j, NULL, 1);
		ui_json_object(&j, NULL);
		ui_json_end(&j);
		ui_json_array(&j, NULL);
		ui_json_end(&j);
		ui_json_end(&j);
		ui_json_end(&j);
		fclose(f);
		assert_non_null(strstr(out, "18446744073709551615"));
		assert_non_null(strstr(out, "-9223372036854775808"));
		if (compact)
			assert_ptr_equal(strchr(out, '\n'), out + n - 1);
		cJSON *const doc = cJSON_Parse(out);
		assert_non_null(doc);
		assert_string_equal(cJSON_GetObjectItem(doc, "schema")->valuestring, "tracker.test");
		assert_int_equal(cJSON_GetObjectItem(doc, "schema_version")->valueint, 3);
		assert_string_equal(cJSON_GetObjectItem(doc, "text")->valuestring,
				    "q\" b\\ \n\x01 \xc3\xa4");
		assert_true(cJSON_IsNull(cJSON_GetObjectItem(doc, "none")));
		assert_true(cJSON_IsNull(cJSON_GetObjectItem(doc, "nan")));
		assert_true(cJSON_IsTrue(cJSON_GetObjectItem(doc, "yes")));
		assert_true(cJSON_GetObjectItem(doc, "sum")->valuedouble == pi);
		assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "list")), 3);
		cJSON_Delete(doc);
		free(out);
	}
}

static void json_is_safe_inside_script(void **state)
{
	char *out = NULL;
	size_t n = 0;
	FILE *const f = open_memstream(&out, &n);
	struct ui_json j;

	ui_json_init(&j, f, true);
	ui_json_string(&j, NULL, "</script>&\xe2\x80\xa8\xe2\x80\xa9\xff"
				 "a\xe2\x82");
	fclose(f);
	assert_string_equal(out, "\"\\u003c/script\\u003e\\u0026\\u2028\\u2029"
				 "\xef\xbf\xbd"
				 "a\xef\xbf\xbd\xef\xbf\xbd\"");
	free(out);
}

static void json_nests_as_deep_as_stacks_do(void **state)
{
	char *out = NULL;
	size_t n = 0;
	FILE *const f = open_memstream(&out, &n);
	struct ui_json j;

	ui_json_init(&j, f, false);
	for (int i = 0; i < 5000; i++)
		ui_json_array(&j, NULL);
	for (int i = 0; i < 5000; i++)
		ui_json_end(&j);
	fclose(f);
	assert_int_equal(out[n - 1], '\n');
	assert_int_equal(out[n - 2], ']');
	assert_true(n < 5000 * 150);
	free(out);
}

/* ---- output files ---- */

static char folder[] = "/tmp/test-ui-XXXXXX";

static char *in_folder(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static char *content_of(const char *path)
{
	static char text[256];
	FILE *const f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	return text;
}

static int files_in_folder(void)
{
	char command[300];

	snprintf(command, sizeof(command), "ls -A %s | wc -l", folder);
	FILE *const p = popen(command, "r");
	int n = -1;
	assert_int_equal(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

static void a_file_appears_only_when_whole(void **state)
{
	struct ui_output o;
	char *const path = strdup(in_folder("a"));

	assert_int_equal(ui_output_open(&o, path, false), UI_OK);
	fputs("hello", o.file);
	fflush(o.file);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(ui_output_close(&o), UI_OK);
	assert_string_equal(content_of(path), "hello");
	assert_int_equal(files_in_folder(), 1);

	struct stat st;
	const mode_t mask = umask(0);
	umask(mask);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0666 & ~mask);
	free(path);
}

static void an_existing_file_needs_force(void **state)
{
	struct ui_output o;
	char *const path = strdup(in_folder("a"));

	assert_int_equal(ui_output_open(&o, path, false), UI_CANNOT);
	assert_string_equal(content_of(path), "hello");
	chmod(path, 0600);
	assert_int_equal(ui_output_open(&o, path, true), UI_OK);
	fputs("new", o.file);
	ui_output_discard(&o);
	assert_string_equal(content_of(path), "hello");
	assert_int_equal(files_in_folder(), 1);
	assert_int_equal(ui_output_open(&o, path, true), UI_OK);
	fputs("new", o.file);
	assert_int_equal(ui_output_close(&o), UI_OK);
	assert_string_equal(content_of(path), "new");

	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	free(path);
}

static void a_file_made_meanwhile_stays(void **state)
{
	struct ui_output o;
	char *const path = strdup(in_folder("meanwhile"));

	assert_int_equal(ui_output_open(&o, path, false), UI_OK);
	fputs("ours", o.file);
	close(open(path, O_WRONLY | O_CREAT, 0600));
	assert_int_equal(ui_output_close(&o), UI_CANNOT);
	assert_string_equal(content_of(path), "");
	unlink(path);
	free(path);
}

static void through_a_link_the_target_is_replaced(void **state)
{
	struct ui_output o;
	struct stat st;
	char *const link_path = strdup(in_folder("link"));

	assert_int_equal(symlink("a", link_path), 0);
	assert_int_equal(ui_output_open(&o, link_path, true), UI_OK);
	fputs("linked", o.file);
	assert_int_equal(ui_output_close(&o), UI_OK);
	assert_int_equal(lstat(link_path, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_string_equal(content_of(in_folder("a")), "linked");
	unlink(link_path);
	free(link_path);
}

static void a_long_name_leaves_room_for_the_temporary(void **state)
{
	char name[256];
	struct ui_output o;

	memset(name, 'n', 255);
	name[255] = 0;
	char *path = NULL;
	assert_true(asprintf(&path, "%s/%s", folder, name) > 0);
	assert_int_equal(ui_output_open(&o, path, false), UI_OK);
	assert_int_equal(ui_output_close(&o), UI_OK);
	assert_int_equal(unlink(path), 0);
	free(path);
}

static void devices_and_pipes_are_written_in_place(void **state)
{
	struct ui_output o;
	struct stat st;

	assert_int_equal(ui_output_open(&o, "/dev/null", false), UI_OK);
	fputs("x", o.file);
	assert_int_equal(ui_output_close(&o), UI_OK);
	assert_int_equal(stat("/dev/null", &st), 0);
	assert_true(S_ISCHR(st.st_mode));

	/* Opening a descriptor's name anew would start at its first byte again. */
	char *const path = strdup(in_folder("fd")), name[32];
	const int fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_int_equal(write(fd, "one ", 4), 4);
	snprintf(name, sizeof(name), "/dev/fd/%d", fd);
	assert_int_equal(ui_output_open(&o, name, false), UI_OK);
	fputs("two", o.file);
	assert_int_equal(ui_output_close(&o), UI_OK);
	close(fd);
	assert_string_equal(content_of(path), "one two");
	unlink(path);
	free(path);
}

static void a_full_disk_is_noticed(void **state)
{
	struct ui_output o;

	for (int bytes = 1; bytes < 100000; bytes += 30000) {
		assert_int_equal(ui_output_open(&o, "/dev/full", false), UI_OK);
		for (int i = 0; i < bytes; i++)
			fputc('x', o.file);
		assert_int_equal(ui_output_close(&o), UI_CANNOT);
	}
}

static void impossible_places_are_refused(void **state)
{
	struct ui_output o;

	assert_int_equal(ui_output_open(&o, "/nonexistent/out", false), UI_CANNOT);
	assert_int_equal(ui_output_open(&o, "/", true), UI_CANNOT);
	assert_int_equal(ui_output_open(&o, "/proc/out", false), UI_CANNOT);
	assert_int_equal(ui_output_open(&o, in_folder("a/b"), false), UI_CANNOT);
}

static void a_signal_takes_the_unfinished_file_along(void **state)
{
	const int before = files_in_folder();
	const pid_t child = fork();

	if (child == 0) {
		struct ui_output o;
		if (ui_output_open(&o, in_folder("never"), false) == UI_OK)
			raise(SIGTERM);
		_exit(9);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
	assert_int_equal(files_in_folder(), before);
}

static int remove_folder(void **state)
{
	char command[300];

	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_tracemallocs),
		cmocka_unit_test(averages_round_half_to_even),
		cmocka_unit_test(sizes_parse_in_both_kinds_of_units),
		cmocka_unit_test(durations_parse_to_nanoseconds),
		cmocka_unit_test(counts_have_thousands_separators),
		cmocka_unit_test(text_cannot_drive_a_terminal),
		cmocka_unit_test(json_reads_back),
		cmocka_unit_test(json_is_safe_inside_script),
		cmocka_unit_test(json_nests_as_deep_as_stacks_do),
		cmocka_unit_test(a_file_appears_only_when_whole),
		cmocka_unit_test(an_existing_file_needs_force),
		cmocka_unit_test(a_file_made_meanwhile_stays),
		cmocka_unit_test(through_a_link_the_target_is_replaced),
		cmocka_unit_test(a_long_name_leaves_room_for_the_temporary),
		cmocka_unit_test(devices_and_pipes_are_written_in_place),
		cmocka_unit_test(a_full_disk_is_noticed),
		cmocka_unit_test(impossible_places_are_refused),
		cmocka_unit_test(a_signal_takes_the_unfinished_file_along),
	};

	if (!mkdtemp(folder))
		return 1;
	return cmocka_run_group_tests(tests, NULL, remove_folder);
}
