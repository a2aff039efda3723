/* heap_figures - see heap_figures.h. */
#include "common/heap_figures.h"

#include <stdlib.h>
#include <string.h>

#include "common/reserved.h"
#include "common/sampled.h"

void heap_figures_describe(struct emit *e, uint64_t every, const struct heap_totals *t)
{
	const double turns = heap_turns(t);
	const struct sampled_margin allocated = sampled_margin(every, &t->allocated_error), freed = sampled_margin(every, &t->freed_error),
				    live = sampled_margin(every, &t->live_error), temporary = sampled_margin(every, &t->temporary_error);
	const uint64_t peak_bytes = sampling_peak_bytes_margin(every, &t->peak_error, turns),
		       peak_blocks = sampling_peak_count_margin(every, &t->peak_error, turns);

	emit_figure(e, "total_num_allocations", emit_about(emit_count(t->allocations), every, allocated.count));
	emit_figure(e, "total_bytes_allocated", emit_about(emit_size(t->bytes_allocated), every, allocated.bytes));
	emit_figure(e, "total_num_frees", emit_about(emit_count(t->frees), every, freed.count));
	emit_figure(e, "total_bytes_freed", emit_about(emit_size(t->bytes_freed), every, freed.bytes));
	emit_figure(e, "unmatched_frees", emit_count(t->unmatched_frees));
	emit_figure(e, "leaked_allocations", emit_about(emit_count(t->live_blocks), every, live.count));
	emit_figure(e, "leaked_bytes", emit_about(emit_size(t->live_bytes), every, live.bytes));
	emit_figure(e, "temporary_allocations", emit_about(emit_count(t->temporary), every, temporary.count));
	emit_figure(e, "temporary_bytes", emit_about(emit_size(t->temporary_bytes), every, temporary.bytes));
	emit_figure(e, "peak_memory", emit_about(emit_size(t->peak_bytes), every, peak_bytes));
	emit_figure(e, "peak_blocks", emit_about(emit_count(t->peak_blocks), every, peak_blocks));
	emit_figure(e, "peak_time_ns", emit_time(t->peak_time_ns));
	reserved_figures(e, t);
	emit_figure(e, "lost_events", emit_count(t->lost));
	emit_figure(e, "overwritten", emit_count(t->overwritten));
	emit_figure(e, "wiped_by_exec", emit_count(t->wiped_blocks));
	emit_margins(e);
}

/* Behind the blocks that were not freed: which of them are not leaked. */
static char *not_leaked(const struct endings *ends)
{
	const enum ending only = ends ? endings_only(ends) : ENDING_LEAKED;
	char words[ENDING_WORDS_ROOM];

	if (only == ENDINGS)
		return endings_sentence(ends);
	return only == ENDING_LEAKED ? NULL : strdup(ending_words(ends, only, words));
}

void heap_figures_say(struct emit *e, const struct heap_totals *t, const struct endings *ends)
{
	char *const how = not_leaked(ends);

	emit_say(e, "Total allocations:\n\t{total_num_allocations}\n"
		    "Total frees:\n\t{total_num_frees}\n"
		    "Total memory allocated:\n\t{total_bytes_allocated}\n"
		    "Peak memory usage:\n\t{peak_memory} in {peak_blocks} block{peak_blocks:s} at {peak_time_ns}\n");
	reserved_say(e, t->most_reserved_bytes, t->most_reserved_mappings, "\n");
	/* not "leaked": what runtimes keep on purpose is among it */
	emit_aside(e, "how", emit_optional(how));
	free(how);
	emit_say(e, "Not freed:\n\t{leaked_bytes} in {leaked_allocations} block{leaked_allocations:s}[: {how:prose}]\n"
		    "Temporary allocations:\n\t{temporary_allocations} ({temporary_bytes})\n\n");
}
