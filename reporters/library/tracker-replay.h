/*
 * tracker-replay.h - what a capture of tracker holds, read by programs: snapshots (which blocks were live at a
 * moment, and who allocated them), their statistics, and what changed between two of them. Link with -ltracker-replay
 * (pkg-config tracker-replay).
 *
 * It is tracemalloc's module in C: one trace for each live block, tracebacks without the allocator's own frames at the
 * top, tracemalloc's sorting, filters and lines of text. Sizes are bytes that the program asked for. C99 and C++11.
 *
 * ERRORS. Functions that return an int return TRACKER_OK or a negative code of enum tracker_error; those that return a
 * pointer return NULL. tracker_replay_last_error() then has a sentence, and tracker_replay_last_code() the code. Every
 * function takes NULL for an object: it fails with TRACKER_EINVAL (or returns 0, or does nothing).
 *
 * OWNERSHIP. What a function returns through its value or through `out` is the caller's, to be given to the function
 * that its comment names. Everything that these point to (tracebacks of traces and of statistics, names in frames)
 * belongs to them and lives as long as they do; tracker_traceback_free() of such a traceback does nothing. Snapshots
 * and statistics do not need the objects that they were made of.
 *
 * THREADS. All functions may be called from any thread, and an object may be used by several threads at once, but not
 * while one of them frees it.
 */
#ifndef TRACKER_REPLAY_H
#define TRACKER_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <tracker.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

/* The code of the calling thread's last failure; TRACKER_OK when nothing has failed. */
int tracker_replay_last_code(void);
/* A sentence about it, without full stop; "" when nothing has failed. Valid until the thread's next failure. */
const char *tracker_replay_last_error(void);

/* ---- frames and tracebacks ---- */

/* One frame of the source. Functions that were inlined have frames of their own. */
typedef struct tracker_frame {
	const char *function; /* demangled; "": not known */
	const char *filename; /* the source file; without line information the module's; "<unknown>" */
	const char *module; /* the program or library; "<unknown>" */
	unsigned lineno; /* 0: not known */
	uintptr_t ip; /* of the return address, in bytes from the module's beginning */
	bool inlined; /* into the next older frame */
} tracker_frame;

typedef struct tracker_traceback tracker_traceback;

/* Number of frames: at least 1, as an empty stack has one frame "<unknown>", line 0. 0 for NULL. */
size_t tracker_traceback_len(const tracker_traceback *traceback);
/* The same, with the older frames that were not recorded because of the limit. */
size_t tracker_traceback_total_nframe(const tracker_traceback *traceback);
/*
 * Frame `index`: 0 is the oldest, -1 the most recent one. Its strings live as long as the traceback. TRACKER_OK,
 * TRACKER_EINVAL (there is no such frame).
 */
int tracker_traceback_frame(const tracker_traceback *traceback, ptrdiff_t index, tracker_frame *out);
/*
 * Prints, for each frame, `  File "/src/a.c", line 2` and, if the file is there and everybody may read it, the line
 * below, `    p = malloc(10);`. limit > 0: only the `limit` most recent frames; limit < 0: only the -limit oldest ones;
 * 0: all. The oldest comes first, unless most_recent_first. TRACKER_OK, TRACKER_EINVAL, TRACKER_EIO (errno says why).
 */
int tracker_traceback_print(const tracker_traceback *traceback, FILE *file, int limit, bool most_recent_first);
/* Frees a traceback that a function returned by itself. Accepts NULL. */
void tracker_traceback_free(tracker_traceback *traceback);

/*
 * Where the block of this program was allocated that `ptr` points to, or into (tracker_start in tracker.h). Names
 * come from the files of the program and its libraries, which takes tens of milliseconds per call. For many blocks,
 * take a snapshot, which looks each name up once; tracker_dump_traceback needs no names. Give the result to
 * tracker_traceback_free. NULL: TRACKER_ENOENT (no traced block is there), TRACKER_EDISABLED (the program is not
 * traced, or libtracker is not there), TRACKER_EIO, TRACKER_ENOMEM.
 */
tracker_traceback *tracker_get_object_traceback(const void *ptr);
/* The same for a block of a domain of the program's own (tracker_track). */
tracker_traceback *tracker_get_object_traceback_in(unsigned domain, uintptr_t ptr);

/* ---- snapshots ---- */

typedef struct tracker_snapshot tracker_snapshot;

/* One live block; for a mapping that was cut, each fragment. */
typedef struct tracker_trace {
	unsigned domain; /* 0: heap */
	uintptr_t address;
	size_t size;
	const tracker_traceback *traceback; /* the snapshot's */
} tracker_trace;

/*
 * The snapshot at a point of a capture: "out.bin" (its peak), "out.bin@end", "out.bin@LABEL", "out.bin@#3", "out.bin@1.5s",
 * "out.bin@90%", "out.bin@A..B" (allocated between, still live at B). A file that tracker_snapshot_dump wrote is such
 * a capture. Give it to tracker_snapshot_free. NULL: TRACKER_ENOENT (no such file, or no such point in it), TRACKER_EINVAL
 * (the file is no capture, or what stands behind @ is no point), TRACKER_ENOTSUP (a newer capture; an aggregated one has no
 * points but the peak and the end), TRACKER_EIO, TRACKER_ENOMEM.
 */
