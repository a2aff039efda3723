/*
 * self_capture - memray's Tracker for tracker.h: a capture of this process that the program begins and ends itself.
 *
 * The library opens the file, because the program's directory and rights count. The recorder writes it, whichever
 * recorder there is: a program that nobody records gets one of its own.
 */
#ifndef SELF_CAPTURE_H
#define SELF_CAPTURE_H

#include "tracker.h"

/* The members of struct tracker_api_ of these names. */
struct tracker_capture *capture_new(const struct tracker_options *options);
int capture_enter(struct tracker_capture *c);
int capture_exit(struct tracker_capture *c);
int capture_free(struct tracker_capture *c);
int capture_is_active(void);
/* The blocks that were live at the end of the capture, as a snapshot. Returns the snapshot's number, or a code. */
int capture_survivors(const struct tracker_capture *c);

#endif
