/*
 * report_open - opening, asking and closing, with the messages that all reporters
 * share; see report.h.
 */
#include "common/report.h"
#include "replay/refusal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int cannot_open(const char *path, const struct trk_fault *fault, int error, const struct report_options *o)
{
	char words[REFUSAL_ROOM];

	ui_error("%s", refusal_words(path, fault, error, o->failed, words));
	return UI_CANNOT;
}

void report_say_missing(struct report *r)
{
	char text[COMPLETENESS_ROOM];

	if (!r->capture || r->told_inside || !strcmp(completeness_describe(r->capture, r->lost, text), r->missing_told))
		return;
	ui_warn("%s%s", r->capture->path, text);
	strcpy(r->missing_told, text);
}

/* A capture without names of its own, and files that are not those that were recorded. */
static void warn_changed(const struct report *r)
{
	const char *path = "";
	const uint32_t n = r->stacks ? stacks_changed_modules(r->stacks, &path) : 0;

	if (n > 1)
		ui_warn("%s and %" PRIu32 " more: binary changed since capture (its build-id differs), so its names are "
			"left out; run tracker symbolize where the recorded binaries are",
			path, n - 1);
	else if (n)
		ui_warn("%s: binary changed since capture (its build-id differs), so its names are left out; "
			"run tracker symbolize where the recorded binary is",
			path);
}

static void warn_no_memory(const struct report *r)
{
	if (r->stacks && stacks_short_of_memory(r->stacks))
		ui_warn("%s: the report ran out of memory, so names and the figures that depend on them are incomplete", r->capture->path);
}

static int choose_process(struct report *r, uint64_t pid)
{
	r->process = UINT32_MAX;
	if (!pid)
		return UI_OK;
	r->process = capture_process_by_pid(r->capture, (uint32_t)pid);
	if (r->process != UINT32_MAX)
		return UI_OK;
	ui_error("No process %" PRIu64 " in %s; tracker info lists its processes", pid, r->capture->path);
	return UI_CANNOT;
}

/* -o with --force must not replace what is being read. */
static int refuse_same_file(const char *path, const char *output)
{
	struct stat capture, report;

	if (!output || stat(path, &capture) < 0 || stat(output, &report) < 0 ||
	    capture.st_dev != report.st_dev || capture.st_ino != report.st_ino)
		return UI_OK;
	ui_error("%s is the capture itself and will not be overwritten; choose another name", output);
	return UI_CANNOT;
}

static bool is_standard_input(const char *path)
{
	return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdin") == 0;
}

/* Its path becomes one that can be opened. */
static int use_standard_input(char **path)
{
	const char *const real = is_standard_input(*path) ? ui_standard_input() : *path;
	char *const copy = real ? strdup(real) : NULL;

	if (real && !copy)
		ui_error("out of memory");
	if (!copy)
		return UI_CANNOT;
	free(*path);
	*path = copy;
	return UI_OK;
}

/* What standard input is called in reports. */
static int call_standard_input(struct capture *c)
{
	char *const name = strdup("stdin");

	if (!name)
		return TRK_ERR_NOMEM;
	free(c->path);
	c->path = name;
	return 0;
}

static int open_capture(struct report *r, char **path, const struct report_options *o)
{
	const bool from_stdin = is_standard_input(*path);
	struct trk_fault fault = { 0 };
	int err = use_standard_input(path);

	if (err)
		return err;
	err = capture_open(&r->capture, *path, &fault);
	if (!err && from_stdin)
		err = call_standard_input(r->capture);
	return err ? cannot_open(from_stdin ? "stdin" : *path, &fault, errno, o) : UI_OK;
}

