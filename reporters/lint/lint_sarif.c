/* lint_sarif - see sarif.h. */
#include "lint/lint_sarif.h"

#include "common/sarif.h"
#include "lint/join.h"

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
	sarif_text(j, "message", message);
	ui_json_uint(j, "occurrenceCount", f->count);
	if (place) {
		ui_json_array(j, "locations");
		sarif_location(j, NULL, stacks_top(r->stacks, place));
		ui_json_end(j);
	}
	ui_json_array(j, "stacks");
	for (unsigned i = 0; i < LINT_STACKS; i++)
		if (f->nodes[i])
			sarif_stack(j, stacks[i], r->stacks, f->nodes[i]);
	ui_json_end(j);
	ui_json_object(j, "properties");
	ui_json_uint(j, "bytes", f->bytes);
	ui_json_end(j);
	ui_json_end(j);
}

int lint_write_sarif(const struct lint *l, struct report *r, FILE *f)
{
	struct sarif_rule rules[LINT_RULES];
	struct ui_json json, *const j = &json;

	for (size_t i = 0; i < LINT_RULES; i++)
		rules[i] = (struct sarif_rule){ lint_names[i], lint_rules[i].what, lint_rules[i].advice, lint_levels[lint_rules[i].level] };
	sarif_begin(j, f, rules, LINT_RULES);
	for (size_t i = 0; i < l->count; i++)
		write_result(j, r, &l->items[i]);
	sarif_end(j);
	return stacks_short_of_memory(r->stacks) ? TRK_ERR_NOMEM : 0;
}
