/* figures - see figures.h. */
#include "check/figures.h"

#include "common/leaked.h"
#include "common/selection.h"
#include "lint/join.h"

static int measure_peak(struct report *r, const struct ui_list *suppressions, struct figure_found *ret)
{
	(void)suppressions;
	ret->amount = r->view.totals.peak_bytes;
	return UI_OK;
}

static int measure_allocations(struct report *r, const struct ui_list *suppressions, struct figure_found *ret)
{
	(void)suppressions;
	ret->amount = r->view.totals.allocations;
	return UI_OK;
}

/* What leaked, by stack, without what the C and C++ runtimes keep and what suppressions name. */
static int find_leaks(struct report *r, const struct ui_list *suppressions, struct leaks *ret)
{
	struct view_options o = { .what = VIEW_LEAKS, .process = r->process };
	struct view v = { 0 };
	int status = report_view(r, &o, &v);

	if (!status)
		status = suppressions_init(&ret->suppressions, true);
	if (!status)
		status = suppressions_read_files(&ret->suppressions, suppressions, suppress_leaks, "leak:PATTERN");
	if (!status)
		status = leaked_rows(ret, r, &v);
	view_finish(&v);
	return status;
}

static int measure_leak(struct report *r, const struct ui_list *suppressions, struct figure_found *ret)
{
	struct leaks leaks = { 0 };
	const int status = find_leaks(r, suppressions, &leaks);

	ret->amount = leaks.bytes;
	if (!status && leaks.row_count)
		ret->biggest = (struct no_alloc_stack){ leaks.rows[0].node, leaks.rows[0].bytes, leaks.rows[0].count };
	leaked_finish(&leaks);
	return status;
}

static int measure_leak_per_site(struct report *r, const struct ui_list *suppressions, struct figure_found *ret)
{
	const int status = measure_leak(r, suppressions, ret);

	ret->amount = ret->biggest.bytes;
	return status;
}

static int measure_temporary(struct report *r, const struct ui_list *suppressions, struct figure_found *ret)
{
	struct view_options o = { .what = VIEW_TEMPORARY, .threshold = selection_threshold(r), .process = r->process };
	struct view v = { 0 };
	const int status = report_view(r, &o, &v);

	(void)suppressions;
	ret->amount = v.count;
	view_finish(&v);
	return status;
}

static int measure_mismatch(struct report *r, const struct ui_list *suppressions, struct figure_found *ret)
{
	static const char *mismatched[] = { "mismatched-release", NULL };
	const struct ui_list rules = { mismatched, 1 };
	struct suppressions none = { 0 };
	struct lint lint = { 0 };
	int status = lint_find(&lint, r);

	(void)suppressions; /* they name leaks */
	if (!status)
		status = lint_join(&lint, r, LINT_NOTE, &rules, &none, UINT32_MAX);
	for (size_t i = 0; !status && i < lint.count; i++)
		ret->amount += lint.items[i].count;
	if (!status && lint.count) {
		lint_text(&lint.items[0], ret->told);
		ret->biggest = (struct no_alloc_stack){ lint_place(&lint.items[0]), lint.items[0].bytes, lint.items[0].count };
	}
	lint_finish(&lint);
	suppressions_finish(&none);
	return status;
}

_Static_assert(FIGURE_TOLD_ROOM >= LINT_TEXT_ROOM, "a finding's text fits");

const struct figure figures[FIGURES] = {
	[FIGURE_PEAK] = { "max-peak", "baseline-peak", true, false, "the peak is", "the peak is too high", measure_peak },
	[FIGURE_ALLOCATIONS] = { "max-allocations", "baseline-allocations", false, false, "allocations:", "there are too many allocations", measure_allocations },
	[FIGURE_LEAK] = { "max-leak", "baseline-leak", true, false, "not freed:", "too much leaks", measure_leak },
	[FIGURE_LEAK_PER_SITE] = { "max-leak-per-site", NULL, true, false, "not freed, of one stack:", "too much leaks at one place", measure_leak_per_site },
	[FIGURE_TEMPORARY] = { "max-temporary", "baseline-temporary", false, false, "temporary allocations:", "there are too many temporary allocations", measure_temporary },
	[FIGURE_MISMATCH] = { "allocator-mismatch", NULL, false, true, "calls that do not fit the allocation:", "a block is released by a function that does not fit its allocation", measure_mismatch },
};
