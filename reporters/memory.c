/*
 * tracker-memory - prints what the resident memory of a program consisted of when it was looked at: rows that add up to what the
 * kernel says, and the blocks for which pages stay in memory that are nearly empty.
 */
#include <stdlib.h>
#include <string.h>

#include "common/process_name.h"
#include "common/report.h"
#include "common/sampled.h"
#include "format/event.h"
#include "format/shm.h"
#include "memory/chosen_look.h"
#include "memory/duplicates.h"
#include "memory/ledger.h"
#include "memory/stack_rows.h"

#define STACKS 3u /* that people see */
#define FILES 3u
#define FRAMES 4u /* of a stack */

static struct report_options common;
static struct filter_options filtering;
static struct traceback_options traceback;
static struct short_paths paths;
static uint64_t limit = REPORT_LIMIT_UNSET, depth = FRAMES;
static bool only_duplicates;

static const struct ui_option options[] = {
	{ 0, "duplicates", UI_FLAG, &only_duplicates, NULL, "show blocks that hold the same as others, and blocks of zeros (after tracker run --look-contents)", 0, 0 },
	{ 'n', "limit", UI_UINT, &limit, "N", "files and stacks to print (default 3 of each, in JSON and CSV all; 0: all)", 0, 0 },
	{ 0, "depth", UI_UINT, &depth, "N", "frames to print of a stack (default 4; 0: all)", 0, UINT32_MAX - 1 },
	TRACEBACK_SOURCES_OPTION(traceback),
	SHORT_PATHS_OPTION(paths),
	FILTER_OPTIONS(filtering),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-memory",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints what the resident memory of a program consisted of.",
	.details = "Record it with tracker run --memory, or with --leak-check or --look-at-marks: then the\n"
		   "memory is looked at when the program ends, or at its marks. The rows add up to the\n"
		   "resident memory (RSS): live blocks, what the allocator holds, stacks, files. Below are the\n"
		   "stacks of the few blocks for which nearly empty pages stay in memory.\n"
		   "Points: CAPTURE@LABEL, the look at that mark; @#3, at the third mark; @1.5s, the last one\n"
		   "before; @end, the last one. With several processes it is the one that has most memory.\n\n"
		   "Examples:\n"
		   "  tracker run --memory -o app.bin ./app && tracker memory app.bin\n"
		   "  tracker memory --pid 1234 --json app.bin@loaded\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static const struct {
	const char *key, *what;
} rows[LEDGER_ROWS] = {
	[LEDGER_LIVE] = { "live", "live blocks, as many bytes as were asked for" },
	[LEDGER_SLACK] = { "slack", "live blocks, what they were rounded up by" },
	[LEDGER_HEADERS] = { "headers", "headers of live blocks" },
	[LEDGER_TOP] = { "free_top", "free: at the ends of heaps" },
	[LEDGER_UNSORTED] = { "free_unsorted", "free: not yet in a bin (unsorted)" },
	[LEDGER_LARGE] = { "free_large", "free: between blocks, in pieces of 1 KiB or more" },
	[LEDGER_SMALL] = { "free_small", "free: between blocks, in smaller pieces" },
	[LEDGER_TCACHE] = { "free_tcache", "free: in the caches of threads (tcache)" },
	[LEDGER_FASTBIN] = { "free_fastbins", "free: in fastbins" },
	[LEDGER_OWN] = { "allocator", "tables of the allocator" },
	[LEDGER_IN_USE] = { "unrecorded", "in use, but nobody recorded the allocation" },
	[LEDGER_HELD] = { "held", "held by the allocator, it is not known for what" },
	[LEDGER_MAPPED] = { "mapped", "mapped by the program itself" },
	[LEDGER_STACKS] = { "stacks", "stacks of threads" },
	[LEDGER_OLD_STACKS] = { "old_stacks", "stacks of threads that have ended" },
	[LEDGER_FILES] = { "files", "executables, libraries and other files" },
	[LEDGER_SHARED] = { "shared", "shared memory" },
	[LEDGER_TRACKER] = { "tracker", "tracker itself" },
	[LEDGER_KERNEL] = { "kernel", "pages of the kernel (vdso)" },
	[LEDGER_UNKNOWN] = { "unknown", "other private memory" },
};

