/* check_sarif - the checks that failed as SARIF 2.1.0, for code hosts and editors: the rules are the options. */
#include "check/results.h"

#include "check/figures.h"
#include "common/sarif.h"

#define RULES (FIGURES + 3u) /* the figures, no-alloc-under, baseline, and that the capture is whole */

static size_t make_rules(struct sarif_rule rules[RULES])
{
	static const char advice[] = "tracker report shows where the memory comes from";
	size_t n = 0;

	for (; n < FIGURES; n++)
		rules[n] = (struct sarif_rule){ figures[n].option, figures[n].rule, advice, "error" };
	rules[n++] = (struct sarif_rule){ "no-alloc-under", "a function allocates that may not", advice, "error" };
	rules[n++] = (struct sarif_rule){ "baseline", "a figure is worse than in the older capture", "tracker diff shows what is new", "error" };
	rules[n++] = (struct sarif_rule){ "capture-is-whole", "a capture is not whole", NULL, "error" };
	return n;
}

static void write_result(struct ui_json *j, const char *rule, const char *message, struct report *r, const struct check_result *c)
{
	size_t n = 0;
	const struct source_frame *const frames = c ? check_frames(c, r->stacks, &n) : NULL;

	ui_json_object(j, NULL);
	ui_json_string(j, "ruleId", rule);
	ui_json_string(j, "level", "error");
	sarif_text(j, "message", message);
	if (n) {
		ui_json_array(j, "locations");
		sarif_location(j, NULL, &frames[0]);
		ui_json_end(j);
		ui_json_array(j, "stacks");
		sarif_stack(j, "allocated", r->stacks, c->stacks[0].node);
		ui_json_end(j);
	}
	ui_json_end(j);
}

int check_write_sarif(const struct check_results *all, struct report *r, FILE *f)
{
	struct sarif_rule rules[RULES];
	struct ui_json json, *const j = &json;

	sarif_begin(j, f, rules, make_rules(rules));
	for (size_t i = 0; i < all->count; i++) {
		const struct check_result *const c = &all->items[i];
		char name[RESULT_ROOM], sentence[RESULT_ROOM], message[2 * RESULT_ROOM + 8];

		if (c->passed)
			continue;
		snprintf(message, sizeof(message), "%s: %s", check_name(c, name), check_sentence(c, sentence));
		write_result(j, c->option, message, r, c);
	}
	if (all->incomplete)
		write_result(j, "capture-is-whole", all->incomplete, r, NULL);
	sarif_end(j);
	return stacks_short_of_memory(r->stacks) ? TRK_ERR_NOMEM : 0;
}
