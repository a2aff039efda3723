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
#include "common/report.h"
#include "common/reserved.h"

static struct report_options common;

static const struct ui_option options[] = {
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-info",
	.usage = "[options] CAPTURE",
	.summary = "Prints what a capture holds: processes, modules, health, completeness.",
	.details = "Examples:\n"
		   "  tracker info app.bin\n"
		   "  tracker info --json app.bin\n",
	.options = options,
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

/* ---- processes ---- */

enum column {
	PID,
	PPID,
	PARENT,
	NAME,
	EXECUTABLE,
	COMMAND_LINE,
	ORIGIN,
	EXECS,
	START,
	END,
	STATUS,
	SIGNAL,
	THREADS,
	HOST,
	SYSTEM,
	LIBC,
	KILLED_BY,
	UNKNOWN,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[PID] = { "pid" },
	[PPID] = { "ppid" },
	[PARENT] = { "parent_pid" },
	[NAME] = { "name" },
	[EXECUTABLE] = { "executable" },
	[COMMAND_LINE] = { "command_line" },
	[ORIGIN] = { "origin" },
	[EXECS] = { "execs" },
	[START] = { "start_ns" },
	[END] = { "end_ns" },
	[STATUS] = { "status" },
	[SIGNAL] = { "signal" },
	[THREADS] = { "threads" },
	[HOST] = { "hostname" },
	[SYSTEM] = { "system" },
	[LIBC] = { "libc" },
	[KILLED_BY] = { "killed_by", EMIT_FOR_PEOPLE },
	[UNKNOWN] = { "unknown", EMIT_FOR_PEOPLE },
};

static const struct emit_table processes = {
	EMIT_TABLE("processes", columns),
	.sentence = "  {pid} {name}, parent {ppid}, {threads:n} thread{threads:s}, from {start_ns}, "
		    "[exit status {status}][killed by SIG{killed_by}][{unknown}][ at {end_ns}]\n    {command_line}\n",
};

static uint32_t threads_of(const struct capture *c, uint32_t process)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->thread_count; i++)
		n += c->threads[i].process == process && c->threads[i].tid != 0;
	return n;
}

static struct emit_value known(const char *text)
{
	return emit_words(text[0] ? text : NULL);
}

static int describe_process(const struct capture *c, struct emit *e, uint32_t index)
{
	const struct trk_process *p = &c->processes[index];
	const char *const signal = sigabbrev_np((int)p->code);
	char *command_line = metadata_command_line(p);

	if (!command_line)
		return TRK_ERR_NOMEM;

	const struct emit_value values[COLUMNS] = {
		[PID] = emit_number(p->pid),
		[PPID] = emit_number(p->ppid),
		[PARENT] = p->parent == UINT32_MAX ? emit_null() : emit_number(c->processes[p->parent].pid),
		[NAME] = emit_words(p->name),
		[EXECUTABLE] = emit_words(p->executable),
		[COMMAND_LINE] = emit_words(command_line),
		[ORIGIN] = emit_words(p->origin == TRK_FORKED ? "fork" : "started"),
		[EXECS] = emit_number(p->execs),
		[START] = emit_time(p->start_ns),
		[END] = p->end_ns == UINT64_MAX ? emit_null() : emit_time(p->end_ns),
		[STATUS] = metadata_status(p),
		[SIGNAL] = metadata_signal(p),
		[THREADS] = emit_number(threads_of(c, index)),
		[HOST] = known(p->host),
		[SYSTEM] = known(p->system),
		[LIBC] = known(p->libc),
		[KILLED_BY] = p->ended == TRK_KILLED ? emit_words(signal ? signal : "?") : emit_absent(),
		[UNKNOWN] = p->ended == TRK_EXITED || p->ended == TRK_KILLED ? emit_absent() : emit_words("end not known"),
	};

	emit_row(e, values);
	free(command_line);
	return 0;
}

static int describe_processes(const struct report *r, struct emit *e)
{
	int err = 0;

	emit_say(e, "Processes:\n");
	emit_table(e, &processes);
	for (uint32_t p = 0; p < r->capture->process_count && !err; p++)
		if (r->process == UINT32_MAX || r->process == p)
			err = describe_process(r->capture, e, p);
	emit_end(e);
	return err;
}

/* ---- the whole ---- */

static void describe_summary(const struct capture *c, struct emit *e)
{
	emit_group(e, "summary");
	for (uint32_t i = 0; i < c->summary_count; i++)
		emit_data(e, c->summary[i].key, emit_number(c->summary[i].value));
	emit_end(e);
}

static int describe(struct report *r, struct emit *e)
{
	const struct capture *c = r->capture;
	int err;

	describe_head(c, e);
	say_head(c, e);
	err = describe_processes(r, e);
	if (!err)
		err = module_list_describe(c, e);
	health_describe(c, e);
	health_describe_cuts(c, e);
	describe_summary(c, e);
	emit_say(e, c->notice_count ? "Notices:\n" : "Notices: none\n");
	emit_texts(e, "notices", "  ", (const char *const *)c->notices, c->notice_count);
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
