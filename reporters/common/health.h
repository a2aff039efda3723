/*
 * health - how a recording went: the figures of the capture's HEALTH block, each with its meaning if it is not zero.
 */
#ifndef REPORTERS_HEALTH_H
#define REPORTERS_HEALTH_H

#include "replay/capture.h"
#include "ui/emit.h"

/* "health": every figure; for people a line each, with its meaning, if it is not zero or if they want all. */
void health_describe(const struct capture *c, struct emit *e, bool all);
/* "truncated_stacks": why stacks were cut, where some were. Not for people: they read it among the others. */
void health_describe_cuts(const struct capture *c, struct emit *e);

#endif
