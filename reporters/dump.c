/*
 * tracker-dump - every event of a capture, one line each, or its header. How lines are written: dump/.
 */
#include <stdlib.h>
#include <unistd.h>

#include "format/array.h"
#include "format/event.h"
#include "format/mix.h"
#include "replay/stop.h"
#include "symbols/keymap.h"
#include "common/metadata.h"
#include "common/narrow.h"
#include "common/report.h"
#include "dump/dump_writer.h"

static struct report_options common;
static bool with_stacks, only_header;
static uint64_t limit; /* 0: none */

static const struct ui_option options[] = {
	{ 0, "stacks", UI_FLAG, &with_stacks, NULL, "print the frames of every stack", 0, 0 },
	{ 0, "header", UI_FLAG, &only_header, NULL, "print what is known about the recording, and no events",
	  0, 0 },
	{ 'n', "limit", UI_UINT, &limit, "N", "print the first N events (default 0: all)", 0, 0 },
	{ 0, "thread", UI_STRING, &common.thread, "TID|PATTERN", "only the events of this thread, or of threads whose names match", 0, 0 },
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_absent absent[] = {
	{ "filter", "a release has no stack that a filter could look at; tracker table has it" },
	{ "include", "a release has no stack that a filter could look at; tracker table has it" },
	{ "exclude", "a release has no stack that a filter could look at; tracker table has it" },
	{ "domain", "a release has no stack that a filter could look at; tracker table has it" },
	{ NULL, NULL },
};

static const struct ui_command command = {
	.name = "tracker-dump",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints every event, one line each.",
	.details = "With --json, each line is a JSON object of its own; with --csv, a row of a table.\n"
		   "With a point, the events before it are printed; with a range (CAPTURE@A..B), those\n"
		   "between its points. They keep their numbers.\n"
		   "Points: CAPTURE@end, @LABEL, @=LABEL (if LABEL looks like another point), @#3 (the third\n"
		   "mark), @1.5s, @90%, @A..B.\n\n"
		   "Examples:\n"
		   "  tracker dump --json app.bin | head\n"
		   "  tracker dump --thread 'worker*' app.bin@1s..2s\n"
		   "  tracker dump --header --json app.bin\n",
	.options = options,
	.absent = absent,
	.min_operands = 1,
	.max_operands = 1,
};

struct dump {
	struct report report;
	struct dump_writer writer;
	struct keymap begun; /* first halves: by thread and old address, the place of its line in `ids` */
	uint64_t *ids; /* sequence numbers */
	size_t id_count, id_room;
};

/* ---- halves ---- */

/* A thread waits for the end of one call, or of a few where signal handlers realloc, too. */
static uint64_t call_key(const struct trk_event *e)
{
	return trk_mix(trk_mix(trk_mix(0, e->process), e->thread), e->old_address);
}

/* The first half: its line's number is the id of both. */
static int remember_half(struct dump *d, const struct trk_event *e)
{
	uint32_t *const place = keymap_at(&d->begun, call_key(e));

	if (!place)
		return TRK_ERR_NOMEM;
	if (*place == KEYMAP_NONE) {
		if (!ARRAY_ROOM(d->ids, d->id_room, d->id_count + 1, 64))
			return TRK_ERR_NOMEM;
		*place = (uint32_t)d->id_count++;
	}
	d->ids[*place] = d->writer.sequence;
	return 0;
}

static int print_part(struct dump *d, const struct trk_event *e)
{
	if (e->kind == TRK_REALLOC_RELEASE) {
		const struct dump_line l = dump_line_of_release(e, e->call, d->writer.sequence);
		const int err = remember_half(d, e);

		return err ? err : dump_writer_line(&d->writer, &l);
	}

	if (e->kind == TRK_REALLOC_ACQUIRE && !e->address) /* its new block is not in the sample */
		return 0;

	const uint32_t *place = keymap_at(&d->begun, call_key(e));

	if (place && *place == KEYMAP_NONE) {
		/* without the first half (the capture begins later, or it is damaged): a number of its own */
		const int err = remember_half(d, e);

		if (err)
			return err;
		place = keymap_at(&d->begun, call_key(e)); /* it may have moved */
	}
	if (!place)
		return TRK_ERR_NOMEM;

	const struct dump_line l = dump_line_of(e, e->call, e->address ? "allocate" : "withdraw", d->ids[*place]);

	return dump_writer_line(&d->writer, &l);
}

/* A call that released a block and got one is two lines, because other events may stand between the two. */
static int print_event(struct dump *d, const struct trk_event *e)
{
	const uint64_t id = d->writer.sequence;
	const bool released = e->kind == TRK_MREMAP ? e->old_size != 0 : e->old_address != 0;

	if (trk_kind_is_part(e->kind))
		return print_part(d, e);
	if (!trk_kind_reallocates(e->kind) || !e->address || !released) {
		const struct dump_line l = dump_line_of(e, e->kind, NULL, 0);

		return dump_writer_line(&d->writer, &l);
	}

	const struct dump_line first = dump_line_of_release(e, e->kind, id);
	const struct dump_line second = dump_line_of(e, e->kind, "allocate", id);
	const int err = dump_writer_line(&d->writer, &first);

	return err ? err : dump_writer_line(&d->writer, &second);
}

/* ---- the whole ---- */

/* Where the events that are printed begin and end. */
struct part {
	struct stop from, to;
	bool has_from, has_to; /* still to be met */
	uint64_t read, printed;
};

/* Finds the points, or says why there are none. A peak must be known before its event comes. */
static int find_part(struct dump *d, struct part *ret)
{
	struct report *const r = &d->report;
	const struct point_range *const at = &r->at;
	const struct point *const last = at->is_range ? &at->to : &at->from;
	struct view_options o = { .what = VIEW_ALLOCATIONS, .process = r->process };
	struct view v = { 0 };
	uint64_t peak_event = 0;
	int status = UI_OK;

	*ret = (struct part){ 0 };
	if (!r->has_point)
		return UI_OK;
	if (at->from.kind == POINT_PEAK || last->kind == POINT_PEAK) {
		status = report_view(r, &o, &v);
		peak_event = v.totals.peak_event;
		view_finish(&v);
	}
	o.at = *at;
	o.spanned = true;
	if (!status)
		status = report_view(r, &o, &v);
	view_finish(&v);
	stop_set(&ret->to, last, r->capture, r->process, peak_event);
	ret->has_to = last->kind != POINT_END;
	ret->has_from = at->is_range && at->from.kind != POINT_END;
	if (ret->has_from)
		stop_set(&ret->from, &at->from, r->capture, r->process, peak_event);
	return status;
}

/* Whether the next event, and all behind it, are of no interest any more. */
static bool is_over(struct part *p, const struct trk_event *e)
{
	if (p->has_from && stop_step(&p->from, e, p->read))
		p->has_from = false;
	if (p->has_to && stop_step(&p->to, e, p->read))
		return true;
	return limit && p->printed == limit;
}

static bool is_chosen(const struct dump *d, const struct part *p, const struct trk_event *e)
{
	const struct report *const r = &d->report;

	return !p->has_from && (!r->threads || (e->thread < r->capture->thread_count && r->threads[e->thread]));
}

/* TRK_END: the others are not printed. */
static int print_some(struct dump *d, struct part *p, const struct trk_event *e, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++) {
		if (is_over(p, &e[i]))
			return TRK_END;
		d->writer.mute = !is_chosen(d, p, &e[i]);
		p->read++;
		p->printed += !d->writer.mute;
		err = print_event(d, &e[i]);
	}
	return err;
}

