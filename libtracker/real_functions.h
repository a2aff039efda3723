/*
 * real - the functions behind our hooks, found once, by whichever hook is called first.
 */
#ifndef REAL_H
#define REAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* In the order of real.c's table of names. */
struct real_functions {
	void *(*malloc)(size_t);
	void (*free)(void *);
	void *(*calloc)(size_t, size_t);
	void *(*realloc)(void *, size_t);
	int (*posix_memalign)(void **, size_t, size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void *(*memalign)(size_t, size_t);
	void *(*valloc)(size_t);
	void *(*pvalloc)(size_t);
	size_t (*malloc_usable_size)(void *);
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*munmap)(void *, size_t);
	void *(*mremap)(void *, size_t, size_t, int, void *);
	int (*mprotect)(void *, size_t, int);
	int (*madvise)(void *, size_t, int);
	int (*dlclose)(void *);
	int (*prctl)(int, unsigned long, unsigned long, unsigned long, unsigned long);
	int (*pthread_setname_np)(unsigned long, const char *);
	int (*chdir)(const char *);
	int (*fchdir)(int);
	int (*unlink)(const char *);
	int (*unlinkat)(int, const char *, int);
	int (*remove)(const char *);
	int (*rename)(const char *, const char *);
	int (*renameat)(int, const char *, int, const char *);
	int (*renameat2)(int, const char *, int, const char *, unsigned); /* may be missing, like all that follow */
	void *(*libc_malloc)(size_t);
	void (*libc_free)(void *);
	void *(*libc_calloc)(size_t, size_t);
	void *(*libc_realloc)(void *, size_t);
	void *(*libc_memalign)(size_t, size_t);
	void *(*libc_valloc)(size_t);
	void *(*libc_pvalloc)(size_t);
	void (*free_sized)(void *, size_t);
	void (*free_aligned_sized)(void *, size_t, size_t);
	int (*pkey_mprotect)(void *, size_t, int, int);
	pid_t (*bare_fork)(void);
	void *(*dlopen)(const char *, int);
	void *(*dlmopen)(long, const char *, int);
	int (*execve)(const char *, char *const *, char *const *);
	int (*execv)(const char *, char *const *);
	int (*execvp)(const char *, char *const *);
	int (*execvpe)(const char *, char *const *, char *const *);
	int (*fexecve)(int, char *const *, char *const *);
	int (*execveat)(int, const char *, char *const *, char *const *, int);
	int (*posix_spawn)(pid_t *, const char *, const void *, const void *, char *const *, char *const *);
	int (*posix_spawnp)(pid_t *, const char *, const void *, const void *, char *const *, char *const *);
	int (*system)(const char *);
	void *(*popen)(const char *, const char *);
	int (*pclose)(void *);
	pid_t (*wait)(int *);
	pid_t (*waitpid)(pid_t, int *, int);
	pid_t (*wait3)(int *, int, void *);
	pid_t (*wait4)(pid_t, int *, int, void *);
	int (*waitid)(int, unsigned, void *, int);
	void (*exit_now)(int);
	void (*quick_exit)(int);
};

extern struct real_functions real;
extern bool real_known; /* ... they are there */
extern bool real_ready; /* ... and calls are to be recorded, whichever hook they come to */

/* Finds the real functions and attaches to the recorder: the first thing every hook does when !real_ready. */
void real_start(void);

/* What hooks ask that find !real_ready: whether to record. real_reached: an allocation has come to us. */
bool real_records(void);
bool real_reached(void);

/* What is called from a hook may come back to us, by malloc or mmap: the allocator behind us is not libc's own. */
bool real_is_foreign(void);

/*
 * It is a sanitizer's, who judges callers: blocks of the loader are no leaks, what came from
 * malloc must not go to delete. Whoever is called from here would be the caller, so hooks only
 * pass on what they are called with, by tail calls, and nothing is recorded: real_ready stays false.
 */
bool real_is_sanitizer(void);

/* The file of this library, as the dynamic linker has it; NULL: unknown. */
const char *real_own_path(void);

/* Of the C library; NULL: it is not glibc. */
const char *real_libc_version(void);

/* Another malloc stands before ours, mostly the executable's, and has never come to us. */
bool real_is_bypassed(void);

#endif
