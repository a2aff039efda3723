/* point - "CAP@POINT" -> a path and a point; see view.h. */
#include "replay/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int fail(struct trk_fault *fault, const char *fmt, const char *text)
{
	*fault = (struct trk_fault){ .code = TRK_ERR_ARG };
	snprintf(fault->why, sizeof(fault->why), fmt, text);
	return TRK_ERR_ARG;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "12.345" in units of 1/scale, whatever the locale. *ret_rest: the text behind it. False: it is no number, or too large. */
static bool parse_decimal(const char *text, uint64_t scale, uint64_t *ret, const char **ret_rest)
{
	uint64_t whole = 0, part = 0, digit = scale; /* digit: what the one at p is worth */
	const char *p = text;

	for (; is_digit(*p); p++) {
		if (whole > UINT64_MAX / scale / 100)
			return false;
		whole = whole * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return false;
	if (*p == '.' && is_digit(p[1])) {
		for (p++; is_digit(*p); p++) {
			digit /= 10;
			part += digit * (uint64_t)(*p - '0');
		}
	}
	*ret_rest = p;
	*ret = whole * scale + part;
	return true;
}

/* A number with a unit of time. */
static bool parse_time(const char *text, uint64_t *ret_ns)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = { { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 }, { "m", 60000000000ull }, { "min", 60000000000ull }, { "h", 3600000000000ull } };

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		const char *rest;

		if (parse_decimal(text, units[i].ns, ret_ns, &rest) &&
		    strcmp(rest, units[i].name) == 0)
			return true;
	}
	return false;
}

static int parse_one(const char *text, size_t n, struct point *ret, struct trk_fault *fault)
{
	struct point p = { 0 };
	const char *rest;

	if (n >= sizeof(p.label))
		return fail(fault, "the name of a point must be shorter than 256 bytes%s", "");
	memcpy(p.label, text, n);
	if (n == 0)
		return fail(fault, "the point after @ is missing%s", "");
	if (p.label[0] == '=') { /* a mark, whatever its label looks like */
		p.kind = POINT_MARK;
		memmove(p.label, p.label + 1, n);
		if (n == 1)
			return fail(fault, "the label after @= is missing%s", "");
	} else if (strcmp(p.label, "peak") == 0) {
		p.kind = POINT_PEAK;
	} else if (strcmp(p.label, "end") == 0) {
		p.kind = POINT_END;
	} else if (p.label[0] == '#') {
		p.kind = POINT_NTH_MARK;
		if (!parse_decimal(p.label + 1, 1, &p.number, &rest) || *rest || p.number == 0)
			return fail(fault, "'%.100s' is not the number of a mark; marks are numbered from #1", p.label);
	} else if (parse_time(p.label, &p.number)) {
		p.kind = POINT_TIME;
	} else if (parse_decimal(p.label, 1000, &p.number, &rest) && strcmp(rest, "%") == 0) {
		p.kind = POINT_SHARE;
		if (p.number > 100000)
			return fail(fault, "'%.100s' is after the end of the capture; use at most 100%%", p.label);
	} else {
		p.kind = POINT_MARK;
	}
	*ret = p;
	return 0;
}

/* Parses the text behind the @. */
static int parse_range(const char *text, struct point_range *ret, struct trk_fault *fault)
{
	const char *dots = strncmp(text, "=..", 3) == 0 ? NULL : strstr(text, "..");
	int err = 0;

	*ret = (struct point_range){ .is_range = dots != NULL };
	if (!dots)
		return parse_one(text, strlen(text), &ret->from, fault);
	if (text[0] == '=' && strlen(text) <= sizeof(ret->label))
		strcpy(ret->label, text + 1);
	if (dots == text && !dots[2])
		return fail(fault, "'%.100s' names no point; use A..B, A.. or ..B", text);
	ret->from.kind = POINT_SHARE; /* 0 %: the beginning */
	ret->to.kind = POINT_END;
	if (dots > text)
		err = parse_one(text, (size_t)(dots - text), &ret->from, fault);
	if (!err && dots[2])
		err = parse_one(dots + 2, strlen(dots + 2), &ret->to, fault);
	if (!err && ret->from.kind == POINT_END)
		return fail(fault, "the range '%.100s' is empty: it begins where the capture ends", text);
	return err;
}

static bool exists(const char *path, size_t n)
{
	struct stat st;
	char *copy = strndup(path, n);
	const bool yes = copy && stat(copy, &st) == 0;

	free(copy);
	return yes;
}

/* The @ that divides: the last one that has a file before it, otherwise the last one; NULL: there is none. */
static const char *find_at(const char *text)
{
	const char *last = strrchr(text, '@');

	if (!last || exists(text, strlen(text)))
		return NULL;
	for (const char *p = last; p > text; p--) {
		if (*p == '@' && exists(text, (size_t)(p - text)))
			return p;
	}
	return last > text ? last : NULL;
}

int point_parse(const char *text, char **ret_path, struct point_range *ret,
		struct trk_fault *fault)
{
	const char *at = find_at(text);
	struct point_range range = { .from = { .kind = POINT_PEAK } };
	const int err = at ? parse_range(at + 1, &range, fault) : 0;
	char *path;

	if (err)
		return err;
	path = at ? strndup(text, (size_t)(at - text)) : strdup(text);
	if (!path)
		return TRK_ERR_NOMEM;
	*ret_path = path;
	*ret = range;
	return 0;
}

void point_settle(struct point_range *at, const struct capture *c)
{
	const size_t n = strlen(at->label);

	for (uint32_t i = 0; n && i < c->mark_count; i++) {
		struct point p = { .kind = POINT_MARK };

		if (c->marks[i].label_bytes != n || memcmp(c->marks[i].label, at->label, n) != 0)
			continue;
		memcpy(p.label, at->label, n + 1);
		*at = (struct point_range){ .from = p };
		return;
	}
}
