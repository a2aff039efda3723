/*
 * own_capture - a capture that a program has asked for itself (tracker_capture_enter): of one process, from then until it says
 * so or ends, beside the recording, with a live set of its own that begins empty.
 */
#ifndef RECORD_OWN_CAPTURE_H
#define RECORD_OWN_CAPTURE_H

#include <limits.h>

#include "recorder.h"

struct own_capture;

struct own_capture_setup {
	uint32_t nframe, flags; /* SHM_CAPTURE_* */
	uint64_t memory_interval_ns; /* 0: no samples of resident memory */
};

/*
 * The file that the program has opened for its capture. The program may have fewer rights than the recorder, and may name
 * any descriptor, of any process. So the recorder takes the descriptor itself, if it is open for writing and its process
 * has the segment. Where the kernel does not hand it over (Yama; before Linux 5.6), the recorder opens the file
 * anew, but only for a program that could have done so with the same rights. -1, and errno.
 */
int own_capture_open(const struct recorder *r, const struct process *p, uint64_t number);

/*
 * Begins a capture in `fd`, an empty file that becomes its own. NULL and errno: there was no memory, or the file does
 * not take the header; then the descriptor is closed.
 */
struct own_capture *own_capture_begin(const struct recorder *r, const struct process *p, int fd, const struct own_capture_setup *setup);
/* How a child is captured that is forked now. */
struct own_capture_plan {
	struct own_capture_setup setup;
	bool has_rights; /* the parent has the recorder's */
	char path[PATH_MAX]; /* of its parent's file */
};
/*
 * The caller frees *ret; it is NULL if the parent's capture does not follow forks, or has ended. An errno: it does, but the child cannot
 * be captured.
 */
int own_capture_plan(const struct own_capture *parent, struct own_capture_plan **ret);
/* The capture of a child, in FILE.PID. NULL and errno: it cannot be made. */
struct own_capture *own_capture_fork(const struct own_capture_plan *plan, const struct recorder *r, const struct process *p);

/* A domain of its process has this name from now on. */
void own_capture_domain(struct own_capture *c, uint32_t domain, const char *name);
/* Adds an event of its process, which comes behind all earlier ones. */
void own_capture_apply(struct own_capture *c, const struct trk_event *e);
/* Once a round. */
void own_capture_tick(struct own_capture *c);

/*
 * Nothing is added any more: a forked copy of the recorder looks up names and finishes the file. The live blocks stay
 * known. The process may be freed from then on.
 */
void own_capture_end(struct own_capture *c);
bool own_capture_has_ended(const struct own_capture *c);
/* Whether that copy has ended; with `wait`, waits until it has. *ret_error: the errno with which it failed, or 0. */
bool own_capture_is_finished(struct own_capture *c, bool wait, int *ret_error);

/* What lived at its end. */
const struct trace *own_capture_trace(const struct own_capture *c);

/* If forked processes have no capture although they should, writes a notice that says so. */
void own_capture_tell_unfollowed(const struct recorder *r, struct writer *w);

/* Ends the capture, unless it has ended, and waits for its file. Accepts NULL. */
void own_capture_free(struct own_capture *c);

#endif