static struct chosen_look chosen;
static struct ledger ledger;
static struct stack_rows pins;
static struct duplicates duplicates;
static struct stack_shown how;
static size_t shown_files;

/* Of a stack: so many frames are printed. */
static uint32_t frames_shown(void)
{
	return report_form(&common) || !depth ? ALIKE_WHOLE : (uint32_t)depth;
}

/* ---- what is found ---- */

static int settle(struct stack_rows *s, struct report *r)
{
	int err = stack_rows_settle(s, r, chosen.look->head.process, how.depth);

	s->shown = report_rows(&common, limit, STACKS, s->folds.count);
	if (!err && !report_form(&common))
		err = stack_rows_find_paths(s, r, &paths);
	return err;
}

static int find_duplicates(struct report *r)
{
	int err = duplicates_find(&duplicates, chosen.look, &chosen.memory);

	shown_files = ledger.file_count;
	if (!err)
		err = settle(&duplicates.copied, r);
	return err ? err : settle(&duplicates.zeroed, r);
}

static int find_pins(struct report *r)
{
	int err = 0;

	for (uint32_t i = 0; i < ledger.pin_count && !err; i++)
		err = stack_rows_add(&pins, ledger.pins[i].node, ledger.pins[i].bytes, ledger.pins[i].count);
	shown_files = report_rows(&common, limit, FILES, ledger.file_count);
	return err ? err : settle(&pins, r);
}

static int find_contents(struct report *r)
{
	int err;

	how = (struct stack_shown){ .depth = frames_shown(), .sources = traceback.sources, .paths = &paths };
	err = ledger_make(&ledger, chosen.look, &chosen.memory);
	if (!err)
		err = only_duplicates ? find_duplicates(r) : find_pins(r);
	short_paths_settle(&paths);
	return err;
}

static int find(struct report *r)
{
	int err = chosen_look_find(&chosen, r);

	if (!err)
		report_say_missing(r);
	if (!err && chosen.damaged)
		ui_warn("%s: what stands in it of a look at the memory is damaged: that look is left out", r->capture->path);
	if (!err && chosen.look)
		err = find_contents(r);
	if (!err)
		return UI_OK;
	ui_error("%s: %s", r->capture->path, capture_why(r->capture, err));
	return UI_CANNOT;
}

/* ---- what is said of it ---- */

static void describe_rows(struct emit *e)
{
	static const struct emit_column columns[] = {
		{ "row", EMIT_FOR_PROGRAMS },
		{ "size", EMIT_FOR_PROGRAMS },
		{ "swapped", EMIT_FOR_PROGRAMS },
		{ "bytes", EMIT_FOR_PEOPLE, "size", 10 },
		{ "share", EMIT_FOR_ALL, "share", 8 },
		{ "what", EMIT_FOR_ALL, "what", -1, "  " },
	};
	static const struct emit_table table = { EMIT_TABLE("rows", columns) }, none = { EMIT_TABLE("rows", columns), .sentence = "" };

	emit_table(e, chosen.look ? &table : &none);
	for (size_t i = 0; chosen.look && i < LEDGER_ROWS; i++) {
		const uint64_t bytes = ledger.resident[i], all = ledger.sum ? ledger.sum : 1;

		if (!bytes && !ledger.swapped[i])
			continue;
		emit_row(e, (struct emit_value[]){ emit_words(rows[i].key), emit_size(bytes), emit_size(ledger.swapped[i]), emit_size(bytes),
						   emit_percent(100.0 * (double)bytes / (double)all), emit_words(rows[i].what) });
	}
	emit_end(e);
}

