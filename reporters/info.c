/*
 * tracker-info - what a capture is: the program, its processes and modules, how
 * the recording went, and whether all of it is there. Events are only checked for
 * damage.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "format/pieces.h"
#include "metadata.h"
#include "report.h"
#include "reserved.h"
#include "symbols/debug_link.h"
#include "symbols/made_code.h"

static struct report_options common;

static const struct ui_option options[] = {
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

/* What a number of the recording's health says when it is not zero. */
static const struct {
	const char *key, *words;
	bool reason; /* why stacks were cut */
} meanings[] = {
	{ "lost", "events found no room: totals are lower bounds", false },
	{ "gaps", "places where events are missing", false },
	{ "stalls", "times the program waited for the recorder", false },
	{ "stalled_ns", "so long its threads waited, together", false },
	{ "late_events", "events came too late for their place in the order", false },
	{ "corrupt_records", "the program wrote over the recorder's memory: threads are cut short", false },
	{ "truncated_stacks", "stacks lack their oldest frames, for these reasons", false },
	{ "truncated_by_depth", "deeper than what is kept: tracker run --nframe keeps more", true },
	{ "truncated_no_unwind_info",
	  "a frame of code without unwind information: compiled while the program ran (JIT), or "
	  "assembly", true },
	{ "truncated_unknown_rule",
	  "a frame whose unwind information cannot be followed: it is damaged, or of a kind that "
	  "tracker does not know", true },
	{ "truncated_off_stack",
	  "a frame whose unwind information leads out of the stack: the stack was overwritten, or "
	  "the information is wrong", true },
	{ "guessed_stacks", "stacks went on by frame pointers or sizes of frames where code has no unwind information: frames may be missing there", false },
	{ "differing_stacks", "stacks equal neither libunwind's nor libgcc's", false },
	{ "oracles_differ", "times libunwind and libgcc did not agree", false },
	{ "unknown_frames", "return addresses in no file and without a name: code made while the program ran (JIT)", false },
	{ "unrecorded_processes", "nothing was seen of: the notices say why", false },
	{ "stopped_ns", "when recording ended, before the program", false },
	{ "stopped_by", "1: its time was over, 2: the file would have become too large, 3: the recorder was told to", false },
	{ "running_at_stop", "processes ran then: what is live in them is not leaked", false },
	{ "clock_interval_ns", "from one reading of CLOCK_MONOTONIC to the next, on average: events in between have one time", false },
	{ "clock_interval_max_ns", "... and at most", false },
	{ "recorder_out_of_memory", "the recorder ran out of memory: figures of the summary are too low", false },
	{ "modules_lost", "modules were too many to be told of: their frames have no names", false },
	{ "shared_memory_limit_bytes", "of memory shared with the recorder may be in use: a control group (cgroup) limits the program's", false },
	{ "shared_memory_refused", "times the program's limits left no room for more of it: the program waited instead", false },
	{ "tables_refused", "tables found no room within the program's limits: recording took more time", false },
	{ "attach_failures", "processes or threads are not recorded: too many at one time, or out of memory", false },
};

#define MEANINGS (sizeof(meanings) / sizeof(*meanings))

/* What the capture knows of a module's symbols. */
struct module_symbols {
	uint32_t frames, resolved, open; /* open: never looked up */
	uint32_t lines; /* with a line of the source */
};

static bool has_line(const struct capture *c, const struct cap_frame *f)
{
	return f->symbol_count && f->symbol_count != UINT32_MAX && c->symbols[f->first_symbol].line;
}

static struct module_symbols *count_symbols(const struct capture *c)
{
	struct module_symbols *s = calloc(c->module_count + 1, sizeof(*s));

	for (uint32_t i = 1; s && i < c->frame_count; i++) {
		const struct cap_frame *f = &c->frames[i];

		s[f->module].frames++;
		s[f->module].resolved += stacks_knows_name(c, f);
		s[f->module].open += f->symbol_count == UINT32_MAX;
		s[f->module].lines += has_line(c, f);
	}
	return s;
}

static const char *symbol_state(const struct module_symbols *s)
{
	if (s->frames == 0)
		return "unused";
	if (s->open == s->frames)
		return "not looked up";
	if (s->resolved == s->frames)
		return s->lines ? "embedded" : "names only, no lines";
	return !s->resolved ? "none" : s->lines ? "partly embedded" : "partly names, no lines";
}

/* Names or lines of its frames are missing, and the file that would have them is, too. */
static bool wants_debug_file(const struct cap_module *m, const struct module_symbols *s, char file[NAME_MAX + 1])
{
	return s->frames && (!s->lines || s->resolved < s->frames) && !(m->flags & MODULE_CODE) &&
	       debug_link_missing(m->path, m->build_id, m->build_id_bytes, file, NAME_MAX + 1);
}

