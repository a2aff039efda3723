/*
 * filters - which system calls the seccomp filters of a program forbid, among those that libtracker makes in it.
 *
 * The filters are read from its threads (each stands still for a moment), which only root may do, and run here.
 */
#ifndef ATTACH_FILTERS_H
#define ATTACH_FILTERS_H

#include <sys/types.h>

enum filters_answer { FILTERS_ALLOW,
		      FILTERS_FORBID, /* *ret_call: the first call that is */
		      FILTERS_UNKNOWN /* they cannot be read */ };

enum filters_answer filters_ask(pid_t pid, const char **ret_call);

#endif
