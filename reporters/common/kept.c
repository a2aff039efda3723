/* kept - see kept.h. */
#include "common/kept.h"

#include "common/suppress.h"

int kept_find(const struct report *r, const struct view_options *o, const struct view *v, struct kept *ret)
{
	struct suppressions builtin;
	int err;

	*ret = (struct kept){ 0 };
	if (o->what != VIEW_LEAKS)
		return 0;
	err = suppressions_init(&builtin, true);
	for (size_t i = 0; i < v->row_count && !err; i++) {
		size_t n;
		const struct source_frame *const frames = stacks_frames(r->stacks, v->rows[i].node, &n);

		if (!suppressions_match(&builtin, frames, n, NULL))
			continue;
		ret->bytes += v->rows[i].bytes;
		ret->count += v->rows[i].count;
	}
	suppressions_finish(&builtin);
	return err;
}

void kept_say(const struct report *r, const char *which, const struct view_options *o, const struct view *v)
{
	struct kept kept;
	char size[32], count[32];

	if (kept_find(r, o, v, &kept) || !kept.count)
		return;
	ui_error("%sthe blocks not freed include %s in %s block%s that the C and C++ runtimes keep; tracker leaks leaves them out", which,
		 ui_size(size, sizeof(size), (int64_t)kept.bytes, false),
		 ui_count(count, sizeof(count), kept.count), kept.count == 1 ? "" : "s");
}
