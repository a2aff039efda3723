/*
 * alarm - alarms, sizes and asserted blocks: the members of tracker.h's table of these names.
 */
#ifndef ALARM_H
#define ALARM_H

#include "tracker.h"

int alarm_enter(tracker_alarm *a);
int alarm_exit(tracker_alarm *a);
int allocation_size_enter(tracker_allocation_size *s);
int allocation_size_exit(tracker_allocation_size *s);
int watch_enter(struct tracker_watch_ *block);
void watch_leave(struct tracker_watch_ *block);
void alarm_thrower(tracker_alarm_fn thrower);

#endif
