/*
 * filter - parsing and matching of (+|-)PATTERN[:LINE][,all_frames][,domain=N].
 */
#include "common/filter.h"

#include "format/array.h"
#include "replay/domain_names.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* A 32-bit number without sign as the whole text; or -1. */
static int64_t number_of(const char *text)
{
	const size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 10 || text[digits])
		return -1;
	const long long n = atoll(text);
	return n <= UINT32_MAX ? n : -1;
}

/* What stands behind "domain=": a number, or otherwise a name. False: nothing, a number that is too large, or no memory. */
static bool take_domain(struct filter *f, const char *text)
{
	free(f->domain_name);
	f->domain_name = NULL;
	f->domain = number_of(text);
	if (f->domain >= 0)
		return true;
	if (!text[strspn(text, "-0123456789")])
		return false;
	f->domain_name = strdup(text);
	return f->domain_name != NULL;
}

static void take_all_frames(struct filter *f, char *text)
{
	char *comma;

	while ((comma = strrchr(text, ',')) && strcmp(comma, ",all_frames") == 0) {
		f->all_frames = true;
		*comma = 0;
	}
}

/*
 * Cuts ",all_frames" and ",domain=N" off the end of `text`. Names of domains and of files may have commas: what stands behind the first
 * ",domain=" is the domain's name, but for an ",all_frames" at the end. False as take_domain.
 */
static bool take_suffixes(struct filter *f, char *text)
{
	char *domain;

	take_all_frames(f, text);
	domain = strstr(text, ",domain=");
	if (!domain)
		return true;
	*domain = 0;
	take_all_frames(f, text);
	return take_domain(f, domain + 8);
}

static bool parse(struct filter *f, char *text)
{
	if (strncmp(text, "domain=", 7) == 0)
		return take_domain(f, text + 7);
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

static void finish(const struct filter *f)
{
	free(f->pattern);
	free(f->domain_name);
}

/* Takes over the texts, also if there is no memory. */
static bool append(struct filters *f, const struct filter *new)
{
	if (!ARRAY_ROOM(f->items, f->room, f->count + 1, 8)) {
		finish(new);
		return false;
	}
	f->items[f->count++] = *new;
	f->any_inclusive |= new->inclusive;
	return true;
}

bool filters_append(struct filters *f, const struct filter *new)
{
	struct filter copy = *new;

	copy.pattern = new->pattern ? strdup(new->pattern) : NULL;
	return (copy.pattern || !new->pattern) && append(f, &copy);
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
		finish(&new);
	return good && append(f, &new);
}

void filters_finish(struct filters *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->count; i++)
		finish(&f->items[i]);
	free(f->items);
	*f = (struct filters){ 0 };
}

const char *filters_settle(struct filters *f, const struct capture *c)
{
	uint32_t unused;

	f->named = c;
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].domain_name && !domain_by_name(c, f->items[i].domain_name, &unused))
			return f->items[i].domain_name;
	return NULL;
}

static bool matches(const struct filters *all, const struct filter *f, const struct source_frame *frames, size_t count,
		    uint32_t process, uint32_t domain)
{
	if (f->domain >= 0 && domain != f->domain)
		return false;
	if (f->domain_name && !(all->named && domain_has_name(all->named, process, domain, f->domain_name)))
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
		  uint32_t process, uint32_t domain)
{
	bool included = !f->any_inclusive;

	for (size_t i = 0; i < f->count; i++) {
		if (f->items[i].inclusive && included)
			continue;
		if (!matches(f, &f->items[i], frames, count, process, domain))
			continue;
		if (!f->items[i].inclusive)
			return false;
		included = true;
	}
	return included;
}