tracker_snapshot *tracker_snapshot_load(const char *path);
/*
 * The blocks of this program that have traces now (tracker_start in tracker.h): those that were allocated since
 * tracing began, and are live. A call of another thread while the snapshot is taken is in it as a whole or not at
 * all. The library's own blocks are never in it. NULL: TRACKER_EDISABLED (the program is not traced, or libtracker is
 * not there), TRACKER_EIO, TRACKER_ENOMEM.
 */
tracker_snapshot *tracker_take_snapshot(void);
/*
 * Calls `function` for each block that was allocated while the capture (tracker.h) was active, and was live when the program left it.
 * The trace and its traceback are valid during the call. TRACKER_OK, TRACKER_ENOTSUP (the capture does not track lifetimes),
 * TRACKER_EBUSY (it was not left yet), TRACKER_EDISABLED, TRACKER_EIO, TRACKER_ENOMEM.
 */
int tracker_capture_surviving(const tracker_capture *capture, void (*function)(const tracker_trace *trace, void *user), void *user);
/*
 * Writes a capture that holds only the snapshot, with the names of its frames. It can be read on other machines, and
 * by every report. An existing file is replaced, by a rename when everything is written. TRACKER_OK, TRACKER_EINVAL,
 * TRACKER_EIO, TRACKER_ENOMEM, TRACKER_ENOTSUP (the snapshot is of an aggregated capture, which has no single
 * blocks).
 */
int tracker_snapshot_dump(const tracker_snapshot *snapshot, const char *path);
/* NULL-safe. */
void tracker_snapshot_free(tracker_snapshot *snapshot);

/* The most frames of a stack that were recorded. 0 for NULL. */
int tracker_snapshot_traceback_limit(const tracker_snapshot *snapshot);
/* Number of traces, which are in no order. An aggregated capture has statistics, but no traces. */
size_t tracker_snapshot_len(const tracker_snapshot *snapshot);
/* TRACKER_OK, TRACKER_EINVAL (there is no such trace), TRACKER_ENOMEM. */
int tracker_snapshot_trace(const tracker_snapshot *snapshot, size_t index, tracker_trace *out);

/*
 * What a domain is called (tracker_domain_name in tracker.h): "heap", "mmap", "shm" and "fd" for 0 to 3. If several
 * processes gave it different names, they stand behind one another: "a / b". As snprintf: writes at most `room` bytes,
 * and returns the length of the name. TRACKER_ENOENT: it has none. TRACKER_EINVAL.
 */
int tracker_snapshot_domain_name(const tracker_snapshot *snapshot, unsigned domain, char *name, size_t room);
/* The smallest domain of that name, for tracker_filter. TRACKER_ENOENT: none is called so. TRACKER_EINVAL. */
long tracker_snapshot_domain(const tracker_snapshot *snapshot, const char *name);

/*
 * Which traces pass: tracemalloc's Filter and DomainFilter in one. It has a shell pattern for a whole file name, in
 * which * also matches / and a backslash is an ordinary character. The pattern is compared with the most recent
 * frame; with all_frames, with every frame.
 */
typedef struct tracker_filter {
	bool inclusive;
	const char *filename_pattern; /* NULL: any file */
	long lineno; /* -1: any; 0 matches only line 0 */
	bool all_frames;
	long domain; /* -1: any */
} tracker_filter;

/*
 * A new snapshot of the traces that pass: those that match at least one of the inclusive filters, if there are any,
 * and none of the exclusive ones. Without filters (n is 0) it is a copy. The filters stay the caller's. Give the
 * result to tracker_snapshot_free. NULL: TRACKER_EINVAL, TRACKER_ENOMEM.
 */
tracker_snapshot *tracker_snapshot_filter(const tracker_snapshot *snapshot, const tracker_filter *filters, size_t n);

/* ---- statistics ---- */

typedef enum tracker_key_type {
	TRACKER_KEY_FILENAME,
	TRACKER_KEY_LINENO, /* file and line; without a line the function in its module */
	TRACKER_KEY_TRACEBACK,
	TRACKER_KEY_FUNCTION,
	TRACKER_KEY_MODULE,
	TRACKER_KEY_TYPE /* TRACKER_ENOTSUP */
} tracker_key_type;

/*
 * The sums of the traces with one key. The traceback of TRACKER_KEY_TRACEBACK is whole. For other keys it is one
 * frame, in which only the key counts: filename (and lineno, otherwise 0). For FUNCTION and MODULE, their name stands
 * in filename, too.
 */
typedef struct tracker_statistic {
	const tracker_traceback *traceback;
	size_t size, count;
} tracker_statistic;

typedef struct tracker_statistic_diff {
	const tracker_traceback *traceback;
	size_t size, count; /* in the newer snapshot; 0: the key is not in it */
	int64_t size_diff, count_diff;
} tracker_statistic_diff;

