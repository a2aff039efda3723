/*
 * test_ui_options - every kind of option, and every way to get one wrong. Mistakes
 * end the process, so each one is made in a child whose stderr and status are read.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "ui/ui.h"

static struct {
	bool json;
	const char *output;
	uint64_t limit, size, any;
	struct ui_list filters;
	const char *traceback;
} values;

static const struct ui_option options[] = {
	{ 'j', "json", UI_FLAG, &values.json, NULL, "machine-readable output", 0, 0 },
	{ 'o', "output", UI_STRING, &values.output, "FILE", "write to FILE", 0, 0 },
	{ 'n', "limit", UI_UINT, &values.limit, "N", "rows", 1, 50 },
	{ 'a', "any", UI_UINT, &values.any, "N", "any number", 0, 0 },
	{ 0, "fail-above", UI_SIZE, &values.size, "SIZE", "a gate", 2048, 0 },
	{ 0, "filter", UI_LIST, &values.filters, "F", "repeatable", 0, 0 },
	{ 0, "traceback", UI_OPTIONAL_INT, &values.traceback, "N", "the stack", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-test",
	.usage = "[options] CAPTURE",
	.summary = "Tests the parser.",
	.details = "Example:\n  tracker test x.trk",
	.options = options,
	.min_operands = 1,
	.max_operands = 2,
};

static int count_of(char **argv)
{
	int n = 0;

	while (argv[n])
		n++;
	return n;
}

#define ARGS(...) ((char *[]){ (char *)"tracker-test", __VA_ARGS__, NULL })
#define A(s) ((char *)(s))

static void every_type_parses(void **state)
{
	char **const argv = ARGS(A("x.trk"), A("--limit=7"), A("-j"), A("-oout"), A("--filter"), A("+a"),
				 A("--filter=-b"), A("--fail-above"), A("64KiB"), A("-a"), A("0"));

	memset(&values, 0, sizeof(values));
	const int first = ui_parse(&command, count_of(argv), argv, false);
	assert_string_equal(argv[first], "x.trk");
	assert_int_equal(first, count_of(argv) - 1);
	assert_true(values.json);
	assert_string_equal(values.output, "out");
	assert_int_equal(values.limit, 7);
	assert_int_equal(values.size, 65536);
	assert_int_equal(values.filters.count, 2);
	assert_string_equal(values.filters.items[0], "+a");
	assert_string_equal(values.filters.items[1], "-b");
	assert_null(values.filters.items[2]);
	free(values.filters.items);
}

static void options_of_the_program_are_left_alone(void **state)
{
	char **const argv = ARGS(A("-j"), A("./app"), A("--limit"), A("--unknown"), A("x"));

	memset(&values, 0, sizeof(values));
	assert_int_equal(ui_parse(&command, count_of(argv), argv, true), 2);
	assert_true(values.json);
	assert_int_equal(values.limit, 0);
}

static void an_optional_number_may_follow_as_a_word(void **state)
{
	static const struct {
		char *argv[5];
		const char *number, *operand;
	} cases[] = {
		{ { A("t"), A("--traceback"), A("x.trk") }, "", "x.trk" },
		{ { A("t"), A("--traceback=3"), A("x.trk") }, "3", "x.trk" },
		{ { A("t"), A("--traceback"), A("-1"), A("x.trk") }, "-1", "x.trk" },
		{ { A("t"), A("x.trk"), A("--traceback"), A("2") }, "2", "x.trk" },
		{ { A("t"), A("x.trk"), A("--traceback") }, "", "x.trk" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[5];
		memcpy(argv, cases[i].argv, sizeof(argv));
		memset(&values, 0, sizeof(values));
		const int first = ui_parse(&command, count_of(argv), argv, false);
		assert_string_equal(values.traceback, cases[i].number);
		assert_string_equal(argv[first], cases[i].operand);
		assert_int_equal(first, count_of(argv) - 1);
	}
}

static void two_dashes_end_the_options(void **state)
{
	char **const argv = ARGS(A("--"), A("--json"));

	memset(&values, 0, sizeof(values));
	assert_int_equal(ui_parse(&command, count_of(argv), argv, false), 2);
	assert_false(values.json);
}

/* Runs ui_parse in a child; returns its exit status and what it printed to `fd`. */
static int parse_in_child(char **argv, int fd, char *out, size_t room)
{
	int ends[2], status;

	assert_int_equal(pipe(ends), 0);
	const pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], fd);
		ui_parse(&command, count_of(argv), argv, false);
		_exit(99);
	}
	close(ends[1]);
	size_t n = 0;
	for (ssize_t got; (got = read(ends[0], out + n, room - 1 - n)) > 0;)
		n += (size_t)got;
	out[n] = 0;
	close(ends[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define TRY "; try 'tracker test --help'\n"

static void mistakes_are_one_line_and_exit_2(void **state)
{
	static const struct {
		char *argv[5];
		const char *line;
	} cases[] = {
		{ { A("t"), A("--bogus"), A("x") }, "unknown option --bogus" TRY },
		{ { A("t"), A("x"), A("--bogus=1") }, "unknown option --bogus=1" TRY },
		{ { A("t"), A("-jz"), A("x") }, "unknown option -z" TRY },
		{ { A("t") }, "missing operand: tracker test [options] CAPTURE" TRY },
		{ { A("t"), A("a"), A("b"), A("c") }, "unexpected operand c" TRY },
		{ { A("t"), A("x"), A("-n") }, "argument -n/--limit: expected one argument" TRY },
		{ { A("t"), A("x"), A("--limit") }, "argument -n/--limit: expected one argument" TRY },
		{ { A("t"), A("--json=1"), A("x") }, "option --json takes no argument" TRY },
		{ { A("t"), A("-n0"), A("x") },
		  "argument -n/--limit: 0 is an invalid positive int value" TRY },
		{ { A("t"), A("-nx"), A("x") },
		  "argument -n/--limit: x is an invalid positive int value" TRY },
		{ { A("t"), A("-n-1"), A("x") },
		  "argument -n/--limit: -1 is an invalid positive int value" TRY },
		{ { A("t"), A("-n51"), A("x") }, "argument -n/--limit: 51 is outside the range 1 to 50" TRY },
		{ { A("t"), A("-a99999999999999999999"), A("x") },
		  "argument -a/--any: 99999999999999999999 is an invalid non-negative int value" TRY },
		{ { A("t"), A("--fail-above=big"), A("x") },
		  "argument --fail-above: big is an invalid size; use 4096, 64KiB or 1.5g" TRY },
		{ { A("t"), A("--fail-above=1k"), A("x") }, "argument --fail-above: 1k is less than 2048 B" TRY },
		{ { A("t"), A("--b\x1b[2J"), A("x") }, "unknown option --b\\x1b[2J" TRY },
	};
	char out[1024], want[1024];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const int status = parse_in_child((char **)cases[i].argv, 2, out, sizeof(out));
		snprintf(want, sizeof(want), "tracker-test: %s", cases[i].line);
		assert_string_equal(out, want);
		assert_int_equal(status, UI_USAGE);
	}
}

static void help_shows_every_option(void **state)
{
	char out[4096];

	assert_int_equal(parse_in_child(ARGS(A("--help")), 1, out, sizeof(out)), UI_OK);
	assert_ptr_equal(strstr(out, "Usage: tracker test [options] CAPTURE\nTests the parser.\n"), out);
	for (const struct ui_option *o = options; o->long_name; o++) {
		assert_non_null(strstr(out, o->long_name));
		assert_non_null(strstr(out, o->help));
	}
	assert_non_null(strstr(out, "\n      --traceback[=N]    the stack\n"));
	assert_non_null(strstr(out, "\n  -n, --limit N          rows\n"));
	assert_non_null(strstr(out, "\n      --fail-above SIZE  a gate\n"));
	assert_non_null(strstr(out, "\n  -h, --help             show"));
	assert_non_null(strstr(out, "\nExample:\n  tracker test x.trk\n"));
	assert_int_equal(parse_in_child(ARGS(A("-h")), 1, out, sizeof(out)), UI_OK);
}

static void version_names_the_libraries(void **state)
{
	char out[4096];

	assert_int_equal(parse_in_child(ARGS(A("--version")), 1, out, sizeof(out)), UI_OK);
	assert_ptr_equal(strstr(out, "tracker " TRACKER_VERSION "\n"), out);
	assert_non_null(strstr(out, "liblz4"));
	assert_non_null(strstr(out, "libdw"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_parses),
		cmocka_unit_test(options_of_the_program_are_left_alone),
		cmocka_unit_test(an_optional_number_may_follow_as_a_word),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(mistakes_are_one_line_and_exit_2),
		cmocka_unit_test(help_shows_every_option),
		cmocka_unit_test(version_names_the_libraries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
