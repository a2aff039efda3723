/* run_reader - the programs of tracker's that tracker-run starts when the capture is finished. */
#ifndef RUN_RUN_READER_H
#define RUN_RUN_READER_H

#include "tools/run/say.h"

/*
 * What they print goes to stderr. Their options are these only: with those of the user's file they could write elsewhere. The recorded program
 * has its status, whatever happens here; but what --check finds counts if that status is 0.
 */
void reader_report(const struct run *r, const char *capture);
void reader_split(const struct run *r);
/* Before the program starts: what is wrong with the options of --check is said. An exit code. */
int reader_check_options(const struct run *r);
/* The status of tracker check: UI_OK, UI_GATE, ... */
int reader_check(const struct run *r, const char *capture);

#endif
