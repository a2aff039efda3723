/*
 * linger - the last moment of a program whose files cannot be found by their names.
 *
 * The recorder opens the files of a program's modules through the process, some milliseconds after it was
 * told of them. A program that ends before, and whose files are deleted, in memory only or in a mount
 * namespace of its own, would have no names. So it waits at its end until the recorder has opened them, for a
 * few of its rounds at most; all others end as they are. No system call is made: a sandbox may forbid them.
 */
#ifndef LINGER_H
#define LINGER_H

#include <stdint.h>

/* At start: whether the program's files are where the recorder would look for them. */
void linger_start(void);
/* A file of that name was deleted, renamed or replaced. */
void linger_file_goes(const char *path);
/* The recorder was told of one more module; a forked child tells of all of them anew. */
void linger_told(uint32_t name_hash);
void linger_forked(void);

#endif