int report_open(struct report *r, const char *operand, const struct report_options *o)
{
	struct trk_fault fault = { 0 };
	struct point_range at;
	char *path = NULL;
	int err;

	*r = (struct report){ .operand = operand, .process = UINT32_MAX, .filters = r->filters };
	ui_exclude("--no-skip", o->no_skip, "--skip-frame", o->skip_frames.count != 0);
	err = point_parse(operand, &path, &at, &fault);
	if (err) {
		ui_error("%s: %s", operand, err == TRK_ERR_NOMEM ? "out of memory" : fault.why);
		return UI_CANNOT;
	}
	r->at = at;
	r->has_point = strcmp(path, operand) != 0;
	err = open_capture(r, &path, o);
	if (err)
		goto out;
	point_settle(&r->at, r->capture);
	err = refuse_same_file(path, o->output);
	if (err)
		goto out;
	err = choose_process(r, o->pid);
out:
	free(path);
	if (err)
		report_close(r);
	return err;
}

const char *report_form(const struct report_options *o)
{
	if (o->json)
		return "--json";
	return o->csv ? "--csv" : NULL;
}

size_t report_rows(const struct report_options *o, uint64_t limit, size_t by_default, size_t all)
{
	const uint64_t wanted = limit != REPORT_LIMIT_UNSET ? limit : report_form(o) ? 0 :
										       by_default;

	return wanted && wanted < all ? (size_t)wanted : all;
}

int report_settle_filters(struct report *r, bool may_lack)
{
	const char *const unknown = filters_settle(&r->filters, r->capture);

	if (!unknown || may_lack)
		return UI_OK;
	ui_error("No domain is named '%s' in %s; --json lists the domains of a report", unknown, r->capture->path);
	return UI_CANNOT;
}

int report_stacks(struct report *r, const struct report_options *o)
{
	const struct stacks_options options = {
		.no_skip = o->no_skip,
		.keep_interpreter = o->keep_interpreter,
		.skip_patterns = (const char *const *)o->skip_frames.items,
	};

	if (stacks_new(&r->stacks, r->capture, &options) == 0)
		return UI_OK;
	ui_error("Cannot read symbols: out of memory");
	return UI_CANNOT;
}

static void step(void *data, uint64_t events)
{
	ui_progress_step(data, events);
}

int report_view(struct report *r, struct view_options *o, struct view *ret)
{
	struct ui_progress progress;
	struct trk_fault fault;
	int err;

	ui_progress_start(&progress, "reading events", r->capture->event_count);
	o->progress = step;
	o->progress_data = &progress;
	err = view_build(r->capture, o, ret, &fault);
	ui_progress_end(&progress);
	if (err) {
		ui_error("%s: %s", r->capture->path, fault.why);
		return UI_CANNOT;
	}
	r->lost = ret->totals.lost;
	report_say_missing(r);
	return UI_OK;
}

void report_unnamed(struct report *r, const struct view *v, const struct filters *filters)
{
	unnamed_find(&r->unnamed, r->capture, r->stacks, v, filters);
	arenas_find(&r->arenas, r->capture, r->stacks, v, filters);
}

void report_figures(struct emit *e, const struct report *r)
{
	completeness_figures(e, r->capture, r->lost);
	unnamed_figures(e, &r->unnamed, r->capture);
	arenas_figures(e, &r->arenas);
}

static void say_unnamed(const struct report *r)
{
	char text[UNNAMED_ROOM];

	/* warn_changed has told */
	if (r->unnamed.names != STACKS_NAMES_CHANGED && *unnamed_describe(&r->unnamed, r->capture, text))
		ui_error("%s: %s", r->capture->path, text);
}

static void say_arenas(const struct report *r)
{
	char text[ARENAS_ROOM];

	if (*arenas_describe(&r->arenas, text))
		ui_error("%s: %s", r->capture->path, text);
}

void report_close(struct report *r)
{
	if (!r)
		return;
	if (r->capture) {
		report_say_missing(r);
		warn_no_memory(r);
	}
	if (r->capture && !r->told_inside) {
		warn_changed(r);
		say_unnamed(r);
		say_arenas(r);
	}
	domains_finish(&r->domains);
	filters_finish(&r->filters);
	view_finish(&r->view);
	free(r->threads);
	free(r->passes);
	stacks_free(r->stacks);
	capture_close(r->capture);
	*r = (struct report){ 0 };
}
