/* sarif - see sarif.h. */
#include "lint/sarif.h"

#include <ctype.h>
#include <string.h>

#include "common/group.h"
#include "lint/join.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define PATH_ROOM 4096

static void write_text(struct ui_json *j, const char *key, const char *text)
{
	ui_json_object(j, key);
	ui_json_string(j, "text", text);
	ui_json_end(j);
}

static void write_rules(struct ui_json *j)
{
	ui_json_array(j, "rules");
	for (size_t i = 0; i < LINT_RULES; i++) {
		ui_json_object(j, NULL);
		ui_json_string(j, "id", lint_names[i]);
		write_text(j, "shortDescription", lint_rules[i].what);
		if (lint_rules[i].advice)
			write_text(j, "help", lint_rules[i].advice);
		ui_json_object(j, "defaultConfiguration");
		ui_json_string(j, "level", lint_levels[lint_rules[i].level]);
		ui_json_end(j);
		ui_json_end(j);
	}
	ui_json_end(j);
}

/* The path as a URI: an absolute one with its scheme, so that a reader can tell it from one below a folder that it knows. */
static char *uri_of(const char *path, char buf[PATH_ROOM])
{
	size_t n = *path == '/' ? (size_t)snprintf(buf, PATH_ROOM, "file://") : 0;

	for (; *path && n + 4 < PATH_ROOM; path++) {
		const unsigned char c = (unsigned char)*path;

		if (isalnum(c) || strchr("/-._~+", c))
			buf[n++] = (char)c;
		else
			n += (size_t)snprintf(buf + n, PATH_ROOM - n, "%%%02X", c);
	}
	buf[n] = 0;
	return buf;
}

/* What a frame is without debug information: a place in a file of code. */
static void write_location(struct ui_json *j, const char *key, const struct source_frame *f)
{
	char uri[PATH_ROOM];

	ui_json_object(j, key);
	if (f->has_source || *f->module == '/') {
		ui_json_object(j, "physicalLocation");
		ui_json_object(j, "artifactLocation");
		ui_json_string(j, "uri", uri_of(f->has_source ? f->file : f->module, uri));
		ui_json_end(j);
		if (f->has_source && f->line) {
			ui_json_object(j, "region");
			ui_json_uint(j, "startLine", f->line);
			ui_json_end(j);
		}
		ui_json_end(j);
	}
	if (*f->function) {
		ui_json_array(j, "logicalLocations");
		ui_json_object(j, NULL);
		ui_json_string(j, "fullyQualifiedName", f->full_function && *f->full_function ? f->full_function : f->function);
		ui_json_string(j, "kind", "function");
		ui_json_end(j);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void write_stack(struct ui_json *j, const char *what, struct stacks *s, uint32_t node)
{
	size_t n;
	const struct source_frame *const frames = group_frames(s, node, &n);

	ui_json_object(j, NULL);
	write_text(j, "message", what);
	ui_json_array(j, "frames");
	for (size_t i = 0; i < n; i++) {
		if (frames[i].cut)
			continue;
		ui_json_object(j, NULL);
		write_location(j, "location", &frames[i]);
		ui_json_string(j, "module", frames[i].module);
		ui_json_end(j);
	}
	ui_json_end(j);
	ui_json_end(j);
}

static void write_result(struct ui_json *j, struct report *r, const struct lint_finding *f)
{
	static const char *const stacks[LINT_STACKS] = { "called", "allocated", "released" };
	char text[LINT_TEXT_ROOM], message[LINT_TEXT_ROOM * 3];
	const uint32_t place = lint_place(f);

	snprintf(message, sizeof(message), "%s: %s", lint_text(f, text), lint_advice(f));
	ui_json_object(j, NULL);
	ui_json_string(j, "ruleId", lint_names[f->rule]);
	ui_json_uint(j, "ruleIndex", f->rule);
	ui_json_string(j, "level", lint_levels[lint_rules[f->rule].level]);
	write_text(j, "message", message);
	ui_json_uint(j, "occurrenceCount", f->count);
	if (place) {
		ui_json_array(j, "locations");
		write_location(j, NULL, stacks_top(r->stacks, place));
		ui_json_end(j);
	}
	ui_json_array(j, "stacks");
	for (unsigned i = 0; i < LINT_STACKS; i++)
		if (f->nodes[i])
			write_stack(j, stacks[i], r->stacks, f->nodes[i]);
	ui_json_end(j);
	ui_json_object(j, "properties");
	ui_json_uint(j, "bytes", f->bytes);
	ui_json_end(j);
	ui_json_end(j);
}

int lint_write_sarif(const struct lint *l, struct report *r, FILE *f)
{
	struct ui_json json, *const j = &json;

	ui_json_init(j, f, false);
	ui_json_object(j, NULL);
	ui_json_string(j, "$schema", SCHEMA);
	ui_json_string(j, "version", "2.1.0");
	ui_json_array(j, "runs");
	ui_json_object(j, NULL);
	ui_json_object(j, "tool");
	ui_json_object(j, "driver");
	ui_json_string(j, "name", "tracker");
	ui_json_string(j, "version", TRACKER_VERSION);
	write_rules(j);
	ui_json_end(j);
	ui_json_end(j);
	ui_json_array(j, "results");
	for (size_t i = 0; i < l->count; i++)
		write_result(j, r, &l->items[i]);
	ui_json_end(j);
	ui_json_end(j);
	ui_json_end(j);
	ui_json_end(j);
	return stacks_short_of_memory(r->stacks) ? TRK_ERR_NOMEM : 0;
}
