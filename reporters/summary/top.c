/* top - see top.h. */
#include "summary/top.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/group.h"
#include "common/narrow.h"
#include "common/selection.h"

#define CALLERS 3 /* that people see of the stack with most bytes */

/* ---- the three questions ---- */

static int rank(struct top *t, struct report *of, struct view *v, enum top_list list)
{
	struct report part = *of; /* narrowing takes a report's view */
	int err;

	part.view = *v;
	narrow_to_threads(&part);
	narrow_to_filters(&part);
	*v = part.view;
	err = ranking_of_view(v, of->stacks, &t->rows[list], NULL);
	t->total[list] = (struct ranked){ .bytes = v->bytes, .count = v->count };
	(list == TOP_PEAK ? ranking_sort_by_bytes : ranking_sort_by_count)(&t->rows[list]);
	return err;
}

static int ask(struct report *r, enum view_what what, struct view *ret)
{
	struct view_options o = r->asked;

	o.what = what;
	o.threshold = (uint32_t)selection_threshold(r);
	o.spanned = r->has_point;
	return report_view(r, &o, ret);
}

int top_find(struct top *t, struct report *r)
{
	int err = rank(t, r, &r->view, TOP_PEAK);

	if (!err)
		err = ask(r, VIEW_ALLOCATIONS, &t->calls);
	if (!err)
		err = ask(r, VIEW_TEMPORARY, &t->temporary);
	if (!err)
		err = rank(t, r, &t->calls, TOP_CALLS);
	return err ? err : rank(t, r, &t->temporary, TOP_TEMPORARY);
}

void top_finish(struct top *t)
{
	for (size_t i = 0; i < TOP_LISTS; i++)
		ranking_finish(&t->rows[i]);
	view_finish(&t->calls);
	view_finish(&t->temporary);
}

/* ---- what is said of it ---- */

static double share_of(const struct top *t, enum top_list list, const struct ranked *row)
{
	const uint64_t part = list == TOP_PEAK ? row->bytes : row->count, all = list == TOP_PEAK ? t->total[list].bytes : t->total[list].count;

	return all ? 100.0 * (double)part / (double)all : 0;
}

char *top_place(const struct report *r, uint32_t node, const struct short_paths *paths)
{
	char *text = NULL;
	size_t size, n;
	FILE *const m = open_memstream(&text, &size);

	if (!m)
		return NULL;
	const struct source_frame *const frames = group_frames(r->stacks, node, &n);

	while (n > 1 && frames[n - 1].runtime)
		n--;
	fprintf(m, "%s  %s", *frames[0].function ? frames[0].function : "<unknown>", short_paths_of(paths, frames[0].file));
	if (frames[0].line)
		fprintf(m, ":%u", (unsigned)frames[0].line);
	for (size_t i = 1; i < n && i <= CALLERS && !frames[i].cut; i++)
		fprintf(m, "%s%s", i == 1 ? ", from " : ", ", *frames[i].function ? frames[i].function : "<unknown>");
	if (n > CALLERS + 1)
		fputs(", ...", m);
	return ui_memstream_end(m, &text);
}

static const struct {
	const char *key, *heading;
} lists[TOP_LISTS] = {
	[TOP_PEAK] = { "peak", "Held most: {total_bytes} in {total_blocks} block{total_blocks:s} at {point.name}\n" },
	[TOP_CALLS] = { "calls", "Most calls of allocation functions: {total_blocks}, {total_bytes}\n" },
	[TOP_TEMPORARY] = { "temporary", "Most temporary allocations: {total_blocks}, {total_bytes}\n" },
};

static void say_heading(const struct top *t, struct emit *e, enum top_list list)
{
	emit_aside(e, "total_bytes", emit_size(t->total[list].bytes));
	emit_aside(e, "total_blocks", emit_count(t->total[list].count));
	emit_say(e, lists[list].heading);
}

static void say_rest(const struct ranking *rows, struct emit *e, size_t shown)
{
	uint64_t bytes = 0, count = 0;

	for (size_t i = shown; i < rows->count; i++) {
		bytes += rows->items[i].bytes;
		count += rows->items[i].count;
	}
	emit_aside(e, "more", emit_count(rows->count - shown));
	emit_aside(e, "more_bytes", emit_size(bytes));
	emit_aside(e, "more_count", emit_count(count));
	if (shown < rows->count)
		emit_say(e, "   {more} more place{more:s}: {more_bytes} in {more_count}; -n 0 shows all\n");
}

static int describe_list(const struct top *t, const struct report *r, struct emit *e, enum top_list list, size_t most, const struct short_paths *paths)
{
	const struct ranking *const rows = &t->rows[list];
	const size_t shown = most < rows->count ? most : rows->count;

	say_heading(t, e, list);
	for (size_t i = 0; i < shown; i++) {
		const struct ranked *const row = &rows->items[i];
		char *const place = emit_people(e) ? top_place(r, row->node, paths) : NULL;

		if (emit_people(e) && !place)
			return TRK_ERR_NOMEM;
		emit_row(e, (struct emit_value[]){ emit_words(lists[list].key), emit_words(row->key), emit_size(row->bytes), emit_count(row->count),
						   emit_ratio(share_of(t, list, row)), emit_optional(place) });
		free(place);
	}
	say_rest(rows, e, shown);
	return 0;
}

static int find_paths(const struct top *t, const struct report *r, size_t most, struct short_paths *paths)
{
	int err = 0;

	for (size_t l = 0; l < TOP_LISTS; l++)
		for (size_t i = 0; i < t->rows[l].count && i < most && !err; i++)
			err = short_paths_add(paths, stacks_top(r->stacks, t->rows[l].items[i].node)->file);
	short_paths_settle(paths);
	return err;
}

int top_describe(const struct top *t, const struct report *r, struct emit *e, size_t most, struct short_paths *paths)
{
	static const struct emit_column columns[] = { { "list" }, { "location" }, { "size" }, { "count" }, { "percent" }, { "place", EMIT_FOR_PEOPLE } };
	static const struct emit_table table = {
		EMIT_TABLE("top", columns),
		.sentence = "   {size} in {count} ({percent:share} %): {place}\n",
	};
	int err = emit_people(e) ? find_paths(t, r, most, paths) : 0;

	emit_table(e, &table);
	for (int list = 0; list < TOP_LISTS && !err; list++)
		err = describe_list(t, r, e, (enum top_list)list, most, paths);
	emit_end(e);
	return err;
}
