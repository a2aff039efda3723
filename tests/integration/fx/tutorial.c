/*
 * tutorial - the examples of tracemalloc's documentation as a C program over captures: tutorial EXAMPLE CAPTURE...
 *
 *   top CAPTURE             the ten lines that allocated most
 *   dump CAPTURE FILE       the same, of a snapshot that was dumped to FILE and loaded
 *   filter CAPTURE FILTER   the same of what passes: +PATTERN, -PATTERN, +N, -N (a domain)
 *   diff OLD NEW            the ten lines that changed most
 *   biggest CAPTURE         the stack that allocated most, with its source
 *   pretty CAPTURE          the top with short names, source lines, the rest and the total
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <tracker-replay.h>

#define TOP 10

static tracker_snapshot *need(tracker_snapshot *s)
{
	if (!s) {
		printf("%d %s\n", tracker_replay_last_code(), tracker_replay_last_error());
		exit(1);
	}
	return s;
}

static void need_ok(int code)
{
	if (code != TRACKER_OK) {
		printf("%d %s\n", tracker_replay_last_code(), tracker_replay_last_error());
		exit(1);
	}
}

static void print_top(const tracker_snapshot *s)
{
	tracker_statistic *all;
	char line[4096];
	size_t n;

	need_ok(tracker_snapshot_statistics(s, TRACKER_KEY_LINENO, false, &all, &n));
	for (size_t i = 0; i < n && i < TOP; i++) {
		tracker_statistic_format(line, sizeof(line), &all[i]);
		puts(line);
	}
	tracker_statistics_free(all);
}

static void top(char **operands)
{
	tracker_snapshot *const s = need(tracker_snapshot_load(operands[0]));

	print_top(s);
	tracker_snapshot_free(s);
}

static void dump(char **operands)
{
	tracker_snapshot *s = need(tracker_snapshot_load(operands[0]));

	need_ok(tracker_snapshot_dump(s, operands[1]));
	tracker_snapshot_free(s);
	s = need(tracker_snapshot_load(operands[1]));
	print_top(s);
	tracker_snapshot_free(s);
}

static void filter(char **operands)
{
	const char *const text = operands[1];
	const int by_domain = isdigit((unsigned char)text[1]) != 0;
	const tracker_filter f = { *text == '+', by_domain ? NULL : text + 1, -1, false, by_domain ? atol(text + 1) : -1 };
	tracker_snapshot *const all = need(tracker_snapshot_load(operands[0])), *const s = need(tracker_snapshot_filter(all, &f, 1));

	print_top(s);
	tracker_snapshot_free(all);
	tracker_snapshot_free(s);
}

static void diff(char **operands)
{
	tracker_snapshot *const old = need(tracker_snapshot_load(operands[0])), *const new = need(tracker_snapshot_load(operands[1]));
	tracker_statistic_diff *all;
	char line[4096];
	size_t n;

	need_ok(tracker_snapshot_compare_to(new, old, TRACKER_KEY_LINENO, false, &all, &n));
	for (size_t i = 0; i < n && i < TOP; i++) {
		tracker_statistic_diff_format(line, sizeof(line), &all[i]);
		puts(line);
	}
	tracker_statistics_free(all);
	tracker_snapshot_free(old);
	tracker_snapshot_free(new);
}

static void biggest(char **operands)
{
	tracker_snapshot *const s = need(tracker_snapshot_load(operands[0]));
	tracker_statistic *all;
	size_t n;

	need_ok(tracker_snapshot_statistics(s, TRACKER_KEY_TRACEBACK, false, &all, &n));
	printf("%zu memory blocks: %.1f KiB\n", all[0].count, (double)all[0].size / 1024);
	need_ok(tracker_traceback_print(all[0].traceback, stdout, 0, false));
	tracker_statistics_free(all);
	tracker_snapshot_free(s);
}

/* The last two parts of a path. */
static const char *short_name(const char *path)
{
	const char *p = path + strlen(path);
	int slashes = 0;

	while (p > path && (slashes += p[-1] == '/') < 2)
		p--;
	return p;
}

static void pretty(char **operands)
{
	const tracker_filter known = { false, "<unknown>", -1, false, -1 };
	tracker_snapshot *const all = need(tracker_snapshot_load(operands[0])), *const s = need(tracker_snapshot_filter(all, &known, 1));
	tracker_statistic *stats;
	size_t n, other = 0, total = 0;
	tracker_frame f;

	need_ok(tracker_snapshot_statistics(s, TRACKER_KEY_LINENO, false, &stats, &n));
	printf("Top %d lines\n", TOP);
	for (size_t i = 0; i < n; i++) {
		total += stats[i].size;
		if (i >= TOP) {
			other += stats[i].size;
			continue;
		}
		need_ok(tracker_traceback_frame(stats[i].traceback, 0, &f));
		printf("#%zu: %s:%u: %.1f KiB\n", i + 1, short_name(f.filename), f.lineno, (double)stats[i].size / 1024);
	}
	if (n > TOP)
		printf("%zu other: %.1f KiB\n", n - TOP, (double)other / 1024);
	printf("Total allocated size: %.1f KiB\n", (double)total / 1024);
	tracker_statistics_free(stats);
	tracker_snapshot_free(all);
	tracker_snapshot_free(s);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(char **operands);
		int operands;
	} examples[] = { { "top", top, 1 }, { "dump", dump, 2 }, { "filter", filter, 2 }, { "diff", diff, 2 }, { "biggest", biggest, 1 }, { "pretty", pretty, 1 } };

	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		if (argc < 2 || strcmp(argv[1], examples[i].name) != 0 || argc != 2 + examples[i].operands)
			continue;
		examples[i].run(argv + 2);
		return 0;
	}
	return 2;
}
