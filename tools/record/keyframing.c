/* keyframing - see keyframing.h. */
#include "keyframing.h"
#include "bounds.h"
#include "finish.h"

#include <stdio.h>

#include "replay/heap_saved.h"
#include "replay/heap_keyframe.h"

#define EVENTS_PER_BLOCK 64u
#define EVENT_BYTES_PER_BYTE 25u
/* Bytes of a live block, until a keyframe has been written. */
#define BLOCK_BYTES_GUESSED 8u
#define PART_BYTES 128u /* of a keyframe without blocks */
/* The most that they can be, for a file that may not become larger than a limit. */
#define BLOCK_BYTES_MOST 64u
#define PART_BYTES_MOST 4096u

/* Targets that wait for room must see that the recorder works. */
static void progress(void *recorder)
{
	struct recorder *const r = recorder;

	atomic_fetch_add_explicit(&r->shm->header.progress, 1, memory_order_relaxed);
}

/* A keyframe takes at most half of the bytes that are left for events. */
static bool fits(const struct recorder *r)
{
	const int64_t room = bounds_room(r) / 2;

	return room >= 0 && (uint64_t)room >= heap_now_blocks(r->heap) * BLOCK_BYTES_MOST +
						      r->live_count * BLOCK_BYTES_MOST +
						      PART_BYTES_MOST;
}

static bool is_due(const struct recorder *r)
{
	const struct keyframes *const k = &r->keyframes;
	const uint64_t blocks = heap_now_blocks(r->heap);
	const uint64_t events = heap_events(r->heap) - k->events;
	const uint64_t per_block = k->bytes_per_block ? k->bytes_per_block : BLOCK_BYTES_GUESSED;

	return events >= k->events_min && events / EVENTS_PER_BLOCK >= blocks &&
	       (writer_bytes(r->writer) - k->bytes) / EVENT_BYTES_PER_BYTE >=
		       blocks * per_block + PART_BYTES;
}

/* The time of everything that came until now: the order of events may be ahead of the clock by a few ns. */
static uint64_t keyframe_time(const struct recorder *r)
{
	return r->now_ns > r->last_time_ns ? r->now_ns : r->last_time_ns;
}

/* Events that come later get later times, whatever clock their process has read. */
static void be_later(struct recorder *r, uint64_t time_ns)
{
	r->last_time_ns = time_ns;
	r->last_process = NO_INDEX;
}

/* Writes a keyframe. Called between two rounds, when the batch is empty. */
static void keyframe_now(struct recorder *r)
{
	struct keyframes *const k = &r->keyframes;
	const uint64_t blocks = heap_now_blocks(r->heap);
	const uint64_t time_ns = keyframe_time(r);
	const uint64_t before_ns = finish_cpu_ns();

	writer_flush(r->writer);
	k->bytes = writer_bytes(r->writer);
	if (heap_keyframe_write(r->writer, r->heap, time_ns, false, progress, r) < 0)
		return; /* no memory: reports can do without the keyframe */
	k->events = heap_events(r->heap);
	if (blocks)
		k->bytes_per_block = (writer_bytes(r->writer) - k->bytes) / blocks + 1;
	k->bytes = writer_bytes(r->writer);
	r->bounds.credit = 0; /* measured anew */
	k->count++;
	k->cpu_ns += finish_cpu_ns() - before_ns;
	be_later(r, time_ns);
}

uint64_t keyframing_begin_file(struct recorder *r)
{
	const uint64_t time_ns = keyframe_time(r);

	heap_begin_here(r->heap, time_ns);
	writer_flush(r->writer);
	if (heap_keyframe_write(r->writer, r->heap, time_ns, true, progress, r) < 0)
		r->out_of_memory = true;
	r->counters.events = 0;
	r->keyframes.events = heap_events(r->heap);
	r->keyframes.bytes = writer_bytes(r->writer);
	r->bounds.credit = 0;
	be_later(r, time_ns);
	writer_health(r->writer, "began_ns", time_ns);
	return time_ns;
}

static void begin(struct recorder *r)
{
	const uint64_t time_ns = keyframing_begin_file(r);
	char text[200];

	r->waiting = false;
	snprintf(text, sizeof(text),
		 "recording began after %.1f s because of --start-after: it holds the blocks that were live "
		 "then, but not those that were freed before",
		 (double)time_ns / 1e9);
	writer_notice(r->writer, text);
}

void keyframing_tell_missed(struct recorder *r)
{
	char text[200];

	heap_begin_here(r->heap, r->now_ns);
	r->counters.events = 0;
	snprintf(text, sizeof(text),
		 "nothing was recorded because %s after %.1f s, before the %.1f s of --start-after",
		 r->bounds.stopped_by == STOPPED_TOLD ? "the recorder was told to stop" : "all processes ended",
		 (double)r->now_ns / 1e9, (double)r->begin_ns / 1e9);
	recorder_notice(r, text);
}

void keyframing_write_if_due(struct recorder *r)
{
	if (r->waiting) {
		if (r->now_ns >= r->begin_ns)
			begin(r);
		return;
	}
	if (!r->discard && !r->bounds.full && !r->out_of_memory && r->keyframes.events_min &&
	    !r->shm->header.sample_bytes && /* the estimates of such a capture need all earlier events */
	    is_due(r) && fits(r))
		keyframe_now(r);
}
