/* join - see join.h. */
#include "lint/join.h"

#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "format/array.h"
#include "format/mix.h"

/* What is printed of a stack, by number. */
struct looks {
	char **texts;
	uint32_t count, room;
	struct idmap by_text;
	uint32_t *of_node; /* text + 1; 0: not known yet */
	uint32_t depth; /* so many frames are printed */
};

static char *text_of(struct stacks *s, uint32_t node, uint32_t depth)
{
	char *text = NULL;
	size_t size, n;
	FILE *const m = open_memstream(&text, &size);
	const struct source_frame *const frames = group_frames(s, node, &n);

	if (!m)
		return NULL;
	for (size_t i = 0; i < n && i < depth; i++) {
		if (frames[i].has_source || *frames[i].function)
			fprintf(m, "%s:%s:%u\n", frames[i].function, frames[i].file, (unsigned)frames[i].line);
		else
			fprintf(m, "%u\n", (unsigned)frames[i].frame);
	}
	return ui_memstream_end(m, &text);
}

/* The number of what the stack looks like, from 1. TRK_ERR_NOMEM. */
static int look_of(struct looks *l, struct stacks *s, uint32_t node, uint32_t *ret)
{
	char *const text = node && !l->of_node[node] ? text_of(s, node, l->depth) : NULL;
	uint32_t hash, at, id;

	*ret = node ? l->of_node[node] : 0;
	if (!node || *ret)
		return 0;
	if (!text || !idmap_reserve(&l->by_text) || !ARRAY_ROOM(l->texts, l->room, (size_t)l->count + 1, 64)) {
		free(text);
		return TRK_ERR_NOMEM;
	}
	at = hash = (uint32_t)trk_mix_bytes(text, strlen(text));
	while ((id = idmap_next(&l->by_text, hash, &at)))
		if (strcmp(l->texts[id - 1], text) == 0)
			break;
	if (id) {
		free(text);
	} else {
		l->texts[l->count] = text;
		id = ++l->count;
		idmap_add(&l->by_text, hash, id);
	}
	*ret = l->of_node[node] = id;
	return 0;
}

static void looks_finish(struct looks *l)
{
	for (uint32_t i = 0; i < l->count; i++)
		free(l->texts[i]);
	free(l->texts);
	free(l->of_node);
	idmap_finish(&l->by_text);
}

/* ---- which are wanted ---- */

uint32_t lint_place(const struct lint_finding *f)
{
	return f->nodes[LINT_CALL] ? f->nodes[LINT_CALL] : f->nodes[LINT_ALLOCATED];
}

static bool is_wanted(const struct lint_finding *f, const struct report *r, enum lint_level least, const struct ui_list *rules)
{
	bool listed = !rules->count;
	size_t n;
	const struct source_frame *frames;

	for (size_t i = 0; i < rules->count; i++)
		listed |= strcmp(rules->items[i], lint_names[f->rule]) == 0;
	if (!listed || lint_rules[f->rule].level < least)
		return false;
	frames = group_frames(r->stacks, lint_place(f), &n);
	return filters_pass(&r->filters, frames, n, f->process, 0);
}

/* By any of its stacks. */
static bool is_suppressed(const struct lint_finding *f, const struct report *r, struct suppressions *s)
{
	const uint8_t kinds[LINT_STACKS] = { [LINT_CALL] = f->called, [LINT_ALLOCATED] = f->allocated_by, [LINT_RELEASED] = f->released_by };
	bool found = false;

	for (unsigned i = 0; i < LINT_STACKS && !found; i++) {
		const struct suppressed what = { .kind = kinds[i], .about = 1u << f->rule };
		size_t n = 0;
		const struct source_frame *const frames = f->nodes[i] ? stacks_frames(r->stacks, f->nodes[i], &n) : NULL;

		found = n && suppressions_match(s, frames, n, &what);
	}
	return found;
}

/* ---- joining ---- */

struct joined {
	struct lint_finding finding;
	uint32_t looks[LINT_STACKS];
};

static int compare_number(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

/* By all that is printed; then the biggest first. */
static int by_looks(const void *left, const void *right)
{
	const struct joined *const a = left, *const b = right;
	const struct lint_finding *const f = &a->finding, *const g = &b->finding;
	int order = compare_number(f->rule, g->rule);

	order = order ? order : compare_number(f->called, g->called);
	order = order ? order : compare_number(f->allocated_by, g->allocated_by);
	order = order ? order : compare_number(f->released_by, g->released_by);
	for (unsigned i = 0; i < LINT_STACKS && !order; i++)
		order = compare_number(a->looks[i], b->looks[i]);
	return order;
}

static int by_count(const void *left, const void *right)
{
	const struct lint_finding *const f = &((const struct joined *)left)->finding, *const g = &((const struct joined *)right)->finding;
	int order = compare_number(lint_rules[g->rule].level, lint_rules[f->rule].level);

	order = order ? order : compare_number(f->rule, g->rule);
	order = order ? order : compare_number(g->count, f->count);
	order = order ? order : compare_number(g->bytes, f->bytes);
	order = order ? order : by_looks(left, right);
	for (unsigned i = 0; i < LINT_STACKS && !order; i++)
		order = compare_number(f->nodes[i], g->nodes[i]);
	return order;
}

static size_t join(struct joined *all, size_t count)
{
	size_t n = 0;

	for (size_t i = 1; i < count; i++) {
		if (by_looks(&all[n], &all[i]) == 0) {
			all[n].finding.count += all[i].finding.count;
			all[n].finding.bytes += all[i].finding.bytes;
		} else {
			all[++n] = all[i];
		}
	}
	return count ? n + 1 : 0;
}

int lint_join(struct lint *l, struct report *r, enum lint_level least, const struct ui_list *rules, struct suppressions *s, uint32_t depth)
{
	struct joined *const all = calloc(l->count + 1, sizeof(*all));
	struct looks looks = { .depth = depth, .of_node = calloc((size_t)r->capture->node_count + 1, sizeof(*looks.of_node)) };
	int err = all && looks.of_node ? 0 : TRK_ERR_NOMEM;
	size_t n = 0;

	for (size_t i = 0; i < l->count && !err; i++) {
		struct joined *const j = &all[n];

		if (!is_wanted(&l->items[i], r, least, rules))
			continue;
		if (is_suppressed(&l->items[i], r, s)) {
			l->suppressed += l->items[i].count;
			continue;
		}
		j->finding = l->items[i];
		for (unsigned k = 0; k < LINT_STACKS && !err; k++)
			err = look_of(&looks, r->stacks, j->finding.nodes[k], &j->looks[k]);
		n++;
	}
	if (!err) {
		qsort(all, n, sizeof(*all), by_looks);
		n = join(all, n);
		qsort(all, n, sizeof(*all), by_count);
		for (size_t i = 0; i < n; i++)
			l->items[i] = all[i].finding;
		l->count = n;
	}
	looks_finish(&looks);
	free(all);
	return err;
}
