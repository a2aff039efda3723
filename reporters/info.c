/*
 * tracker-info - prints what a capture holds: the program, its processes and modules, how the recording went, and
 * whether the capture is complete. It only checks events for damage.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "format/pieces.h"
#include "common/health.h"
#include "common/metadata.h"
#include "common/module_list.h"
#include "common/process_table.h"
#include "common/report.h"
#include "common/reserved.h"

#define ROWS 10 /* of processes, of modules: people see so many, */
#define NOTICES 5 /* ... and of notices */

static struct report_options common;
static uint64_t limit = REPORT_LIMIT_UNSET;

static const struct ui_option options[] = {
	{ 'n', "limit", UI_UINT, &limit, "N",
	  "processes, modules and notices to print (default 10, 10 and 5, in JSON and CSV all; 0: all, and figures that are 0)", 0, 0 },
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_absent absent[] = {
	{ "filter", "it shows the capture, not its blocks; tracker stats has it" },
	{ "include", "it shows the capture, not its blocks; tracker stats has it" },
	{ "exclude", "it shows the capture, not its blocks; tracker stats has it" },
	{ "domain", "it shows the capture, not its blocks; tracker stats has it" },
	{ "thread", "it shows the capture, not its blocks; tracker stats has it" },
	{ NULL, NULL },
};

static const struct ui_command command = {
	.name = "tracker-info",
	.usage = "[options] CAPTURE",
	.summary = "Prints what a capture holds: processes, modules, health, completeness.",
	.details = "Examples:\n"
		   "  tracker info app.bin\n"
		   "  tracker info --json app.bin\n",
	.options = options,
	.absent = absent,
	.min_operands = 1,
	.max_operands = 1,
};

/* ---- what the capture is ---- */

static double bytes_per_event(const struct capture *c)
{
	return c->event_count ? (double)c->file_bytes / (double)c->event_count : 0;
}

static void describe_head(const struct capture *c, struct emit *e)
{
	char time[METADATA_TIME_ROOM];

	emit_figure(e, "capture", emit_words(c->path));
	emit_figure(e, "format_version", emit_number(c->header.version));
	emit_figure(e, "start_time", emit_words(metadata_time(c->header.start_unix_ns, time)));
	emit_figure(e, "content", emit_words(capture_is_aggregated(c) ? "aggregated" : "events"));
	emit_figure(e, "duration_ns", emit_time(capture_end(c)));
	emit_figure(e, "events", emit_count(c->event_count));
	emit_figure(e, "file_bytes", emit_size(c->file_bytes));
	if (c->last_piece) {
		emit_figure(e, "first_piece", emit_number(c->first_piece));
		emit_figure(e, "last_piece", emit_number(c->last_piece));
	}
	emit_figure(e, "bytes_per_event", emit_ratio(bytes_per_event(c)));
	emit_figure(e, "page_size", emit_number(c->header.page_bytes));
	sampled_figure(e, c->header.sample_bytes);
	emit_figure(e, "nodes", emit_number(c->node_count - 1));
	emit_figure(e, "frames", emit_number(c->frame_count - 1));
	completeness_figures(e, c, 0);
	emit_figure(e, "truncated", emit_flag(!c->complete));
	emit_figure(e, "recorder_pid", c->recorder > 0 ? emit_number((uint64_t)c->recorder) : emit_null());
	emit_figure(e, "damage", emit_words(c->complete ? NULL : c->damage.why));
	emit_figure(e, "damaged_blocks", emit_number(c->damaged_blocks));
	emit_figure(e, "skipped_bytes", emit_number(c->skipped_bytes));
}

/* The host of the program that was started. Its descendants run on another one only in containers of their own. */
static void say_machine(const struct capture *c, struct emit *e)
{
	const struct trk_process *p = c->processes;
	const char *const parts[] = { p->host, p->system, p->libc };
	const char *before = "Machine: ";

	for (size_t i = 0; c->process_count && i < sizeof(parts) / sizeof(*parts); i++) {
		if (!parts[i][0])
			continue;
		emit_aside(e, "before", emit_words(before));
		emit_aside(e, "part", emit_words(parts[i]));
		emit_say(e, "{before}{part}");
		before = ", ";
	}
	if (before[0] == ',')
		emit_say(e, "\n");
}

static void say_pieces(const struct capture *c, struct emit *e)
{
	char pieces[64];

	if (!c->last_piece)
		return;
	snprintf(pieces, sizeof(pieces), ".%0*" PRIu32 " to .%0*" PRIu32, PIECES_DIGITS, c->first_piece, PIECES_DIGITS, c->last_piece);
	emit_aside(e, "pieces", emit_words(pieces));
	emit_say(e, "Files: {pieces}\n");
}

static void say_head(const struct capture *c, struct emit *e)
{
	emit_say(e, "Capture: {capture}\n");
	say_pieces(c, e);
	emit_say(e, "Format version: {format_version}\nRecorded: {start_time} for {duration_ns}\n");
	if (capture_is_aggregated(c)) {
		emit_aside(e, "threshold", emit_number(capture_summary(c, "temporary_threshold")));
		emit_say(e, "Aggregated: sums of all events, temporary at threshold {threshold}\n");
	}
	emit_aside(e, "damaged", c->damaged_blocks ? emit_number(c->damaged_blocks) : emit_absent());
	emit_aside(e, "skipped", c->skipped_bytes ? emit_number(c->skipped_bytes) : emit_absent());
	emit_say(e, "Events: {events} in {file_bytes}, {bytes_per_event} bytes per event\n"
		    "Complete: {complete}[, {incomplete}][ ({damage}]"
		    "[; {damaged} damaged block{damaged:s}][; {skipped} byte{skipped:s} skipped]");
	emit_say(e, c->complete ? "\n" : ")\n");
	reserved_say(e, capture_summary(c, "reserved_bytes"), capture_summary(c, "reserved_mappings"), "\n");
	if (c->header.sample_bytes)
		emit_say(e, "Sampled: every {sampled_bytes} of allocations; figures of reports are estimates\n");
	say_machine(c, e);
	emit_say(e, "Stacks: {nodes} call-tree nodes, {frames} frames\n");
}

/* ---- the whole ---- */

static void describe_summary(const struct capture *c, struct emit *e)
{
	emit_group(e, "summary");
	for (uint32_t i = 0; i < c->summary_count; i++)
		emit_data(e, c->summary[i].key, emit_number(c->summary[i].value));
	emit_end(e);
}

static void describe_notices(const struct capture *c, struct emit *e)
{
	const size_t shown = report_rows(&common, limit, NOTICES, c->notice_count);

	emit_say(e, c->notice_count ? "Notices:\n" : "Notices: none\n");
	emit_texts(e, "notices", "  ", (const char *const *)c->notices, emit_people(e) ? shown : c->notice_count);
	emit_aside(e, "more_notices", emit_number(c->notice_count - shown));
	if (shown < c->notice_count)
		emit_say(e, "  {more_notices} more; -n 0 shows all\n");
}

static int describe(struct report *r, struct emit *e)
{
	const struct capture *c = r->capture;
	int err;

	describe_head(c, e);
	say_head(c, e);
	err = process_table_describe(r, e, report_rows(&common, limit, ROWS, SIZE_MAX));
	if (!err)
		err = module_list_describe(c, e, report_rows(&common, limit, ROWS, SIZE_MAX));
	health_describe(c, e, limit == 0);
	health_describe_cuts(c, e);
	describe_summary(c, e);
	describe_notices(c, e);
	return err;
}

static void ask(struct report *r)
{
	if (r->has_point)
		ui_usage_error("a point (CAPTURE@POINT) is not allowed: info describes the whole capture");
}

static int find(struct report *r)
{
	return capture_verify(r->capture);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.info",
		.common = &common,
		.of_tables = true,
		.ask = ask,
		.find = find,
		.describe = describe,
	};

	return report_main(&kind, argc, argv);
}