static void describe_heaps(struct emit *e)
{
	static const char *const kinds[] = { "heap", "arena", "mapping", "allocator" };
	static const struct emit_column columns[] = { { "kind" }, { "start" }, { "size" }, { "resident" }, { "live" }, { "count" } };
	static const struct emit_table table = { EMIT_TABLE("heaps", columns), .sentence = "" };

	emit_table(e, &table);
	for (uint32_t i = 0; i < ledger.heap_count; i++) {
		const struct ledger_heap *const h = &ledger.heaps[i];

		emit_row(e, (struct emit_value[]){ emit_words(kinds[h->kind - MEMORY_HEAP]), emit_number(h->start), emit_size(h->bytes),
						   emit_size(h->resident), emit_size(h->live), emit_count(h->count) });
	}
	emit_end(e);
}

static void say_arenas(struct emit *e)
{
	uint64_t count = 0, bytes = 0, blocks = 0;

	for (uint32_t i = 0; i < ledger.heap_count; i++) {
		const struct ledger_heap *const h = &ledger.heaps[i];

		if (h->kind != MEMORY_ARENA || !h->count || h->live > h->resident / 10)
			continue;
		count++;
		bytes += h->resident;
		blocks += h->count;
	}
	emit_figure(e, "sparse_heap_count", emit_count(count));
	emit_figure(e, "sparse_heap_size", emit_size(bytes));
	emit_figure(e, "sparse_heap_blocks", emit_count(blocks));
	if (count)
		emit_say(e, "Heaps of other threads of which blocks take less than a tenth: {sparse_heap_count}, {sparse_heap_size} in all, for {sparse_heap_blocks} block{sparse_heap_blocks:s}.\n");
}

static int describe_files(struct emit *e)
{
	static const struct emit_column columns[] = { { "size" }, { "swapped" }, { "file" }, { "name", EMIT_FOR_PEOPLE } };
	static const struct emit_table table = { EMIT_TABLE("files", columns), .sentence = "  {size} of {name}\n" };
	int err = 0;

	if (shown_files)
		emit_say(e, "Files, by what of them is in memory:\n");
	emit_table(e, &table);
	for (size_t i = 0; i < shown_files && !err; i++) {
		const struct ledger_file *const f = &ledger.files[i];
		char *const name = strndup(f->name ? f->name : "", f->name_bytes);

		if (name)
			emit_row(e, (struct emit_value[]){ emit_size(f->resident), emit_size(f->swapped), emit_words(name), emit_words(name) });
		else
			err = TRK_ERR_NOMEM;
		free(name);
	}
	emit_end(e);
	return err;
}

static void describe_pins(const struct report *r, struct emit *e)
{
	static const struct emit_column columns[] = STACK_ROWS_COLUMNS;
	static const struct emit_table table = { EMIT_TABLE("pinning", columns), .sentence = "{size} free around {count} block{count:s}\n" };

	if (pins.shown)
		emit_say(e, "{pinned_pages} page{pinned_pages:s} of which blocks take at most a quarter hold {pinned_size} that is free. By the stacks of these blocks:\n");
	emit_table(e, &table);
	stack_rows_describe(&pins, r, e, "pinning", &how);
	emit_end(e);
}

static void say_rest(struct emit *e, const struct stack_rows *s)
{
	uint64_t file_bytes = 0;
	const size_t files = ledger.file_count - shown_files, stacks = s->folds.count - s->shown;

	for (size_t i = shown_files; i < ledger.file_count; i++)
		file_bytes += ledger.files[i].resident;
	emit_aside(e, "more_files", files ? emit_count(files) : emit_absent());
	emit_aside(e, "more_file_size", emit_size(file_bytes));
	emit_aside(e, "more_stacks", stacks ? emit_count(stacks) : emit_absent());
	emit_aside(e, "more_stack_size", emit_size(stack_rows_rest(s)));
	if (files || stacks)
		emit_say(e, "[{more_files} more file{more_files:s}: {more_file_size}; ][{more_stacks} more stack{more_stacks:s}: {more_stack_size}; ]-n 0 shows all\n");
}

/* ---- duplicates ---- */

