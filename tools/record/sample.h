/* sample - what the recorder learns from /proc, and memory it gives back. */
#ifndef RECORD_SAMPLE_H
#define RECORD_SAMPLE_H

#include "recorder.h"

void sample_memory(struct recorder *r);
/* comm of the thread as the kernel has it; "" when it is gone. */
void sample_thread_name(uint32_t pid, uint32_t tid, char name[SHM_NAME_BYTES]);
/* Gives the memory of chunks that are free back to the system. */
void sample_trim(struct recorder *r);
/*
 * Processes that were started with our environment since `pid` was and never
 * attached: between fork and exec, or not recordable. At most `max` pids.
 */
size_t sample_strangers(struct recorder *r, const char *environment, uint32_t pid, uint32_t *pids,
			size_t max);

#endif
