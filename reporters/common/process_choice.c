/* process_choice - see process_choice.h. */
#include "common/process_choice.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/process_name.h"
#include "common/ranking.h"

#define NAMES_SHOWN 6

struct candidate {
	uint64_t weight;
	uint32_t process;
};

static int heaviest_first(const void *left, const void *right)
{
	const struct candidate *const a = left, *const b = right;

	if (a->weight != b->weight)
		return a->weight < b->weight ? 1 : -1;
	return a->process < b->process ? -1 : a->process > b->process;
}

static bool is_about(const struct report *r, uint32_t process)
{
	return r->process == UINT32_MAX || r->process == process;
}

int process_choose(struct process_choice *p, const struct report *r, size_t most, uint64_t (*weight)(const struct report *r, uint32_t process))
{
	const uint32_t all = r->capture->process_count;
	struct candidate *const candidates = calloc((size_t)all + 1, sizeof(*candidates));
	size_t n = 0;

	p->shown = calloc((size_t)all + 1, sizeof(*p->shown));
	if (!candidates || !p->shown) {
		free(candidates);
		return TRK_ERR_NOMEM;
	}
	for (uint32_t i = 0; i < all; i++)
		if (is_about(r, i))
			candidates[n++] = (struct candidate){ weight ? weight(r, i) : 0, i };
	qsort(candidates, n, sizeof(*candidates), heaviest_first);
	for (size_t i = 0; i < n && i < most; i++)
		p->shown[candidates[i].process] = true;
	p->hidden = n > most ? n - most : 0;
	free(candidates);
	return 0;
}

static char *names_text(struct ranking *names)
{
	char *text = NULL;
	size_t size;
	FILE *const m = open_memstream(&text, &size);
	uint64_t others = 0;

	if (!m)
		return NULL;
	ranking_sort_by_count(names);
	for (size_t i = 0; i < names->count; i++) {
		if (i < NAMES_SHOWN)
			fprintf(m, "%s%llu %s", i ? ", " : "", (unsigned long long)names->items[i].count, names->items[i].key);
		else
			others += names->items[i].count;
	}
	if (others)
		fprintf(m, ", %llu of other names", (unsigned long long)others);
	return ui_memstream_end(m, &text);
}

int process_choice_say_rest(const struct process_choice *p, const struct report *r, struct emit *e, const char *before)
{
	struct ranking names = { 0 };
	size_t all = 0;
	int err = 0;

	if (!p->hidden)
		return 0;
	for (uint32_t i = 0; i < r->capture->process_count && !err; i++) {
		char buf[PROCESS_NAME_ROOM];
		const char *const name = process_name(&r->capture->processes[i], buf);

		all += is_about(r, i);
		if (is_about(r, i) && !p->shown[i])
			err = ranking_add(&names, *name ? name : "without a name", 0, 1);
	}
	char *const text = err ? NULL : names_text(&names);

	emit_aside(e, "before", emit_words(before));
	emit_aside(e, "more_processes", emit_count(p->hidden));
	emit_aside(e, "more_names", emit_words(text));
	emit_aside(e, "all_processes", emit_number(all));
	if (text)
		emit_say(e, "{before:raw}{more_processes} more: {more_names:prose}; -n {all_processes} shows all\n");
	free(text);
	ranking_finish(&names);
	return text ? 0 : TRK_ERR_NOMEM;
}

void process_choice_finish(struct process_choice *p)
{
	free(p->shown);
	*p = (struct process_choice){ 0 };
}
