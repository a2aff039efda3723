/* metadata - what is known about a recording, under memray's names. */
#ifndef METADATA_H
#define METADATA_H

#include "common/report.h"

/* The arguments of a process, quoted for a shell where need be; malloc'ed, NULL: no memory. */
char *metadata_command_line(const struct trk_process *p);

/* UTC, ISO 8601 with microseconds. */
#define METADATA_TIME_ROOM 48
char *metadata_time(uint64_t unix_ns, char buf[METADATA_TIME_ROOM]);

/* The index of the process that the report is about; the first one when it is about all. */
uint32_t metadata_process(const struct report *r);

/* How it ended: an exit status or a signal, the other is null; both are when it is not known. */
struct emit_value metadata_status(const struct trk_process *p);
struct emit_value metadata_signal(const struct trk_process *p);

/* All figures, into the group or document that is open. TRK_ERR_NOMEM. */
int metadata_figures(struct emit *e, const struct report *r, const struct heap_totals *totals);
/* A line each of those that people ask for, and that the capture says. */
void metadata_say(struct emit *e);

#endif
