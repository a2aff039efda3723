/* recorded - which program was recorded and how it ended, in the report of one screen. */
#ifndef REPORT_RECORDED_H
#define REPORT_RECORDED_H

#include "common/report.h"
#include "report/sheet.h"

/* "program" and "processes", for programs. TRK_ERR_NOMEM. */
int recorded_figures(struct emit *e, const struct report *r);
/* Its command line, and a line that says how it ended, when, and with how many processes. TRK_ERR_NOMEM. */
int recorded_say(struct sheet *s, const struct report *r);
/*
 * Resident memory of the processes that lived at that time, as it was measured next to it. 0: it was never measured. TRK_ERR_NOMEM.
 */
int recorded_rss(const struct report *r, uint64_t time_ns, uint64_t *ret);

#endif
