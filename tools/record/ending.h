/*
 * ending - how descendants ended. Only a parent may wait for a process, but the
 * kernel (6.15 and later) tells the status to whoever holds its pidfd, from
 * the moment the parent has asked. Of those that were reaped before we got a
 * pidfd, and on older kernels, it is what they and their recorded parents say in their slot.
 */
#ifndef RECORD_ENDING_H
#define RECORD_ENDING_H

#include "recorder.h"

/* The process is gone: its status if it can be had, otherwise its pidfd and its slot are kept for a while. Takes its slot away. */
void ending_begin(struct recorder *r, struct process *p);
/* Asks again for those that were not known. */
void ending_ask(struct recorder *r);

#endif
