/*
 * births - programs that no hook saw being executed, from the kernel itself.
 *
 * Go starts its tools by system calls of its own, and a static program may live for a millisecond: only the kernel knows
 * (tools/connector.h). Where it does not tell us, the looks at /proc (unseen.c) are what there is.
 *
 * Events are read before a round looks who has attached, and judged after it: who executed a program before
 * they were read, and attached, is known by then.
 */
#ifndef RECORD_BIRTHS_H
#define RECORD_BIRTHS_H

#include "recorder.h"

struct births;
/* Listens to what the kernel tells of executions. The socket becomes the recorder's. */
void births_begin(struct recorder *r, int connector);
/* Before it is looked who has attached; and after that. */
void births_read(struct recorder *r);
void births_judge(struct recorder *r);
/* Whether the kernel has told of more than was read. */
bool births_behind(const struct recorder *r);
/* Whether all is known of every process below the recorded ones, and none of them is left. */
bool births_rule_out(const struct recorder *r);
void births_end(struct births *b); /* NULL-safe */

#endif
