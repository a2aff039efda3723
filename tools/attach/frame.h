/*
 * frame - what a borrowed thread works with on x86-64: its registers, the kernel's frame by which it goes back to
 * where it was, and the code that it runs in between.
 *
 * The frame stands on the thread's own stack, below what a function may use there: where the kernel would put one for
 * a signal. From the moment at which the thread has any other registers than its own, its way leads over that frame:
 * if the tracer is killed, the thread goes on as if nothing had been.
 */
#ifndef ATTACH_FRAME_H
#define ATTACH_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

#include "libtracker/late.h"
#include "libtracker/state.h"

#define FRAME_STATE_MAX 16384u

struct frame_registers {
	struct user_regs_struct general;
	uint8_t state[FRAME_STATE_MAX]; /* floating point and vectors */
	size_t state_bytes;
	uint64_t mask; /* of signals */
};

/* Code of the C library that is used as it is. */
struct frame_code {
	uint64_t call; /* a system call, with a return behind it */
	uint64_t restorer; /* the return from a signal handler */
};

#define FRAME_RESTORER_BYTES 9u

/* Find one in bytes of the C library's code: of its function syscall, and of any part of it. */
bool frame_find_call(struct frame_code *ret, uint64_t function, const uint8_t *code, size_t bytes);
bool frame_find_restorer(struct frame_code *ret, uint64_t start, const uint8_t *code, size_t bytes);

/* Of a thread that is stopped. False: it is none of this processor's, or has ended. */
bool frame_save(pid_t thread, struct frame_registers *ret);
/*
 * Calls that wait go on, when they were stopped, by another one, restart_syscall: only the kernel knows which call that stands for, and
 * forgets it when the thread returns from a frame. So in a thread that is in restart_syscall, or about to make it, that is replaced by the
 * call's own number, which its code tells: `code` begins 7 bytes before the pc. False: it tells no number.
 */
#define FRAME_CALL_BYTES 9u
#define FRAME_CALL_BEFORE 7u
bool frame_name_call(struct frame_registers *f, const uint8_t code[FRAME_CALL_BYTES]);
/* For the walk over its stack. */
void frame_dwarf(const struct frame_registers *f, uintptr_t regs[REG_COUNT]);
uint64_t frame_thread_pointer(const struct frame_registers *f);

/* Where the frame stands: its size is not known before. */
uint64_t frame_place(const struct frame_registers *f, size_t *ret_bytes);
/* Makes the frame, by which a call that was interrupted is made once more. */
void frame_make(const struct frame_registers *f, const struct frame_code *code, uint64_t place, uint8_t *to);

/* The next registers of the thread: on the way back at once; in a system call, and then on the way back; in our own code. */
bool frame_go_back(pid_t thread, const struct frame_registers *f, const struct frame_code *code, uint64_t place);
bool frame_go_call(pid_t thread, const struct frame_registers *f, const struct frame_code *code, uint64_t place, long number, const uint64_t arguments[6]);
bool frame_go_work(pid_t thread, const struct frame_registers *f, uint64_t room);
/* Where it was: if it was in a call that fails when a thread is stopped, at the beginning of that. */
void frame_go_on(pid_t thread, const struct frame_registers *f);
/* What the system call has returned. */
bool frame_returned(pid_t thread, long *ret);

/*
 * What the thread's code reads and writes: it stands at the beginning of the room. The code loads the library, or has it
 * already, makes the call, and goes back.
 */
struct frame_work {
	uint64_t open, find, error, errno_place; /* dlopen, dlsym, dlerror, __errno_location */
	uint64_t call; /* tracker_late; 0: the library is to be loaded */
	uint64_t back; /* the frame */
	int64_t library; /* a descriptor that is closed at the end; -1: none */
	uint64_t done; /* 1: at the end */
	uint64_t answer; /* enum late_answer */
	uint64_t why; /* text: why the library could not be loaded; 0: it was */
	uint64_t vectors; /* the state of a thread that begins */
	uint64_t pad;
	struct late_order order;
	char path[64], name[32];
};

const uint8_t *frame_work_code(size_t *ret_bytes);
void frame_work_begin(struct frame_work *w, uint64_t place);

#endif
