/*
 * trace - tracemalloc's half of tracker.h: the traces of blocks that this process allocates from tracker_start on.
 *
 * The recorder keeps the traces. Only whether it keeps them, and with how many frames, stands here. A forked child
 * has its parent's.
 */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "arch.h"

struct print;
struct tracker_raw_frame_;
struct tracker_raw_function_;
struct tracker_raw_module_;
struct tracker_raw_traceback_;

/*
 * TRACKER_TRACE in the environment: a number of frames traces the program from its start on; empty or 0 does not.
 * Anything else ends the program with a message, as python3 does with PYTHONTRACEMALLOC. Called once, before main.
 */
void trace_by_environment(void);

/* The members of struct tracker_api_ of these names. tracker.h has their contracts. */
int trace_start(int nframe);
int trace_stop(void);
int trace_is_tracing(void);
int trace_limit(void);
int trace_memory(uint64_t domain, size_t *current, size_t *peak);
int trace_reset_peak(void);
size_t trace_cost(void);
uint64_t trace_lost(void);
int trace_track(unsigned domain, uintptr_t address, size_t size);
int trace_untrack(unsigned domain, uintptr_t address);
int trace_untrack_range(unsigned domain, uintptr_t address, size_t size);
int trace_object(unsigned domain, uintptr_t address, struct tracker_raw_traceback_ *ret);
int trace_module(unsigned module, struct tracker_raw_module_ *ret);
int trace_function(unsigned module, uintptr_t offset, struct tracker_raw_function_ *ret);
int trace_module_path(unsigned module, char *path, size_t room);
int trace_module_file(unsigned module);
int trace_dump(int fd, const void *address);
int trace_snapshot(void);
int trace_open_snapshot(int snapshot);

/* The frames of a node, as the recorder numbers them, as many as `ret` has room for and asks for (nframe). */
int trace_frames(uint64_t node, struct tracker_raw_traceback_ *ret);
void trace_print_frames(struct print *p, const struct tracker_raw_frame_ *frames, size_t count);

#endif
