/*
 * report_arguments - checks the arguments of a report's options for keys, filters and stacks. A wrong one is a usage
 * error, which exits. It is apart from the code that these options control, because that is also used without a
 * command line.
 */
#include "common/filter.h"
#include "common/group.h"
#include "common/traceback.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- keys ---- */

static void refuse_key(const char *text)
{
	char meant[UI_MEANT_ROOM];

	ui_usage_error("unknown key_type: '%s'%s", text, ui_meant(text, group_key_names, "", meant));
}

enum group_by group_by_check(const char *text, bool cumulative)
{
	enum group_by by;

	if (!group_by_parse(text, &by))
		refuse_key(text);
	if (cumulative && !group_can_cumulate(by))
		ui_usage_error("cumulative mode cannot be used with key type '%s'", text);
	return by;
}

/* ---- filters ---- */

/* What an option takes whose items get `prefix`: "", "+", "-", "+domain=". */
static const char *expected(const char *prefix)
{
	if (!*prefix)
		return "(+|-)PATTERN[:LINE][,all_frames][,domain=N]";
	return prefix[1] ? "the number or the name of a domain" : "PATTERN[:LINE][,all_frames][,domain=N]";
}

/* Every item of the list with `prefix` before it. */
static void add_list(struct filters *f, const char *option, const char *prefix,
		     const struct ui_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char *text = NULL;
		if (asprintf(&text, "%s%s", prefix, list->items[i]) < 0 || !filters_add(f, text)) {
			if (errno == ENOMEM) {
				ui_error("out of memory");
				exit(UI_CANNOT);
			}
			ui_usage_error("argument %s: %s is an invalid filter; use %s", option,
				       *list->items[i] ? list->items[i] : "\"\"", expected(prefix));
		}
		free(text);
	}
}

void filters_from_list(struct filters *f, const char *option, const struct ui_list *list)
{
	add_list(f, option, "", list);
}

void filters_from_options(struct filters *f, const struct filter_options *o)
{
	add_list(f, "--filter", "", &o->filters);
	add_list(f, "--include", "+", &o->includes);
	add_list(f, "--exclude", "-", &o->excludes);
	add_list(f, "--domain", "+domain=", &o->domains);
}

/* ---- stacks ---- */

bool traceback_parse_limit(const char *text, struct traceback_options *o)
{
	char *end;

	if (!text || !*text)
		return true;
	errno = 0;
	o->limit = strtoll(text, &end, 10);
	o->has_limit = true;
	return *end == 0 && errno == 0 && !isspace((unsigned char)*text);
}

static void parse_sources(struct traceback_options *o)
{
	static const char *const names[] = {
		[SOURCES_DEFAULT] = "default",
		[SOURCES_ALL] = "all",
		[SOURCES_NONE] = "none",
	};
	unsigned i = 0;

	if (!o->confidential_files)
		return;
	while (i <= SOURCES_NONE && strcmp(names[i], o->confidential_files) != 0)
		i++;
	if (i > SOURCES_NONE)
		ui_usage_error("argument --confidential-files: invalid choice %s; use default, all or none",
			       o->confidential_files);
	o->sources = (enum traceback_sources)i;
}

void traceback_check_sources(const char *form, struct traceback_options *o)
{
	ui_exclude(form, form, "--confidential-files", o->confidential_files != NULL);
	parse_sources(o);
}

void traceback_check(const char *limit, const char *form, struct traceback_options *o)
{
	o->wanted = limit != NULL;
	ui_needs("--most-recent-first", o->most_recent_first, "--traceback", o->wanted);
	ui_needs("--functions", o->functions, "--traceback", o->wanted);
	ui_exclude(form, form, "--most-recent-first", o->most_recent_first);
	ui_exclude(form, form, "--functions", o->functions);
	if (!traceback_parse_limit(limit, o))
		ui_usage_error("argument --traceback: %s is an invalid int value", limit);
	traceback_check_sources(form, o);
}
