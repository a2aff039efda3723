/*
 * borrow - stops one thread of a program at a place where it may be made to do something else, and lets it go again.
 * All the others run on.
 */
#ifndef ATTACH_BORROW_H
#define ATTACH_BORROW_H

#include "tools/attach/frame.h"
#include "tools/attach/ground.h"

enum borrow_end {
	BORROW_DONE,
	BORROW_GONE, /* the program has ended */
	BORROW_FORBIDDEN, /* the kernel does not allow it */
	BORROW_NOWHERE, /* no thread came to a safe place in time */
};

#define BORROW_WAITING 64u

struct borrow {
	struct target *target;
	const struct images *images;
	const struct ground *ground;
	struct frame_code code;
	/* once it is borrowed */
	pid_t thread; /* 0: none */
	struct frame_registers registers;
	bool saved; /* those are the thread's that stands still */
	uint64_t place; /* of the frame */
	uint64_t stopped_ns; /* when */
	unsigned looks; /* at threads that stood still */
	const char *why; /* what the last one that was let go stood in */
	pid_t waiting[BORROW_WAITING]; /* told to stop, and did not in time: a parent in vfork */
};

/* Tries all threads again and again, for `patience_ns`. */
enum borrow_end borrow_one(struct borrow *b, uint64_t patience_ns);

/* Makes a system call in the borrowed thread. -errno; -ESRCH: the thread is gone. */
long borrow_call(struct borrow *b, long number, uint64_t first, uint64_t second, uint64_t third, uint64_t fourth, uint64_t fifth);

/* Lets it do the work that stands in the room (frame.h), and then go back. False: it is gone. */
bool borrow_work(struct borrow *b, uint64_t room);
/* Lets it go back at once. */
void borrow_return(struct borrow *b);

/*
 * In the end: waits a second at most for the threads that were told to stop and did not in time. When this process ends, the kernel lets
 * them go, and a call would fail. (A parent in vfork is in none that could.)
 */
void borrow_finish(struct borrow *b);

uint64_t borrow_now_ns(void);

#endif