/*
 * The sums by key, the biggest first: by size, count, key, all descending. cumulative: a block counts for every frame
 * of its traceback, once per key; not for TRACKER_KEY_TRACEBACK. *out: an array of *n, for tracker_statistics_free.
 * TRACKER_OK, TRACKER_EINVAL, TRACKER_ENOTSUP, TRACKER_ENOMEM.
 */
int tracker_snapshot_statistics(const tracker_snapshot *snapshot, tracker_key_type key_type, bool cumulative,
				tracker_statistic **out, size_t *n);
/*
 * The sums of both snapshots, the greatest change first: by the absolute value of size_diff, size, the absolute value
 * of count_diff, count, key, all descending. Keys without a change are listed, too. The two snapshots need not be of
 * one capture, nor filtered alike. Otherwise as tracker_snapshot_statistics.
 */
int tracker_snapshot_compare_to(const tracker_snapshot *newer, const tracker_snapshot *older, tracker_key_type key_type,
				bool cumulative, tracker_statistic_diff **out, size_t *n);
/* Frees an array that either function gave, as a whole. Accepts NULL. */
void tracker_statistics_free(void *statistics);

/*
 * As snprintf: writes at most `room` bytes, including the terminating one, and returns the length of the text without
 * it. sign: always + or -. "583 KiB", "10239 B", "+1.5 MiB".
 */
int tracker_format_size(char *text, size_t room, double size, bool sign);
/* "/src/a.c:7: size=583 KiB, count=14994, average=40 B"; of a traceback its most recent frame. -1 for NULL. */
int tracker_statistic_format(char *text, size_t room, const tracker_statistic *statistic);
/* "/src/a.c:7: size=583 KiB (+0 B), count=14994 (+0), average=40 B" */
int tracker_statistic_diff_format(char *text, size_t room, const tracker_statistic_diff *statistic);

/* ---- captures ---- */

typedef struct tracker_file tracker_file;

/*
 * Opens a capture for several questions: its names and tracebacks are made once. Fails as tracker_snapshot_load does.
 * Give it to tracker_file_free; its snapshots live on.
 */
tracker_file *tracker_file_open(const char *path);
/* NULL-safe. */
void tracker_file_free(tracker_file *file);
/* The snapshot at a point of it, written as behind the @: "end", "LABEL", "1.5s"; NULL: the peak. As tracker_snapshot_load. */
tracker_snapshot *tracker_file_snapshot(tracker_file *file, const char *point);

/* Counts of all processes, from the beginning to the end. Later versions have more fields at the end. */
typedef struct tracker_totals {
	uint64_t allocations, frees;
	uint64_t bytes_allocated;
	uint64_t peak_bytes, peak_blocks, peak_time_ns; /* the most that was live at once in all processes */
	uint64_t leaked_bytes, leaked_blocks; /* live at the end, or when their process ended */
	uint64_t temporary, temporary_bytes; /* freed with at most one other allocation of their thread in between */
	uint64_t end_ns; /* time of the last event or end of a process, since the capture began, as all times */
	uint64_t lost; /* events that are missing in the capture: all other figures are lower bounds then */
	uint64_t sample_bytes; /* if the capture is sampled, so that all other figures are estimates; otherwise 0 */
} tracker_totals;

/* bytes: sizeof(*out). TRACKER_OK, TRACKER_EINVAL, TRACKER_EIO, TRACKER_ENOMEM. */
int tracker_file_totals(tracker_file *file, tracker_totals *out, size_t bytes);

typedef struct tracker_process {
	unsigned pid, parent_pid;
	const char *name, *executable;
	uint64_t start_ns, end_ns; /* UINT64_MAX: not known to have ended */
	int status; /* of its exit; -1: it did not exit, or this is not known */
	int signal; /* that killed it; 0: none */
} tracker_process;

/* Process `index`, from 0, in the order in which they began. Its strings live as long as the file. TRACKER_OK, TRACKER_EINVAL. */
int tracker_file_process(const tracker_file *file, size_t index, tracker_process *out, size_t bytes);

/* What happened, as `tracker dump` prints it. Fields that an event does not have are 0. */
typedef struct tracker_event {
	const char *kind; /* "malloc", "free", "mark" ... */
	uint64_t time_ns;
	uint64_t address, size;
	uint64_t old_address, old_size; /* of a realloc or mremap */
	unsigned pid, tid, domain;
	unsigned stack; /* for tracker_file_traceback; 0: the empty one */
	const char *label; /* of marks and regions, label_bytes long, not terminated; else NULL */
	size_t label_bytes;
} tracker_event;

/*
 * Calls each(event, data) for all events, in order of time. The event is valid until `each` returns. If `each`
 * returns a value other than 0, the function ends and returns it. Meanwhile the file can be asked only for
 * tracebacks. TRACKER_OK, TRACKER_EINVAL, TRACKER_ENOTSUP (an aggregated capture has no events), TRACKER_EIO,
 * TRACKER_ENOMEM.
 */
int tracker_file_events(tracker_file *file, int (*each)(const tracker_event *event, void *data), void *data);
/* The traceback of a stack; it is the file's. NULL: TRACKER_EINVAL, TRACKER_ENOMEM. */
const tracker_traceback *tracker_file_traceback(tracker_file *file, unsigned stack);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif
