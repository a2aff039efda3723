/*
 * tracker-growth - prints which places of a program hold more and more memory while it runs.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "common/growth.h"
#include "common/process_name.h"
#include "common/report.h"
#include "common/selection.h"
#include "common/traceback.h"

static struct report_options common;
static struct filter_options filtering;
static struct growth_options asked;
static uint64_t limit = REPORT_LIMIT_UNSET;

static const struct ui_option options[] = {
	{ 'n', "limit", UI_UINT, &limit, "N", "places to print (default 10; 0: all)", 0, 0 },
	REPORT_THREAD_OPTION(common),
	{ 0, "exact", UI_FLAG, &asked.exact, NULL, "read all events of a large capture, which takes longer", 0, 0 },
	FILTER_OPTIONS(filtering),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-growth",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints what holds more and more memory while the program runs.",
	.details = "Caches that were filled, blocks that come and go, and what a program allocates when it\n"
		   "starts are not growth. With a point the run up to it is judged, with a range the part\n"
		   "between its points; the first tenth is ignored.\n"
		   "Points: CAPTURE@end, @LABEL, @=LABEL (if LABEL looks like another point), @#3 (the third\n"
		   "mark), @1.5s, @90%, @A..B.\n\n"
		   "Examples:\n"
		   "  tracker growth app.bin\n"
		   "  tracker growth --pid 1234 app.bin@10s..60s\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct growth found;
static bool has_events, is_exact; /* the capture has all events; all of them were read */

static int find(struct report *r)
{
	int status;

	status = growth_find(&found, r, &asked);
	has_events = !found.by_process && !r->capture->header.sample_bytes;
	is_exact = has_events && found.exact;
	if (!status)
		report_say_missing(r);
	return status;
}

/* ---- rates ---- */

/* In which unit people read a rate, so that it is a number worth reading. */
struct unit {
	const char *name;
	double of; /* seconds, or events */
};

#define SHORT_RUN_NS 1000000000ull
#define RATE_LEAST 10 /* bytes */

static const struct unit times[] = { { "/s", 1 }, { "/min", 60 }, { "/h", 3600 }, { "/day", 86400 } },
			 events[] = { { " per 1,000 events", 1e3 }, { " per million events", 1e6 }, { " per billion events", 1e9 } };

/* A run of less than a second says nothing of seconds. Samples, or sums, say nothing of events. */
static bool is_short(void)
{
	return found.to_ns - found.from_ns < SHORT_RUN_NS && has_events;
}

static const struct unit *unit_of(double per_second, double per_event)
{
	const struct unit *const units = is_short() ? events : times;
	const size_t count = is_short() ? sizeof(events) / sizeof(*events) : sizeof(times) / sizeof(*times);
	const double rate = is_short() ? per_event : per_second;
	size_t i = 0;

	while (i + 1 < count && rate * units[i].of < RATE_LEAST)
		i++;
	return &units[i];
}

static uint64_t rate_in(const struct unit *u, double per_second, double per_event)
{
	return (uint64_t)((is_short() ? per_event : per_second) * u->of + 0.5);
}

/* Bytes for each of the marks that were set most often; 0: there are none. */
static double per_mark(double per_second)
{
	return found.marks ? per_second * (double)(found.to_ns - found.from_ns) / 1e9 / (double)found.marks : 0;
}

/* ---- words ---- */

static const char *const patterns[] = { [RISE_NONE] = "none", [RISE_KEPT] = "kept", [RISE_LEVEL] = "replaced", [RISE_DOUBLING] = "doubling" };

/* What became of the blocks: "none freed". Returns buf. */
static char *fate(const struct growth_row *row, char *buf, size_t room)
{
	const char *const seen = is_exact ? "" : "seen being ";
	char freed[32], of[32];

	ui_count(freed, sizeof(freed), row->freed);
	ui_count(of, sizeof(of), row->freed + row->count);
	if (row->given_back)
		snprintf(buf, room, "freed in the last tenth of the run");
	else if (row->kind == RISE_DOUBLING)
		snprintf(buf, room, "enlarged again and again, last after %.0f%% of the run", 100 * row->last);
	else if (row->kind == RISE_LEVEL)
		snprintf(buf, room, "replaced by more or larger ones");
	else if (!row->freed)
		snprintf(buf, room, "none %sfreed", seen);
	else if (is_exact)
		snprintf(buf, room, "%s of %s freed", freed, of);
	else
		snprintf(buf, room, "%s %sfreed", freed, seen);
	return buf;
}

