/* run_options - the options of tracker-run. */
#ifndef RUN_OPTIONS_H
#define RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "format/shm.h"
#include "ui/ui.h"

struct run_options {
	bool dormant; /* nothing is recorded until tracker ctl start */
	const char *check; /* options of tracker check; NULL: nothing is checked */
	const char *output, *trace, *unwind, *wait, *format, *checkpoint, *compress;
	bool force, quiet, no_symbols, no_follow_fork, no_follow_exec, aggregate, no_compress, buffered, split, check_free, keeps, release_stacks, leak_check, look_at_marks, memory, look_contents, report, live;
	uint32_t packing; /* enum trk_packing */
	uint32_t unwind_flag;
	uint64_t nframe, memory_interval_ms, temporary_threshold;
	uint64_t checkpoint_ns;
	uint64_t wait_ns; /* UINT64_MAX: as long as it takes */
	const char *duration;
	const char *start_after;
	uint64_t start_after_ns, duration_ns, max_bytes; /* 0: none */
	uint64_t rotate; /* pieces that are kept; 0: one file */
	const char *pointer_mask, *keep_limit;
	uint64_t pointer_bits; /* 0: all */
	uint64_t sample_bytes; /* 0: every allocation */
	const char *alarm, *fail_random;
	uint64_t fail_after; /* UINT64_MAX: none */
	struct shm_asked asked;
	struct ui_list track_class; /* as they were given */
	const char *send_to, *live_port; /* NULL: not given */
	bool live_remote;
	bool trace_python_allocators;
	bool python_malloc; /* by PYTHONMALLOC, which was not set */
	const char *snapshot_interval;
	uint64_t snapshot_ns; /* 0: none are taken */
};

/* Fills all of `o`; wrong options exit. Returns the index of the first operand, the program. */
int run_options_parse(struct run_options *o, int argc, char **argv);

/* Checks values that the option parser does not know, and options that exclude each other. False: printed. */
bool run_options_check(struct run_options *o);

#endif