static void describe_duplicates(const struct report *r, struct emit *e)
{
	static const struct emit_column columns[] = STACK_ROWS_COLUMNS;
	static const struct emit_table table = { EMIT_TABLE("duplicates", columns), .sentence = "{kind}: {size} in {count} block{count:s}\n" };

	emit_figure(e, "copy_count", emit_count(duplicates.copies));
	emit_figure(e, "copy_size", emit_size(duplicates.copy_bytes));
	emit_figure(e, "original_count", emit_count(duplicates.originals));
	emit_figure(e, "zero_count", emit_count(duplicates.zeros));
	emit_figure(e, "zero_size", emit_size(duplicates.zero_bytes));
	emit_figure(e, "zero_resident", emit_size(duplicates.zero_resident));
	if (duplicates.known) {
		emit_say(e, "{process} (pid {pid}): copies of other blocks are {copy_size} in {copy_count} block{copy_count:s}, of {original_count} original{original_count:s}.\n");
		emit_say(e, "Blocks of zeros are {zero_size} in {zero_count} block{zero_count:s}, of which {zero_resident} is in memory.\n");
	} else if (chosen.look) {
		emit_say(e, "Nobody compared the blocks: record the program with tracker run --look-contents.\n");
	}
	emit_table(e, &table);
	stack_rows_describe(&duplicates.copied, r, e, "copies", &how);
	stack_rows_describe(&duplicates.zeroed, r, e, "zeros", &how);
	emit_end(e);
	say_rest(e, &duplicates.copied);
	say_rest(e, &duplicates.zeroed);
}

static void describe_looks(const struct report *r, struct emit *e)
{
	static const struct emit_column columns[] = { { "pid" }, { "process" }, { "label" }, { "time_ns" }, { "resident" }, { "refused" } };
	static const struct emit_table table = { EMIT_TABLE("looks", columns), .sentence = "" };

	emit_table(e, &table);
	for (uint32_t i = 0; i < chosen.looks.count; i++) {
		const struct looked *const l = &chosen.looks.list[i];

		emit_row(e, (struct emit_value[]){
				    emit_number(l->head.pid),
				    emit_words(l->head.process < r->capture->process_count ? r->capture->processes[l->head.process].name : ""),
				    l->label[0] ? emit_words(l->label) : emit_null(),
				    emit_time(l->head.time_ns),
				    chosen.resident[i] == UINT64_MAX ? emit_null() : emit_size(chosen.resident[i]),
				    l->reason[0] ? emit_words(l->reason) : emit_null(),
			    });
	}
	emit_end(e);
}

/* Other looks that tell of the memory, by which one could ask. */
static uint64_t others(void)
{
	uint64_t count = 0;

	for (uint32_t i = 0; i < chosen.looks.count; i++)
		count += chosen.resident[i] != UINT64_MAX && i != chosen.place;
	return count;
}

static void describe_figures(const struct report *r, struct emit *e)
{
	char name[PROCESS_NAME_ROOM];
	const uint64_t rss = chosen.memory.head.resident, sum = ledger.sum;

	emit_figure(e, "process", emit_words(process_name(&r->capture->processes[chosen.look->head.process], name)));
	emit_figure(e, "pid", emit_number(chosen.look->head.pid));
	emit_figure(e, "label", chosen.look->label[0] ? emit_words(chosen.look->label) : emit_absent());
	emit_figure(e, "time_ns", emit_time(chosen.look->head.time_ns));
	emit_figure(e, "stopped_ns", emit_time(chosen.look->head.stopped_ns));
	emit_figure(e, "resident", emit_size(rss));
	emit_figure(e, "sum", emit_size(sum));
	emit_figure(e, "difference", emit_size_change((int64_t)(sum - rss)));
	emit_figure(e, "swapped", emit_size(ledger.sum_swapped));
	emit_figure(e, "huge", emit_size(ledger.huge));
	emit_figure(e, "untouched", emit_size(ledger.untouched));
	emit_figure(e, "trim", chosen.memory.head.flags & MEMORY_GLIBC ? emit_size(ledger.trim) : emit_null());
	emit_figure(e, "pinned_size", emit_size(ledger.pinned));
	emit_figure(e, "pinned_pages", emit_count(ledger.pinned_pages));
	emit_figure(e, "lacks", chosen.memory.lacks[0] ? emit_words(chosen.memory.lacks) : emit_absent());
}

