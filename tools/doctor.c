/*
 * tracker-doctor - what would stop or limit a recording here: it makes one, and looks at all that one depends on.
 */
#include "doctor/surroundings.h"
#include "doctor/trial.h"
#include "run/inspect.h"
#include "ui/emit.h"

static bool json;
static struct ui_look look;
static const char *program; /* NULL: none was named */

static const struct ui_option options[] = {
	{ 'j', "json", UI_FLAG, &json, NULL, "machine-readable output", 0, 0 },
	UI_LOOK_OPTIONS(look),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-doctor",
	.usage = "[options] [PROGRAM]",
	.summary = "Says what would stop or limit a recording here, and of PROGRAM.",
	.details = "It records /bin/true and reads the capture. The exit status is 0 if that works, otherwise 1.\n\n"
		   "Examples:\n"
		   "  tracker doctor\n"
		   "  tracker doctor ./app\n",
	.options = options,
	.max_operands = 1,
};

static struct finding inspect_program(void)
{
	static struct inspection found;

	if (!program)
		return finding_of(FINDING_GOOD, NULL, NULL, "none was named; tracker doctor PROGRAM looks at one");
	inspect(&found, program);
	if (found.exit_code)
		return finding_of(FINDING_STOPS, "it cannot be started", NULL, "%s", found.why);
	if (found.unrecordable)
		return finding_of(FINDING_STOPS, "it runs, but unrecorded", NULL, "%s", found.why);
	if (found.partly)
		return finding_of(FINDING_LIMITS, "it is recorded, except for that", NULL, "%s", found.why);
	return finding_of(FINDING_GOOD, NULL, NULL, "%s can be recorded", found.path);
}

static const struct {
	const char *name;
	struct finding (*look)(void);
} checks[] = {
	{ "trial", trial_record },
	{ "files", surroundings_files },
	{ "program", inspect_program },
	{ "setuid", surroundings_setuid },
	{ "ptrace", surroundings_descriptors },
	{ "sandbox", surroundings_sandbox },
	{ "security", surroundings_security },
	{ "preload", surroundings_preload },
	{ "memory", surroundings_shared_memory },
	{ "group", surroundings_group },
	{ "memlock", surroundings_locked },
	{ "limits", surroundings_limits },
	{ "disk", surroundings_disk },
	{ "perf", surroundings_perf },
	{ "debuginfod", surroundings_debuginfod },
};

#define CHECKS (sizeof(checks) / sizeof(*checks))

static const char *const states[] = {
	[FINDING_GOOD] = "good",
	[FINDING_HINT] = "hint",
	[FINDING_LIMITS] = "limits",
	[FINDING_STOPS] = "stops",
};

/* For people, who read them one below the other. */
static const char *const marks[] = {
	[FINDING_GOOD] = "good  ",
	[FINDING_HINT] = "hint  ",
	[FINDING_LIMITS] = "LIMITS",
	[FINDING_STOPS] = "STOPS ",
};

static struct finding found[CHECKS];

static bool works(void)
{
	return found[0].state < FINDING_STOPS;
}

static void describe(struct emit *e)
{
	static const struct emit_column columns[] = { { "check" }, { "state" }, { "what" }, { "why" }, { "advice" }, { "mark", EMIT_FOR_PEOPLE } };
	static const struct emit_table table = {
		EMIT_TABLE("findings", columns),
		.sentence = "{mark:raw} {check:raw}: {what:prose}\n[       Why: {why:prose}\n][       Do: {advice:prose}\n]",
	};

	emit_document(e, "tracker.doctor", 1);
	emit_figure(e, "works", emit_flag(works()));
	emit_say(e, works() ? "Recordings work here.\n" : "Recordings do not work here.\n");
	emit_table(e, &table);
	for (size_t i = 0; i < CHECKS; i++)
		emit_row(e, (struct emit_value[]){ emit_words(checks[i].name), emit_words(states[found[i].state]), emit_words(found[i].what),
						   emit_words(found[i].why), emit_words(found[i].advice), emit_words(marks[found[i].state]) });
	emit_end(e);
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct ui_output out;

	program = argv[first];
	for (size_t i = 0; i < CHECKS; i++)
		found[i] = checks[i].look();
	if (ui_output_open(&out, NULL, false) != UI_OK)
		return UI_CANNOT;
	ui_output_look(&out, &look, !json);

	struct emit *const e = emit_new(json ? EMIT_JSON : EMIT_PEOPLE, out.file, NULL);

	if (e)
		describe(e);
	if (!e || emit_end_all(e)) {
		ui_error("out of memory");
		ui_output_discard(&out);
		return UI_CANNOT;
	}
	const int status = ui_output_close(&out);

	return status ? status : works() ? UI_OK :
					   UI_CANNOT;
}
