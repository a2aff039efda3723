/* tracker-list - what is being recorded on this machine, by whom, since when, and where to. */
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/array.h"
#include "tools/contact.h"
#include "ui/emit.h"

static bool json, csv;
static struct ui_look look;

static const struct ui_option options[] = {
	{ 'j', "json", UI_FLAG, &json, NULL, "machine-readable output", 0, 0 },
	{ 0, "csv", UI_FLAG, &csv, NULL, "one line for each recording, as comma-separated values", 0, 0 },
	UI_LOOK_OPTIONS(look),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-list",
	.usage = "[options]",
	.summary = "show what is being recorded on this machine",
	.details = "Root sees the recordings of all users, everybody else his own.\n"
		   "\n"
		   "Examples:\n"
		   "  tracker list\n"
		   "  tracker list --json\n",
	.options = options,
};

struct found {
	struct contact_status *all;
	size_t count, room;
	bool no_memory;
};

static void keep(void *data, const struct contact *c)
{
	struct found *const f = data;

	if (ARRAY_ROOM(f->all, f->room, f->count + 1, 8))
		f->all[f->count++] = c->answer.status;
	else
		f->no_memory = true;
}

static int by_time(const void *a, const void *b)
{
	const struct contact_status *const x = a, *const y = b;

	return (x->began_unix_ns > y->began_unix_ns) - (x->began_unix_ns < y->began_unix_ns);
}

static const char *state_of(const struct contact_status *s)
{
	static const char *const names[] = { [CONTACT_RECORDING] = "recording", [CONTACT_WAITING] = "waiting", [CONTACT_FINISHING] = "finishing", [CONTACT_DORMANT] = "dormant" };

	return s->state < sizeof(names) / sizeof(*names) && names[s->state] ? names[s->state] : "recording";
}

static const char *user_of(uint32_t uid, char *room, size_t bytes)
{
	const struct passwd *const entry = getpwuid(uid);

	if (entry)
		return entry->pw_name;
	snprintf(room, bytes, "%" PRIu32, uid);
	return room;
}

/* "2026-11-30 15:04:05" */
static void format_time(uint64_t unix_ns, char *room, size_t bytes)
{
	const time_t seconds = (time_t)(unix_ns / 1000000000u);
	struct tm t;

	if (!localtime_r(&seconds, &t) || !strftime(room, bytes, "%Y-%m-%d %H:%M:%S", &t))
		snprintf(room, bytes, "?");
}

static void describe_row(struct emit *e, const struct contact_status *s)
{
	char user[32], since[32];

	format_time(s->began_unix_ns, since, sizeof(since));
	emit_row(e, (struct emit_value[]){
			    emit_number(s->program),
			    emit_number(s->recorder),
			    emit_words(user_of(s->uid, user, sizeof(user))),
			    emit_words(state_of(s)),
			    emit_words(since),
			    emit_time(s->recorded_ns),
			    emit_number(s->running),
			    emit_count(s->allocations),
			    emit_size(s->live_bytes),
			    emit_size(s->peak_bytes),
			    emit_words(s->command),
			    emit_words(s->file[0] ? s->file : NULL),
		    });
}

static void describe(struct emit *e, const struct found *f)
{
	static const struct emit_column columns[] = {
		{ "pid", EMIT_FOR_ALL, "PID", 7, "" },
		{ "recorder", EMIT_FOR_ALL, "RECORDER", 8, "  " },
		{ "user", EMIT_FOR_ALL, "USER", -8, "  " },
		{ "state", EMIT_FOR_ALL, "STATE", -9, "  " },
		{ "since", EMIT_FOR_ALL, "SINCE", -19, "  " },
		{ "recorded_ns", EMIT_FOR_PROGRAMS },
		{ "programs", EMIT_FOR_PROGRAMS },
		{ "allocations", EMIT_FOR_PROGRAMS },
		{ "live_bytes", EMIT_FOR_ALL, "LIVE", 10, "  " },
		{ "peak_bytes", EMIT_FOR_PROGRAMS },
		{ "command", EMIT_FOR_ALL, "COMMAND", -24, "  " },
		{ "file", EMIT_FOR_ALL, "FILE", -1, "  " },
	};
	static const struct emit_table table = { EMIT_TABLE("recordings", columns) };

	emit_document(e, "tracker.list", 1);
	emit_figure(e, "count", emit_count(f->count));
	if (!f->count && emit_people(e)) {
		emit_say(e, "Nothing is being recorded; tracker run ./app records a program.\n");
		return; /* headings alone would say nothing */
	}
	emit_table(e, &table);
	for (size_t i = 0; i < f->count; i++)
		describe_row(e, &f->all[i]);
	emit_end(e);
}

int main(int argc, char **argv)
{
	struct found f = { 0 };
	struct ui_output out;
	size_t silent;

	ui_parse(&command, argc, argv, false);
	ui_exclude("--csv", csv, "--json", json);
	silent = contact_each(0, keep, &f);
	if (f.count)
		qsort(f.all, f.count, sizeof(*f.all), by_time);
	if (silent)
		ui_warn("%zu recorder%s did not answer: of another version of tracker, or stopped", silent, silent == 1 ? "" : "s");
	if (ui_output_open(&out, NULL, false) != UI_OK)
		return UI_CANNOT;
	ui_output_look(&out, &look, !json && !csv);

	struct emit *const e = emit_new(json ? EMIT_JSON : csv ? EMIT_CSV :
								 EMIT_PEOPLE,
					out.file, "recordings");

	if (e)
		describe(e, &f);
	free(f.all);
	if (!e || emit_end_all(e) || f.no_memory) {
		ui_error("out of memory");
		ui_output_discard(&out);
		return UI_CANNOT;
	}
	return ui_output_close(&out);
}
