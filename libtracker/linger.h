/*
 * linger - the last moment of a program of which the recorder has something to see.
 *
 * The recorder opens the files of a program's modules through the process, some milliseconds after it was
 * told of them. A program that ends before, and whose files are deleted, in memory only or in a mount
 * namespace of its own, would have no names. So it waits at its end until the recorder has opened them, for a
 * few of its rounds at most. So does a program that mapped much of which nobody tells whether it is used, until
 * the recorder has looked; all others end as they are. No system call is made: a sandbox may forbid them.
 *
 * Likewise the file in which a program writes down what code it makes (a perf map, a jitdump): the recorder
 * opens it when it sees the first address of such code. Until then a program that makes code waits before it
 * ends, and before it deletes or renames a file, whichever: once in its life.
 */
#ifndef LINGER_H
#define LINGER_H

#include <stdint.h>

/* At start: whether the program's files are where the recorder would look for them. */
void linger_start(void);
/* A file of that name was deleted, renamed or replaced. */
void linger_file_goes(const char *path);
/* A file may go now: the program's own word for the code that it made must have been found before. */
void linger_before_file_goes(void);
/* A return address lies in no file: the program makes code while it runs. */
void linger_code_made(void);
/* The recorder was told of one more module; a forked child tells of all of them anew. */
void linger_told(uint32_t name_hash);
void linger_forked(void);
/* It mapped memory of which only a look says what is used: the recorder takes one at the end, too. */
void linger_arena(void);

#endif
