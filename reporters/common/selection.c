/*
 * selection - see selection.h.
 */
#include "common/selection.h"

#include <inttypes.h>
#include <stdio.h>

#define THRESHOLD_DEFAULT 1 /* other allocations before the free of a temporary one */

void selection_check(const struct selection_options *o)
{
	const struct {
		const char *name;
		bool set;
	} all[] = {
		{ "--temporary-allocations", o->temporary },
		{ "--temporary-allocation-threshold", o->threshold != UINT64_MAX },
		{ "--leaks", o->leaks },
		{ "--allocations", o->allocations },
	};

	for (size_t a = 0; a < sizeof(all) / sizeof(all[0]); a++)
		for (size_t b = 0; b < a; b++)
			ui_exclude(all[a].name, all[a].set, all[b].name, all[b].set);
}

uint64_t selection_threshold(const struct report *r)
{
	return capture_is_aggregated(r->capture) ? capture_summary(r->capture, "temporary_threshold") :
						   THRESHOLD_DEFAULT;
}

void selection_apply(const struct selection_options *o, const struct report *r, struct view_options *v)
{
	v->what = o->leaks	 ? VIEW_LEAKS :
		  o->allocations ? VIEW_ALLOCATIONS :
				   VIEW_LIVE;
	v->process = r->process;
	v->at = r->at;
	v->rows_only = true;
	if (o->temporary || o->threshold != UINT64_MAX) {
		v->what = VIEW_TEMPORARY;
		v->threshold = (uint32_t)(o->temporary ? selection_threshold(r) : o->threshold);
	}
	v->spanned = v->what == VIEW_LEAKS ? !selection_is_whole(r) : r->has_point && v->what != VIEW_LIVE;
}

bool selection_is_whole(const struct report *r)
{
	return !r->has_point || (!r->at.is_range && r->at.from.kind == POINT_END);
}

static int point_name(const struct point *p, char *buf, size_t room)
{
	switch (p->kind) {
	case POINT_END:
		return snprintf(buf, room, "end");
	case POINT_MARK:
		return snprintf(buf, room, "mark %s", p->label);
	case POINT_NTH_MARK:
		return snprintf(buf, room, "mark #%" PRIu64, p->number);
	case POINT_TIME:
		return snprintf(buf, room, "%.9gs", (double)p->number / 1e9);
	case POINT_SHARE:
		return snprintf(buf, room, "%.9g%%", (double)p->number / 1e3);
	default:
		return snprintf(buf, room, "peak");
	}
}

char *selection_point(const struct point_range *at, char *buf, size_t room)
{
	char from[300], to[300];

	point_name(&at->from, from, sizeof(from));
	point_name(&at->to, to, sizeof(to));
	snprintf(buf, room, at->is_range ? "%s..%s" : "%s", from, to);
	return buf;
}

char *selection_name(const struct view_options *v, char *buf, size_t room)
{
	char at[610], part[640] = "";

	selection_point(&v->at, at, sizeof(at));
	if (v->spanned)
		snprintf(part, sizeof(part), v->at.is_range ? " in %s" : " until %s", at);
	switch (v->what) {
	case VIEW_LEAKS:
		snprintf(buf, room, *part ? "leaks of what was allocated%s" : "leaks", part);
		break;
	case VIEW_ALLOCATIONS:
		snprintf(buf, room, "all allocations%s", part);
		break;
	case VIEW_TEMPORARY:
		snprintf(buf, room, "temporary allocations, threshold %" PRIu32 "%s", v->threshold,
			 part);
		break;
	case VIEW_LIVE:
		snprintf(buf, room, "%s", at);
	}
	return buf;
}

void selection_figures(struct emit *e, const char *key, const struct view_options *o, const struct view *v)
{
	char name[700];

	emit_group(e, key);
	emit_figure(e, "name", emit_words(selection_name(o, name, sizeof(name))));
	if (o->what == VIEW_LIVE || o->spanned)
		emit_figure(e, "time_ns", emit_time(v->time_ns));
	emit_end(e);
}
