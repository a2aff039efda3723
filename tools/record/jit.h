/*
 * jit - code that recorded programs make while they run, and the files in which they write down its names.
 *
 * It begins with the first return address that lies in no file. From then on, for a while, the recorder looks for the
 * program's perf map and jitdump, through the process and by the pid that the process has in its own namespace. It
 * keeps the files open, so that the program may delete them. It reads what the files gain before it writes each
 * round's events, and once more when the program has ended. The frames belong to a module of the process's own.
 */
#ifndef RECORD_JIT_H
#define RECORD_JIT_H

#include <stdbool.h>
#include <stdint.h>

struct jit;
struct process;
struct recorder;
struct stream;

/* The frame of a return address in no module, of the event at s->head. A stack_nodes_elsewhere. */
uint32_t jit_frame(void *recorder, struct stream *s, uint64_t pc);
/* Called before the events of a round are written: reads what is new. Does nothing for a process that has made no code. */
void jit_round(struct recorder *r, struct process *p);
/*
 * Called before the event at s->head: applies the changes of code up to it. True: some address of the stream's stack
 * may mean another function than before.
 */
bool jit_find_changes(struct recorder *r, struct process *p, struct stream *s);
/* The program has ended, or is no longer recorded: reads the rest. Its code is kept because of its names. */
void jit_finish(struct recorder *r, struct process *p);
void jit_free(struct jit *j); /* Accepts NULL. Reads nothing. */

#endif
