/*
 * process_choice - which processes of a capture people see, when there are many; and the others by their names: "20 sh, 19 gcc".
 */
#ifndef REPORTERS_PROCESS_CHOICE_H
#define REPORTERS_PROCESS_CHOICE_H

#include "common/report.h"

struct process_choice {
	bool *shown; /* by process */
	size_t hidden; /* so many of those that the report is about are not */
};

/*
 * At most `most` of those that the report is about: those of the greatest weight; weight NULL: the first ones. TRK_ERR_NOMEM.
 */
int process_choose(struct process_choice *p, const struct report *r, size_t most, uint64_t (*weight)(const struct report *r, uint32_t process));
/* before: what stands in front of the line. Nothing if all are shown. TRK_ERR_NOMEM. */
int process_choice_say_rest(const struct process_choice *p, const struct report *r, struct emit *e, const char *before);
void process_choice_finish(struct process_choice *p); /* zero-safe */

#endif
