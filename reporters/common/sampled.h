/*
 * sampled - how reports say that a capture is sampled: that its figures are estimates, and within which margin the
 * true values lie. About other captures it says nothing.
 */
#ifndef SAMPLED_H
#define SAMPLED_H

#include "replay/view.h"
#include "ui/emit.h"

struct sampled_margin {
	uint64_t bytes, count;
};

/* Of the total of a view, and of one of its rows or of several together. */
struct sampled_margin sampled_view_margin(const struct view *v, const struct view_options *o);
struct sampled_margin sampled_margin(uint64_t sample_bytes, const struct sampling_error *e);

/* "sampled_bytes", in the top object of a report of a sampled capture. */
void sampled_figure(struct emit *e, uint64_t sample_bytes);
/* "sampled every 512 KiB: figures are estimates, total 12.0 MiB +- 1.1 MiB in 90 +- 8 blocks (99 %)" and an empty line. */
void sampled_say(struct emit *e, const struct view *v, const struct view_options *o);

#endif
