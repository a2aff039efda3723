/* growing - what holds more and more memory, in one line of the report of one screen. */
#ifndef REPORT_GROWING_H
#define REPORT_GROWING_H

#include "common/growth.h"
#include "report/origins.h"
#include "report/sheet.h"

/* "growing": the places, for programs. */
void growing_figures(struct emit *e, const struct report *r, const struct growth *g);
/* The place that grows most, or that none does. */
void growing_say(struct sheet *s, const struct report *r, struct origins *origins, const struct growth *g);

#endif
