/*
 * beside - processes that execute another program. Each begins in this process's memory: no page table is copied, no page
 * is copied because both would write to it, and this process goes on meanwhile, other than with vfork. So until its exec such
 * a process makes system calls only, by libtracker/raw.h (errno is shared, too), and everything that it needs is made before.
 */
#ifndef RUN_BESIDE_H
#define RUN_BESIDE_H

#include <stddef.h>
#include <sys/types.h>

#define BESIDE_STACK 4096u

/* From calloc; it is released when the process needs it no more. */
struct beside {
	struct beside *next;
	pid_t needed; /* the kernel writes 0 when the process has executed its program, or ended */
	const char *path;
	char **argv, **envp;
	void *owned[2]; /* released with it */
	void (*run)(struct beside *); /* if it comes back, the process ends with status 125 */
	unsigned char stack[BESIDE_STACK];
};

/* The pid; -1: errno. `b` is taken either way. */
pid_t beside_start(struct beside *b);

/* ---- in such a process ---- */

/* Comes back with an errno if it failed. */
int beside_execute(const char *path, char *const *argv, char *const *envp);
void beside_dup(int fd, int as);

/* ---- what it is made of ---- */

/* A copy of the environment in which environment_set can add 4 entries. NULL: no memory. */
char **environment_copy(void);
/* Puts it in the place of the entry of that name, or behind all. */
void environment_set(char **list, char *entry);

#endif
