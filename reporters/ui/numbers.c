/*
 * numbers - sizes, counts and durations as people read and write them.
 */
#include "ui/ui.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static char *format_size(char *buf, size_t room, double bytes, bool sign)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	const size_t last = sizeof(units) / sizeof(units[0]) - 1;
	size_t unit = 0;

	/* The thresholds are tracemalloc's: 5 digits of one unit before the next one. */
	while (unit < last && fabs(bytes) >= 10240) {
		bytes /= 1024;
		unit++;
	}
	const int digits = unit && fabs(bytes) < 100 ? 1 : 0;
	snprintf(buf, room, sign ? "%+.*f %s" : "%.*f %s", digits, bytes, units[unit]);
	return buf;
}

char *ui_size_fraction(char *buf, size_t room, double bytes, bool sign)
{
	return format_size(buf, room, bytes, sign);
}

char *ui_size(char *buf, size_t room, int64_t bytes, bool sign)
{
	return format_size(buf, room, (double)bytes, sign);
}

char *ui_count(char *buf, size_t room, uint64_t n)
{
	char digits[24], *out = buf;
	const int len = snprintf(digits, sizeof(digits), "%" PRIu64, n);

	if (room == 0)
		return buf;
	for (int i = 0; i < len && (size_t)(out - buf) + 1 < room; i++) {
		*out++ = digits[i];
		const int left = len - 1 - i;
		if (left && left % 3 == 0 && (size_t)(out - buf) + 1 < room)
			*out++ = ',';
	}
	*out = 0;
	return buf;
}

char *ui_unrecorded(char buf[UI_UNRECORDED_ROOM], uint64_t processes)
{
	char count[32];

	snprintf(buf, UI_UNRECORDED_ROOM, "%s process%s not recorded: tracker info says why",
		 ui_count(count, sizeof(count), processes), processes == 1 ? " was" : "es were");
	return buf;
}

struct unit {
	const char *name;
	double factor;
};

/*
 * "DIGITS[.DIGITS]" and one of the units. By hand: strtod takes "inf", "0x1p3",
 * signs and the locale's comma, too.
 */
static bool parse_with_unit(const char *text, const struct unit *units, uint64_t *ret)
{
	const char *const digits = "0123456789";
	const size_t whole = strspn(text, digits);
	long double value = 0, place = 1;
	const char *p = text + whole;

	if (whole == 0)
		return false;
	for (const char *q = text; q < p; q++)
		value = value * 10 + (*q - '0');
	if (*p == '.') {
		const size_t fraction = strspn(++p, digits);
		if (fraction == 0)
			return false;
		for (const char *const end = p + fraction; p < end; p++)
			value += (place /= 10) * (*p - '0');
	}
	while (*p == ' ')
		p++;
	for (; units->name; units++) {
		if (strcasecmp(p, units->name) != 0)
			continue;
		value = roundl(value * units->factor);
		if (value >= 18446744073709551616.0L)
			return false;
		*ret = (uint64_t)value;
		return true;
	}
	return false;
}

bool ui_parse_duration(const char *text, uint64_t *ret_ns)
{
	static const struct unit units[] = {
		{ "", 1e9 },
		{ "s", 1e9 },
		{ "ms", 1e6 },
		{ "us", 1e3 },
		{ "ns", 1 },
		{ "m", 60e9 },
		{ "min", 60e9 },
		{ "h", 3600e9 },
		{ NULL, 0 },
	};

	return parse_with_unit(text, units, ret_ns);
}

bool ui_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const struct unit units[] = {
		{ "", 1 },
		{ "b", 1 },
		{ "k", 0x1p10 },
		{ "kib", 0x1p10 },
		{ "kb", 1e3 },
		{ "m", 0x1p20 },
		{ "mib", 0x1p20 },
		{ "mb", 1e6 },
		{ "g", 0x1p30 },
		{ "gib", 0x1p30 },
		{ "gb", 1e9 },
		{ "t", 0x1p40 },
		{ "tib", 0x1p40 },
		{ "tb", 1e12 },
		{ NULL, 0 },
	};

	return parse_with_unit(text, units, ret_bytes);
}

char *ui_double(double value, char *buf, size_t room)
{
	buf[0] = '\0';
	for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
		snprintf(buf, room, "%.*g", digits, value);
		if (strtod(buf, NULL) == value)
			break;
	}
	return buf;
}
