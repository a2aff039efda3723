/* html_index - what the page is made from, in the order in which the page needs it; see html.h. */
#include "classes/html.h"

#include <stdlib.h>

#define MIN_SHARE 3u

static uint32_t class_rank(const struct html_page *p, uint32_t class)
{
	return p->rank[class];
}

static uint32_t of_size(const struct html_page *p, size_t i)
{
	return class_rank(p, p->c->t.objects[p->c->t.sizes[i].object].class);
}

static uint32_t of_change(const struct html_page *p, size_t i)
{
	return class_rank(p, p->c->t.changes[i].class);
}

static uint32_t of_snapshot(const struct html_page *p, size_t i)
{
	const uint32_t process = p->c->t.snapshots[i].process, count = p->c->t.report->capture->process_count;

	return process < count ? process : count;
}

/* The last key is that of what the page leaves out. */
static bool make_order(const struct html_page *p, struct html_order *o, size_t count, uint32_t keys, uint32_t (*key)(const struct html_page *, size_t))
{
	o->places = malloc((count + 1) * sizeof(*o->places));
	o->first = calloc((size_t)keys + 3, sizeof(*o->first));
	if (!o->places || !o->first)
		return false;
	for (size_t i = 0; i < count; i++)
		o->first[key(p, i) + 2]++;
	for (size_t k = 2; k < (size_t)keys + 3; k++)
		o->first[k] += o->first[k - 1];
	for (size_t i = 0; i < count; i++)
		o->places[o->first[key(p, i) + 1]++] = (uint32_t)i;
	return true;
}

static void free_order(struct html_order *o)
{
	free(o->places);
	free(o->first);
}

/* Charts show a class by itself if it has the least share at some snapshot. */
static void find_large(struct html_page *p)
{
	const struct tracked *const t = &p->c->t;
	const uint64_t least = p->c->o->min_share == UINT64_MAX ? MIN_SHARE : p->c->o->min_share;

	for (size_t i = 0; i < t->snapshot_count; i++) {
		const struct tracked_snapshot *const s = &t->snapshots[i];

		for (uint32_t k = 0; classes_has(s) && s->tracked_bytes && k < s->sum_count; k++)
			p->large[s->sums[k].class] |= s->sums[k].bytes && 100.0 * (double)s->sums[k].bytes >= (double)least * (double)s->tracked_bytes;
	}
	for (uint32_t i = 0; i < t->class_count; i++)
		if (p->large[t->classes[i]])
			p->shown[p->shown_count++] = t->classes[i];
	if (p->shown_count < t->class_count)
		p->shown[p->shown_count++] = HTML_OTHERS;
}

bool html_page_make(struct html_page *p, const struct classes *c)
{
	const struct tracked *const t = &c->t;
	const size_t names = (size_t)t->names.count + 1;

	*p = (struct html_page){ .c = c };
	p->rank = malloc(names * sizeof(*p->rank));
	p->large = calloc(names, sizeof(*p->large));
	p->shown = malloc(((size_t)t->class_count + 1) * sizeof(*p->shown));
	p->sums = calloc(names, sizeof(*p->sums));
	p->met = malloc(names * sizeof(*p->met));
	p->below = calloc(t->snapshot_count + 1, sizeof(*p->below));
	if (!p->rank || !p->large || !p->shown || !p->sums || !p->met || !p->below)
		return false;
	for (size_t i = 0; i < names; i++)
		p->rank[i] = t->class_count;
	for (uint32_t i = 0; i < t->class_count; i++)
		p->rank[t->classes[i]] = i;
	find_large(p);
	return make_order(p, &p->sizes, t->size_count, t->class_count, of_size) && make_order(p, &p->changes, t->change_count, t->class_count, of_change) &&
	       make_order(p, &p->snapshots, t->snapshot_count, t->report->capture->process_count, of_snapshot);
}

void html_page_finish(struct html_page *p)
{
	free_order(&p->sizes);
	free_order(&p->changes);
	free_order(&p->snapshots);
	free(p->rank);
	free(p->large);
	free(p->shown);
	free(p->sums);
	free(p->met);
	free(p->below);
	*p = (struct html_page){ 0 };
}
