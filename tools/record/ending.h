/*
 * ending - how descendants ended. Only a parent may wait for a process. But from 6.15 on, the kernel tells the status
 * to the holder of a pidfd, as soon as the parent has waited. For processes that were reaped before the recorder had a
 * pidfd, and on older kernels, the recorder uses what they and their recorded parents wrote into their slots.
 */
#ifndef RECORD_ENDING_H
#define RECORD_ENDING_H

#include "recorder.h"

/* The process is gone: finds its status, or keeps its pidfd and its slot for a while. The slot then belongs to this module. */
void ending_begin(struct recorder *r, struct process *p);
/* Asks again for statuses that were not known. */
void ending_ask(struct recorder *r);

#endif
