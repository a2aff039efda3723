/*
 * sampled - how reports say that a capture is sampled: that its figures are estimates, and within
 * which margin the truth lies. Of other captures nothing is said at all.
 */
#ifndef SAMPLED_H
#define SAMPLED_H

#include "replay/view.h"
#include "ui/ui.h"

struct sampled_margin {
	uint64_t bytes, count;
};

/* Of the total of a view, and of one of its rows or of several together. */
struct sampled_margin sampled_view_margin(const struct view *v, const struct view_options *o);
struct sampled_margin sampled_margin(uint64_t sample_bytes, const struct sampling_error *e);

/* "sampled every 512 KiB: figures are estimates, total 12.0 MiB +- 1.1 MiB in 90 +- 8 blocks (99 %)" and an empty line. */
void sampled_print(FILE *f, const struct view *v, const struct view_options *o);

/* " +- 1.1 MiB", " +- 8"; "" when sample_bytes is 0. Returns buf. */
char *sampled_size(char buf[48], uint64_t sample_bytes, uint64_t margin);
char *sampled_count(char buf[48], uint64_t sample_bytes, uint64_t margin);

/* "sampled_bytes", in the top object of a report; and a margin, under its figure's name with _margin. */
void sampled_json(struct ui_json *j, uint64_t sample_bytes);
void sampled_json_margin(struct ui_json *j, const char *key, uint64_t sample_bytes, uint64_t margin);

#endif
