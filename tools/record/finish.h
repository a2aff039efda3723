/* finish - the end of a recording: what was lost, what was seen, names, index. */
#ifndef RECORD_FINISH_H
#define RECORD_FINISH_H

#include "recorder.h"

uint64_t finish_cpu_ns(void); /* that the recorder took so far */
/*
 * The recording is over: health, summary, symbols, index. What the processes
 * published was read already. Fills the figures of `ret`.
 */
struct control_message;
/* Health and summary as of now, into `w`. */
void finish_write_figures(const struct recorder *r, struct writer *w);
void finish_file(struct recorder *r, struct control_message *ret);

#endif
