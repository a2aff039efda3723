/* pretty - see pretty.h. */
#include "common/pretty.h"

const char *pretty_sentence(enum group_by by)
{
	if (by == GROUP_TRACEBACK)
		return "{count:n} memory blocks: {size:KiB}\n";
	return by <= GROUP_LINENO ? "#{number}: {short_file}:{line}: {size:KiB}\n" : "#{number}: {key}: {size:KiB}\n";
}

void pretty_title(struct emit *e, enum group_by by, uint64_t limit)
{
	static const char *const nouns[] = {
		[GROUP_FILENAME] = "files",
		[GROUP_LINENO] = "lines",
		[GROUP_TRACEBACK] = "stacks",
		[GROUP_FUNCTION] = "functions",
		[GROUP_MODULE] = "modules",
		[GROUP_THREAD] = "threads",
		[GROUP_SIZE] = "sizes",
		[GROUP_TYPE] = "types",
		[GROUP_CHAIN] = "chains",
	};

	emit_aside(e, "limit", emit_number(limit));
	emit_aside(e, "noun", emit_words(nouns[by]));
	emit_say(e, "Top {limit} {noun}\n");
}

void pretty_rest(struct emit *e, const struct grouping *g, size_t shown)
{
	emit_aside(e, "others", emit_number(g->stat_count - shown));
	emit_aside(e, "other", emit_size(grouping_size(g, shown)));
	emit_aside(e, "total", emit_size(grouping_size(g, 0)));
	if (g->stat_count > shown)
		emit_say(e, "{others} other: {other:KiB}\n");
	emit_say(e, "Total allocated size: {total:KiB}\n");
}
