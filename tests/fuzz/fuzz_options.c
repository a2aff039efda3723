/*
 * fuzz_options - what users type: CAPTURE@POINT, durations, sizes; and sizes as they are printed.
 */
#include "fuzz.h"

#include <stdio.h>

#include "replay/view.h"
#include "ui/ui.h"

static void must_be_a_point(const struct point *p)
{
	MUST(memchr(p->label, 0, sizeof(p->label)));
	MUST(p->kind <= POINT_RANGE);
	MUST(p->kind != POINT_SHARE || p->number <= 100000);
}

static void as_operand(const char *text)
{
	struct trk_fault fault = { 0 };
	struct point_range at;
	char *path = NULL;
	const int err = point_parse(text, &path, &at, &fault);

	if (err) {
		MUST(err == TRK_ERR_ARG && *fault.why && memchr(fault.why, 0, sizeof(fault.why)));
		return;
	}
	MUST(path && strncmp(path, text, strlen(path)) == 0);
	must_be_a_point(&at.from);
	if (at.is_range)
		must_be_a_point(&at.to);
	free(path);
}

static void as_number(const char *text)
{
	char buf[64];
	uint64_t n = 0;

	(void)ui_parse_duration(text, &n);
	if (ui_parse_size(text, &n)) {
		MUST(*text >= '0' && *text <= '9');
		/* a plain number is itself */
		if (strlen(text) == strspn(text, "0123456789"))
			MUST(n == strtoull(text, NULL, 10));
	}
	ui_size(buf, sizeof(buf), (int64_t)n, n & 1);
	MUST(*buf && memchr(buf, 0, sizeof(buf)));
	ui_size_fraction(buf, sizeof(buf), (double)n / 7, n & 1);
	MUST(*buf && memchr(buf, 0, sizeof(buf)));
	ui_count(buf, sizeof(buf), n);
	MUST(strspn(buf, "0123456789,") == strlen(buf));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *const text = malloc(size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	as_operand(text);
	as_number(text);
	free(text);
	return 0;
}
