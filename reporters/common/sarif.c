/* sarif - see sarif.h. */
#include "common/sarif.h"

#include <ctype.h>
#include <string.h>

#include "common/group.h"

#define SCHEMA "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
#define PATH_ROOM 4096

void sarif_text(struct ui_json *j, const char *key, const char *text)
{
	ui_json_object(j, key);
	ui_json_string(j, "text", text);
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
void sarif_location(struct ui_json *j, const char *key, const struct source_frame *f)
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

void sarif_stack(struct ui_json *j, const char *what, struct stacks *s, uint32_t node)
{
	size_t n;
	const struct source_frame *const frames = group_frames(s, node, &n);

	ui_json_object(j, NULL);
	sarif_text(j, "message", what);
	ui_json_array(j, "frames");
	for (size_t i = 0; i < n; i++) {
		if (frames[i].cut)
			continue;
		ui_json_object(j, NULL);
		sarif_location(j, "location", &frames[i]);
		ui_json_string(j, "module", frames[i].module);
		ui_json_end(j);
	}
	ui_json_end(j);
	ui_json_end(j);
}

static void write_rule(struct ui_json *j, const struct sarif_rule *rule)
{
	ui_json_object(j, NULL);
	ui_json_string(j, "id", rule->id);
	sarif_text(j, "shortDescription", rule->what);
	if (rule->advice)
		sarif_text(j, "help", rule->advice);
	ui_json_object(j, "defaultConfiguration");
	ui_json_string(j, "level", rule->level);
	ui_json_end(j);
	ui_json_end(j);
}

void sarif_begin(struct ui_json *j, FILE *f, const struct sarif_rule *rules, size_t count)
{
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
	ui_json_array(j, "rules");
	for (size_t i = 0; i < count; i++)
		write_rule(j, &rules[i]);
	ui_json_end(j);
	ui_json_end(j);
	ui_json_end(j);
	ui_json_array(j, "results");
}

void sarif_end(struct ui_json *j)
{
	ui_json_end(j);
	ui_json_end(j);
	ui_json_end(j);
	ui_json_end(j);
}
