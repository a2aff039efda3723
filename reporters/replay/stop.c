/* stop - see stop.h. */
#include "replay/stop.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void stop_set(struct stop *s, const struct point *p, const struct capture *c, uint32_t process,
	      uint64_t peak_event)
{
	uint64_t total = 0;

	*s = (struct stop){ .point = *p, .after_event = peak_event, .marks_left = p->number };
	if (p->kind != POINT_SHARE)
		return;
	for (uint32_t i = 0; i < c->block_count; i++) {
		if (process == UINT32_MAX || process == c->blocks[i].process)
			total += c->blocks[i].items;
	}
	s->after_event = (uint64_t)((double)total * (double)p->number / 100000);
}

bool stop_step(struct stop *s, const struct trk_event *e, uint64_t applied)
{
	switch (s->point.kind) {
	case POINT_TIME:
		return e->time_ns > s->point.number;
	case POINT_MARK:
		return e->kind == TRK_MARK && e->label_bytes == strlen(s->point.label) &&
		       memcmp(e->label, s->point.label, e->label_bytes) == 0;
	case POINT_NTH_MARK:
		return e->kind == TRK_MARK && --s->marks_left == 0;
	case POINT_PEAK:
	case POINT_SHARE:
		return applied >= s->after_event;
	case POINT_END:
	case POINT_RANGE:
		break;
	}
	return false;
}

bool stop_counts_marks(const struct stop *s)
{
	return s->point.kind == POINT_MARK || s->point.kind == POINT_NTH_MARK;
}

bool stop_skip_marks(struct stop *s, uint64_t marks)
{
	if (s->point.kind != POINT_NTH_MARK)
		return true;
	if (s->marks_left <= marks)
		return false;
	s->marks_left -= marks;
	return true;
}

static int fail(struct trk_fault *fault, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static int fail(struct trk_fault *fault, const char *fmt, ...)
{
	va_list args;

	*fault = (struct trk_fault){ .code = TRK_ERR_ARG };
	va_start(args, fmt);
	vsnprintf(fault->why, sizeof(fault->why), fmt, args);
	va_end(args);
	return TRK_ERR_ARG;
}

int stop_check(const struct stop *s, uint64_t end_ns, const char *marks, struct trk_fault *fault)
{
	if (s->met)
		return 0;
	switch (s->point.kind) {
	case POINT_TIME:
		if (s->point.number <= end_ns)
			return 0;
		return fail(fault, "the capture has no such time: it ends at %.9gs", (double)end_ns / 1e9);
	case POINT_MARK:
		return fail(fault, "the capture has no mark '%s'%s%s", s->point.label,
			    marks[0] ? "; its marks are: " : ": the program set none (tracker_mark); use @end, @1.5s or @90%", marks);
	case POINT_NTH_MARK:
		return fail(fault, "the capture has no mark #%llu%s%s", (unsigned long long)s->point.number,
			    marks[0] ? "; its marks are: " : ": the program set none (tracker_mark); use @end, @1.5s or @90%", marks);
	default:
		return 0;
	}
}
