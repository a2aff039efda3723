/*
 * predict - the coder and the decoder of PREDICTED blocks (docs/FORMAT.md).
 *
 * Programs repeat themselves: most events equal the one that followed the same three events before, at the address
 * that was freed last. Both sides keep a model of that (model.h). Only the difference is written, sorted into columns,
 * which compress better than events do. A release names the allocation that it ends, so that a reader need not look it
 * up.
 */
#ifndef TRK_PREDICT_H
#define TRK_PREDICT_H

#include "format/trk.h"

/* The most events of one block, and the most that are coded in one call. */
#define PREDICT_EVENTS_MAX (1u << 17)
#define PREDICT_BATCH_MAX 256u
/* No payload is longer. */
#define PREDICT_PAYLOAD_MAX (1u << 20)

/* ---- coder: the recorder's ---- */

struct predict_coder;

struct predict_coder *predict_coder_new(void); /* NULL: no memory */
void predict_coder_free(struct predict_coder *c); /* NULL-safe */

/* The most bytes of the open block's payload so far. */
size_t predict_bytes(const struct predict_coder *c);
/* How many events it holds. */
uint32_t predict_items(const struct predict_coder *c);

/* Starts a block. */
void predict_begin(struct predict_coder *c, uint64_t first_time_ns);

/* Whether the open block takes PREDICT_BATCH_MAX more events. */
bool predict_has_room(const struct predict_coder *c);

/*
 * Appends events[0..count) of one process, count <= PREDICT_BATCH_MAX; there must be room.
 * e->ref is used where it can be. TRK_ERR_NOMEM: nothing was appended.
 */
int predict_encode(struct predict_coder *c, const struct trk_event *events, uint32_t count);

/* The payload; valid until the next call. `ret_last_time_ns` of the last event. */
const uint8_t *predict_end(struct predict_coder *c, uint32_t *ret_bytes, uint32_t *ret_items,
			   uint64_t *ret_last_time_ns);

/* ---- decoder: trusts nothing ---- */

struct predict_decoder;

struct predict_decoder *predict_decoder_new(void); /* NULL: no memory */
void predict_decoder_free(struct predict_decoder *d); /* NULL-safe */

/*
 * Starts to read a payload of `items` events, which must stay where it is until the last one
 * is read. TRK_ERR_CORRUPT, TRK_ERR_NOMEM.
 */
int predict_open(struct predict_decoder *d, const uint8_t *payload, uint32_t size, uint32_t items,
		 uint64_t first_time_ns);

/*
 * Decodes up to `room` events. Their `process` stays as it is, because it is the block's. *ret_count may be smaller
 * than room. 0; TRK_END: no events come behind these; TRK_ERR_CORRUPT: the events behind these cannot be read.
 * TRK_ERR_FEATURE: as event_decode, for the event at *ret_count.
 */
int predict_decode(struct predict_decoder *d, struct trk_event *events, uint32_t room,
		   uint32_t *ret_count);

#endif
