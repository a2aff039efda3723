/*
 * event - events of one EVENTS block <-> bytes (docs/FORMAT.md, "EVENTS").
 *
 * Coder and decoder keep the same running state; both start a block anew with
 * event_state_init. Neither allocates.
 */
#ifndef TRK_EVENT_H
#define TRK_EVENT_H

#include "format/bytes.h"
#include "format/trk.h"

/* No event is longer, its label aside (labels are cut to TRK_LABEL_MAX). */
#define TRK_EVENT_BYTES_MAX 96u
#define TRK_LABEL_MAX 1024u

struct event_state {
	uint64_t time_ns;
	uint64_t address;
	uint32_t thread;
	uint32_t node;
};

static inline struct event_state event_state_init(uint64_t first_time_ns)
{
	return (struct event_state){ .time_ns = first_time_ns };
}

/* Appends one event; room at `p`: TRK_EVENT_BYTES_MAX + label. Returns the byte after it. */
uint8_t *event_encode(struct event_state *s, const struct trk_event *e, uint8_t *p);

/*
 * Decodes the next event (`process` is left alone: it is the block's).
 * 0, TRK_END at the end of the bytes, TRK_ERR_CORRUPT.
 */
#define TRK_END 1
int event_decode(struct event_state *s, struct byte_reader *r, struct trk_event *ret);

#endif
