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

/* The most bytes of an event, without its label (labels are cut to TRK_LABEL_MAX). */
#define TRK_EVENT_BYTES_MAX 96u
#define TRK_LABEL_MAX 1024u
/* The most bytes of a payload behind the escape: a label, and the fields beside it. */
#define TRK_PAYLOAD_MAX (TRK_LABEL_MAX + 64u)

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

/*
 * An address relative to the one before it. Most blocks lie a multiple of 16 bytes apart, so such distances are
 * written without their four zero bits.
 */
static inline uint8_t *put_block_address(uint8_t *p, uint64_t last, uint64_t address)
{
	const uint64_t d = address - last;

	if (d % 16 == 0)
		return put_varint(p, zigzag((int64_t)d / 16) << 1);
	*p++ = 1;
	return put_zigzag(p, (int64_t)d);
}

static inline uint64_t get_block_address(struct byte_reader *r, uint64_t last)
{
	const uint64_t v = get_varint(r);

	if (!(v & 1))
		return last + (uint64_t)unzigzag(v >> 1) * 16;
	if (v == 1)
		return last + (uint64_t)get_zigzag(r);
	r->failed = true;
	return last;
}

/* Appends one event; room at `p`: TRK_EVENT_BYTES_MAX + label. Returns the byte after it. */
uint8_t *event_encode(struct event_state *s, const struct trk_event *e, uint8_t *p);

/*
 * Decodes the next event. `process` stays as it is, because it is the block's. 0, TRK_END at the end of the bytes,
 * TRK_ERR_CORRUPT. TRK_ERR_FEATURE: a reader that does not know the kind must not read on; ret->size is the kind's
 * number.
 */
#define TRK_END 1
int event_decode(struct event_state *s, struct byte_reader *r, struct trk_event *ret);

#endif