static void hex(const struct cap_module *m, char *out, size_t room)
{
	out[0] = '\0';
	for (uint32_t i = 0; i < m->build_id_bytes && 2 * i + 3 <= room; i++)
		snprintf(out + 2 * i, 3, "%02x", m->build_id[i]);
}

static bool chosen(const struct report *r, uint32_t process)
{
	return r->process == UINT32_MAX || r->process == process;
}

static uint32_t threads_of(const struct capture *c, uint32_t process)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < c->thread_count; i++)
		n += c->threads[i].process == process && c->threads[i].tid != 0;
	return n;
}

static double bytes_per_event(const struct capture *c)
{
	return c->event_count ? (double)c->file_bytes / (double)c->event_count : 0;
}

/* ---- text ---- */

static void print_end(const struct cap_process *p, FILE *f)
{
	if (p->ended == 1)
		fprintf(f, "exit status %" PRIu32, p->code);
	else if (p->ended == 2)
		fprintf(f, "killed by SIG%s",
			sigabbrev_np((int)p->code) ? sigabbrev_np((int)p->code) : "?");
	else
		fputs("end not known", f);
	if (p->end_ns != UINT64_MAX)
		fprintf(f, " at %.3f s", (double)p->end_ns / 1e9);
}

static int print_process(const struct capture *c, uint32_t index, FILE *f)
{
	const struct cap_process *p = &c->processes[index];
	char *command_line = metadata_command_line(p);

	if (!command_line)
		return TRK_ERR_NOMEM;
	fprintf(f, "  %" PRIu32 " ", p->pid);
	ui_text(f, p->name);
	fprintf(f, ", parent %" PRIu32 ", %" PRIu32 " thread%s, from %.3f s, ", p->ppid,
		threads_of(c, index), threads_of(c, index) == 1 ? "" : "s",
		(double)p->start_ns / 1e9);
	print_end(p, f);
	fputs("\n    ", f);
	ui_text(f, command_line);
	fputc('\n', f);
	free(command_line);
	return 0;
}

static void print_modules(const struct capture *c, const struct module_symbols *s, FILE *f)
{
	fputs("Modules:\n", f);
	for (uint32_t i = 1; i < c->module_count; i++) {
		char id[80], file[NAME_MAX + 1];
		const bool made = c->modules[i].flags & MODULE_CODE;

		hex(&c->modules[i], id, sizeof(id));
		fputs("  ", f);
		ui_text(f, c->modules[i].path);
		fprintf(f, "\n    %s%s, symbols %s (%" PRIu32 " of %" PRIu32 " frames)\n",
			made ? "code made at run time" : "build-id ", made ? "" : id[0] ? id : "none",
			symbol_state(&s[i]), s[i].resolved, s[i].frames);
		if (wants_debug_file(&c->modules[i], &s[i], file)) {
			fputs("    its debug file (.gnu_debuglink) is not here: ", f);
			ui_text(f, file);
			fputc('\n', f);
		}
	}
}

static void print_health(const struct capture *c, FILE *f)
{
	fputs("Health:\n", f);
	for (uint32_t i = 0; i < c->health_count; i++) {
		const struct cap_value *const v = &c->health[i];

		fputs("  ", f);
		ui_text(f, v->key);
		fprintf(f, ": %" PRIu64, v->value);
		for (size_t k = 0; k < MEANINGS && v->value; k++)
			if (!strcmp(v->key, meanings[k].key))
				fprintf(f, " (%s)", meanings[k].words);
		fputc('\n', f);
	}
}

static void print_whole(const struct capture *c, FILE *f)
{
	char text[WHOLE_ROOM];
	const char *words = whole_describe(c, 0, text);

	words += strspn(words, ": ");
	if (c->complete && !*words) {
		fputs("Complete: yes\n", f);
		return;
	}
	fprintf(f, "Complete: no, %s", *words ? words : c->damage.why);
	if (!c->complete)
		fprintf(f, " (%s; %" PRIu64 " damaged blocks, %" PRIu64 " bytes skipped)", c->damage.why,
			c->damaged_blocks, c->skipped_bytes);
	fputc('\n', f);
}

/* Of the program that was started; its descendants run elsewhere only in containers of their own. */
static void print_machine(const struct capture *c, FILE *f)
{
	const struct cap_process *p = c->processes;
	const char *const parts[] = { p->host, p->system, p->libc };
	const char *before = "Machine: ";

	for (size_t i = 0; c->process_count && i < sizeof(parts) / sizeof(*parts); i++) {
		if (!parts[i][0])
			continue;
		fputs(before, f);
		ui_text(f, parts[i]);
		before = ", ";
	}
	if (before[0] == ',')
		fputc('\n', f);
}

