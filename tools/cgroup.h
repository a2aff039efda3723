/*
 * cgroup - how much memory the kernel's control groups leave a program. The kernel charges a page of the shared memory
 * to the group of the process that touches it first, which is the program. So the memory in use at one time has to be
 * small in comparison with the limit of the group.
 */
#ifndef TOOLS_CGROUP_H
#define TOOLS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#define CGROUP_ROOT "/sys/fs/cgroup" /* where the hierarchies are mounted */
#define CGROUP_TEXT 4096u

/* The text of /proc about the groups of that process ("self", "123"), as far as there is room. False: there is none. */
bool cgroup_of(const char *process, char text[CGROUP_TEXT]);
/* The smallest limit of the groups in such a text, or of any above them; UINT64_MAX: there is no limit. */
uint64_t cgroup_memory_limit(const char *root, const char *text);
/* How many chunks (format/shm.h) may be in use with a limit of so many bytes; 0: all. */
uint32_t cgroup_chunks(uint64_t limit);

#endif
