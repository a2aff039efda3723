/*
 * api - the library's side of tracker.h.
 */
#include "tracker.h"

#include "hook.h"

static int label(uint8_t kind, const char *text, const struct site *at)
{
	struct thread *t;

	if (!text || !text[0])
		return TRACKER_EINVAL;
	if (!hook_ready() || !state.on || !(t = thread_enter(at->sp)))
		return TRACKER_EDISABLED;
	emit_label(t, kind, text, at);
	thread_leave(t);
	return TRACKER_OK;
}

EXPORT int tracker_mark_(const char *text)
{
	const struct site at = SITE_HERE();

	return label(TRK_MARK, text, &at);
}

EXPORT int tracker_region_begin_(const char *name)
{
	const struct site at = SITE_HERE();

	return label(TRK_REGION_BEGIN, name, &at);
}

EXPORT int tracker_region_end_(const char *name)
{
	const struct site at = SITE_HERE();

	return label(TRK_REGION_END, name, &at);
}

EXPORT int tracker_is_available_(void)
{
	return hook_ready() && state.on;
}
