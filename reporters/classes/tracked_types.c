/* tracked_types - what blocks are, and whether somebody tracks that; see tracked_private.h. */
#include "classes/tracked_private.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/block_types.h"
#include "format/array.h"
#include "format/mix.h"

uint32_t tracked_name(struct tracked_names *n, const char *text, size_t bytes)
{
	const size_t length = strnlen(text, bytes); /* it is kept as a string */
	const uint32_t hash = (uint32_t)trk_mix_bytes(text, length);
	uint32_t at = hash, id;

	while ((id = idmap_next(&n->map, hash, &at)))
		if (strlen(n->list[id - 1]) == length && memcmp(n->list[id - 1], text, length) == 0)
			return id;
	if (!idmap_reserve(&n->map) || !ARRAY_ROOM(n->list, n->room, n->count + 1, 64) || !(n->list[n->count] = strndup(text, length)))
		return 0;
	idmap_add(&n->map, hash, ++n->count);
	return n->count;
}

static uint32_t name(struct reading *x, const char *text)
{
	const uint32_t ret = tracked_name(&x->t->names, text, strlen(text));

	x->no_memory |= !ret;
	return ret;
}

uint32_t tracked_type_of_node(struct reading *x, uint32_t node)
{
	char text[TYPE_ROOM];
	size_t n;
	const struct source_frame *frames;
	uint32_t found = 0;

	if (!node || node > x->t->report->capture->node_count)
		return 0;
	if (x->node_types[node])
		return x->node_types[node] - 1;
	frames = stacks_frames(x->t->report->stacks, node, &n);
	if (type_of_frames(frames, n, text) == TYPE_BY_FRAMES)
		found = name(x, text);
	x->node_types[node] = found + 1;
	return found;
}

uint32_t tracked_name_of_block(struct reading *x, uint32_t annotated, uint32_t node, uint32_t by_table)
{
	char text[TYPE_ROOM];
	size_t n;
	const uint32_t by_frames = annotated ? annotated : tracked_type_of_node(x, node);

	if (by_frames || by_table)
		return by_frames ? by_frames : by_table;
	if (!node || node > x->t->report->capture->node_count)
		return name(x, "<stack trace unavailable>");
	const struct source_frame *const frames = stacks_frames(x->t->report->stacks, node, &n);

	(void)type_of_frames(frames, n, text);
	return name(x, text);
}

uint32_t tracked_demangled(struct reading *x, const char *mangled)
{
	static const char before[] = "typeinfo for ";
	const size_t n = strlen(mangled);
	char *const symbol = malloc(n + sizeof("_ZTI"));
	char *text;
	uint32_t ret;

	if (!symbol) {
		x->no_memory = true;
		return 0;
	}
	memcpy(symbol, "_ZTI", 4);
	memcpy(symbol + 4, mangled, n + 1);
	text = symbols_demangle(symbol);
	free(symbol);
	ret = name(x, text && strncmp(text, before, sizeof(before) - 1) == 0 ? text + sizeof(before) - 1 : mangled);
	free(text);
	return ret;
}

/* How well it fits; 0: not at all. */
static unsigned fit(const struct reading *x, const struct tracked_rule *r, uint32_t type, const uint32_t *bases, uint32_t base_count)
{
	const char *const text = tracked_text(&x->t->names, type);

	if (strcmp(r->pattern, text) == 0)
		return r->derived ? 3 : 4;
	if (fnmatch(r->pattern, text, 0) == 0)
		return 2;
	for (uint32_t i = 0; r->derived && i < base_count; i++)
		if (fnmatch(r->pattern, tracked_text(&x->t->names, bases[i]), 0) == 0)
			return 1;
	return 0;
}

static uint32_t find(const struct reading *x, uint32_t process, uint32_t type, const uint32_t *bases, uint32_t base_count)
{
	uint32_t best = NO_RULE;
	unsigned how_well = 0;

	for (uint32_t i = x->processes[process].first_rule, next; i; i = next) {
		const struct tracked_rule *const r = &x->t->rules[i - 1];
		const unsigned fits = r->active ? fit(x, r, type, bases, base_count) : 0;

		next = r->next;
		if (fits && fits >= how_well) {
			how_well = fits;
			best = i - 1;
		}
	}
	return best;
}

uint32_t tracked_match(struct reading *x, uint32_t process, uint32_t type, const uint32_t *bases, uint32_t base_count)
{
	struct match *m;

	if (!type || !x->processes[process].rules)
		return NO_RULE;
	if (!ARRAY_ZEROES(x->matches, x->match_room, type + 1, 64)) {
		x->no_memory = true;
		return NO_RULE;
	}
	m = &x->matches[type];
	if (base_count || m->serial != x->serial || m->process != process)
		*m = (struct match){ base_count ? 0 : x->serial, process, find(x, process, type, bases, base_count) };
	return m->rule;
}
