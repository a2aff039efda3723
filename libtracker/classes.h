/*
 * classes - what tracker.h says of classes and objects that are tracked: all of it is asked of the recorder, which writes it among the events.
 */
#ifndef CLASSES_H
#define CLASSES_H

#include <stdbool.h>
#include <stdint.h>

#include "tracker.h"

/* Members of struct tracker_api_ of these names; tracker.h has their contracts. */
int class_do(unsigned operation, const void *ptr, const char *type_name, const tracker_track_options *options);
int class_label(const void *ptr, const char *label);
int class_snapshot(const char *description, bool compute_total);
int class_periodic(uint64_t interval_ns);
int class_dump(const char *path);

#endif
