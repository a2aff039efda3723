/*
 * request - the segment for a program that cannot find it by name: whoever executes it has made a
 * pair of sockets and says in an entry (format/shm.h) which descriptor is one of them. We fetch that
 * with pidfd_getfd, as the rights of a tracer allow, and send the memfd through it.
 *
 * Who asks is known by the socket, whatever pid it has in its own namespace: its inode is unique. Entries
 * are written by programs: nothing is sent to a process that does not have the segment already.
 */
#ifndef RECORD_REQUEST_H
#define RECORD_REQUEST_H

#include "recorder.h"

/* Sends the segment to whoever asked for it with this entry, or refuses. */
void request_answer(struct recorder *r, uint32_t entry);

#endif
