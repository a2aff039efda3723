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
 * The text behind the capture's name: ": the file is cut: events up to 0.300 s are in it; ...", ": 7 events were
 * lost: ...; ...". `lost`: how many events were lost, by the gaps that were read so far. Damage that was found so far
 * counts. "": nothing is missing. Returns buf.
 */
char *completeness_describe(const struct capture *c, uint64_t lost, char buf[COMPLETENESS_ROOM]);

/* "complete": true and "incomplete": null, or false and the same words. */
void completeness_figures(struct emit *e, const struct capture *c, uint64_t lost);

/* The time since the capture began when the recording ended before its processes did; 0: it did not. */
uint64_t completeness_stopped_ns(const struct capture *c);

#endif
