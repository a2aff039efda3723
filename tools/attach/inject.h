/*
 * inject - lets a thread of a running program call libtracker, which it loads if it is not there yet.
 *
 * The steps: prepare (nothing has happened), begin (a thread stands still, and the files that it needs are made), go
 * (it works), wait (it has gone back).
 */
#ifndef ATTACH_INJECT_H
#define ATTACH_INJECT_H

#include "tools/attach/borrow.h"

struct injection {
	struct target target;
	struct images images;
	struct ground ground;
	struct borrow borrow;
	struct image *library; /* NULL: it is not there yet */
	uint64_t call, state; /* tracker_late, tracker_late_state; 0: not there */
	struct late_state seen;
	struct frame_work work;
	uint64_t room;
	int library_fd, segment_fd; /* numbers in the program; -1: none */
	int turn; /* a socket whose name is the lock; -1: none */
	uint64_t ended_ns; /* when it had done the work (CLOCK_MONOTONIC) */
	uint64_t paused_ns; /* how long the borrowed thread did not do its own work */
	bool forbidden; /* by the kernel */
	char why[512]; /* the end of a sentence: why it cannot be */
};

/* Reads the program. False: i->why. */
bool inject_prepare(struct injection *i, pid_t pid);
/* Borrows a thread. `library`: the file to load, if it is not there yet. `segment`: a memfd is wanted, too. False: i->why. */
bool inject_begin(struct injection *i, const char *library, bool segment);
/* A descriptor of this process for that of the program: a memfd in which nothing is yet. -1: errno; EBADF: it is something else. */
int inject_open(const struct injection *i, int fd);
/* Undoes begin. */
void inject_cancel(struct injection *i);
/* The thread calls the library. False: the program is gone; i->why. */
bool inject_go(struct injection *i, const struct late_order *order);
/* Waits until it has gone back. False: it could not be called; i->why. Otherwise *ret: enum late_answer. */
bool inject_wait(struct injection *i, uint64_t *ret);
/* The recorder of the program, for those who come later. */
void inject_note_recorder(const struct injection *i, pid_t recorder);
void inject_finish(struct injection *i);

#endif
