/*
 * request - gives the segment to a program that cannot find it by name. The process that executes it has made a pair
 * of sockets, and says in an entry (format/shm.h) which descriptor is one of them. The recorder fetches that with
 * pidfd_getfd, as the rights of a tracer allow, and sends the memfd through it.
 *
 * The recorder recognises the process by the inode of the socket, which is unique, whatever pid the process has in its
 * own namespace. Programs write the entries, so the recorder sends nothing to a process that does not have the segment
 * already.
 */
#ifndef RECORD_REQUEST_H
#define RECORD_REQUEST_H

#include "recorder.h"

/* Sends the segment to the process that asked for it with this entry, or refuses. */
void request_answer(struct recorder *r, uint32_t entry);

#endif
