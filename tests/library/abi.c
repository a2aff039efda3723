/*
 * abi - the sizes and places in memory of what tracker-replay.h has programs share with the library, one a line, for abi.py.
 * Compiled as C99 and as C++11: the header is both.
 */
#include <tracker-replay.h>

#define SIZE(type) printf("%s %zu\n", #type, sizeof(type))
#define FIELD(type, field) printf("%s.%s %zu\n", #type, #field, offsetof(type, field))
#define VALUE(name) printf("%s %d\n", #name, (int)name)

static void snapshots(void)
{
	SIZE(tracker_frame);
	FIELD(tracker_frame, function);
	FIELD(tracker_frame, filename);
	FIELD(tracker_frame, module);
	FIELD(tracker_frame, lineno);
	FIELD(tracker_frame, ip);
	FIELD(tracker_frame, inlined);
	SIZE(tracker_trace);
	FIELD(tracker_trace, domain);
	FIELD(tracker_trace, address);
	FIELD(tracker_trace, size);
	FIELD(tracker_trace, traceback);
	SIZE(tracker_filter);
	FIELD(tracker_filter, inclusive);
	FIELD(tracker_filter, filename_pattern);
	FIELD(tracker_filter, lineno);
	FIELD(tracker_filter, all_frames);
	FIELD(tracker_filter, domain);
	SIZE(tracker_statistic);
	FIELD(tracker_statistic, traceback);
	FIELD(tracker_statistic, size);
	FIELD(tracker_statistic, count);
	SIZE(tracker_statistic_diff);
	FIELD(tracker_statistic_diff, traceback);
	FIELD(tracker_statistic_diff, size);
	FIELD(tracker_statistic_diff, count);
	FIELD(tracker_statistic_diff, size_diff);
	FIELD(tracker_statistic_diff, count_diff);
}

static void captures(void)
{
	SIZE(tracker_totals);
	FIELD(tracker_totals, allocations);
	FIELD(tracker_totals, frees);
	FIELD(tracker_totals, bytes_allocated);
	FIELD(tracker_totals, peak_bytes);
	FIELD(tracker_totals, peak_blocks);
	FIELD(tracker_totals, peak_time_ns);
	FIELD(tracker_totals, leaked_bytes);
	FIELD(tracker_totals, leaked_blocks);
	FIELD(tracker_totals, temporary);
	FIELD(tracker_totals, temporary_bytes);
	FIELD(tracker_totals, end_ns);
	FIELD(tracker_totals, lost);
	FIELD(tracker_totals, sample_bytes);
	SIZE(tracker_process);
	FIELD(tracker_process, pid);
	FIELD(tracker_process, parent_pid);
	FIELD(tracker_process, name);
	FIELD(tracker_process, executable);
	FIELD(tracker_process, start_ns);
	FIELD(tracker_process, end_ns);
	FIELD(tracker_process, status);
	FIELD(tracker_process, signal);
	SIZE(tracker_event);
	FIELD(tracker_event, kind);
	FIELD(tracker_event, time_ns);
	FIELD(tracker_event, address);
	FIELD(tracker_event, size);
	FIELD(tracker_event, old_address);
	FIELD(tracker_event, old_size);
	FIELD(tracker_event, pid);
	FIELD(tracker_event, tid);
	FIELD(tracker_event, domain);
	FIELD(tracker_event, stack);
	FIELD(tracker_event, label);
	FIELD(tracker_event, label_bytes);
}

static void numbers(void)
{
	SIZE(tracker_key_type);
	VALUE(TRACKER_KEY_FILENAME);
	VALUE(TRACKER_KEY_LINENO);
	VALUE(TRACKER_KEY_TRACEBACK);
	VALUE(TRACKER_KEY_FUNCTION);
	VALUE(TRACKER_KEY_MODULE);
	VALUE(TRACKER_KEY_TYPE);
	VALUE(TRACKER_OK);
	VALUE(TRACKER_ENOMEM);
	VALUE(TRACKER_EDISABLED);
	VALUE(TRACKER_EINVAL);
	VALUE(TRACKER_EBUSY);
	VALUE(TRACKER_EIO);
	VALUE(TRACKER_EEXIST);
	VALUE(TRACKER_ESTALE);
	VALUE(TRACKER_ENOTSUP);
	VALUE(TRACKER_ENOENT);
}

int main(void)
{
	snapshots();
	captures();
	numbers();
	return 0;
}
