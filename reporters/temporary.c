/*
 * tracker-temporary - blocks that were freed soon after they were allocated, by
 * the location that could have kept or avoided them.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "choice.h"
#include "domains.h"
#include "report.h"
#include "sums.h"

static struct report_options common;
static uint64_t threshold = UINT64_MAX, limit; /* threshold: UINT64_MAX when it is not given */

static const struct ui_option options[] = {
	{ 'n', "threshold", UI_UINT, &threshold, "N",
	  "other allocations of the thread before the free, at most (default 1; of an aggregated "
	  "capture what it was recorded with)", 0,
	  UINT32_MAX - 1 },
	{ 'l', "limit", UI_UINT, &limit, "N", "rows to print (default 0: all)", 0, 0 },
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-temporary",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints where blocks were allocated that were freed soon afterwards.",
	.details = "A block is temporary when the thread that allocated it frees it with at most N\n"
		   "other allocations of that thread in between. With a point, what was freed before\n"
		   "it counts; with a range (CAPTURE@A..B), what was allocated and freed in it.\n"
		   REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker temporary app.bin\n"
		   "  tracker temporary -n 0 --json app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

struct temporary {
	struct report report;
	struct view view;
	struct view_options asked;
	struct sums rows;
	struct domains domains;
};

static size_t shown(const struct temporary *t)
{
	return limit && limit < t->rows.count ? (size_t)limit : t->rows.count;
}

static void print_text(const struct temporary *t, FILE *f)
{
	char size[32], count[32];

	sampled_print(f, &t->view, &t->asked);
	for (size_t i = 0; i < shown(t); i++) {
		const struct sum *s = &t->rows.items[i];

		ui_text(f, s->key);
		fprintf(f, ": count=%" PRIu64 ", size=%s\n", s->count,
			ui_size(size, sizeof(size), (int64_t)s->bytes, false));
	}
	fprintf(f, "Total: %s temporary allocation%s, %s (threshold %" PRIu64 ")\n",
		ui_count(count, sizeof(count), t->view.count), t->view.count == 1 ? "" : "s",
		ui_size(size, sizeof(size), (int64_t)t->view.bytes, false), threshold);
	domains_print(&t->domains, f, "Domain ", "allocation");
}

static void print_json(const struct temporary *t, FILE *f)
{
	const struct sampled_margin m = sampled_view_margin(&t->view, &t->asked);
	struct ui_json j;

	ui_json_init(&j, f, false);
	ui_json_begin_report(&j, "tracker.temporary", 1);
	ui_json_string(&j, "capture", t->report.capture->path);
	report_json(&j, &t->report);
	if (t->asked.spanned)
		choice_json(&j, "point", &t->asked, &t->view);
	ui_json_uint(&j, "threshold", threshold);
	ui_json_uint(&j, "total_count", t->view.count);
	ui_json_uint(&j, "total_bytes", t->view.bytes);
	sampled_json(&j, t->view.sample_bytes);
	sampled_json_margin(&j, "total_count", t->view.sample_bytes, m.count);
	sampled_json_margin(&j, "total_bytes", t->view.sample_bytes, m.bytes);
	domains_json(&t->domains, &j);
	ui_json_uint(&j, "row_count", t->rows.count);
	ui_json_array(&j, "rows");
	for (size_t i = 0; i < shown(t); i++) {
		ui_json_object(&j, NULL);
		ui_json_string(&j, "location", t->rows.items[i].key);
		ui_json_uint(&j, "count", t->rows.items[i].count);
		ui_json_uint(&j, "size", t->rows.items[i].bytes);
		ui_json_end(&j);
	}
	ui_json_end(&j);
	ui_json_end(&j);
}

static int gather(struct temporary *t, const char *operand)
{
	int status = report_open(&t->report, operand, &common);

	if (!status)
		status = report_stacks(&t->report, &common);
	if (!status && threshold == UINT64_MAX)
		threshold = choice_threshold(&t->report);
	t->asked = (struct view_options){
		.what = VIEW_TEMPORARY, .threshold = (uint32_t)threshold,
		.process = t->report.process, .at = t->report.at,
		.spanned = !choice_is_whole(&t->report),
	};
	if (!status)
		status = report_view(&t->report, &t->asked, &t->view);
	if (!status && (sums_of_view(&t->view, t->report.stacks, &t->rows, NULL) != 0 ||
			domains_sum(&t->domains, &t->view, NULL, NULL) != 0)) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	sums_sort_by_bytes(&t->rows);
	if (!status)
		report_unnamed(&t->report, &t->view, NULL);
	return status;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct temporary t = { 0 };
	struct ui_output out;
	int status = ui_output_open(&out, common.output, common.force);

	if (!status) {
		status = gather(&t, argv[first]);
		if (!status && common.json)
			print_json(&t, out.file);
		else if (!status)
			print_text(&t, out.file);
		if (!status)
			status = ui_output_close(&out);
		else
			ui_output_discard(&out);
	}
	sums_finish(&t.rows);
	domains_finish(&t.domains);
	view_finish(&t.view);
	report_close(&t.report);
	return status;
}
