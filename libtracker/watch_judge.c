/*
 * watch_judge - what watchers say about calls that allocate and release.
 *
 * Alarms and limits are judged before memory is taken, so that an alarm that makes the call fail leaks nothing. Sizes,
 * and the blocks that TRACKER_ASSERT_NO_LEAK follows, are noted when the block exists.
 */
#include <errno.h>

#include "asked.h"
#include "backtrace.h"
#include "born.h"
#include "format/bucket.h"
#include "hook.h"
#include "watchers.h"
#include "watch_act.h"

/* ---- before ---- */

/*
 * A realloc of a block whose allocation nobody saw counts as growing if that block has no room for the new size: more
 * is not known of it.
 */
static bool grows(const struct watch_call *c)
{
	if (c->blocks_before)
		return bucket_blocks(c->size) > c->blocks_before;
	return c->size > real.malloc_usable_size(c->old);
}

/* Whether the allocation is one of those that may pass. */
static bool is_ignored(tracker_alarm *a)
{
	size_t left = __atomic_load_n(&a->ignore_left, __ATOMIC_RELAXED);

	while (left && left != SIZE_MAX)
		if (__atomic_compare_exchange_n(&a->ignore_left, &left, left - 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return true;
	return left != 0;
}

static bool fires(tracker_alarm *a, const struct watcher *seen, struct watcher *place, bool process)
{
	unsigned serial = seen->serial;

	if (__atomic_load_n(&a->serial_, __ATOMIC_RELAXED) != serial || is_ignored(a))
		return false;
	if (!a->repeat) {
		if (!__atomic_compare_exchange_n(&a->serial_, &serial, (unsigned)WATCH_FIRED, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return false;
		watch_take_out(place, a, process);
	}
	__atomic_fetch_add(&a->fired, 1, __ATOMIC_SEQ_CST);
	return true;
}

struct judgement {
	const struct watch_call *call;
	size_t blocks;
	struct watch_effect effect;
};

static void judge_alarm(const struct watcher *seen, struct watcher *place, bool process, struct judgement *j)
{
	tracker_alarm *const a = seen->object;

	if (j->blocks < a->minimum_block_count || !fires(a, seen, place, process))
		return;
	if (watch_is_stronger(a->action, j->effect.action))
		j->effect.action = a->action;
	if (!a->on_alarm)
		return;
	j->effect.callback[j->effect.callbacks].function = a->on_alarm;
	j->effect.callback[j->effect.callbacks++].user = a->user;
}

static void judge_limit(struct tracker_watch_ *limit, struct judgement *j)
{
	const size_t size = j->call->size;

	if (limit->made < limit->allocations && size <= limit->bytes - limit->made_bytes) {
		limit->made++;
		limit->made_bytes += size;
	} else {
		j->effect.exceeded = limit;
	}
}

static void judge(const struct watcher *seen, struct watcher *place, bool process, void *data)
{
	if (seen->kind == TRACKER_WATCH_ALARM_)
		judge_alarm(seen, place, process, data);
	else if (seen->kind == TRACKER_WATCH_LIMIT_)
		judge_limit(seen->object, data);
}

static bool is_our_own(const struct site *at)
{
	if (nested_in_real(at->sp))
		return true;
	if (watch_tls.acting && at->sp >= watch_tls.acting)
		watch_tls.acting = 0;
	return watch_tls.acting != 0;
}

static bool is_on_heap(uint8_t kind)
{
	return kind != TRK_MMAP && kind != TRK_MREMAP;
}

bool watch_before(struct watch_call *c)
{
	struct judgement j = { .call = c, .blocks = bucket_blocks(c->size), .effect = { .action = TRACKER_ALARM_COUNT } };
	bool goes_on = true;

	c->judged = c->counts = false;
	c->blocks_before = c->followed = 0;
	if (is_our_own(c->at))
		return true;
	if (c->old) {
		c->blocks_before = born_blocks(c->old);
		c->followed = born_take(c->old);
	}
	if (!watch_any())
		return true;
	watch_tls.acting = c->at->sp;
	c->judged = true;
	c->counts = !c->old || grows(c);
	if (c->counts) {
		watch_each(judge, &j, c->at->sp);
		goes_on = watch_act(&j.effect, c) && !(is_on_heap(c->kind) && asked_fails());
	}
	watch_tls.acting = 0;
	if (!goes_on && c->followed)
		born_kept(c->followed, c->old);
	return goes_on;
}

/* ---- after ---- */

static void count(tracker_allocation_size *sizes, const struct watcher *w, size_t size)
{
	uint64_t *const bucket = &sizes->bucket[bucket_of(size)];

	if (sizes->serial_ == w->serial && __atomic_load_n(bucket, __ATOMIC_RELAXED) != UINT64_MAX)
		__atomic_fetch_add(bucket, 1, __ATOMIC_RELAXED);
}

struct made {
	const struct watch_call *call;
	uint32_t follower; /* serial of the innermost one; 0: nothing follows blocks */
};

static void note(const struct watcher *seen, struct watcher *place, bool process, void *data)
{
	struct made *const m = data;

	(void)place;
	(void)process;
	if (seen->kind == TRACKER_WATCH_SIZE_ && m->call->counts)
		count(seen->object, seen, m->call->size);
	else if (seen->kind == TRACKER_WATCH_LEAK_ && seen->serial > m->follower)
		m->follower = seen->serial;
}

static void follow(const struct watch_call *c, const void *p, uint32_t follower)
{
	struct born b = { .size = c->size, .owner = watch_owner(), .serial = follower };

	b.frames = backtrace_walk(watch_scratch(), c->at, b.pcs, BORN_FRAMES);
	(void)born_follow(p, &b);
}

void watch_after(const struct watch_call *c, void *p)
{
	struct made m = { .call = c };

	if (c->followed && p)
		born_moved(c->followed, p, c->size);
	else if (c->followed)
		born_kept(c->followed, c->old);
	if (!c->judged || !p)
		return;
	watch_tls.acting = c->at->sp;
	watch_each(note, &m, c->at->sp);
	if (is_on_heap(c->kind))
		born_note(p, c->size);
	if (m.follower && !c->old && is_on_heap(c->kind))
		follow(c, p, m.follower);
	watch_tls.acting = 0;
}

void watch_release(void *p)
{
	born_drop(p);
}