static int print_events(struct dump *d, struct part *p)
{
	const struct trk_event *e;
	struct cursor *k = NULL;
	size_t n;
	int err = cursor_open(&k, d->report.capture, d->report.process);

	while (!err && (err = cursor_batch(k, &e, &n)) == 0) {
		err = print_some(d, p, e, n);
		if (ferror(d->writer.file)) /* ui_output_close says why */
			break;
	}
	dump_writer_flush(&d->writer);
	cursor_close(k);
	return err == TRK_END ? 0 : err;
}

/* The recorder's own sums, if it came to its end; otherwise the events are counted. */
static int totals_of(struct dump *d, struct heap_totals *ret)
{
	const struct capture *c = d->report.capture;
	struct view_options o = { .what = VIEW_ALLOCATIONS, .process = d->report.process };
	struct view v = { 0 };
	int status;

	*ret = (struct heap_totals){ .allocations = capture_summary(c, "allocations"),
				     .frees = capture_summary(c, "frees"),
				     .peak_bytes = capture_summary(c, "peak_bytes") };
	if (c->complete && c->summary_count && d->report.process == UINT32_MAX)
		return UI_OK;
	status = report_view(&d->report, &o, &v);
	if (!status)
		*ret = v.totals;
	view_finish(&v);
	return status;
}

