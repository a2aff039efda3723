/*
 * symbols_of_tracker_h - the inline functions of tracker.h for C once more as symbols, for languages that cannot read
 * the header (tracker.py). They have the header's names, which C does not see here, because the header has its own.
 */
#include "tracker-replay.h"

#pragma GCC visibility push(default)

#define SYMBOL(result, name, parameters, arguments)                \
	result symbol_##name parameters __asm__("tracker_" #name); \
	result symbol_##name parameters                            \
	{                                                          \
		return tracker_##name arguments;                   \
	}

SYMBOL(int, start, (int nframe), (nframe))
SYMBOL(int, stop, (void), ())
SYMBOL(int, is_tracing, (void), ())
SYMBOL(int, get_traceback_limit, (void), ())
SYMBOL(int, get_traced_memory, (size_t * current, size_t *peak), (current, peak))
SYMBOL(int, reset_peak, (void), ())
SYMBOL(int, clear_traces, (void), ())
SYMBOL(size_t, get_tracker_memory, (void), ())
SYMBOL(int, mark, (const char *label), (label))
SYMBOL(int, annotate, (const void *ptr, const char *type_name), (ptr, type_name))
SYMBOL(int, annotate_array, (const void *ptr, const char *type_name, size_t n), (ptr, type_name, n))
SYMBOL(int, domain_name, (unsigned domain, const char *name), (domain, name))
SYMBOL(int, track, (unsigned domain, uintptr_t ptr, size_t size), (domain, ptr, size))
SYMBOL(int, untrack, (unsigned domain, uintptr_t ptr), (domain, ptr))
SYMBOL(int, leak_check, (const char *label, tracker_leaks *ret), (label, ret))
SYMBOL(int, untrack_range, (unsigned domain, uintptr_t begin, size_t bytes), (domain, begin, bytes))
SYMBOL(int, track_class, (const char *type_name, const tracker_track_options *options), (type_name, options))
SYMBOL(int, track_object, (const void *ptr, const char *type_name, const tracker_track_options *options), (ptr, type_name, options))
SYMBOL(int, track_change, (const void *ptr, unsigned resolution_level), (ptr, resolution_level))
SYMBOL(int, detach_class, (const char *type_name), (type_name))
SYMBOL(int, detach_all_classes, (void), ())
SYMBOL(int, detach_all, (void), ())
SYMBOL(int, clear, (void), ())
SYMBOL(int, annotate_label, (const void *ptr, const char *label), (ptr, label))
SYMBOL(int, create_snapshot, (const char *description, bool compute_total), (description, compute_total))
SYMBOL(int, start_periodic_snapshots, (double interval_seconds), (interval_seconds))
SYMBOL(int, stop_periodic_snapshots, (void), ())
SYMBOL(int, dump_stats, (const char *path), (path))
SYMBOL(tracker_capture *, capture_new, (const tracker_options *options), (options))
SYMBOL(int, capture_enter, (tracker_capture * capture), (capture))
SYMBOL(int, capture_exit, (tracker_capture * capture), (capture))
SYMBOL(int, capture_free, (tracker_capture * capture), (capture))
SYMBOL(int, last_code, (void), ())
SYMBOL(const char *, last_error, (void), ())

#pragma GCC visibility pop
