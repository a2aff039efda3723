/*
 * look_stop - stops all threads of a process by ptrace, reads their registers, makes one of them execute a system call, and lets them go
 * on as if nothing had happened: no call returns EINTR because of it.
 */
#ifndef RECORD_LOOK_STOP_H
#define RECORD_LOOK_STOP_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "look_arch.h"

#define LOOK_REASON 160u /* bytes of a sentence that says why there is no look */

struct look_thread {
	uint32_t tid;
	bool stopped, gone;
	bool known; /* its registers were read */
	look_registers registers;
	uint64_t *vectors; /* words of its vector registers that are not 0 */
	uint32_t vector_count;
};

struct look_stop {
	uint32_t pid;
	struct look_thread *threads;
	uint32_t count, room;
	char *reason; /* where a reason for a failure is written, LOOK_REASON bytes */
};

/*
 * Stops all threads of the process. False: that is not possible, or takes too long; then all of them run again, and s->reason says why.
 * Either way look_stop_finish is due.
 */
bool look_stop(struct look_stop *s, uint32_t pid, char reason[LOOK_REASON]);
/* Lets the thread (0: all) run for so long and stops it again. False: as above. */
bool look_stop_run(struct look_stop *s, uint32_t tid, unsigned us);
/* Reads the registers of all threads that stand still. */
void look_stop_registers(struct look_stop *s);
/*
 * Forks in the thread (0: any), by a system call at `call`. Its pid as the recorder sees it, and as the process does; 0: it failed, and
 * s->reason says why. The child is traced, and stands still.
 */
uint32_t look_stop_fork(struct look_stop *s, uint64_t call, uint32_t *ret_inner);
/* Reaps a child that has ended, in the thread that can be used for it. */
void look_stop_reap(struct look_stop *s, uint64_t call, uint32_t inner);
/* Lets threads go on that were asked to stop in vain, when they stop. True: there still are some. */
bool look_stop_late(void);
/* All go on. */
void look_stop_resume(struct look_stop *s);
void look_stop_finish(struct look_stop *s);

/*
 * One system call in a thread that stands still and has no signals to fear, whose registers change. *ret_child: the pid of a child that
 * it makes; NULL: it makes none. False: the thread has ended.
 */
bool look_call(uint32_t tid, uint64_t call, long number, const uint64_t given[6], int64_t *ret, uint32_t *ret_child);
bool look_get_registers(uint32_t tid, look_registers *ret);
bool look_set_registers(uint32_t tid, look_registers *r);

#endif
