/* thread_slot - thread slots <-> streams: which thread publishes where, and when a slot goes back. */
#ifndef RECORD_THREAD_SLOT_H
#define RECORD_THREAD_SLOT_H

#include "recorder.h"

/* The stream of thread slot `slot`, made when it is new. NULL: the slot holds nothing valid yet. */
struct stream *thread_slot_stream(struct recorder *r, uint32_t slot);
/* A thread asks whether it may make system calls, when it has no room, and waits for the answer: see shm.h. */
void thread_slot_answer(struct recorder *r, const struct stream *s);
/* The thread has ended, and its chain was read: gives the slot back. */
void thread_slot_detach(struct recorder *r, struct stream *s);
/* The detached and consumed streams of a process: writes their last records and frees them. */
void thread_slot_reap(struct recorder *r, struct process *p);
/* The recording is over, but the process's threads are not: counts what they lost, and names them. */
void thread_slot_leave_all(struct recorder *r, struct process *p);
/* Writes what is known of a thread that runs. */
void thread_slot_write(struct recorder *r, const struct stream *s);
/* Finds threads that the kernel does not know any more, though they never said that they ended. */
void thread_slot_find_dead(struct recorder *r);

#endif
