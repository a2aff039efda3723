/*
 * ends - which processes have ended, and before which programs' starts.
 *
 * The blocks of a process must be gone before those of a program that started after its end count, but not before
 * those of a program that ran beside it count. Programs are numbered as they start. When somebody learns that a
 * process is over, it notes the next free number: the process had ended before the programs with that number or a
 * later one. It may be the process itself (about to exit), its parent (wait has returned), a starting program (the
 * process is not in /proc), or the recorder. So the recorder ends a process when every program that may have run
 * beside it is bound, and what that program published is written.
 *
 * A parent that has waited goes on at once, so one round finds what it published before and after the end of its
 * child. The parent says at which epoch that was, and the round stops there until the child has ended here.
 */
#ifndef RECORD_ENDS_H
#define RECORD_ENDS_H

#include "recorder.h"

struct epoll_event;
/* Marks the processes of the events as dying. True: there was also an event that is about no process. */
bool ends_mark(struct recorder *r, const struct epoll_event *events, int count);
/* Finds the processes that have ended by now. */
void ends_look(struct recorder *r);
/* From now on the end of the new process is noticed; it may have ended already. */
void ends_watch(struct recorder *r, struct process *p);
/*
 * Sets `dying` of processes that ended unnoticed: in kernels before 5.3, in sandboxes, and with full tables of
 * descriptors, the recorder has no pidfd of them.
 */
void ends_poll(struct recorder *r);
/* Sets `dying` of `p`, whose last event may still come. */
void ends_set(struct recorder *r, struct process *p);
/* Whether a process has ended that was over before the program `number` started. */
bool ends_due(struct recorder *r, uint64_t number);
/* Ends these processes, in their order. What all others had published was merged before. */
void ends_apply(struct recorder *r, uint64_t number);
/*
 * Sets `waited_for` of all live processes. Called before a pass reads: the events that ran beside the processes that
 * are seen to be over by then have been published.
 */
void ends_find_waited(struct recorder *r);
/* Sets `stop` of all live processes; their events behind it are not merged. */
void ends_find_stops(struct recorder *r);
/*
 * Called when all are merged up to their stops: ends a process for which a parent stops. Returns that parent, which
 * goes on; NULL: there is none.
 */
struct process *ends_apply_waited(struct recorder *r);

#endif
