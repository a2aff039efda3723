/* ctl_start - tracker ctl PID start: what a dormant program's keeper is told to record, and the file for it. */
#ifndef TOOLS_CTL_START_H
#define TOOLS_CTL_START_H

#include "tools/contact.h"
#include "tools/run/capture_file.h"

struct ctl_start {
	bool aggregate, no_symbols, trace_python_allocators;
	bool leak_check, look_at_marks, memory, look_contents;
	const char *pointer_mask;
	uint64_t memory_interval_ms;
	const char *sample, *duration, *max_size, *compress; /* NULL: none */
	uint64_t nframe, rotate; /* 0: one file */
};

/* The largest number of frames, and the one without --nframe. */
#define CTL_NFRAME_MAX 1000000u
#define CTL_NFRAME 1024u
/* Of resident memory. */
#define CTL_MEMORY_INTERVAL_MS 10u

/*
 * Opens the file (NULL: one with the program's name, pid and the time) and writes the request. UI_OK; else it has said why not.
 * s: of the program.
 */
int ctl_start_prepare(const struct ctl_start *o, const char *file, bool force, const struct contact_status *s, struct contact_request *q, struct capture_file *ret);

#endif
