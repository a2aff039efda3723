/* real_functions - the functions behind the hooks. */
#ifndef REAL_FUNCTIONS_H
#define REAL_FUNCTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As struct mallinfo2 of <malloc.h>, which older ones lack. */
struct real_mallinfo {
	size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

/* FUNCTION(member of `real`, symbol that is looked up, what it returns, what it takes): those that always exist, */
#define REAL_FUNCTIONS_NEEDED(FUNCTION)                                                                \
	FUNCTION(malloc, malloc, void *, (size_t))                                                     \
	FUNCTION(free, free, void, (void *))                                                           \
	FUNCTION(calloc, calloc, void *, (size_t, size_t))                                             \
	FUNCTION(realloc, realloc, void *, (void *, size_t))                                           \
	FUNCTION(posix_memalign, posix_memalign, int, (void **, size_t, size_t))                       \
	FUNCTION(aligned_alloc, aligned_alloc, void *, (size_t, size_t))                               \
	FUNCTION(memalign, memalign, void *, (size_t, size_t))                                         \
	FUNCTION(valloc, valloc, void *, (size_t))                                                     \
	FUNCTION(pvalloc, pvalloc, void *, (size_t))                                                   \
	FUNCTION(malloc_usable_size, malloc_usable_size, size_t, (void *))                             \
	FUNCTION(mmap, mmap, void *, (void *, size_t, int, int, int, off_t))                           \
	FUNCTION(munmap, munmap, int, (void *, size_t))                                                \
	FUNCTION(mremap, mremap, void *, (void *, size_t, size_t, int, void *))                        \
	FUNCTION(mprotect, mprotect, int, (void *, size_t, int))                                       \
	FUNCTION(madvise, madvise, int, (void *, size_t, int))                                         \
	FUNCTION(dlclose, dlclose, int, (void *))                                                      \
	FUNCTION(prctl, prctl, int, (int, unsigned long, unsigned long, unsigned long, unsigned long)) \
	FUNCTION(pthread_setname_np, pthread_setname_np, int, (unsigned long, const char *))           \
	FUNCTION(chdir, chdir, int, (const char *))                                                    \
	FUNCTION(fchdir, fchdir, int, (int))                                                           \
	FUNCTION(unlink, unlink, int, (const char *))                                                  \
	FUNCTION(unlinkat, unlinkat, int, (int, const char *, int))                                    \
	FUNCTION(remove, remove, int, (const char *))                                                  \
	FUNCTION(rename, rename, int, (const char *, const char *))                                    \
	FUNCTION(renameat, renameat, int, (int, const char *, int, const char *))

/* ... and those that may be missing (NULL). */
#define REAL_FUNCTIONS_OPTIONAL(FUNCTION)                                                                                            \
	FUNCTION(renameat2, renameat2, int, (int, const char *, int, const char *, unsigned))                                        \
	FUNCTION(libc_malloc, __libc_malloc, void *, (size_t))                                                                       \
	FUNCTION(libc_free, __libc_free, void, (void *))                                                                             \
	FUNCTION(libc_calloc, __libc_calloc, void *, (size_t, size_t))                                                               \
	FUNCTION(libc_realloc, __libc_realloc, void *, (void *, size_t))                                                             \
	FUNCTION(libc_memalign, __libc_memalign, void *, (size_t, size_t))                                                           \
	FUNCTION(libc_valloc, __libc_valloc, void *, (size_t))                                                                       \
	FUNCTION(libc_pvalloc, __libc_pvalloc, void *, (size_t))                                                                     \
	FUNCTION(mallinfo2, mallinfo2, struct real_mallinfo, (void))                                                                 \
	FUNCTION(free_sized, free_sized, void, (void *, size_t))                                                                     \
	FUNCTION(free_aligned_sized, free_aligned_sized, void, (void *, size_t, size_t))                                             \
	FUNCTION(pkey_mprotect, pkey_mprotect, int, (void *, size_t, int, int))                                                      \
	FUNCTION(bare_fork, _Fork, pid_t, (void))                                                                                    \
	FUNCTION(dlopen, dlopen, void *, (const char *, int))                                                                        \
	FUNCTION(dlmopen, dlmopen, void *, (long, const char *, int))                                                                \
	FUNCTION(execve, execve, int, (const char *, char *const *, char *const *))                                                  \
	FUNCTION(execv, execv, int, (const char *, char *const *))                                                                   \
	FUNCTION(execvp, execvp, int, (const char *, char *const *))                                                                 \
	FUNCTION(execvpe, execvpe, int, (const char *, char *const *, char *const *))                                                \
	FUNCTION(fexecve, fexecve, int, (int, char *const *, char *const *))                                                         \
	FUNCTION(execveat, execveat, int, (int, const char *, char *const *, char *const *, int))                                    \
	FUNCTION(posix_spawn, posix_spawn, int, (pid_t *, const char *, const void *, const void *, char *const *, char *const *))   \
	FUNCTION(posix_spawnp, posix_spawnp, int, (pid_t *, const char *, const void *, const void *, char *const *, char *const *)) \
	FUNCTION(system, system, int, (const char *))                                                                                \
	FUNCTION(popen, popen, void *, (const char *, const char *))                                                                 \
	FUNCTION(pclose, pclose, int, (void *))                                                                                      \
	FUNCTION(wait, wait, pid_t, (int *))                                                                                         \
	FUNCTION(waitpid, waitpid, pid_t, (pid_t, int *, int))                                                                       \
	FUNCTION(wait3, wait3, pid_t, (int *, int, void *))                                                                          \
	FUNCTION(wait4, wait4, pid_t, (pid_t, int *, int, void *))                                                                   \
	FUNCTION(waitid, waitid, int, (int, unsigned, void *, int))                                                                  \
	FUNCTION(start_main, __libc_start_main, int,                                                                                 \
		 (int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void), void *))             \
	FUNCTION(exit, exit, void, (int))                                                                                            \
	FUNCTION(exit_now, _exit, void, (int))                                                                                       \
	FUNCTION(quick_exit, quick_exit, void, (int))

#define REAL_FUNCTIONS(FUNCTION)        \
	REAL_FUNCTIONS_NEEDED(FUNCTION) \
	REAL_FUNCTIONS_OPTIONAL(FUNCTION)

#define REAL_MEMBER(member, symbol, returned, parameters) returned(*member) parameters;

struct real_functions {
	REAL_FUNCTIONS(REAL_MEMBER)
};

extern struct real_functions real;
extern bool real_known; /* ... they were found, and so was what hooks_new.c looks for; start_once sets it */

/*
 * Finds them. It takes no lock and finds the same each time, so a thread or handler that comes meanwhile does the
 * same.
 */
void real_look_up(void);

/* Whether the malloc behind the hook is the C library's own. */
bool real_is_libcs(void);

/*
 * Whether it is a sanitizer's. A sanitizer judges callers: blocks of the loader are no leaks, and a block from malloc
 * must not go to delete. It would take the hook for the caller. So hooks only pass calls on, by tail calls, and
 * nothing is recorded: hooks stay held.
 */
bool real_is_sanitizer(void);

/* The address of a function of the C library. NULL: the C library is not glibc. */
const char *real_libc_version(void);

#endif