/* "worker (1234)", "3 processes"; NULL: the capture has only one. */
static const char *processes_of(const struct report *r, const struct growth_row *row, char *buf, size_t room)
{
	const struct trk_process *const p = row->process < r->capture->process_count ? &r->capture->processes[row->process] : NULL;
	char name[PROCESS_NAME_ROOM];

	if (r->capture->process_count < 2 || !p)
		return NULL;
	if (row->processes > 1)
		snprintf(buf, room, "%" PRIu32 " processes", row->processes);
	else
		snprintf(buf, room, "%s (%" PRIu32 ")", process_name(p, name), p->pid);
	return buf;
}

static const char *last_part(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

/* "server.cpp:23 Session", "libfoo.so foo". Returns buf. */
static char *location(const struct source_frame *f, uint32_t node, char *buf, size_t room)
{
	const char *const function = *f->function ? f->function : "<unknown>";

	if (!node)
		snprintf(buf, room, "<stack trace unavailable>");
	else if (f->has_source)
		snprintf(buf, room, "%s:%" PRIu32 " %s", last_part(f->file), f->line, function);
	else
		snprintf(buf, room, "%s %s", last_part(f->file), function);
	return buf;
}

/* The callers, at most three: "handle (server.c:40), main (server.c:90)"; NULL: there are none. */
static const char *callers(const struct source_frame *frames, size_t n, char *buf, size_t room)
{
	size_t used = 0, shown = 0;

	for (size_t i = 1; i < n && shown < 3 && used < room; i++) {
		const struct source_frame *const f = &frames[i];
		int written;

		if (f->runtime || f->cut || !*f->function)
			continue;
		written = f->has_source ?
				  snprintf(buf + used, room - used, "%s%s (%s:%" PRIu32 ")", shown ? ", " : "", f->function, last_part(f->file), f->line) :
				  snprintf(buf + used, room - used, "%s%s", shown ? ", " : "", f->function);
		used += written > 0 ? (size_t)written : 0;
		shown++;
	}
	return shown ? buf : NULL;
}

/* ---- the description ---- */

static void describe_head(const struct report *r, struct emit *e)
{
	const struct unit *const u = unit_of(found.per_second, found.per_event);
	const uint64_t every = r->capture->header.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &found.error);

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	emit_group(e, "judged");
	emit_figure(e, "from_ns", emit_time(found.from_ns));
	emit_figure(e, "to_ns", emit_time(found.to_ns));
	emit_figure(e, "events", emit_count(found.events));
	emit_figure(e, "live_sets", found.live_sets ? emit_count(found.live_sets) : emit_null());
	emit_figure(e, "short_processes", emit_count(found.short_processes));
	emit_figure(e, "processes_left_out", emit_count(found.unjudged));
	emit_end(e);
	emit_figure(e, "by_process", emit_flag(found.by_process));
	emit_figure(e, "bytes_per_second", emit_ratio(found.per_second));
	emit_figure(e, "bytes_per_1000_events", has_events ? emit_ratio(found.per_event * 1000) : emit_null());
	emit_figure(e, "total_size", emit_about(emit_size(found.bytes), every, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(found.count), every, m.count));
	sampled_figure(e, every);
	emit_figure(e, "row_count", emit_count(found.row_count));
	emit_aside(e, "rate", emit_size(rate_in(u, found.per_second, found.per_event)));
	emit_aside(e, "unit", emit_words(u->name));
	emit_aside(e, "noun", emit_words(found.by_process ? "process" : "place"));
	emit_aside(e, "plural", emit_words(found.row_count == 1 ? "" : found.by_process ? "es" :
											  "s"));
	if (every) {
		emit_aside(e, "every", emit_size(every));
		emit_say(e, "sampled every {every}: figures are estimates (99 %)\n");
	}
	if (found.row_count)
		emit_say(e, "Grows by {rate}{unit:raw} in {row_count} {noun:raw}{plural:raw}, judged from {judged.from_ns} to {judged.to_ns}: {total_size} in {total_count} block{total_count:s}\n\n");
	else
		emit_say(e, "Nothing grows steadily from {judged.from_ns} to {judged.to_ns} ({judged.events} event{judged.events:s})\n");
}

