/* say - see say.h. */
#include "tools/run/say.h"

#include "format/pieces.h"
#include "ui/ui.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/* The name that readers are given: with several files, the name that they share. */
static const char *capture_name(const struct run *r)
{
	return r->output.pieces[0] ? r->output.pieces : r->output.path;
}

void say_left(const struct run *r, const struct control_message *m)
{
	char pids[CONTROL_PIDS * 12 + 8] = "";
	size_t at = 0;

	for (uint32_t i = 0; i < m->running && i < CONTROL_PIDS; i++)
		at += (size_t)snprintf(pids + at, sizeof(pids) - at, "%s%u", i ? ", " : "",
				       m->pids[i]);
	fprintf(stderr,
		"tracker: %u %s still running (pid %s%s); recording into %s goes on until %s\n",
		m->running, m->running == 1 ? "descendant is" : "descendants are", pids,
		m->running > CONTROL_PIDS ? ", ..." : "", capture_name(r),
		m->running == 1 ? "it ends" : "they end");
	if (r->o.split)
		fprintf(stderr, "tracker: run tracker split %s when the recording has ended\n", capture_name(r));
}

static void print_error(const struct run *r, const struct control_message *m)
{
	static const struct {
		uint32_t error;
		const char *remedy;
	} remedies[] = {
		{ ENOSPC, "; free space and run again" },
		{ EDQUOT, "; free space and run again" },
		{ EFBIG, "; raise the limit on file sizes (ulimit -f) and run again" },
	};
	const char *remedy = "";

	for (size_t i = 0; i < sizeof(remedies) / sizeof(*remedies); i++)
		if (remedies[i].error == m->error)
			remedy = remedies[i].remedy;
	fprintf(stderr, "tracker: cannot write %s: %s: recorded up to %.1f s%s\n", capture_name(r),
		strerror((int)m->error), (double)m->error_ns / 1e9, remedy);
}

/* The user asked for it, so with --quiet it is not printed, unless somebody else stopped the recording. */
static void print_stopped(const struct run *r, const struct control_message *m)
{
	static const char *const reasons[] = {
		[STOPPED_DURATION] = "because of --duration",
		[STOPPED_SIZE] = "because of --max-size",
		[STOPPED_TOLD] = "because the recorder was told to stop",
	};

	if (m->stopped_by == STOPPED_NOT || m->stopped_by > STOPPED_TOLD ||
	    (r->o.quiet && m->stopped_by != STOPPED_TOLD))
		return;
	fprintf(stderr, "tracker: recording stopped after %.1f s %s; the program ran on\n",
		(double)m->stopped_ns / 1e9, reasons[m->stopped_by]);
}

/* The capture is FILE.000004 to FILE.000008, and the pieces before those were removed. */
static void print_pieces(const char *f, const struct control_message *m, const char *size)
{
	fprintf(stderr, "tracker: wrote %s.%0*u to .%0*u (%u files, %s)", f, PIECES_DIGITS,
		m->first_piece, PIECES_DIGITS, m->last_piece, m->last_piece - m->first_piece + 1, size);
	if (m->first_piece > 1)
		fprintf(stderr, "; events before %.1f s were dropped because of --rotate",
			(double)m->began_ns / 1e9);
	fputc('\n', stderr);
}

static void print_figures(const struct run *r, const struct control_message *m)
{
	char allocations[32], leaked[32], total[32], peak[32], bytes[32];

	fprintf(stderr, "tracker: %s%s%s allocations (%s), peak %s, %s not freed (%s), %u %s\n",
		m->last_piece > 1 ? "in the newest file " : "", r->o.sample_bytes ? "about " : "",
		ui_count(allocations, sizeof(allocations), m->allocations),
		ui_size(total, sizeof(total), (int64_t)m->bytes_allocated, false),
		ui_size(peak, sizeof(peak), (int64_t)m->peak_bytes, false),
		ui_count(leaked, sizeof(leaked), m->leaked_blocks),
		ui_size(bytes, sizeof(bytes), (int64_t)m->leaked_bytes, false), m->processes,
		m->processes == 1 ? "process" : "processes");
}

