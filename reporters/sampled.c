/* sampled - see sampled.h. */
#include "sampled.h"

#include <inttypes.h>

static const char *plus_minus(void)
{
	return ui_utf8() ? "\xc2\xb1" : "+-";
}

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

char *sampled_size(char buf[48], uint64_t sample_bytes, uint64_t margin)
{
	char size[32];

	buf[0] = '\0';
	if (sample_bytes)
		snprintf(buf, 48, " %s %s", plus_minus(),
			 ui_size(size, sizeof(size), (int64_t)margin, false));
	return buf;
}

char *sampled_count(char buf[48], uint64_t sample_bytes, uint64_t margin)
{
	char count[32];

	buf[0] = '\0';
	if (sample_bytes)
		snprintf(buf, 48, " %s %s", plus_minus(), ui_count(count, sizeof(count), margin));
	return buf;
}

void sampled_print(FILE *f, const struct view *v, const struct view_options *o)
{
	const bool blocks = o->what == VIEW_LIVE || o->what == VIEW_LEAKS;
	struct sampled_margin m;
	char every[32], size[32], count[32], size_margin[48], count_margin[48];

	if (!v->sample_bytes)
		return;
	m = sampled_view_margin(v, o);
	fprintf(f, "sampled every %s: figures are estimates, total %s%s in %s%s %s (99 %%)\n\n",
		ui_size(every, sizeof(every), (int64_t)v->sample_bytes, false),
		ui_size(size, sizeof(size), (int64_t)v->bytes, false),
		sampled_size(size_margin, v->sample_bytes, m.bytes),
		ui_count(count, sizeof(count), v->count),
		sampled_count(count_margin, v->sample_bytes, m.count),
		blocks ? "blocks" : "allocations");
}

void sampled_json(struct ui_json *j, uint64_t sample_bytes)
{
	if (sample_bytes)
		ui_json_uint(j, "sampled_bytes", sample_bytes);
}

void sampled_json_margin(struct ui_json *j, const char *key, uint64_t sample_bytes, uint64_t margin)
{
	char name[64];

	if (!sample_bytes)
		return;
	snprintf(name, sizeof(name), "%s_margin", key);
	ui_json_uint(j, name, margin);
}
