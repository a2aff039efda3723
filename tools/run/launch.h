/*
 * launch - the two processes that tracker-run starts: the program, which waits before its exec until everything else
 * is ready, and the recorder.
 */
#ifndef RUN_LAUNCH_H
#define RUN_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/new_segment.h"

struct program {
	pid_t pid;
	int go; /* the pipe on which the program waits: the go-ahead is written here */
	int failed; /* errno of a failed exec is read here; closed: it runs */
};

struct program_options {
	const char *path; /* what is executed */
	char **argv;
	const char *preload; /* library; NULL: none */
	const char *trace; /* the value of TRACKER_TRACE; NULL: as it is */
	bool python_malloc; /* PYTHONMALLOC is set */
	bool no_input; /* its standard input is empty */
	bool to_file[2]; /* its standard output, and its standard error, are `output` */
	int output;
};

/* The process of the program begins, and waits. False: errno. What `o` points to must stay until its exec. */
bool program_fork(struct program *p, const struct program_options *o);

/* It may execute. `way` is the value of SHM_ENV. */
void program_go(struct program *p, const char *way);

/* Waits for its exec. 0: it runs. Otherwise the errno of its exec, and it is gone. */
int program_begun(struct program *p);

/* The program must not run: ends and reaps it. */
void program_cancel(struct program *p);

struct recorder_options {
	const char *path; /* of tracker-record */
	const struct new_segment *segment;
	int output, control;
	int pidfd, connector; /* -1: none */
	pid_t program;
	const char *way; /* by which descendants find their recording; NULL: the segment's own name */
	uint64_t memory_interval_ms;
	uint64_t start_after_ns, duration_ns, max_bytes; /* 0: none */
	uint64_t rotate; /* 0: one file */
	const char *const *track_class; /* so many */
	size_t track_class_count;
	uint64_t snapshot_ns; /* 0: none */
	uint32_t packing; /* enum trk_packing */
	bool no_symbols;
	const char *file; /* path of the capture */
	bool aggregate; /* the next two are of it */
	uint64_t checkpoint_ms, temporary_threshold; /* threshold UINT64_MAX: the recorder's own */
	bool attached; /* the program ran already, for so long */
	uint64_t attached_ns;
	const char *notice; /* NULL: none */
	char **argv; /* of the program */
};

/*
 * For a process that depends on nobody: a session of its own, nothing on its standard streams, and no descriptor but `keep`: a pipe
 * on which another process waits must not stay open in it.
 */
void launch_alone(int *keep, size_t count);

/* Its pid, -1: errno. */
pid_t recorder_start(const struct recorder_options *o);

struct sender_options {
	const char *path; /* of tracker-send */
	int file, report;
	int recorder; /* pidfd; -1: none */
	const char *to; /* where it connects to; NULL: it listens */
	int listen, client; /* -1: none */
	bool is_spool; /* of `file`, nothing is needed that has been sent */
};

/* Its pid, -1: errno. */
pid_t sender_start(const struct sender_options *o);

#endif
