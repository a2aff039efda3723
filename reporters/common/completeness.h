/*
 * completeness - whether a capture holds all that the recorded programs did, and if not, what is missing and why. One
 * line for stderr, and for --json of every report.
 */
#ifndef COMPLETENESS_H
#define COMPLETENESS_H

#include "replay/capture.h"
#include "ui/emit.h"

#define COMPLETENESS_ROOM 768u

/*
 * What follows the capture's name: " is cut: events up to 0.300 s are here", ": 7 events were lost: ...; ...".
 * `lost`: how many events gaps say were lost, as far as they were read. Damage that was met so far
 * counts. "": nothing is missing. Returns buf.
 */
char *completeness_describe(const struct capture *c, uint64_t lost, char buf[COMPLETENESS_ROOM]);

/* "complete": true and "incomplete": null, or false and the same words. */
void completeness_figures(struct emit *e, const struct capture *c, uint64_t lost);

/* When recording ended before its processes did, since the capture began; 0: it did not. */
uint64_t completeness_stopped_ns(const struct capture *c);

#endif
