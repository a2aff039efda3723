/* health - see health.h. */
#include "common/health.h"

#include <string.h>

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
	  "a frame of code without unwind information: compiled while the program ran (JIT), or assembly", true },
	{ "truncated_unknown_rule",
	  "a frame whose unwind information cannot be followed: it is damaged, or of a kind that tracker does not know", true },
	{ "truncated_off_stack",
	  "a frame whose unwind information leads out of the stack: the stack was overwritten, or the information is wrong", true },
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

static const char *meaning_of(const char *key, bool only_reasons)
{
	for (size_t k = 0; k < MEANINGS; k++)
		if (!strcmp(key, meanings[k].key) && (meanings[k].reason || !only_reasons))
			return meanings[k].words;
	return NULL;
}

void health_describe(const struct capture *c, struct emit *e)
{
	emit_say(e, "Health:\n");
	emit_group(e, "health");
	for (uint32_t i = 0; i < c->health_count; i++) {
		const struct cap_value *const v = &c->health[i];

		emit_data(e, v->key, emit_number(v->value));
		emit_aside(e, "name", emit_words(v->key));
		emit_aside(e, "value", emit_number(v->value));
		emit_aside(e, "meaning", emit_words(v->value ? meaning_of(v->key, false) : NULL));
		emit_say(e, "  {name}: {value}[ ({meaning})]\n");
	}
	emit_end(e);
}

void health_describe_cuts(const struct capture *c, struct emit *e)
{
	static const struct emit_column columns[] = { { "reason" }, { "count" }, { "meaning" } };
	static const struct emit_table table = { EMIT_TABLE("truncated_stacks", columns), .sentence = "" };

	emit_table(e, &table);
	for (uint32_t i = 0; i < c->health_count; i++) {
		const struct cap_value *const v = &c->health[i];
		const char *const meaning = v->value ? meaning_of(v->key, true) : NULL;

		if (meaning)
			emit_row(e, (struct emit_value[]){ emit_words(v->key), emit_number(v->value), emit_words(meaning) });
	}
	emit_end(e);
}
