/*
 * tracker-dump - every event of a capture, one line each, or its header.
 *
 * Captures have millions of events: lines are put together by hand in one
 * buffer. What needs escaping (stacks, labels) goes through the JSON writer, and
 * rendered stacks are remembered.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/array.h"
#include "format/event.h"
#include "format/mix.h"
#include "common/depths.h"
#include "symbols/keymap.h"
#include "common/metadata.h"
#include "common/report.h"
#include "common/traceback.h"

#define LINE_ROOM 512u /* of a line without stack and label */
#define BUFFER_BYTES 65536u
#define STACKS_KEPT 4096u

static struct report_options common;
static bool with_stacks, only_header;

static const struct ui_option options[] = {
	{ 0, "stacks", UI_FLAG, &with_stacks, NULL, "print the frames of every stack", 0, 0 },
	{ 0, "header", UI_FLAG, &only_header, NULL, "print what is known about the recording, and no events",
	  0, 0 },
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-dump",
	.usage = "[options] CAPTURE",
	.summary = "Prints every event, one line each.",
	.details = "With --json, each line is a JSON object of its own.\n\n"
		   "Examples:\n"
		   "  tracker dump --json app.bin | head\n"
		   "  tracker dump --header --json app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

struct kept_stack {
	uint32_t node;
	char *text;
};

struct dump {
	struct report report;
	FILE *file;
	char *at; /* in buffer */
	uint64_t sequence;
	struct keymap begun; /* what was cut in two: by thread and old address, the place of its line in `ids` */
	uint64_t *ids; /* sequence numbers */
	size_t id_count, id_room;
	struct kept_stack *stacks; /* by node modulo STACKS_KEPT */
	uint32_t *depths; /* see depths.h */
	char buffer[BUFFER_BYTES];
};

/* ---- a line, piece by piece ---- */

static void flush(struct dump *d)
{
	fwrite(d->buffer, 1, (size_t)(d->at - d->buffer), d->file);
	d->at = d->buffer;
}

static void put(struct dump *d, const char *text)
{
	const size_t n = strlen(text);

	memcpy(d->at, text, n);
	d->at += n;
}

static void put_number(struct dump *d, uint64_t n)
{
	char digits[20];
	int i = sizeof(digits);

	do
		digits[--i] = (char)('0' + n % 10);
	while (n /= 10);
	memcpy(d->at, digits + i, sizeof(digits) - (size_t)i);
	d->at += sizeof(digits) - (size_t)i;
}

static void put_hex(struct dump *d, uint64_t n)
{
	char digits[16];
	int i = sizeof(digits);

	do
		digits[--i] = "0123456789abcdef"[n % 16];
	while (n /= 16);
	put(d, "0x");
	memcpy(d->at, digits + i, sizeof(digits) - (size_t)i);
	d->at += sizeof(digits) - (size_t)i;
}

/* key: with everything around it, as `,"size":`. */
static void put_field(struct dump *d, const char *key, uint64_t n)
{
	put(d, key);
	put_number(d, n);
}

/* ---- what a line says ---- */

/* Which fields a kind has. */
enum field {
	HAS_SIZE = 1,
	HAS_OLD = 2,
	HAS_OLD_SIZE = 4,
	HAS_STACK = 8,
	HAS_DOMAIN = 16,
	HAS_LABEL = 32,
	HAS_ADDRESS = 64,
	HAS_LOST = 128,
	HAS_COUNT = 256,
	HAS_ACCESS = 512,
	HAS_ADVICE = 1024,
	HAS_NUMBER = 2048,
};

/* A line: an event, or half of one. */
struct line {
	const struct trk_event *event;
	unsigned has;
	const char *kind;
	const char *half; /* NULL: it has none */
	uint64_t id; /* of both halves */
	uint64_t address, size;
	bool failed;
};

static unsigned fields_of(uint8_t kind)
{
	static const unsigned by_form[TRK_FORMS] = {
		[TRK_FORM_BLOCK] = HAS_ADDRESS | HAS_SIZE,
		[TRK_FORM_REALLOC] = HAS_ADDRESS | HAS_SIZE | HAS_OLD,
		[TRK_FORM_MREMAP] = HAS_ADDRESS | HAS_SIZE | HAS_OLD | HAS_OLD_SIZE,
		[TRK_FORM_TRACK] = HAS_ADDRESS | HAS_SIZE | HAS_DOMAIN,
		[TRK_FORM_ADDRESS] = HAS_ADDRESS,
		[TRK_FORM_UNTRACK] = HAS_ADDRESS | HAS_DOMAIN,
		[TRK_FORM_LABEL] = HAS_LABEL,
		[TRK_FORM_LOST] = HAS_LOST,
		[TRK_FORM_COUNT] = HAS_COUNT,
		[TRK_FORM_UNKNOWN] = HAS_NUMBER,
		[TRK_FORM_ACCESS] = HAS_ADDRESS | HAS_SIZE | HAS_ACCESS,
		[TRK_FORM_ADVICE] = HAS_ADDRESS | HAS_SIZE | HAS_ADVICE,
	};
	const struct trk_kind_row *const row = &trk_kinds[kind];

	return by_form[row->form] | (row->flags & TRK_HAS_STACK ? (unsigned)HAS_STACK : 0);
}

/* As mprotect and madvise name it. */
static const char *access_name(const struct trk_event *e)
{
	return e->detail == TRK_ACCESS_NONE ? "none" : "some";
}

static const char *advice_name(const struct trk_event *e)
{
	switch (e->detail) {
	case TRK_DONTNEED:
		return "dontneed";
	case TRK_FREE_PAGES:
		return "free";
	case TRK_REMOVE:
		return "remove";
	case TRK_POPULATE_READ:
		return "populate_read";
	case TRK_POPULATE_WRITE:
		return "populate_write";
	default:
		return "other";
	}
}

static void json_frame(struct ui_json *j, const struct source_frame *f)
{
	ui_json_object(j, NULL);
	ui_json_string(j, "function", f->function[0] ? f->function : NULL);
	ui_json_string(j, "file", f->file);
	ui_json_uint(j, "line", f->line);
	ui_json_string(j, "module", f->module);
	ui_json_uint(j, "offset", f->offset);
	ui_json_bool(j, "inlined", f->inlined);
	ui_json_end(j);
}

static void text_frame(FILE *m, const struct source_frame *f)
{
	if (f->cut) {
		traceback_print_cut(m, "    ", f);
		return;
	}
	fputs("    ", m);
	ui_text(m, f->function[0] ? f->function : "???");
	fputs(" (", m);
	ui_text(m, f->file);
	fprintf(m, ":%" PRIu32 ")%s\n", f->line, f->inlined ? " inlined" : "");
}

/* The frames as they stand in a line (JSON), or below it. malloc'ed; NULL: no memory. */
static char *render_stack(struct dump *d, uint32_t node)
{
	char *text = NULL;
	size_t size, n;
	const struct source_frame *frames = stacks_frames(d->report.stacks, node, &n);
	FILE *m = open_memstream(&text, &size);
	struct ui_json j;

	if (!m)
		return NULL;
	ui_json_init(&j, m, true);
	if (common.json)
		ui_json_array(&j, NULL);
	for (size_t i = 0; i < n; i++) {
		if (common.json)
			json_frame(&j, &frames[i]);
		else
			text_frame(m, &frames[i]);
	}
	if (common.json)
		ui_json_end(&j);
	text = ui_memstream_end(m, &text);
	if (text && size && text[size - 1] == '\n')
		text[size - 1] = '\0';
	return text;
}

static const char *stack_text(struct dump *d, uint32_t node)
{
	struct kept_stack *kept = &d->stacks[node % STACKS_KEPT];

	if (kept->text && kept->node == node)
		return kept->text;
	free(kept->text);
	*kept = (struct kept_stack){ node, render_stack(d, node) };
	return kept->text;
}

static void put_json_depth(struct dump *d, uint32_t node)
{
	if (!node || d->depths[node])
		put_field(d, ",\"total_nframe\":", d->depths[node]);
	else
		put(d, ",\"total_nframe\":null");
}

/* ,"label":"..." by the JSON writer: an object without its braces. */
static int put_json_label(struct dump *d, const struct trk_event *e)
{
	char *text = NULL, *open;
	size_t size;
	FILE *m = open_memstream(&text, &size);
	struct ui_json j;

	if (!m)
		return TRK_ERR_NOMEM;
	ui_json_init(&j, m, true);
	ui_json_object(&j, NULL);
	ui_json_string_n(&j, "label", e->label ? e->label : "", e->label_bytes);
	ui_json_end(&j);
	text = ui_memstream_end(m, &text);
	if (!text)
		return TRK_ERR_NOMEM;
	open = strchr(text, '{');
	*strrchr(text, '}') = '\0';
	put(d, ",");
	flush(d);
	fputs(open + 1, d->file);
	free(text);
	return 0;
}

static int put_json_stack(struct dump *d, uint32_t node)
{
	const char *text = stack_text(d, node);

	if (!text)
		return TRK_ERR_NOMEM;
	put(d, ",\"frames\":");
	flush(d);
	fputs(text, d->file);
	return 0;
}

/* Of kinds of address space: words that need no escape. */
static void put_json_details(struct dump *d, const struct trk_event *e, unsigned has)
{
	if (e->kind == TRK_RESERVE)
		put(d, ",\"reserved\":true");
	if (e->kind == TRK_ARENA)
		put(d, ",\"arena\":true");
	if (has & HAS_ACCESS) {
		put(d, ",\"access\":\"");
		put(d, access_name(e));
		put(d, "\"");
	}
	if (has & HAS_ADVICE) {
		put(d, ",\"advice\":\"");
		put(d, advice_name(e));
		put(d, "\"");
	}
}

static void put_text_details(struct dump *d, const struct trk_event *e, unsigned has)
{
	if (e->kind == TRK_RESERVE)
		put(d, " reserved");
	if (e->kind == TRK_ARENA)
		put(d, " arena");
	if (has & HAS_ACCESS) {
		put(d, " access ");
		put(d, access_name(e));
	}
	if (has & HAS_ADVICE) {
		put(d, " advice ");
		put(d, advice_name(e));
	}
}

static int print_json_line(struct dump *d, const struct line *l)
{
	const struct capture *c = d->report.capture;
	const struct trk_event *const e = l->event;
	int err = 0;

	put_field(d, "{\"seq\":", d->sequence++);
	put_field(d, ",\"time_ns\":", e->time_ns);
	put_field(d, ",\"pid\":", c->processes[e->process].pid);
	put_field(d, ",\"tid\":", c->threads[e->thread].tid);
	put(d, ",\"kind\":\"");
	put(d, l->kind);
	put(d, "\"");
	if (l->half) {
		put_field(d, ",\"id\":", l->id);
		put(d, ",\"half\":\"");
		put(d, l->half);
		put(d, "\"");
	}
	if (l->failed)
		put(d, ",\"address\":null,\"failed\":true");
	else if (l->has & HAS_ADDRESS)
		put_field(d, ",\"address\":", l->address);
	if (l->has & HAS_SIZE)
		put_field(d, ",\"size\":", l->size);
	if (l->has & HAS_OLD)
		put_field(d, ",\"old_address\":", e->old_address);
	if (l->has & HAS_OLD_SIZE)
		put_field(d, ",\"old_size\":", e->old_size);
	if (l->has & HAS_DOMAIN)
		put_field(d, ",\"domain\":", e->domain);
	if (l->has & HAS_LOST)
		put_field(d, ",\"lost\":", e->size);
	if (l->has & HAS_COUNT)
		put_field(d, ",\"count\":", e->size);
	if (l->has & HAS_NUMBER)
		put_field(d, ",\"number\":", e->size);
	put_json_details(d, e, l->has);
	if (l->has & HAS_STACK) {
		put_field(d, ",\"stack\":", capture_stack(c, e->node));
		put_json_depth(d, e->node);
	}
	if (l->has & HAS_LABEL)
		err = put_json_label(d, e);
	if (!err && (l->has & HAS_STACK) && with_stacks)
		err = put_json_stack(d, e->node);
	put(d, "}\n");
	return err;
}

static void put_text_label(struct dump *d, const struct trk_event *e)
{
	char label[TRK_LABEL_MAX + 1] = "";

	if (e->label)
		memcpy(label, e->label,
		       e->label_bytes < TRK_LABEL_MAX ? e->label_bytes : TRK_LABEL_MAX);
	flush(d);
	ui_text(d->file, label);
}

static void put_text_operands(struct dump *d, const struct line *l)
{
	const struct trk_event *const e = l->event;

	if (l->has & HAS_OLD) {
		put_hex(d, e->old_address);
		if (l->has & HAS_OLD_SIZE)
			put_field(d, " size ", e->old_size);
		put(d, " -> ");
	}
	if (l->failed)
		put(d, "failed");
	else if (l->has & HAS_ADDRESS)
		put_hex(d, l->address);
	if (l->has & HAS_SIZE)
		put_field(d, " size ", l->size);
	if (l->has & HAS_DOMAIN)
		put_field(d, " domain ", e->domain);
	if (l->has & HAS_LOST)
		put_field(d, "lost ", e->size);
	if (l->has & HAS_COUNT)
		put_field(d, "allocations ", e->size);
	if (l->has & HAS_NUMBER)
		put_field(d, "number ", e->size);
	put_text_details(d, e, l->has);
	if (l->has & HAS_LABEL)
		put_text_label(d, e);
	if (l->half)
		put_field(d, " id ", l->id);
	if ((l->has & HAS_STACK) && e->node)
		put_field(d, " stack ", capture_stack(d->report.capture, e->node));
	put(d, "\n");
}

static int print_text_line(struct dump *d, const struct line *l)
{
	const struct capture *c = d->report.capture;
	const struct trk_event *const e = l->event;

	d->sequence++;
	d->at += sprintf(d->at, "%" PRIu64 ".%09" PRIu64 " ", e->time_ns / 1000000000u,
			 e->time_ns % 1000000000u);
	put_number(d, c->processes[e->process].pid);
	put(d, "/");
	put_hex(d, c->threads[e->thread].tid); /* as every report shows threads */
	put(d, " ");
	put(d, l->kind);
	put(d, " ");
	put_text_operands(d, l);
	if (with_stacks && (l->has & HAS_STACK)) {
		const char *text = stack_text(d, e->node);

		if (!text)
			return TRK_ERR_NOMEM;
		flush(d);
		fputs(text, d->file);
		put(d, "\n");
	}
	return 0;
}

static int print_line(struct dump *d, const struct line *l)
{
	if ((size_t)(d->at - d->buffer) > sizeof(d->buffer) - LINE_ROOM)
		flush(d);
	return common.json ? print_json_line(d, l) : print_text_line(d, l);
}

/* ---- halves ---- */

static const char *release_name(uint8_t call)
{
	return call == TRK_MREMAP	? "mremap_release" :
	       call == TRK_REALLOCARRAY ? "reallocarray_release" :
					  "realloc_release";
}

static struct line release_half(const struct trk_event *e, uint8_t call, uint64_t id)
{
	return (struct line){
		.event = e,
		.kind = release_name(call),
		.half = "release",
		.id = id,
		.has = HAS_ADDRESS | (call == TRK_MREMAP ? (unsigned)HAS_SIZE : 0),
		.address = e->old_address,
		.size = e->old_size,
	};
}

/* A line of an event that is whole, or the second half of one. */
static struct line line_of(const struct trk_event *e, uint8_t kind, const char *half, uint64_t id)
{
	const unsigned has = fields_of(kind);

	return (struct line){
		.event = e,
		.has = has,
		.kind = trk_kind_name(kind),
		.half = half,
		.id = id,
		.address = e->address,
		.size = e->size,
		.failed = (has & HAS_OLD) && !e->address,
	};
}

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
	d->ids[*place] = d->sequence;
	return 0;
}

