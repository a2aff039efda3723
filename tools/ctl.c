/* tracker-ctl - tells a recorder something while it records: set a mark, take a snapshot, look for leaks, stop; or begins to record a dormant program. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/contact.h"
#include "tools/ctl_start.h"
#include "tools/record/rotate.h"
#include "tools/run/hook_options.h"
#include "ui/emit.h"

static bool json, force;
static const char *output;
static struct ctl_start how = { .nframe = CTL_NFRAME, .memory_interval_ms = CTL_MEMORY_INTERVAL_MS };

static const struct ui_option options[] = {
	{ 'o', "output", UI_STRING, &output, "FILE", "start, snapshot: write it to FILE (tracker.NAME.PID.TIME.bin, tracker.snapshot.PID.bin)", 0, 0 },
	{ 'f', "force", UI_FLAG, &force, NULL, "start, snapshot: overwrite FILE", 0, 0 },
	{ 'a', "aggregate", UI_FLAG, &how.aggregate, NULL, "start: record sums per stack instead of events", 0, 0 },
	{ 0, "sample", UI_STRING, &how.sample, "SIZE", "start: record a sample of the allocations, one every SIZE bytes on average", 0, 0 },
	{ 0, "duration", UI_STRING, &how.duration, "TIME", "start: stop recording after TIME (30s)", 0, 0 },
	{ 0, "max-size", UI_STRING, &how.max_size, "SIZE", "start: stop recording before FILE becomes larger than SIZE (100M)", 0, 0 },
	{ 0, "rotate", UI_UINT, &how.rotate, "N", "start: with --max-size, go on in FILE.000002 and so on, and keep the newest N files", 1, ROTATE_MAX },
	{ 0, "compress", UI_STRING, &how.compress, "zstd|lz4|none", "start: how to compress the capture: zstd (default; tables by LZ4), lz4, none", 0, 0 },
	{ 0, "nframe", UI_UINT, &how.nframe, "N", "start: keep the N most recent frames of a stack (1024)", 1, CTL_NFRAME_MAX },
	{ 0, "trace-python-allocators", UI_FLAG, &how.trace_python_allocators, NULL, "start: record each object of Python programs instead of the arenas that objects lie in", 0, 0 },
	{ 0, "no-symbols", UI_FLAG, &how.no_symbols, NULL, "start: do not look up names when recording ends", 0, 0 },
	{ 0, "memory-interval-ms", UI_UINT, &how.memory_interval_ms, "N", "start: look at resident memory every N ms (10); 0: never", 0, 3600000 },
	LOOK_OPTIONS(&how, "start: "),
	{ 'j', "json", UI_FLAG, &json, NULL, "machine-readable output", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-ctl",
	.usage = "[options] PID|CAPTURE COMMAND [LABEL]",
	.summary = "control a recording that is going on",
	.details = "PID is that of a recorded program or of its recorder, CAPTURE the file that is being written.\n"
		   "\n"
		   "Commands:\n"
		   "  status             show what is recorded so far\n"
		   "  mark LABEL         set a mark: reports find this moment as CAPTURE@LABEL\n"
		   "  snapshot           write a capture of the blocks that are live now; the recording goes on\n"
		   "  leak-check [LABEL] look which live blocks of PID can still be reached (tracker run --leak-check)\n"
		   "  stop               end the recording and finish its file; the program runs on\n"
		   "  start              begin to record a dormant program (tracker run --dormant)\n"
		   "\n"
		   "Examples:\n"
		   "  tracker ctl 4242 status\n"
		   "  tracker ctl 4242 start -o now.bin --duration 30s\n"
		   "  tracker ctl 4242 mark before-the-deploy\n"
		   "  tracker ctl 4242 snapshot -o now.bin\n"
		   "  tracker ctl out.bin stop\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 3,
};

/* A command on its way. */
struct talk {
	struct contact to;
	struct contact_request q;
	struct contact_answer a;
	struct emit *e;
	const char *label; /* "": none */
};

/* UI_OK: it was answered; else it has said why not. */
static int ask(struct talk *t, int descriptor)
{
	const int error = contact_ask(&t->to.address, &t->q, descriptor, -1, &t->a);

	if (error)
		ui_error("the recorder (pid %" PRIu32 ") did not answer: %s; tracker list shows whether it still runs",
			 t->to.answer.status.recorder, error == ECONNRESET ? "it has ended" : strerror(error));
	else if (t->a.error)
		ui_error("%s", t->a.sentence);
	return error || t->a.error ? UI_CANNOT : UI_OK;
}

