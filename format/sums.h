/*
 * sums - what an aggregated capture holds instead of events: figures per stack,
 * thread, allocator and process, totals per process, sizes, and live bytes over
 * time. The structs that writer and readers share; the bytes are described in
 * docs/FORMAT.md.
 */
#ifndef TRK_SUMS_H
#define TRK_SUMS_H

#include "format/trk.h"

struct trk_figure {
	uint64_t bytes, count;
};

/* Of a sampled capture: how exact a figure is (replay/sampling.h says what the numbers mean). */
struct trk_error {
	double bytes, count, most;
};

/* The figures of a sum, in the order of the file. */
enum trk_sum_figure {
	TRK_SUM_TOTAL, /* ever allocated */
	TRK_SUM_PEAK, /* live when the whole tree's live bytes were highest */
	TRK_SUM_OWN_PEAK, /* ... when its process's were */
	TRK_SUM_LEAKED, /* live when its process ended */
	TRK_SUM_TEMPORARY, /* at the threshold of the capture */
	TRK_SUM_FIGURES,
};

struct trk_sum_errors {
	struct trk_error of[TRK_SUM_FIGURES];
};

/* Everything that one stack allocated in one thread with one function. */
struct trk_sum {
	uint32_t node, thread, process, domain;
	uint8_t kind;
	struct trk_figure of[TRK_SUM_FIGURES];
};

/* Totals of a process or of the whole tree: definitions in reporters/replay/heap.h. Their order is the file's. */
enum trk_total {
	TRK_TOTAL_ALLOCATIONS,
	TRK_TOTAL_FREES,
	TRK_TOTAL_UNMATCHED_FREES,
	TRK_TOTAL_BYTES_ALLOCATED,
	TRK_TOTAL_BYTES_FREED,
	TRK_TOTAL_LIVE_BYTES,
	TRK_TOTAL_LIVE_BLOCKS,
	TRK_TOTAL_PEAK_BYTES,
	TRK_TOTAL_PEAK_BLOCKS,
	TRK_TOTAL_PEAK_TIME_NS,
	TRK_TOTAL_PEAK_EVENT,
	TRK_TOTAL_TEMPORARY,
	TRK_TOTAL_TEMPORARY_BYTES,
	TRK_TOTAL_LOST,
	TRK_TOTAL_OVERWRITTEN,
	TRK_TOTAL_WIPED_BLOCKS,
	TRK_TOTAL_WIPED_BYTES,
	TRK_TOTAL_EVENTS,
	TRK_TOTALS,
};

/* Address space that is reserved, which came later: at the end of the record. */
enum trk_total_reserved {
	TRK_RESERVED_BYTES, /* at the end */
	TRK_RESERVED_MAPPINGS,
	TRK_RESERVED_MOST_BYTES,
	TRK_RESERVED_MOST_MAPPINGS,
	TRK_RESERVED_PEAK_BYTES, /* at the peak of the heap */
	TRK_TOTAL_RESERVED,
};

enum trk_total_error {
	TRK_ERROR_ALLOCATED,
	TRK_ERROR_FREED,
	TRK_ERROR_LIVE,
	TRK_ERROR_PEAK,
	TRK_ERROR_TEMPORARY,
	TRK_TOTAL_ERRORS,
};

#define TRK_ALL_PROCESSES UINT32_MAX

struct trk_totals {
	uint32_t process; /* or TRK_ALL_PROCESSES */
	uint64_t values[TRK_TOTALS];
	struct trk_figure kinds[TRK_KINDS]; /* allocations by kind */
	bool sampled; /* the errors are there */
	struct trk_error errors[TRK_TOTAL_ERRORS];
	uint64_t reserved[TRK_TOTAL_RESERVED];
};

struct trk_size {
	uint32_t process;
	uint64_t size, count; /* allocations of exactly that size */
};

/* Live bytes over time: the most in each span of 2^shift nanoseconds, from span `first` on. The last value holds ever since. */
struct trk_history {
	uint32_t process; /* or TRK_ALL_PROCESSES */
	uint32_t shift, count;
	uint64_t first;
	const uint64_t *most;
};

#define TRK_HISTORY_MAX 2048u /* spans of one history */

#endif
