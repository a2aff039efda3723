/* notes - what the capture lacks, and what to do about it: the last lines of the report of one screen. */
#ifndef REPORT_NOTES_H
#define REPORT_NOTES_H

#include "common/report.h"
#include "report/sheet.h"

#define NOTES_MAX 6u

struct notes {
	char *texts[NOTES_MAX]; /* what matters most comes first */
	size_t count;
};

/* TRK_ERR_NOMEM. */
int notes_find(struct notes *n, const struct report *r);
void notes_figures(struct emit *e, const struct notes *n);
/* As many as there is room for before one more line. */
void notes_say(struct sheet *s, const struct notes *n);
void notes_finish(struct notes *n); /* zero-safe */

#endif
