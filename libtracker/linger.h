/*
 * linger - lets a program wait at its end, if the recorder still has to see something of it.
 *
 * The recorder opens the files of a program's modules through the process, some milliseconds after it was told of
 * them. If a program ends before that, and its files are deleted, in memory only or in a mount namespace of its own,
 * it would have no names. So such a program waits at its end until the recorder has opened them, for at most a few of
 * its rounds, and likewise before it unloads a library. A program with much mapped memory of which nobody says whether
 * it is used waits, too, until the recorder has looked. All others end as they are. No system call is made: a sandbox may forbid it.
 *
 * The same is true of the file in which a program writes down the code that it makes (a perf map, a jitdump). The
 * recorder opens it when it sees the first address of such code. Until then, a program that makes code waits before it
 * ends, or before it deletes or renames any file: once in its life.
 */
#ifndef LINGER_H
#define LINGER_H

#include <stdint.h>

/* At start: whether the program's files are where the recorder would look for them. */
void linger_start(void);
/* A file of that name was deleted, renamed or replaced. */
void linger_file_goes(const char *path);
/*
 * A file may be deleted or renamed now. Before that, the recorder must have found the file in which the program
 * describes its code.
 */
void linger_before_file_goes(void);
/*
 * A library may be unloaded now. If files of modules went, only its mapping leads to its file: the recorder must have
 * opened that.
 */
void linger_before_code_goes(void);
/* A return address lies in no file: the program makes code while it runs. */
void linger_code_made(void);
/* The recorder was told of one more module. A forked child tells of all modules again. */
void linger_told(uint32_t name_hash);
void linger_forked(void);
/*
 * The program mapped memory of which only a look says which pages are used: the recorder takes a look at the end,
 * too.
 */
void linger_arena(void);

#endif