/* The figures are without that part. */
static void print_reserved(const struct control_message *m)
{
	const uint64_t bytes = m->reserved_bytes < INT64_MAX ? m->reserved_bytes : INT64_MAX;
	char size[32], count[32];

	if (bytes)
		fprintf(stderr, "tracker: reserved address space, not counted as heap: %s in %s mapping%s\n",
			ui_size(size, sizeof(size), (int64_t)bytes, false),
			ui_count(count, sizeof(count), m->reserved_mappings), m->reserved_mappings == 1 ? "" : "s");
}

/* No process attached. The warning before the start has said what to do about an unrecordable program. */
static void print_nothing(const struct run *r, const struct control_message *m)
{
	const char *const why = r->found.unrecordable ? r->found.why :
				m->notice[0]	      ? m->notice :
							"no process attached to the recorder";

	fprintf(stderr, "tracker: nothing was recorded because %.*s\n",
		(int)(r->found.unrecordable ? strcspn(why, ";") : strlen(why)), why);
}

void say_done(const struct run *r, const struct control_message *m)
{
	char size[32], lost[32], unrecorded[UI_UNRECORDED_ROOM];
	const char *const f = m->elsewhere[0] ? m->elsewhere : capture_name(r);

	if (m->elsewhere[0])
		fprintf(stderr, "tracker: %s was replaced by another file; the capture is in %s\n",
			r->output.path, m->elsewhere);
	if (m->error) {
		print_error(r, m);
		capture_file_remove_unbegun(&r->output);
		return;
	}
	if (m->lost)
		fprintf(stderr, "tracker: %s events were lost because the recorder could not keep up: totals are lower bounds\n",
			ui_count(lost, sizeof(lost), m->lost));
	else if (m->notice[0] && (m->processes || r->o.quiet))
		fprintf(stderr, "tracker: %.*s\n", (int)sizeof(m->notice), m->notice);
	if (m->unrecorded && m->processes)
		fprintf(stderr, "tracker: %s\n", ui_unrecorded(unrecorded, m->unrecorded));
	print_stopped(r, m);
	if (r->o.quiet)
		return;
	if (m->processes) {
		if (!r->o.report) /* which says the same */
			print_figures(r, m);
		print_reserved(m);
	} else
		print_nothing(r, m);
	if (r->output.is_spool) /* what became of it is said when it has been sent */
		return;
	ui_size(size, sizeof(size), (int64_t)m->file_bytes, false);
	if (m->last_piece > 1)
		print_pieces(f, m, size);
	else
		fprintf(stderr, "tracker: wrote %s (%s)\n", m->last_piece ? r->output.path : f, size);
	/* a device or a pipe keeps nothing that could be read, and the report itself says what to ask next */
	if (m->processes && r->output.created && !r->o.report)
		fprintf(stderr, "tracker: next: tracker report %s, tracker flamegraph %s, tracker leaks %s\n",
			f, f, f);
}

/* `status` as wait(2) has it. */
void say_recorder_died(const struct run *r, int status)
{
	const char *const name = WIFSIGNALED(status) ? sigabbrev_np(WTERMSIG(status)) : NULL;
	const bool begun = !capture_file_remove_unbegun(&r->output);

	fprintf(stderr, "tracker: the recorder died%s%s%s; ", name ? " (SIG" : "", name ? name : "",
		name ? ")" : "");
	if (begun && r->output.is_spool)
		fputs("the events up to that moment are sent\n", stderr);
	else if (begun)
		fprintf(stderr, "%s holds the events up to %s\n", capture_name(r),
			r->o.aggregate ? "the last checkpoint" : "that moment");
	else
		fputs("the program ran, but nothing was recorded\n", stderr);
}