static int print_text(const struct report *r, const struct module_symbols *s, FILE *f)
{
	const struct capture *c = r->capture;
	char time[METADATA_TIME_ROOM], count[32], size[32];
	int err = 0;

	fputs("Capture: ", f);
	ui_text(f, c->path);
	if (c->last_piece)
		fprintf(f, "\nFiles: .%0*" PRIu32 " to .%0*" PRIu32, PIECES_DIGITS, c->first_piece,
			PIECES_DIGITS, c->last_piece);
	fprintf(f, "\nFormat version: %u\nRecorded: %s for %.3f s\n", c->header.version,
		metadata_time(c->header.start_unix_ns, time),
		(double)capture_end(c) / 1e9);
	if (capture_is_aggregated(c))
		fprintf(f, "Aggregated: sums of all events, temporary at threshold %" PRIu64 "\n",
			capture_summary(c, "temporary_threshold"));
	fprintf(f, "Events: %s in %s, %.2f bytes per event\n",
		ui_count(count, sizeof(count), c->event_count),
		ui_size(size, sizeof(size), (int64_t)c->file_bytes, false), bytes_per_event(c));
	print_whole(c, f);
	reserved_print(f, capture_summary(c, "reserved_bytes"), capture_summary(c, "reserved_mappings"), "\n");
	if (c->header.sample_bytes)
		fprintf(f, "Sampled: every %s of allocations; figures of reports are estimates\n",
			ui_size(size, sizeof(size), (int64_t)c->header.sample_bytes, false));
	print_machine(c, f);
	fprintf(f, "Stacks: %" PRIu32 " call-tree nodes, %" PRIu32 " frames\nProcesses:\n",
		c->node_count - 1, c->frame_count - 1);
	for (uint32_t p = 0; p < c->process_count && !err; p++) {
		if (chosen(r, p))
			err = print_process(c, p, f);
	}
	print_modules(c, s, f);
	print_health(c, f);
	fputs(c->notice_count ? "Notices:\n" : "Notices: none\n", f);
	for (uint32_t i = 0; i < c->notice_count; i++) {
		fputs("  ", f);
		ui_text(f, c->notices[i]);
		fputc('\n', f);
	}
	return err;
}

/* ---- --json ---- */

static void json_end_of(struct ui_json *j, const struct cap_process *p)
{
	if (p->end_ns == UINT64_MAX)
		ui_json_null(j, "end_ns");
	else
		ui_json_uint(j, "end_ns", p->end_ns);
	metadata_ended(j, p);
}

static int json_process(struct ui_json *j, const struct capture *c, uint32_t index)
{
	const struct cap_process *p = &c->processes[index];
	char *command_line = metadata_command_line(p);

	ui_json_object(j, NULL);
	ui_json_uint(j, "pid", p->pid);
	ui_json_uint(j, "ppid", p->ppid);
	if (p->parent == UINT32_MAX)
		ui_json_null(j, "parent_pid");
	else
		ui_json_uint(j, "parent_pid", c->processes[p->parent].pid);
	ui_json_string(j, "name", p->name);
	ui_json_string(j, "executable", p->executable);
	ui_json_string(j, "command_line", command_line);
	ui_json_string(j, "origin", p->origin == 1 ? "fork" : "started");
	ui_json_uint(j, "execs", p->execs);
	ui_json_uint(j, "start_ns", p->start_ns);
	json_end_of(j, p);
	ui_json_uint(j, "threads", threads_of(c, index));
	metadata_machine(j, p);
	ui_json_end(j);
	free(command_line);
	return command_line ? 0 : TRK_ERR_NOMEM;
}

