/*
 * api - the library's side of tracker.h.
 */
#include "tracker.h"

#include <string.h>

#include "alarm.h"
#include "self_capture.h"
#include "error.h"
#include "classes.h"
#include "hook.h"
#include "looked_at.h"
#include "named_domains.h"
#include "quarantine.h"
#include "send.h"
#include "thread.h"
#include "trace.h"

static int error_disabled(void)
{
	return error_set(TRACKER_EDISABLED, "this program is not being recorded: run it with tracker run");
}

static int label(uint8_t kind, const char *text, const struct site *at)
{
	struct thread *t;

	if (!text || !text[0])
		return error_set(TRACKER_EINVAL, "the name is NULL or empty");
	if (!hook_start_and_ask() || !state.on || !(t = thread_enter(at->sp)))
		return error_disabled();
	send_label(t, kind, text, at);
	thread_leave(t);
	return TRACKER_OK;
}

static int mark(const char *text)
{
	const struct site at = SITE_HERE();
	const int ret = label(TRK_MARK, text, &at);

	if (ret == TRACKER_OK)
		look_at_mark(text);
	return ret;
}

static int annotate(const void *ptr, const char *type_name, size_t objects)
{
	const struct site at = SITE_HERE();
	struct thread *t;

	if (!ptr || !type_name || !type_name[0])
		return error_set(TRACKER_EINVAL, "the block is NULL, or the name of its type is NULL or empty");
	if (!hook_start_and_ask() || !state.on || !(t = thread_enter(at.sp)))
		return error_disabled();
	send_about(t, &(struct trk_event){ .kind = TRK_ANNOTATE, .address = (uintptr_t)ptr, .size = objects, .label = type_name, .label_bytes = (uint32_t)strnlen(type_name, 1024) }, &at);
	thread_leave(t);
	quarantine_annotated(ptr, type_name);
	return TRACKER_OK;
}

static int region_begin(const char *name)
{
	const struct site at = SITE_HERE();

	return label(TRK_REGION_BEGIN, name, &at);
}

static int region_end(const char *name)
{
	const struct site at = SITE_HERE();

	return label(TRK_REGION_END, name, &at);
}

static int clear_traces(void)
{
	const struct site at = SITE_HERE();
	struct thread *t;

	if (!hook_start_and_ask() || !state.on || !(t = thread_enter(at.sp)))
		return error_disabled();
	send_bare(t, TRK_CLEAR, &at);
	thread_leave(t);
	return TRACKER_OK;
}

/*
 * Blocks that libtracker-replay allocates for itself are not the program's. While it runs, hooks treat this thread
 * like one that is inside the real function of another hook.
 */
static uintptr_t own_begin(void)
{
	const uintptr_t outer = tls.real_frame;

	tls.real_frame = UINTPTR_MAX;
	return outer;
}

static void own_end(uintptr_t outer)
{
	tls.real_frame = outer;
}

static int is_available(void)
{
	return 1;
}

static const char *version(void)
{
	return TRACKER_VERSION;
}

extern const struct tracker_api_ tracker_api_2;
EXPORT const struct tracker_api_ tracker_api_2 = {
	.bytes = sizeof(struct tracker_api_),
	.is_available = is_available,
	.mark = mark,
	.region_begin = region_begin,
	.region_end = region_end,
	.clear_traces = clear_traces,
	.last_error = error_last,
	.version = version,
	.alarm_enter = alarm_enter,
	.alarm_exit = alarm_exit,
	.allocation_size_enter = allocation_size_enter,
	.allocation_size_exit = allocation_size_exit,
	.watch_enter = watch_enter,
	.watch_leave = watch_leave,
	.alarm_thrower = alarm_thrower,
	.start = trace_start,
	.stop = trace_stop,
	.is_tracing = trace_is_tracing,
	.get_traceback_limit = trace_limit,
	.get_traced_memory = trace_memory,
	.reset_peak = trace_reset_peak,
	.get_tracker_memory = trace_cost,
	.get_lost_traces = trace_lost,
	.track = trace_track,
	.untrack = trace_untrack,
	.object_traceback = trace_object,
	.module_path = trace_module_path,
	.dump_traceback = trace_dump,
	.take_snapshot = trace_snapshot,
	.open_snapshot = trace_open_snapshot,
	.last_code = error_last_code,
	.capture_new = capture_new,
	.capture_enter = capture_enter,
	.capture_exit = capture_exit,
	.capture_free = capture_free,
	.capture_is_active = capture_is_active,
	.capture_survivors = capture_survivors,
	.own_begin = own_begin,
	.own_end = own_end,
	.module = trace_module,
	.module_file = trace_module_file,
	.domain_name = named_domains_name,
	.untrack_range = trace_untrack_range,
	.annotate = annotate,
	.leak_check = look_check,
	.class_do = class_do,
	.annotate_label = class_label,
	.create_snapshot = class_snapshot,
	.periodic_snapshots = class_periodic,
	.dump_stats = class_dump,
	.function = trace_function,
};
