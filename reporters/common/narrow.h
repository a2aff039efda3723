/*
 * narrow - a report about a part of a view: rows and blocks that do not belong to it are taken out, and the view's sums are those of the
 * rest. What the view says of whole heaps (view.totals) stays, unless the parts are chosen while events pass.
 */
#ifndef REPORTERS_NARROW_H
#define REPORTERS_NARROW_H

#include "common/report.h"

/* The threads of --thread, by its value: a thread's number, or a shell pattern for names. An exit code; it has said why. */
int narrow_find_threads(struct report *r, const char *thread);
/* The question must tell threads apart if some were chosen. */
void narrow_ask(struct report *r);
/* Takes out what other threads allocated. */
void narrow_to_threads(struct report *r);
/* Takes out what does not pass r's filters. */
void narrow_to_filters(struct report *r);
/* The question counts only what those threads allocated and r's filters let pass. TRK_ERR_NOMEM. */
int narrow_events(struct report *r);

#endif