static void describe_status(struct emit *e, const struct contact_status *s)
{
	static const struct emit_column columns[] = { { "pid" } };
	static const struct emit_table table = { EMIT_TABLE("running", columns), .sentence = "" };
	const char *const state = s->state == CONTACT_WAITING ? "waiting" : s->state == CONTACT_FINISHING ? "finished" :
								    s->state == CONTACT_DORMANT		  ? "dormant" :
													    "recording";

	emit_figure(e, "state", emit_words(state));
	emit_figure(e, "program", emit_number(s->program));
	emit_figure(e, "recorder", emit_number(s->recorder));
	emit_figure(e, "command", emit_words(s->command));
	emit_figure(e, "file", emit_words(s->file[0] ? s->file : NULL));
	emit_figure(e, "aggregated", emit_flag(s->aggregated));
	emit_figure(e, "recorded_ns", emit_tenths(s->recorded_ns));
	emit_figure(e, "allocations", emit_count(s->allocations));
	emit_figure(e, "live_bytes", emit_size(s->live_bytes));
	emit_figure(e, "live_blocks", emit_count(s->live_blocks));
	emit_figure(e, "peak_bytes", emit_size(s->peak_bytes));
	emit_figure(e, "lost_events", emit_count(s->lost));
	emit_figure(e, "file_bytes", emit_size(s->file_bytes));
	emit_figure(e, "programs", emit_count(s->running));
	emit_table(e, &table);
	for (uint32_t i = 0; i < s->running && i < CONTACT_PIDS; i++)
		emit_row(e, (struct emit_value[]){ emit_number(s->pids[i]) });
	emit_end(e);
}

static int show_status(struct talk *t)
{
	const int code = ask(t, -1);

	if (code)
		return code;
	describe_status(t->e, &t->a.status);
	if (t->a.status.state == CONTACT_DORMANT) {
		emit_say(t->e, "{command:prose}\n"
			       "  dormant: nothing is recorded; tracker ctl {program} start begins a recording\n");
		return UI_OK;
	}
	emit_say(t->e, "{command:prose}\n"
		       "  {state} for {recorded_ns}[ into {file:prose}] ({file_bytes}), by pid {recorder}\n"
		       "  {live_bytes} live in {live_blocks} block{live_blocks:s}, peak {peak_bytes}, {allocations} allocation{allocations:s}\n"
		       "  {programs} program{programs:s} recorded now\n");
	if (t->a.status.lost)
		emit_say(t->e, "  {lost_events} event{lost_events:s} lost: totals are lower bounds\n");
	return UI_OK;
}

static int set_mark(struct talk *t)
{
	const int code = ask(t, -1);

	if (code)
		return code;
	emit_figure(t->e, "label", emit_words(t->label));
	describe_status(t->e, &t->a.status);
	emit_say(t->e, "Marked {label:prose} at {recorded_ns}, with {live_bytes} live.\n");
	return UI_OK;
}

static int take_snapshot(struct talk *t)
{
	struct ui_output out;
	char name[64];
	int code;

	snprintf(name, sizeof(name), "tracker.snapshot.%" PRIu32 ".bin", t->to.answer.status.program);
	if (output && !strcmp(output, "-")) {
		ui_error("argument -o/--output: a snapshot needs a file; '-' is none");
		return UI_USAGE;
	}
	code = ui_output_open(&out, output ? output : name, force);
	if (code)
		return code;
	(void)fchmod(fileno(out.file), 0600); /* like every capture: it tells command lines and paths */
	code = ask(t, fileno(out.file));
	if (code) {
		ui_output_discard(&out);
		return code;
	}
	emit_figure(t->e, "snapshot", emit_words(output ? output : name));
	describe_status(t->e, &t->a.status);
	emit_say(t->e, "Wrote {snapshot:prose}: the blocks that were live; the recording goes on.\n"
		       "Next: tracker report {snapshot:prose}, tracker table {snapshot:prose}\n");
	return ui_output_close(&out);
}

static int look_for_leaks(struct talk *t)
{
	const int code = ask(t, -1);

	if (code)
		return code;
	emit_figure(t->e, "found", emit_words(t->a.sentence));
	describe_status(t->e, &t->a.status);
	emit_say(t->e, "{found:prose}.\n[Next: when the recording has ended, tracker leaks {file:prose}\n]");
	return UI_OK;
}

static int end_recording(struct talk *t)
{
	const int code = ask(t, -1);

	if (code)
		return code;
	describe_status(t->e, &t->a.status);
	emit_say(t->e, "Recording stopped after {recorded_ns}; the program runs on.\n"
		       "[Wrote {file:prose} ({file_bytes}): {allocations} allocation{allocations:s}, peak {peak_bytes}, {live_bytes} still live.\n"
		       "Next: tracker report {file:prose}\n]");
	return UI_OK;
}