enum column {
	LOCATION,
	FUNCTION,
	FILE_NAME,
	LINE,
	PROCESS,
	PROCESSES,
	STACKS,
	PATTERN,
	GIVEN_BACK,
	PER_SECOND,
	PER_EVENTS,
	PER_MARK,
	MARK,
	SIZE,
	COUNT,
	FREED,
	FREED_EXACT,
	FOLDED,
	RATE,
	UNIT,
	MARK_RATE,
	FATE,
	WHERE,
	CALLERS,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[LOCATION] = { "location" },
	[FUNCTION] = { "function" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[PROCESS] = { "pid" },
	[PROCESSES] = { "process_count" },
	[STACKS] = { "stack_count" },
	[PATTERN] = { "pattern" },
	[GIVEN_BACK] = { "freed_at_end" },
	[PER_SECOND] = { "bytes_per_second" },
	[PER_EVENTS] = { "bytes_per_1000_events" },
	[PER_MARK] = { "bytes_per_mark" },
	[MARK] = { "mark" },
	[SIZE] = { "size" },
	[COUNT] = { "count" },
	[FREED] = { "freed" },
	[FREED_EXACT] = { "freed_is_exact" },
	[FOLDED] = { "stack" },
	[RATE] = { "rate", EMIT_FOR_PEOPLE },
	[UNIT] = { "unit", EMIT_FOR_PEOPLE },
	[MARK_RATE] = { "mark_rate", EMIT_FOR_PEOPLE },
	[FATE] = { "fate", EMIT_FOR_PEOPLE },
	[WHERE] = { "where", EMIT_FOR_PEOPLE },
	[CALLERS] = { "callers", EMIT_FOR_PEOPLE },
};

static const struct emit_table table = {
	EMIT_TABLE("rows", columns),
	.sentence = "{location} +{rate}{unit:raw} {size} in {count} block{count:s}[, {fate:raw}]\n"
		    "[    +{mark_rate} per mark {mark}\n][    in {where}\n][    from {callers}\n]",
};

struct row_texts {
	char location[400], where[300], callers[500], fate[160], mark[100];
};

static void describe_row(const struct report *r, struct emit *e, const struct growth_row *row)
{
	const struct unit *const u = unit_of(row->per_second, row->per_event);
	const uint64_t every = r->capture->header.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &row->error);
	const double each = per_mark(row->per_second);
	struct row_texts t;
	size_t n;
	const struct source_frame *const frames = group_frames(r->stacks, row->node, &n);
	char *const folded = found.by_process ? NULL : traceback_folded(e, frames, n);
	const char *const where = processes_of(r, row, t.where, sizeof(t.where));

	snprintf(t.mark, sizeof(t.mark), "%.*s", (int)found.mark_bytes, found.mark ? found.mark : "");
	emit_row_begin(e, (struct emit_value[COLUMNS]){
				  [LOCATION] = emit_words(found.by_process ? (where ? where : "the process") :
									     location(frames, row->node, t.location, sizeof(t.location))),
				  [FUNCTION] = found.by_process || !row->node ? emit_null() : emit_words(frames->function),
				  [FILE_NAME] = found.by_process || !row->node ? emit_null() : emit_words(frames->file),
				  [LINE] = found.by_process || !row->node ? emit_null() : emit_number(frames->line),
				  [PROCESS] = row->processes > 1 || row->process >= r->capture->process_count ?
						      emit_null() :
						      emit_number(r->capture->processes[row->process].pid),
				  [PROCESSES] = emit_count(row->processes),
				  [STACKS] = emit_count(row->stacks),
				  [PATTERN] = emit_words(patterns[row->kind]),
				  [GIVEN_BACK] = emit_flag(row->given_back),
				  [PER_SECOND] = emit_ratio(row->per_second),
				  [PER_EVENTS] = has_events ? emit_ratio(row->per_event * 1000) : emit_null(),
				  [PER_MARK] = found.marks ? emit_ratio(each) : emit_null(),
				  [MARK] = found.marks ? emit_words(t.mark) : emit_null(),
				  [SIZE] = emit_about(emit_size(row->bytes), every, m.bytes),
				  [COUNT] = emit_about(emit_count(row->count), every, m.count),
				  [FREED] = found.by_process ? emit_null() : emit_count(row->freed),
				  [FREED_EXACT] = emit_flag(is_exact),
				  [FOLDED] = emit_optional(folded),
				  [RATE] = emit_size(rate_in(u, row->per_second, row->per_event)),
				  [UNIT] = emit_words(u->name),
				  [MARK_RATE] = found.marks ? emit_size((uint64_t)(each + 0.5)) : emit_absent(),
				  [FATE] = found.by_process ? emit_absent() : emit_words(fate(row, t.fate, sizeof(t.fate))),
				  [WHERE] = found.by_process ? emit_absent() : emit_optional(where),
				  [CALLERS] = found.by_process ? emit_absent() :
								 emit_optional(callers(frames, n, t.callers, sizeof(t.callers))),
			  });
	if (!found.by_process)
		traceback_emit(e, "stack", frames, n, NULL);
	emit_end(e);
	free(folded);
}

