/* snapshot_write - a snapshot as a capture of its own. */
#ifndef LIBRARY_SNAPSHOT_WRITE_H
#define LIBRARY_SNAPSHOT_WRITE_H

#include "snapshot.h"

/* Writes it to fd, from the present offset on. 0, TRK_ERR_NOMEM, TRK_ERR_IO (errno). The source is not locked. */
int snapshot_write(const struct tracker_snapshot *s, int fd);

#endif
