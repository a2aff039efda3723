/*
 * alarm - the library's side of alarms, sizes and asserted blocks in tracker.h.
 */
#include "alarm.h"

#include <limits.h>

#include "born.h"
#include "error.h"
#include "format/bucket.h"
#include "start.h"
#include "watchers.h"
#include "watch_act.h"

_Static_assert(TRACKER_BYTES_PER_BLOCK == BUCKET_BLOCK_BYTES && TRACKER_ALLOCATION_SIZE_BUCKETS == BUCKETS, "one rule");

static uintptr_t frame_here(void)
{
	return (uintptr_t)__builtin_frame_address(0);
}

static int refuse(const char *why)
{
	return error_set(TRACKER_EINVAL, why);
}

/*
 * Whether the program may enter the alarm. An alarm that longjmp left still names its object, but stands in no table
 * any more.
 */
static int check_idle(const void *object, const void *owner, unsigned serial, bool process)
{
	watch_sweep(frame_here());
	if (serial <= WATCH_FIRED || !owner || (owner == watch_owner() && !watch_has(object, process)))
		return start_and_ask() ? TRACKER_OK : error_set(TRACKER_ENOTSUP, "a sanitizer's malloc is there: it alone may look at its calls");
	return error_set(TRACKER_EBUSY, "Already running");
}

static int check_running(const void *owner, unsigned serial)
{
	if (serial == 0)
		return refuse("it is not running");
	return owner == watch_owner() ? TRACKER_OK : refuse("it was entered by another thread, which must leave it");
}

/* ---- alarms ---- */

static int check_alarm(const tracker_alarm *a)
{
	if (!a)
		return refuse("the alarm is NULL");
	if (a->minimum_block_count == 0)
		return refuse("minimum_block_count is 0: it must be 1 or more");
	if ((unsigned)a->action > TRACKER_ALARM_THROW || (unsigned)a->scope > TRACKER_SCOPE_PROCESS)
		return refuse("the alarm has no such action or scope");
	return check_idle(a, a->owner_, a->serial_, a->scope == TRACKER_SCOPE_PROCESS);
}

static int enter_alarm(tracker_alarm *a, struct tracker_watch_ *guard)
{
	const struct watcher w = { .object = a, .guard = guard, .kind = TRACKER_WATCH_ALARM_ };
	int status = check_alarm(a);

	if (status != TRACKER_OK)
		return status;
	a->fired = 0;
	status = watch_add(&w, a->scope == TRACKER_SCOPE_PROCESS, frame_here(), &a->serial_);
	if (status == TRACKER_OK)
		a->owner_ = watch_owner();
	return status;
}

int alarm_enter(tracker_alarm *a)
{
	return enter_alarm(a, NULL);
}

int alarm_exit(tracker_alarm *a)
{
	const int status = a ? check_running(a->owner_, a->serial_) : refuse("the alarm is NULL");

	if (status != TRACKER_OK)
		return status;
	(void)watch_remove(a, a->scope == TRACKER_SCOPE_PROCESS);
	a->serial_ = 0;
	a->owner_ = NULL;
	a->ignore_left = 0;
	return a->fired < INT_MAX ? (int)a->fired : INT_MAX;
}

/* ---- sizes ---- */

static int enter_sizes(tracker_allocation_size *s, struct tracker_watch_ *guard)
{
	const struct watcher w = { .object = s, .guard = guard, .kind = TRACKER_WATCH_SIZE_ };
	int status;

	if (!s)
		return refuse("the sizes are NULL");
	if ((unsigned)s->scope > TRACKER_SCOPE_PROCESS)
		return refuse("the sizes have no such scope");
	status = check_idle(s, s->owner_, s->serial_, s->scope == TRACKER_SCOPE_PROCESS);
	if (status != TRACKER_OK)
		return status;
	for (unsigned i = 0; i < BUCKETS; i++)
		s->bucket[i] = 0;
	status = watch_add(&w, s->scope == TRACKER_SCOPE_PROCESS, frame_here(), &s->serial_);
	if (status == TRACKER_OK)
		s->owner_ = watch_owner();
	return status;
}

int allocation_size_enter(tracker_allocation_size *s)
{
	return enter_sizes(s, NULL);
}

int allocation_size_exit(tracker_allocation_size *s)
{
	const int status = s ? check_running(s->owner_, s->serial_) : refuse("the sizes are NULL");

	if (status != TRACKER_OK)
		return status;
	(void)watch_remove(s, s->scope == TRACKER_SCOPE_PROCESS);
	s->serial_ = 0;
	s->owner_ = NULL;
	return TRACKER_OK;
}

/* ---- blocks of a program ---- */

static int enter_asserted(struct tracker_watch_ *block)
{
	const struct watcher w = { .object = block, .guard = block, .kind = block->kind };
	const int status = check_idle(block, NULL, 0, false);

	return status == TRACKER_OK ? watch_add(&w, false, frame_here(), &block->serial) : status;
}

int watch_enter(struct tracker_watch_ *block)
{
	switch (block->kind) {
	case TRACKER_WATCH_ALARM_: return enter_alarm(block->object, block);
	case TRACKER_WATCH_SIZE_: return enter_sizes(block->object, block);
	default: return enter_asserted(block);
	}
}

static void leave_asserted(struct tracker_watch_ *block)
{
	const bool follows = block->kind == TRACKER_WATCH_LEAK_;
	const size_t left = follows ? born_left(watch_owner(), block->serial, NULL, NULL) : 0;

	(void)watch_remove(block, false);
	if (left)
		watch_act_leaked(block, left);
}

void watch_leave(struct tracker_watch_ *block)
{
	watch_sweep(frame_here());
	if (!block->serial)
		return;
	switch (block->kind) {
	case TRACKER_WATCH_ALARM_: (void)alarm_exit(block->object); break;
	case TRACKER_WATCH_SIZE_: (void)allocation_size_exit(block->object); break;
	default: leave_asserted(block); break;
	}
	block->serial = 0;
}

void alarm_thrower(tracker_alarm_fn thrower)
{
	watch_set_thrower(thrower);
}
