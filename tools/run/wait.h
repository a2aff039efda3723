/*
 * wait - what tracker-run does while the program runs: stay out of the way of
 * signals, and afterwards end the same way as the program did.
 */
#ifndef RUN_WAIT_H
#define RUN_WAIT_H

#include <sys/types.h>

/*
 * From now on, signals for the program are passed on to it, and signals that the terminal sends to both are ignored
 * here. Call it after the program was forked, because the program must keep the user's settings.
 */
void wait_begin(pid_t program);

/*
 * Waits for the program and returns its status as wait(2) has it. *ret_recorder_status is set if the recorder ended
 * meanwhile: it died, or it finished, which it says over the socket.
 */
int wait_program(pid_t program, pid_t recorder, int *ret_recorder_status);

/* Signals are ours again. */
void wait_end(void);

/* Exits as the program did: the same status, or dead by the same signal. */
_Noreturn void wait_exit_like(int status);

#endif
