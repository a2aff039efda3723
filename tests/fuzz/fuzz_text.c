/*
 * fuzz_text - names out of any bytes, as JSON and for a terminal: what is written
 * is safe inside <script>, parses, and is what was given unless that was no UTF-8.
 */
#include "fuzz.h"

#include <cjson/cJSON.h>
#include <stdio.h>

#include "ui/ui.h"

static char *written(const char *bytes, size_t size, bool json, size_t *ret)
{
	char *out = NULL;
	FILE *const f = open_memstream(&out, ret);
	struct ui_json j;

	MUST(f);
	ui_json_init(&j, f, true);
	if (json)
		ui_json_string_n(&j, NULL, bytes, size);
	else
		ui_text(f, bytes);
	fclose(f);
	return out;
}

static void as_json(const char *bytes, size_t size)
{
	size_t n;
	char *const out = written(bytes, size, true, &n);

	for (size_t i = 0; i < n; i++)
		MUST((uint8_t)out[i] >= 0x20 && !strchr("<>&\x7f", out[i]));
	MUST(!strstr(out, "\xe2\x80\xa8") && !strstr(out, "\xe2\x80\xa9"));
	if (!memchr(bytes, 0, size)) { /* cJSON has no strings with NULs */
		cJSON *const parsed = cJSON_ParseWithOpts(out, NULL, 1);
		MUST(parsed && cJSON_IsString(parsed));
		if (!strstr(out, "\xef\xbf\xbd"))
			MUST(strlen(parsed->valuestring) == size &&
			     memcmp(parsed->valuestring, bytes, size) == 0);
		cJSON_Delete(parsed);
	}
	free(out);
}

static void for_a_terminal(const char *text)
{
	size_t n;
	char *const out = written(text, 0, false, &n);

	MUST(n >= strlen(text));
	for (size_t i = 0; i < n; i++)
		MUST((uint8_t)out[i] >= 0x20 && out[i] != 0x7f);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *const text = malloc(size + 1);

	MUST(text);
	if (size)
		memcpy(text, data, size);
	text[size] = 0;
	as_json(text, size);
	for_a_terminal(text);
	free(text);
	return 0;
}
