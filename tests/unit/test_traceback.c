/*
 * test_traceback - the format and its limits are those that FEATURES 8.2 shows;
 * source comes only from files that everybody may read.
 */
#include "unit.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/traceback.h"

static char source_path[] = "/tmp/test-traceback-XXXXXX";

/* a.c:2 called from b.c:4, most recent first. */
static const struct source_frame frames[] = {
	{ .file = "a.c", .line = 2, .function = "a" },
	{ .file = "b.c", .line = 4, .function = "b\x1b" },
};

static void emit_to(FILE *f, const struct source_frame *all, size_t count, const struct traceback_options *o)
{
	struct emit *const e = emit_new(EMIT_PEOPLE, f, NULL);

	assert_non_null(e);
	emit_document(e, "test", 1);
	traceback_emit(e, "stack", all, count, o);
	assert_int_equal(emit_end_all(e), 0);
}

static void check(const char *limit, bool most_recent_first, bool functions, const char *want)
{
	struct traceback_options o = { .most_recent_first = most_recent_first, .functions = functions };
	char *out = NULL;
	size_t n = 0;
	FILE *const f = open_memstream(&out, &n);

	assert_true(traceback_parse_limit(limit, &o));
	emit_to(f, frames, 2, &o);
	fclose(f);
	assert_string_equal(out, want);
	free(out);
}

#define A "  File \"a.c\", line 2\n"
#define B "  File \"b.c\", line 4\n"

static void the_oldest_frame_comes_first(void **state)
{
	check(NULL, false, false, B A);
	check("", false, false, B A);
	check("9", false, false, B A);
	check("-9", false, false, B A);
}

static void most_recent_first_turns_it_round(void **state)
{
	check(NULL, true, false, A B);
}

static void a_positive_limit_keeps_the_most_recent(void **state)
{
	check("1", false, false, A);
	check("1", true, false, A);
}

static void a_negative_limit_keeps_the_oldest(void **state)
{
	check("-1", false, false, B);
	check("-1", true, false, B);
}

static void no_frames_at_limit_0(void **state)
{
	check("0", false, false, "");
}

static void functions_are_named_on_request(void **state)
{
	check(NULL, true, true, "  File \"a.c\", line 2, in a\n  File \"b.c\", line 4, in b\\x1b\n");
}

static void a_limit_is_a_number(void **state)
{
	struct traceback_options o = { 0 };

	assert_false(traceback_parse_limit("x", &o));
	assert_false(traceback_parse_limit("1x", &o));
	assert_false(traceback_parse_limit(" 1", &o));
	assert_false(traceback_parse_limit("99999999999999999999", &o));
}

static void source_is_stripped(void **state)
{
	char *line = traceback_source(source_path, 2, SOURCES_DEFAULT);

	assert_string_equal(line, "second = malloc(2);");
	free(line);
	line = traceback_source(source_path, 4, SOURCES_DEFAULT);
	assert_string_equal(line, "last, without an end");
	free(line);
	assert_null(traceback_source(source_path, 0, SOURCES_DEFAULT));
	assert_null(traceback_source(source_path, 3, SOURCES_DEFAULT)); /* blank */
	assert_null(traceback_source(source_path, 5, SOURCES_DEFAULT));
	assert_null(traceback_source(source_path, UINT32_MAX, SOURCES_DEFAULT));
}

static void source_follows_its_frame(void **state)
{
	const struct source_frame f = { .file = source_path, .line = 2, .function = "" };
	const struct traceback_options o = { 0 };
	char *out = NULL, want[256];
	size_t n = 0;
	FILE *const file = open_memstream(&out, &n);

	emit_to(file, &f, 1, &o);
	fclose(file);
	snprintf(want, sizeof(want), "  File \"%s\", line 2\n    second = malloc(2);\n", source_path);
	assert_string_equal(out, want);
	free(out);
}

static void a_private_file_is_read_only_on_request(void **state)
{
	char *line;

	assert_int_equal(chmod(source_path, 0640), 0);
	assert_null(traceback_source(source_path, 2, SOURCES_DEFAULT));
	assert_null(traceback_source(source_path, 2, SOURCES_NONE));
	line = traceback_source(source_path, 2, SOURCES_ALL);
	assert_string_equal(line, "second = malloc(2);");
	free(line);
	assert_int_equal(chmod(source_path, 0644), 0);
	assert_null(traceback_source(source_path, 2, SOURCES_NONE));
}

static void what_is_no_file_is_not_read(void **state)
{
	char folder[] = "/tmp/test-traceback-XXXXXX", pipe_path[64];

	assert_non_null(mkdtemp(folder));
	snprintf(pipe_path, sizeof(pipe_path), "%s/pipe", folder);
	assert_int_equal(mkfifo(pipe_path, 0644), 0);
	assert_null(traceback_source(pipe_path, 1, SOURCES_ALL)); /* and does not wait for a writer */
	unlink(pipe_path);
	rmdir(folder);
	assert_null(traceback_source("/dev/zero", 1, SOURCES_ALL));
	assert_null(traceback_source("/nonexistent", 1, SOURCES_DEFAULT));
	assert_null(traceback_source("<unknown>", 1, SOURCES_DEFAULT));
	assert_null(traceback_source("relative.c", 1, SOURCES_DEFAULT));
}

static int make_source(void **state)
{
	const int fd = mkstemp(source_path);
	FILE *const f = fdopen(fd, "w");

	fputs("first\n \t second = malloc(2);  \r\n   \nlast, without an end", f);
	fclose(f);
	return chmod(source_path, 0644);
}

static int remove_source(void **state)
{
	return unlink(source_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_oldest_frame_comes_first),
		cmocka_unit_test(most_recent_first_turns_it_round),
		cmocka_unit_test(a_positive_limit_keeps_the_most_recent),
		cmocka_unit_test(a_negative_limit_keeps_the_oldest),
		cmocka_unit_test(no_frames_at_limit_0),
		cmocka_unit_test(functions_are_named_on_request),
		cmocka_unit_test(a_limit_is_a_number),
		cmocka_unit_test(source_is_stripped),
		cmocka_unit_test(source_follows_its_frame),
		cmocka_unit_test(a_private_file_is_read_only_on_request),
		cmocka_unit_test(what_is_no_file_is_not_read),
	};

	return cmocka_run_group_tests(tests, make_source, remove_source);
}
