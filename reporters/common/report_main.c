/*
 * report_main - the run of a report from its command line to its exit code; see report.h.
 */
#include "common/endings.h"
#include "common/selection.h"
#include "common/kept.h"
#include "common/narrow.h"
#include "common/report.h"

#include <stdlib.h>

static const char *const side_names[] = { "old: ", "new: " };

static size_t more_of(const struct report_kind *k, size_t side)
{
	return k->more[side] ? k->more[side]->count : 0;
}

static size_t sides_of(const struct report_kind *k)
{
	return k->of_two ? 2 + more_of(k, 0) + more_of(k, 1) : 1;
}

size_t report_side(const struct report_kind *k, size_t number)
{
	return number < 2 ? number : number >= 2 + more_of(k, 0);
}

static const char *operand_of(const struct report_kind *k, char **operands, size_t number)
{
	if (number < 2)
		return operands[number];
	return report_side(k, number) ? k->more[1]->items[number - 2 - more_of(k, 0)] : k->more[0]->items[number - 2];
}

static int no_memory(void)
{
	ui_error("out of memory");
	return UI_CANNOT;
}

static void check_usage(const struct report_kind *k, struct report *sides)
{
	ui_exclude("--csv", k->common->csv, "--json", k->common->json);
	ui_exclude("--quiet", k->common->quiet, "--json", k->common->json);
	ui_exclude("--quiet", k->common->quiet, "--csv", k->common->csv);
	if (k->check)
		k->check(sides);
	if (k->selection)
		selection_check(k->selection);
	for (size_t i = 0; k->filtering && i < sides_of(k); i++)
		filters_from_options(&sides[i].filters, k->filtering);
}

/* The question and its answer, once the capture is open. */
static int answer(const struct report_kind *k, struct report *r, const char *which)
{
	int status;

	if (k->selection)
		selection_apply(k->selection, r, &r->asked);
	status = report_settle_filters(r, k->of_two);
	if (!status && !k->of_tables)
		status = report_stacks(r, k->common);
	if (!status && k->ask)
		k->ask(r);
	if (!status && k->common->thread)
		status = narrow_find_threads(r, k->common->thread);
	if (status || k->of_tables || k->reads_itself)
		return status;
	if (k->narrows_events)
		status = narrow_events(r) < 0 ? no_memory() : UI_OK;
	else
		narrow_ask(r);
	if (!status)
		status = report_view(r, &r->asked, &r->view);
	if (!k->narrows_events)
		narrow_to_threads(r);
	if (status || r->nameless)
		return status;
	if (k->selection) {
		kept_say(r, which, &r->asked, &r->view);
		endings_warn(which, r->capture, &r->asked, &r->view);
	}
	report_unnamed(r, &r->view, &r->filters);
	r->domains = (struct domains){ .capture = r->capture, .process = r->process };
	return domains_filtered(&r->domains, &r->view, r->stacks, &r->filters) < 0 ? no_memory() : UI_OK;
}

static enum emit_form form_of(const struct report_options *o)
{
	return o->quiet ? EMIT_NOTHING :
	       o->json	? EMIT_JSON :
	       o->csv	? EMIT_CSV :
			  EMIT_PEOPLE;
}

static bool wants_other_form(const struct report_kind *k)
{
	return k->wants_other_form && *k->wants_other_form;
}

static int describe(const struct report_kind *k, struct report *sides, FILE *f)
{
	struct emit *e;
	int err;

	if (wants_other_form(k))
		return k->write_other_form(sides, f) ? no_memory() : UI_OK;
	e = emit_new(form_of(k->common), f, k->choose_table ? k->choose_table() : k->table);
	err = e ? 0 : TRK_ERR_NOMEM;
	if (!err)
		emit_document(e, k->schema, 1);
	if (!err)
		err = k->describe(sides, e);
	return emit_end_all(e) || err ? no_memory() : UI_OK;
}

static int run(const struct report_kind *k, struct report *sides, char **operands, FILE *f)
{
	int status = k->prepare ? k->prepare(sides) : UI_OK;

	for (size_t i = 0; i < sides_of(k) && !status; i++) {
		status = report_open(&sides[i], operand_of(k, operands, i), k->common);
		if (!status)
			status = answer(k, &sides[i], k->of_two ? side_names[report_side(k, i)] : "");
	}
	if (!status && k->find)
		status = k->find(sides);
	if (status < 0)
		status = no_memory();
	return status ? status : describe(k, sides, f);
}

int report_main(const struct report_kind *k, int argc, char **argv)
{
	const int first = ui_parse(k->command, argc, argv, false);
	struct report *const sides = calloc(sides_of(k), sizeof(*sides));
	struct ui_output out;

	if (!sides)
		return no_memory();
	check_usage(k, sides);
	int status = ui_output_open(&out, k->common->output, k->common->force);
	if (!status) {
		ui_output_look(&out, &k->common->look, form_of(k->common) == EMIT_PEOPLE && !wants_other_form(k));
		status = run(k, sides, argv + first, out.file);
	}
	if (!status)
		status = ui_output_close(&out);
	else
		ui_output_discard(&out);
	if (!status && k->gate)
		status = k->gate(sides);
	if (k->finish)
		k->finish();
	for (size_t i = 0; i < sides_of(k); i++)
		report_close(&sides[i]);
	free(sides);
	return status;
}