/* What the first row's stacks are shown by: "tracker tree app.bin@end --filter '+*server.cpp:23'". */
static void say_next(const struct report *r, struct emit *e)
{
	const struct growth_row *const row = found.rows;
	const struct source_frame *const f = stacks_top(r->stacks, row->node);
	const bool aside = row->given_back || found.by_process;

	if (aside || !row->node || !f->has_source)
		return;
	emit_aside(e, "filter", emit_words(f->file));
	emit_aside(e, "line", emit_number(f->line));
	emit_aside(e, "pid", r->process == UINT32_MAX ? emit_absent() : emit_number(r->capture->processes[r->process].pid));
	emit_say(e, "tracker tree --filter '+{filter:raw}:{line}'[ --pid {pid}] {capture:raw}@end shows the stacks of the first\n");
}

static void say_how(const struct report *r, struct emit *e)
{
	emit_aside(e, "idle", emit_count(found.idle));
	emit_aside(e, "plural_short", emit_words(found.short_processes == 1 ? "" : "es"));
	emit_aside(e, "plural_unseen", emit_words(found.unjudged == 1 ? "" : "es"));
	emit_aside(e, "were", emit_words(found.short_processes == 1 ? "was" : "were"));
	if (found.by_process)
		emit_say(e, "The capture is aggregated: it says how much each process held over the time, but not which call stack. "
			    "Record without --aggregate to see the stacks that grow; tracker leaks shows what was live at the end\n");
	if (found.live_sets)
		emit_say(e, "Read from {judged.live_sets} live sets and the events behind the last: blocks that lived only between two "
			    "of them are not seen; --exact reads all events\n");
	if (found.short_processes)
		emit_say(e, "{judged.short_processes} process{plural_short:raw} that had less than a twentieth of the time and of the events {were:raw} left out; --pid judges one\n");
	if (found.unjudged)
		emit_say(e, "{judged.processes_left_out} process{plural_unseen:raw} ended too long after the last live set to be judged; --pid judges one, --exact all of them\n");
	if (found.idle && !found.row_count)
		emit_say(e, "{idle} stack{idle:s} grew in the first half of the time, after which the program hardly allocated; a range (CAPTURE@0s..TIME) judges a part of the run\n");
	(void)r;
}

static int describe(struct report *r, struct emit *e)
{
	const size_t shown = report_rows(&common, limit, 10, found.row_count);

	describe_head(r, e);
	emit_table(e, &table);
	for (size_t i = 0; i < shown; i++)
		describe_row(r, e, &found.rows[i]);
	emit_end(e);
	if (found.row_count) {
		emit_say(e, "\n");
		say_next(r, e);
	}
	say_how(r, e);
	emit_aside(e, "more", emit_count(found.row_count - shown));
	if (found.row_count > shown)
		emit_say(e, "{more} more place{more:s}; -n 0 shows all\n");
	return 0;
}

static void finish(void)
{
	growth_finish(&found);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.growth",
		.table = "rows",
		.common = &common,
		.filtering = &filtering,
		.reads_itself = true,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
