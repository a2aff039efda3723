/*
 * proc - all that the recorder reads in /proc. A process may end at any time, and its pid may become another's, so
 * each answer is true only for one moment.
 */
#ifndef RECORD_PROC_H
#define RECORD_PROC_H

#include <limits.h>
#include <sys/types.h>

#include "recorder.h"

/* Opens the entry of that name in the folder of the process, with those flags; -1: it could not be opened (errno). */
int proc_open(uint32_t pid, const char *name, int flags);
/* The user of the process; the recorder's, when the process is gone. */
uid_t proc_owner(uint32_t pid);

/* comm of the thread as the kernel has it; "" when the thread is gone. */
void proc_thread_name(uint32_t pid, uint32_t tid, char name[SHM_NAME_BYTES]);
/* The first of its arguments as they stand in its memory now, cut to that length. False: not known. */
bool proc_first_argument(uint32_t pid, char text[SHM_TITLE_BYTES]);
/* The path of the file that it executes. "" and false if that is not known: it has ended, or is another user's. */
bool proc_executable(uint32_t pid, char path[SHM_EXECUTABLE_BYTES]);
/*
 * The last number in the line of its status that begins with `key`; 0: there is no such line. ret_count: how many
 * numbers the line has.
 */
uint32_t proc_status(uint32_t pid, const char *key, uint32_t *ret_count);
/* The same in the status of a thread, and of the recorder; -1: there is no such line. */
int64_t proc_thread_status(uint32_t pid, uint32_t tid, const char *key);
int64_t proc_own_status(const char *key);
/* Whether nothing of it runs any more: the last thread of a zombie may be another one. */
bool proc_is_zombie(uint32_t pid);

enum segment_there { THERE,
		     NOT_THERE,
		     DENIED,
		     NOBODY_KNOWS };
/*
 * Whether the recording's segment, by either of its names, is mapped there; other recordings have others. Of a zombie
 * this is not known.
 */
enum segment_there proc_segment(const struct recorder *r, uint32_t pid);

/* A mapping of a file. */
struct proc_mapping {
	uint64_t start, end, inode;
	char path[PATH_MAX]; /* as the kernel has it */
};

/* False: no file is mapped there. */
bool proc_mapping_at(uint32_t pid, uint64_t address, struct proc_mapping *ret);
/* Calls `is_it` with the start of each mapping whose path ends so, until it returns true. */
void proc_mappings_of(uint32_t pid, const char *ending, bool (*is_it)(void *context, uint64_t start), void *context);

/* Present or swapped out: a page whose entry in pagemap says so was touched. */
#define PROC_PAGE_TOUCHED (3ull << 62)
/* Reads the entries of its pages from `page` (address by size) on. Returns how many were read: 0 when its memory is gone. */
size_t proc_pages(int pagemap, uint64_t page, uint64_t *entries, size_t count);
/* How many bytes of the process's memory could be read: fewer, where memory ends. */
size_t proc_read(uint32_t pid, uint64_t from, void *to, size_t bytes);
/* The word there; 0: it cannot be read. */
uint64_t proc_word(uint32_t pid, uint64_t from);
/* How many pages of memory it uses; 0: not known. *statm: the open file; it is opened when *statm is -1. */
uint64_t proc_resident_pages(uint32_t pid, int *statm);

/* Whether that descriptor of it is that socket. */
bool proc_has_socket(uint32_t pid, int fd, uint64_t inode);
/* The present path of the file behind one of the recorder's descriptors; "": not known. */
void proc_own_file(int fd, char path[PATH_MAX]);

/* The first process for which `is_it` returns true; 0: none. */
uint32_t proc_find(bool (*is_it)(void *context, uint32_t pid), void *context);
/*
 * Calls `tell` with each child of at most *threads of its threads, and subtracts the number of threads that were
 * asked from *threads.
 */
void proc_children(uint32_t pid, uint32_t *threads, void (*tell)(void *context, uint32_t child), void *context);

/* Whether its environment, as it was when the program was executed, has that entry. */
bool proc_has_environment(uint32_t pid, const char *entry);
/* The pid that the kernel gave last; 0: not known. */
uint32_t proc_last_pid(void);

/* A copy of one of its descriptors, close-on-exec. -1 and errno: there is none, or the kernel refuses. */
int proc_take_descriptor(uint32_t pid, int fd);
/*
 * Its rights to files are those of this process, or more: the ids by which the kernel judges accesses to files, all groups, and the
 * capabilities that this process has.
 */
bool proc_has_our_rights(uint32_t pid);

#endif