static void json_modules(struct ui_json *j, const struct capture *c, const struct module_symbols *s)
{
	ui_json_array(j, "modules");
	for (uint32_t i = 1; i < c->module_count; i++) {
		char id[160], file[NAME_MAX + 1];

		hex(&c->modules[i], id, sizeof(id));
		ui_json_object(j, NULL);
		ui_json_string(j, "path", c->modules[i].path);
		ui_json_string(j, "build_id", id[0] ? id : NULL);
		ui_json_bool(j, "main", c->modules[i].flags & 1);
		ui_json_string(j, "symbols", symbol_state(&s[i]));
		ui_json_uint(j, "frames", s[i].frames);
		ui_json_uint(j, "frames_resolved", s[i].resolved);
		ui_json_uint(j, "frames_with_lines", s[i].lines);
		ui_json_string(j, "debug_file_missing", wants_debug_file(&c->modules[i], &s[i], file) ? file : NULL);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void json_values(struct ui_json *j, const char *key, const struct cap_value *v, uint32_t n)
{
	ui_json_object(j, key);
	for (uint32_t i = 0; i < n; i++)
		ui_json_uint(j, v[i].key, v[i].value);
	ui_json_end(j);
}

/* Why stacks were cut, where some were. */
static void json_cuts(struct ui_json *j, const struct capture *c)
{
	ui_json_array(j, "truncated_stacks");
	for (uint32_t i = 0; i < c->health_count; i++) {
		const struct cap_value *const v = &c->health[i];

		for (size_t k = 0; k < MEANINGS && v->value; k++) {
			if (!meanings[k].reason || strcmp(v->key, meanings[k].key))
				continue;
			ui_json_object(j, NULL);
			ui_json_string(j, "reason", v->key);
			ui_json_uint(j, "count", v->value);
			ui_json_string(j, "meaning", meanings[k].words);
			ui_json_end(j);
		}
	}
	ui_json_end(j);
}

static void json_head(struct ui_json *j, const struct capture *c)
{
	char time[METADATA_TIME_ROOM];

	ui_json_begin_report(j, "tracker.info", 1);
	ui_json_string(j, "capture", c->path);
	ui_json_uint(j, "format_version", c->header.version);
	ui_json_string(j, "start_time", metadata_time(c->header.start_unix_ns, time));
	ui_json_string(j, "content", capture_is_aggregated(c) ? "aggregated" : "events");
	ui_json_uint(j, "duration_ns", capture_end(c));
	ui_json_uint(j, "events", c->event_count);
	ui_json_uint(j, "file_bytes", c->file_bytes);
	if (c->last_piece) {
		ui_json_uint(j, "first_piece", c->first_piece);
		ui_json_uint(j, "last_piece", c->last_piece);
	}
	ui_json_double(j, "bytes_per_event", bytes_per_event(c));
	ui_json_uint(j, "page_size", c->header.page_bytes);
	sampled_json(j, c->header.sample_bytes);
	ui_json_uint(j, "nodes", c->node_count - 1);
	ui_json_uint(j, "frames", c->frame_count - 1);
	whole_json(j, c, 0);
	ui_json_bool(j, "truncated", !c->complete);
	if (c->recorder > 0)
		ui_json_uint(j, "recorder_pid", (uint64_t)c->recorder);
	else
		ui_json_null(j, "recorder_pid");
	ui_json_string(j, "damage", c->complete ? NULL : c->damage.why);
	ui_json_uint(j, "damaged_blocks", c->damaged_blocks);
	ui_json_uint(j, "skipped_bytes", c->skipped_bytes);
}

static int print_json(const struct report *r, const struct module_symbols *s, FILE *f)
{
	const struct capture *c = r->capture;
	struct ui_json j;
	int err = 0;

	ui_json_init(&j, f, false);
	json_head(&j, c);
	ui_json_array(&j, "processes");
	for (uint32_t p = 0; p < c->process_count && !err; p++) {
		if (chosen(r, p))
			err = json_process(&j, c, p);
	}
	ui_json_end(&j);
	json_modules(&j, c, s);
	json_values(&j, "health", c->health, c->health_count);
	json_cuts(&j, c);
	json_values(&j, "summary", c->summary, c->summary_count);
	ui_json_array(&j, "notices");
	for (uint32_t i = 0; i < c->notice_count; i++)
		ui_json_string(&j, NULL, c->notices[i]);
	ui_json_end(&j);
	ui_json_end(&j);
	return err;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct module_symbols *symbols = NULL;
	struct report r = { 0 };
	struct ui_output out;
	int status = ui_output_open(&out, common.output, common.force);

	if (!status) {
		status = report_open(&r, argv[first], &common);
		if (!status && r.has_point)
			ui_usage_error("a point (CAPTURE@POINT) is not allowed: info is of the whole "
				       "capture");
		if (!status && capture_verify(r.capture) != 0) {
			ui_error("out of memory");
			status = UI_CANNOT;
		}
		if (!status) {
			symbols = count_symbols(r.capture);
			if (!symbols || (common.json ? print_json(&r, symbols, out.file) :
						       print_text(&r, symbols, out.file)) != 0) {
				ui_error("out of memory");
				status = UI_CANNOT;
			}
		}
		if (!status)
			status = ui_output_close(&out);
		else
			ui_output_discard(&out);
	}
	free(symbols);
	report_close(&r);
	return status;
}
