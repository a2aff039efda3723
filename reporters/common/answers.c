/* answers - see answers.h. */
#include "common/answers.h"

#include "common/narrow.h"

static void prepare(struct answers *a, const struct report *r, const struct view_options *common)
{
	const bool whole = !r->has_point;
	static const enum view_what what[] = {
		[ANSWER_ALLOCATED] = VIEW_ALLOCATIONS,
		[ANSWER_LIVE] = VIEW_LIVE,
		[ANSWER_PEAK] = VIEW_LIVE,
		[ANSWER_TEMPORARY] = VIEW_TEMPORARY,
	};

	*a = (struct answers){ 0 };
	for (unsigned i = 0; i < ANSWERS; i++) {
		struct view_options *const o = &a->asked[i];

		*o = *common;
		o->what = what[i];
		o->at = (struct point_range){ .from.kind = i == ANSWER_PEAK ? POINT_PEAK : POINT_END };
		o->spanned = !whole && i != ANSWER_PEAK;
		if (o->spanned)
			o->at = r->at;
	}
	if (whole)
		a->asked[ANSWER_LIVE].what = VIEW_LEAKS;
}

static void narrow(struct report *r, struct view *v)
{
	r->view = *v;
	narrow_to_threads(r);
	narrow_to_filters(r);
	*v = r->view;
	r->view = (struct view){ 0 };
}

/* One pass over the events; `also`: it answers for what leaked and what was temporary, too. */
static int ask(struct answers *a, struct report *r, enum answer which, bool also)
{
	int code;

	r->asked = a->asked[which];
	narrow_ask(r);
	if (also) {
		r->asked.leaks = &a->of[ANSWER_LIVE];
		r->asked.temporary = &a->of[ANSWER_TEMPORARY];
	}
	code = report_view(r, &r->asked, &a->of[which]);
	r->asked.leaks = r->asked.temporary = NULL;
	if (code)
		return code;
	narrow(r, &a->of[which]);
	if (also) {
		narrow(r, &a->of[ANSWER_LIVE]);
		narrow(r, &a->of[ANSWER_TEMPORARY]);
	}
	return code;
}

int answers_find(struct answers *a, struct report *r, const struct view_options *common)
{
	const bool whole = !r->has_point;
	int code;

	prepare(a, r, common);
	code = ask(a, r, ANSWER_PEAK, whole);
	if (!code)
		code = ask(a, r, ANSWER_ALLOCATED, false);
	if (!code && !whole)
		code = ask(a, r, ANSWER_LIVE, false);
	if (!code && !whole)
		code = ask(a, r, ANSWER_TEMPORARY, false);
	return code;
}

void answers_finish(struct answers *a)
{
	for (unsigned i = 0; i < ANSWERS; i++)
		view_finish(&a->of[i]);
	*a = (struct answers){ 0 };
}
