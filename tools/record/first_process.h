/* first_process - process 0 of a recording: the program that was started, whether it ever attaches or not. */
#ifndef RECORD_FIRST_PROCESS_H
#define RECORD_FIRST_PROCESS_H

#include "recorder.h"

/* Finds out about the machine on which all processes of the recording run. Called before the first of them. */
void first_process_machine(struct recorder *r);
/*
 * pidfd becomes the process's; -1: there is none. arguments: those of the program, with its name, as far as they are
 * known. TRK_ERR_NOMEM.
 */
int first_process(struct recorder *r, uint32_t pid, int pidfd, char **arguments);

#endif
