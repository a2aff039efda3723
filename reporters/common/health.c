/* health - see health.h. */
#include "common/health.h"

#include <string.h>

/* The sentence for a number of the recording's health that is not zero. */
static const struct {
	const char *key, *words;
	bool reason; /* why stacks were cut */
} meanings[] = {
	{ "lost", "events that found no room: totals are lower bounds", false },
	{ "gaps", "places where events are missing", false },
	{ "stalls", "times that a thread of the program waited for the recorder", false },
	{ "stalled_ns", "how long its threads waited in total", false },
	{ "late_events", "events that came too late to be put in their order", false },
	{ "corrupt_records", "times that a process overwrote the recorder's memory: some threads are recorded only in part", false },
	{ "truncated_stacks", "stacks that lack their oldest frames, for the reasons below", false },
	{ "truncated_by_depth", "stacks that were deeper than --nframe: give tracker run a larger --nframe", true },
	{ "truncated_no_unwind_info",
	  "a frame is in code without unwind information: code made at run time (JIT), or "
	  "assembly",
	  true },
	{ "truncated_unknown_rule",
	  "the unwind information of a frame cannot be followed: it is damaged, or of a kind that "
	  "tracker does not know",
	  true },
	{ "truncated_off_stack",
	  "the unwind information of a frame leads out of the stack: the stack was overwritten, or "
	  "the information is wrong",
	  true },
	{ "guessed_stacks", "stacks that were followed by frame pointers or frame sizes through code without unwind information: frames may be missing there", false },
	{ "python_unplaced", "stacks in which some functions of Python are missing: it was not certain where they stand", false },
	{ "python_unknown", "times that a function of Python could not be named: there were too many, or no room to tell of it", false },
	{ "differing_stacks", "stacks that equal neither libunwind's nor libgcc's", false },
	{ "oracles_differ", "times that libunwind and libgcc disagreed", false },
	{ "unknown_frames", "return addresses that are in no file and have no name: code made at run time (JIT)", false },
	{ "unrecorded_processes", "processes that were not recorded: the notices say why", false },
	{ "stopped_ns", "when recording stopped, before the program ended", false },
	{ "stopped_by", "1: --duration, 2: --max-size, 3: the recorder was told to stop, 4: the next file of --rotate goes on, 5: this is a snapshot", false },
	{ "running_at_stop", "processes that still ran then: their live blocks are not leaks", false },
	{ "clock_interval_ns", "average time between readings of CLOCK_MONOTONIC: events between two readings have the same time", false },
	{ "clock_interval_max_ns", "longest time between two readings", false },
	{ "recorder_out_of_memory", "the recorder ran out of memory: figures of the summary are too low", false },
	{ "modules_lost", "modules that were not recorded because there were too many: their frames have no names", false },
	{ "shared_memory_limit_bytes", "largest amount of shared memory in use at one time, because a control group (cgroup) limits the program", false },
	{ "shared_memory_refused", "times that the program's limits left no room for more shared memory: the program waited instead", false },
	{ "tables_refused", "tables that found no room within the program's limits: recording took more time", false },
	{ "inherited_late", "forked processes that began with their parents' traces of a later time than the fork", false },
	{ "unfollowed_forks", "forked processes without a capture of their own, although their parents' captures follow forks", false },
	{ "attach_failures", "processes or threads that were not recorded: there were too many at one time, or memory ran out", false },
};

#define MEANINGS (sizeof(meanings) / sizeof(*meanings))

static const char *meaning_of(const char *key, bool only_reasons)
{
	for (size_t k = 0; k < MEANINGS; k++)
		if (!strcmp(key, meanings[k].key) && (meanings[k].reason || !only_reasons))
			return meanings[k].words;
	return NULL;
}

void health_describe(const struct capture *c, struct emit *e, bool all)
{
	uint32_t zeroes = 0;

	emit_say(e, "Health:\n");
	emit_group(e, "health");
	for (uint32_t i = 0; i < c->health_count; i++) {
		const struct cap_value *const v = &c->health[i];

		emit_data(e, v->key, emit_number(v->value));
		if (!v->value && !all) {
			zeroes++;
			continue;
		}
		emit_aside(e, "name", emit_words(v->key));
		emit_aside(e, "value", emit_number(v->value));
		emit_aside(e, "meaning", emit_words(v->value ? meaning_of(v->key, false) : NULL));
		emit_say(e, "  {name}: {value}[ ({meaning})]\n");
	}
	emit_end(e);
	emit_aside(e, "zeroes", emit_number(zeroes));
	if (zeroes)
		emit_say(e, "  {zeroes} other figure{zeroes:s}: 0; -n 0 shows all\n");
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
