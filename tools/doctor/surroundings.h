/*
 * surroundings - what a recording finds on this machine: rights, limits, room, names of debug information.
 */
#ifndef DOCTOR_SURROUNDINGS_H
#define DOCTOR_SURROUNDINGS_H

#include "finding.h"

struct finding surroundings_files(void);
struct finding surroundings_descriptors(void); /* ptrace_scope */
struct finding surroundings_sandbox(void);
struct finding surroundings_shared_memory(void);
struct finding surroundings_group(void);
struct finding surroundings_locked(void); /* RLIMIT_MEMLOCK */
struct finding surroundings_limits(void);
struct finding surroundings_disk(void);
struct finding surroundings_preload(void);
struct finding surroundings_security(void); /* SELinux, AppArmor */
struct finding surroundings_setuid(void);
struct finding surroundings_perf(void);
struct finding surroundings_debuginfod(void);

#endif