static void say_head(struct emit *e)
{
	const uint64_t rss = chosen.memory.head.resident, sum = ledger.sum, off = sum > rss ? sum - rss : rss - sum;

	emit_aside(e, "when", emit_words(chosen.look->head.why == SHM_WHY_END ? "when it ended" : chosen.look->label[0] ? "at the mark" :
															  "when it asked"));
	emit_say(e, "{process} (pid {pid}) had {resident} in memory {when}[ {label}], of which\n");
	describe_rows(e);
	if (off * 100 > rss)
		emit_say(e, "The rows differ from what the kernel counted by {difference}.\n");
	if (ledger.untouched)
		emit_say(e, "Not in memory: {untouched} of live blocks, which were never touched.\n");
	if (ledger.sum_swapped)
		emit_say(e, "Swapped out: {swapped}.\n");
	if (ledger.huge)
		emit_say(e, "In huge pages: {huge}.\n");
	if (ledger.trim)
		emit_say(e, "malloc_trim(0) would give back {trim}.\n");
	if (!(chosen.memory.head.flags & MEMORY_GLIBC))
		emit_say(e, "The program has another allocator than the C library's: what it holds, and rounds up, is not told apart.\n");
	if (chosen.memory.head.flags & MEMORY_NO_ZERO_PAGES)
		emit_say(e, "Pages that were only read count as well: this kernel does not tell them apart.\n");
	emit_say(e, "[Some of it is missing: {lacks:prose}.\n]");
}

static void say_none(const struct report *r, struct emit *e)
{
	const struct looked *refused = NULL;

	for (uint32_t i = 0; i < chosen.looks.count; i++)
		if (chosen.looks.list[i].reason[0])
			refused = &chosen.looks.list[i];
	emit_aside(e, "reason", refused ? emit_words(refused->reason) : emit_absent());
	emit_aside(e, "every", emit_size(r->capture->header.sample_bytes));
	if (others() && r->has_point)
		emit_say(e, "Nobody looked at the memory at that point: without it, the last look is shown.\n");
	else if (r->capture->header.sample_bytes)
		emit_say(e, "Sampled every {every}: only a sample of the blocks is known, so the memory was not looked at.\n");
	else if (refused)
		emit_say(e, "What the memory consists of was not found out: {reason:prose}\n");
	else if (chosen.damaged)
		emit_say(e, "What the memory consisted of is damaged in the capture: record the program again.\n");
	else
		emit_say(e, "Nobody looked at the memory: record the program with tracker run --memory.\n");
}

static int describe_ledger(const struct report *r, struct emit *e)
{
	int err;

	if (chosen.look)
		say_head(e);
	else
		describe_rows(e);
	describe_heaps(e);
	if (chosen.look)
		say_arenas(e);
	err = describe_files(e);
	describe_pins(r, e);
	say_rest(e, &pins);
	return err;
}

static int describe(struct report *r, struct emit *e)
{
	int err = 0;

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	sampled_figure(e, r->capture->header.sample_bytes);
	if (chosen.look)
		describe_figures(r, e);
	else
		say_none(r, e);
	if (only_duplicates)
		describe_duplicates(r, e);
	else
		err = describe_ledger(r, e);
	describe_looks(r, e);
	emit_aside(e, "others", emit_count(others()));
	if (chosen.look && others())
		emit_say(e, "{others} other look{others:s}: --pid PID and CAPTURE@LABEL show them\n");
	return err;
}

static const char *choose_table(void)
{
	return only_duplicates ? "duplicates" : "rows";
}

static void check(struct report *r)
{
	(void)r;
	traceback_check_sources(report_form(&common), &traceback);
}

static void finish(void)
{
	chosen_look_finish(&chosen);
	ledger_finish(&ledger);
	stack_rows_finish(&pins);
	duplicates_finish(&duplicates);
	short_paths_finish(&paths);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.memory",
		.choose_table = choose_table,
		.common = &common,
		.filtering = &filtering,
		.reads_itself = true,
		.check = check,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