static int start_recording(struct talk *t)
{
	struct capture_file file;
	int code;

	if (output && !strcmp(output, "-")) {
		ui_error("argument -o/--output: a recording needs a file; '-' is none");
		return UI_USAGE;
	}
	code = ctl_start_prepare(&how, output, force, &t->to.answer.status, &t->q, &file);
	if (code)
		return code;
	code = ask(t, file.fd);
	if (code) {
		capture_file_discard(&file);
		return code;
	}
	capture_file_keep(&file);
	close(file.fd);
	emit_figure(t->e, "started", emit_words(file.pieces[0] ? file.pieces : file.path));
	emit_figure(t->e, "note", emit_words(t->a.sentence[0] ? t->a.sentence : NULL));
	describe_status(t->e, &t->a.status);
	emit_say(t->e, "Recording pid {program} into {started:prose}; tracker ctl {program} stop ends it.\n[Note: {note:prose}.\n]");
	return UI_OK;
}

enum label { LABEL_NONE,
	     LABEL_OPTIONAL,
	     LABEL_NEEDED };

static const struct {
	const char *name;
	enum contact_kind kind;
	enum label label;
	int (*run)(struct talk *t);
} commands[] = {
	{ "status", CONTACT_STATUS, LABEL_NONE, show_status },
	{ "mark", CONTACT_MARK, LABEL_NEEDED, set_mark },
	{ "snapshot", CONTACT_SNAPSHOT, LABEL_NONE, take_snapshot },
	{ "leak-check", CONTACT_LOOK, LABEL_OPTIONAL, look_for_leaks },
	{ "stop", CONTACT_STOP, LABEL_NONE, end_recording },
	{ "start", CONTACT_START, LABEL_NONE, start_recording },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static size_t find_command(const char *word)
{
	const char *names[COMMANDS + 1] = { NULL };
	char meant[UI_MEANT_ROOM];

	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(commands[i].name, word))
			return i;
		names[i] = commands[i].name;
	}
	ui_usage_error("no command '%s'%s", word, ui_meant(word, names, "", meant));
}

/* Exits if the label does not fit the command. */
static void take_label(struct talk *t, size_t which, const char *label)
{
	if (label && commands[which].label == LABEL_NONE)
		ui_usage_error("%s takes no label: '%s' is too much", commands[which].name, label);
	if (!label && commands[which].label == LABEL_NEEDED)
		ui_usage_error("%s needs a label", commands[which].name);
	t->label = label ? label : "";
	if (strlen(t->label) > CONTACT_TEXT)
		ui_usage_error("the label is too long");
	t->q.text_bytes = (uint32_t)strlen(t->label);
	memcpy(t->q.text, t->label, t->q.text_bytes);
}

int main(int argc, char **argv)
{
	static struct talk t;
	struct ui_output out = { .file = stdout };
	const int first = ui_parse(&command, argc, argv, false);
	const size_t which = find_command(argv[first + 1]);
	char *end;

	t.q = (struct contact_request){ .version = CONTACT_VERSION, .kind = commands[which].kind };
	take_label(&t, which, argc - first > 2 ? argv[first + 2] : NULL);
	const bool starts = commands[which].kind == CONTACT_START;

	ui_needs("--output", output != NULL, "the commands start and snapshot", starts || commands[which].kind == CONTACT_SNAPSHOT);
	ui_needs("--aggregate", how.aggregate, "the command start", starts);
	ui_needs("--sample", how.sample != NULL, "the command start", starts);
	ui_needs("--duration", how.duration != NULL, "the command start", starts);
	ui_needs("--max-size", how.max_size != NULL, "the command start", starts);
	ui_needs("--rotate", how.rotate != 0, "the command start", starts);
	ui_needs("--compress", how.compress != NULL, "the command start", starts);
	ui_needs("--trace-python-allocators", how.trace_python_allocators, "the command start", starts);
	ui_needs("--no-symbols", how.no_symbols, "the command start", starts);
	ui_needs("--memory-interval-ms", how.memory_interval_ms != CTL_MEMORY_INTERVAL_MS, "the command start", starts);
	ui_needs("--leak-check", how.leak_check, "the command start", starts);
	ui_needs("--look-at-marks", how.look_at_marks, "the command start", starts);
	ui_needs("--pointer-mask", how.pointer_mask != NULL, "the command start", starts);
	ui_needs("--memory", how.memory, "the command start", starts);
	ui_needs("--look-contents", how.look_contents, "the command start", starts);
	if (!contact_find(argv[first], &t.to))
		return UI_CANNOT;
	t.q.pid = (uint32_t)strtoul(argv[first], &end, 10);
	if (*end) /* a file */
		t.q.pid = 0;
	t.e = emit_new(json ? EMIT_JSON : EMIT_PEOPLE, stdout, NULL);
	if (t.e)
		emit_document(t.e, "tracker.ctl", 1);

	int code = t.e ? commands[which].run(&t) : UI_CANNOT;

	if (code) /* what was begun is not shown */
		return code;
	if (emit_end_all(t.e)) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	code = ui_output_close(&out);
	return code;
}
