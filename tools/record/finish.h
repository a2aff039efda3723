/* finish - the end of a recording: what was lost, what was seen, names, index. */
#ifndef RECORD_FINISH_H
#define RECORD_FINISH_H

#include "recorder.h"

uint64_t finish_cpu_ns(void); /* CPU time that the recorder has taken so far */
/*
 * The recording is over: writes health, summary, symbols, index. Everything that the processes published was read
 * already. Fills the figures of `ret`.
 */
struct control_message;
/* Writes health and summary, with their present values, into `w`. */
void finish_write_figures(const struct recorder *r, struct writer *w);
void finish_file(struct recorder *r, struct control_message *ret);
/* In a forked copy of the recorder: ends the file as if everything that goes on ended here. An errno, or 0. */
int finish_copy(struct recorder *r, enum stopped_by why);

#endif
