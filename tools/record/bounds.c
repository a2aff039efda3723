/* bounds - see bounds.h. */
#include "bounds.h"

#include <stdio.h>

/* If less than this is left, the recording ends: otherwise it would write ever smaller blocks. */
#define LOW_BYTES (16u << 10)
/* Bytes that the end of a file needs: health, summary, notices. */
#define END_BYTES (12u << 10)
/* ... for a record of each thread, of each mapping, and for a frame's names. */
#define THREAD_BYTES 64u
#define MAPPING_BYTES 48u
#define FRAME_NAMES_BYTES 40u

/* Names are left out first, so they reserve no more than a part of the file. */
static uint64_t reserve_for_names(const struct recorder *r)
{
	const uint64_t wanted = (uint64_t)writer_frame_count(r->writer) * FRAME_NAMES_BYTES;

	if (r->no_symbols)
		return 0;
	return wanted < r->bounds.max_bytes / 4 ? wanted : r->bounds.max_bytes / 4;
}

int64_t bounds_room(const struct recorder *r)
{
	uint64_t needed = writer_bytes_bound(r->writer) + END_BYTES + reserve_for_names(r);

	for (size_t i = 0; i < r->live_count; i++)
		needed += r->live[i]->stream_count * THREAD_BYTES +
			  r->live[i]->modules.count * MAPPING_BYTES;
	return r->bounds.max_bytes ? (int64_t)r->bounds.max_bytes - (int64_t)needed : INT64_MAX;
}

bool bounds_measure(struct recorder *r, uint32_t bytes)
{
	struct bounds *const b = &r->bounds;

	if (!b->max_bytes) {
		b->credit = INT64_MAX;
		return true;
	}
	b->credit = bounds_room(r) - bytes;
	if (b->credit < LOW_BYTES) { /* pending events take fewer bytes when they are packed */
		writer_flush(r->writer);
		b->credit = bounds_room(r) - bytes;
	}
	if (b->credit < LOW_BYTES && !b->full && rotate_now(r))
		b->credit = bounds_room(r) - bytes;
	b->full |= b->credit < LOW_BYTES;
	return !b->full;
}

enum stopped_by bounds_reached(const struct recorder *r)
{
	const struct bounds *const b = &r->bounds;

	if (b->full)
		return STOPPED_SIZE;
	return b->duration_ns && recorder_clock(r) >= b->duration_ns ? STOPPED_DURATION : STOPPED_NOT;
}

/* The time that was asked for, like "30.0 s", as sentences have it. */
static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

void bounds_notice(struct recorder *r)
{
	static const char *const reasons[] = {
		[STOPPED_DURATION] = "because of --duration",
		[STOPPED_SIZE] = "because of --max-size",
		[STOPPED_TOLD] = "because the recorder was told to stop",
	};
	const struct bounds *const b = &r->bounds;
	char text[256];

	if (b->stopped_by < STOPPED_ROTATED) {
		snprintf(text, sizeof(text),
			 "recording stopped after %.1f s %s; later events are not recorded",
			 seconds(b->stopped_ns), reasons[b->stopped_by]);
		writer_notice(r->writer, text);
	}
	writer_health(r->writer, "stopped_ns", b->stopped_ns);
	writer_health(r->writer, "stopped_by", b->stopped_by);
	writer_health(r->writer, "running_at_stop", r->live_count);
}
