/*
 * coverage - gcc's counters are written when a program exits; forked copies of the recorder end by _exit,
 * which does not. Builds with -Db_coverage=true compile the recorder with this ahead of every file.
 */
#ifndef TEST_COVERAGE_H
#define TEST_COVERAGE_H

#include <unistd.h>

void __gcov_dump(void);
void coverage_begin(void) __attribute__((weak)); /* allocations.c: there is memory for it */

__attribute__((noreturn)) static inline void coverage_exit(int status)
{
	if (coverage_begin)
		coverage_begin();
	__gcov_dump();
	(_exit)(status);
}

#define _exit(status) coverage_exit(status)

#endif
