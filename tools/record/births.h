/*
 * births - programs whose exec no hook saw, as the kernel reports them.
 *
 * Go starts its tools by its own system calls, and a static program may live for a millisecond: only the kernel knows
 * of them (tools/connector.h). If the kernel does not report them, the recorder has to find them in /proc (unseen.c).
 *
 * A round reads these events before it looks for newly attached processes, and judges them afterwards. So a program
 * whose exec was read and that has attached is known by then. If a round leaves newly attached processes to the next one, the
 * events wait, too.
 */
#ifndef RECORD_BIRTHS_H
#define RECORD_BIRTHS_H

#include "recorder.h"

struct births;
/* Listens to what the kernel reports about execs. The recorder takes over the socket. */
void births_begin(struct recorder *r, int connector);
/* Called before the recorder looks for newly attached processes, and once more after that. */
void births_read(struct recorder *r);
void births_judge(struct recorder *r);
/* Whether the kernel has reported more than was read and judged. */
bool births_behind(const struct recorder *r);
/* Whether everything is known about all descendants of recorded processes, and all of them have ended. */
bool births_rule_out(const struct recorder *r);
void births_end(struct births *b); /* NULL-safe */

#endif