static int print_header(struct dump *d)
{
	const enum emit_form form = common.json ? EMIT_JSON : common.csv ? EMIT_CSV :
									   EMIT_PEOPLE;
	struct heap_totals totals;
	struct emit *e;
	int status = totals_of(d, &totals), err;

	if (status)
		return status;
	e = emit_new(form, d->writer.file, NULL);
	if (!e)
		return UI_CANNOT;
	emit_document(e, "tracker.dump.header", 1);
	err = metadata_figures(e, &d->report, &totals);
	metadata_say(e);
	completeness_figures(e, d->report.capture, totals.lost);
	if (!emit_end_all(e) && !err)
		return UI_OK;
	ui_error("out of memory");
	return UI_CANNOT;
}

static int run(struct dump *d, const char *operand)
{
	struct part part;
	int status = report_open(&d->report, operand, &common);

	if (!status && d->report.has_point && only_header)
		ui_usage_error("a point (CAPTURE@POINT) is not allowed with --header");
	if (!status && only_header)
		return print_header(d);
	if (!status && capture_is_aggregated(d->report.capture)) {
		ui_error("%s: the capture is aggregated: it holds sums, not events; record without "
			 "--aggregate",
			 d->report.capture->path);
		return UI_CANNOT;
	}
	if (!status)
		status = report_stacks(&d->report, &common);
	if (!status && common.thread)
		status = narrow_find_threads(&d->report, common.thread);
	if (!status)
		status = find_part(d, &part);
	if (status)
		return status;
	report_say_missing(&d->report); /* a reader of the first lines may hang up */
	d->report.capture->depths_apart = true;
	d->writer.form = common.json ? &dump_json :
			 common.csv  ? &dump_csv :
				       &dump_text;
	d->writer.with_stacks = with_stacks;
	d->writer.report = &d->report;
	status = dump_writer_start(&d->writer);
	if (!status)
		status = print_events(d, &part);
	if (!status)
		return UI_OK;
	ui_error("%s: %s", d->report.capture->path, capture_why(d->report.capture, status));
	return UI_CANNOT;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	static struct dump d; /* its buffer is too large for a stack */
	struct ui_output out;
	int status;

	ui_exclude("--csv", common.csv, "--json", common.json);
	ui_exclude("--header", only_header, "--stacks", with_stacks);
	ui_exclude("--header", only_header, "--limit", limit != 0);
	ui_exclude("--header", only_header, "--thread", common.thread != NULL);
	common.no_skip = true; /* raw: the allocator's frames are frames */
	if (!only_header && !common.output && isatty(STDOUT_FILENO)) {
		ui_error("You must redirect stdout to a file or shell pipeline.");
		return UI_CANNOT;
	}
	status = ui_output_open(&out, common.output, common.force);
	if (!status) {
		ui_output_look(&out, &common.look, !common.json && !common.csv);
		d.writer.file = out.file;
		status = run(&d, argv[first]);
		if (!status)
			status = ui_output_close(&out);
		else
			ui_output_discard(&out);
	}
	dump_writer_finish(&d.writer);
	keymap_finish(&d.begun);
	free(d.ids);
	report_close(&d.report);
	return status;
}
