/* sampled - see sampled.h. */
#include "common/sampled.h"

struct sampled_margin sampled_margin(uint64_t sample_bytes, const struct sampling_error *e)
{
	return (struct sampled_margin){ sampling_bytes_margin(sample_bytes, e),
					sampling_count_margin(sample_bytes, e) };
}

struct sampled_margin sampled_view_margin(const struct view *v, const struct view_options *o)
{
	const bool peak = o->what == VIEW_LIVE && !o->at.is_range && o->at.from.kind == POINT_PEAK;
	const double turns = peak ? heap_turns(&v->totals) : 0;

	return (struct sampled_margin){
		sampling_peak_bytes_margin(v->sample_bytes, &v->error, turns),
		sampling_peak_count_margin(v->sample_bytes, &v->error, turns),
	};
}

void sampled_figure(struct emit *e, uint64_t sample_bytes)
{
	if (sample_bytes)
		emit_figure(e, "sampled_bytes", emit_size(sample_bytes));
}

void sampled_say(struct emit *e, const struct view *v, const struct view_options *o)
{
	const bool blocks = o->what == VIEW_LIVE || o->what == VIEW_LEAKS;
	const struct sampled_margin m = sampled_view_margin(v, o);

	if (!v->sample_bytes)
		return;
	emit_aside(e, "every", emit_size(v->sample_bytes));
	emit_aside(e, "estimated_bytes", emit_about(emit_size(v->bytes), true, m.bytes));
	emit_aside(e, "estimated_count", emit_about(emit_count(v->count), true, m.count));
	emit_aside(e, "noun", emit_words(blocks ? "blocks" : "allocations"));
	emit_say(e, "sampled every {every}: figures are estimates, total {estimated_bytes} in {estimated_count} {noun} (99 %)\n\n");
}
