/* report_groups - see report_groups.h. */
#include "common/report_groups.h"

#include "common/selection.h"

struct group_source report_groups(const struct report *r, bool cumulative)
{
	return (struct group_source){ .capture = r->capture, .stacks = r->stacks, .view = &r->view, .filters = &r->filters, .cumulative = cumulative };
}

void report_groups_totals(struct emit *e, const struct report *r, const struct group_value *total)
{
	const uint64_t every = r->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &total->error);

	emit_figure(e, "total_size", emit_about(emit_size(total->size), every, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(total->count), every, m.count));
}

void report_groups_side(struct emit *e, const struct report *r, const char *name, const struct group_value *total)
{
	const uint64_t every = r->view.sample_bytes;

	emit_group(e, name);
	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	selection_figures(e, "point", &r->asked, &r->view);
	report_groups_totals(e, r, total);
	sampled_figure(e, every);
	domains_figures(&r->domains, e);
	emit_end(e);
	emit_aside(e, "side", emit_words(name));
	if (every)
		emit_say(e, "{side}: ");
	sampled_say(e, &r->view, &r->asked);
}
