/*
 * whole_snapshot - the live blocks of all recorded processes at this moment, as a capture of its own, while the recording
 * goes on. With --aggregate, it is the sums so far.
 */
#ifndef RECORD_WHOLE_SNAPSHOT_H
#define RECORD_WHOLE_SNAPSHOT_H

#include "recorder.h"

/*
 * A forked copy of the recorder writes it into `fd`, an empty file. Called between two rounds. The copy's pid, whose exit
 * status is an errno; -1, and errno.
 */
pid_t whole_snapshot_begin(struct recorder *r, int fd);

#endif
