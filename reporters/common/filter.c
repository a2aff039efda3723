/*
 * filter - parsing and matching of (+|-)PATTERN[:LINE][,all_frames][,domain=N].
 */
#include "common/filter.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* A whole unsigned 32-bit number, or -1. */
static int64_t number_of(const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 10 || text[digits])
		return -1;
	const long long n = atoll(text);
	return n <= UINT32_MAX ? n : -1;
}

/* Cuts ",all_frames" and ",domain=N" off the end of `text`. False: a domain that is no number. */
static bool take_suffixes(struct filter *f, char *text)
{
	char *comma;

	while ((comma = strrchr(text, ','))) {
		if (strcmp(comma, ",all_frames") == 0) {
			f->all_frames = true;
		} else if (strncmp(comma, ",domain=", 8) == 0) {
			f->domain = number_of(comma + 8);
			if (f->domain < 0)
				return false;
		} else {
			break; /* a comma of the file's name */
		}
		*comma = 0;
	}
	return true;
}

static bool parse(struct filter *f, char *text)
{
	if (strncmp(text, "domain=", 7) == 0) {
		f->domain = number_of(text + 7);
		return f->domain >= 0;
	}
	if (!take_suffixes(f, text))
		return false;
	char *const colon = strrchr(text, ':');
	if (colon && number_of(colon + 1) >= 0) {
		f->line = number_of(colon + 1);
		*colon = 0;
	}
	if (!*text)
		return false;
	f->pattern = strdup(text);
	return f->pattern != NULL;
}

bool filters_add(struct filters *f, const char *text)
{
	struct filter new = { .line = -1, .domain = -1, .inclusive = *text == '+' };

	errno = 0;
	if (*text != '+' && *text != '-')
		return false;
	char *const copy = strdup(text + 1);
	if (!copy)
		return false;
	const bool good = parse(&new, copy);
	free(copy);
	if (!good)
		return false;
	struct filter *const items = realloc(f->items, (f->count + 1) * sizeof(*items));
	if (!items) {
		free(new.pattern);
		return false;
	}
	f->items = items;
	f->items[f->count++] = new;
	f->any_inclusive |= new.inclusive;
	return true;
}

/* What an option takes whose items get `prefix`: "", "+", "-", "+domain=". */
static const char *expected(const char *prefix)
{
	if (!*prefix)
		return "(+|-)PATTERN[:LINE][,all_frames][,domain=N]";
	return prefix[1] ? "a number" : "PATTERN[:LINE][,all_frames][,domain=N]";
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
			ui_usage_error("argument %s: %s is no filter: expected %s", option, list->items[i], expected(prefix));
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

void filters_finish(struct filters *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++)
		free(f->items[i].pattern);
	free(f->items);
	*f = (struct filters){ 0 };
}

static bool matches(const struct filter *f, const struct source_frame *frames, size_t count,
		    uint32_t domain)
{
	if (f->domain >= 0 && domain != f->domain)
		return false;
	if (!f->pattern)
		return true;
	for (size_t i = 0; i < (f->all_frames ? count : 1); i++)
		if ((f->line < 0 || f->line == frames[i].line) &&
		    fnmatch(f->pattern, frames[i].file, FNM_NOESCAPE) == 0)
			return true;
	return false;
}

bool filters_pass(const struct filters *f, const struct source_frame *frames, size_t count,
		  uint32_t domain)
{
	bool included = !f->any_inclusive;

	for (size_t i = 0; i < f->count; i++) {
		if (f->items[i].inclusive && included)
			continue;
		if (!matches(&f->items[i], frames, count, domain))
			continue;
		if (!f->items[i].inclusive)
			return false;
		included = true;
	}
	return included;
}