static int print_part(struct dump *d, const struct trk_event *e)
{
	if (e->kind == TRK_REALLOC_RELEASE) {
		const struct line l = release_half(e, e->call, d->sequence);
		const int err = remember_half(d, e);

		return err ? err : print_line(d, &l);
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

	const struct line l = line_of(e, e->call, e->address ? "allocate" : "withdraw", d->ids[*place]);

	return print_line(d, &l);
}

/* What released a block and got one is two lines: whatever came between the two stands there. */
static int print_event(struct dump *d, const struct trk_event *e)
{
	const uint64_t id = d->sequence;
	const bool released = e->kind == TRK_MREMAP ? e->old_size != 0 : e->old_address != 0;

	if (trk_kind_is_part(e->kind))
		return print_part(d, e);
	if (!trk_kind_reallocates(e->kind) || !e->address || !released) {
		const struct line l = line_of(e, e->kind, NULL, 0);

		return print_line(d, &l);
	}

	const struct line first = release_half(e, e->kind, id);
	const struct line second = line_of(e, e->kind, "allocate", id);
	const int err = print_line(d, &first);

	return err ? err : print_line(d, &second);
}

/* ---- the whole ---- */

static int print_events(struct dump *d)
{
	const struct trk_event *e;
	struct cursor *k = NULL;
	size_t n;
	int err = cursor_open(&k, d->report.capture, d->report.process);

	while (!err && (err = cursor_batch(k, &e, &n)) == 0) {
		for (size_t i = 0; i < n && !err; i++)
			err = print_event(d, &e[i]);
		if (ferror(d->file)) /* ui_output_close says why */
			break;
	}
	flush(d);
	cursor_close(k);
	return err == TRK_END ? 0 : err;
}

/* The recorder's own sums when it came to its end; otherwise they are counted. */
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
	struct heap_totals totals;
	struct emit *e;
	int status = totals_of(d, &totals), err;

	if (status)
		return status;
	e = emit_new(common.json ? EMIT_JSON : EMIT_PEOPLE, d->file, NULL);
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
	int status = report_open(&d->report, operand, &common);

	if (!status && d->report.has_point)
		ui_usage_error("a point (CAPTURE@POINT) is not allowed: dump prints all events");
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
	if (status)
		return status;
	report_say_missing(&d->report); /* a reader of the first lines may hang up */
	d->report.capture->depths_apart = true;
	d->depths = depths_new(d->report.capture);
	d->stacks = calloc(STACKS_KEPT, sizeof(*d->stacks));
	status = d->depths && d->stacks ? print_events(d) : TRK_ERR_NOMEM;
	if (!status)
		return UI_OK;
	ui_error("%s: %s", d->report.capture->path, capture_why(d->report.capture, status));
	return UI_CANNOT;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	static struct dump d; /* its buffer is no guest for a stack */
	struct ui_output out;
	int status;

	ui_exclude("--header", only_header, "--stacks", with_stacks);
	common.no_skip = true; /* raw: the allocator's frames are frames */
	if (!only_header && !common.output && isatty(STDOUT_FILENO)) {
		ui_error("You must redirect stdout to a file or shell pipeline.");
		return UI_CANNOT;
	}
	status = ui_output_open(&out, common.output, common.force);
	if (!status) {
		d.file = out.file;
		d.at = d.buffer;
		status = run(&d, argv[first]);
		if (!status)
			status = ui_output_close(&out);
		else
			ui_output_discard(&out);
	}
	for (size_t i = 0; d.stacks && i < STACKS_KEPT; i++)
		free(d.stacks[i].text);
	free(d.stacks);
	free(d.depths);
	keymap_finish(&d.begun);
	free(d.ids);
	report_close(&d.report);
	return status;
}
