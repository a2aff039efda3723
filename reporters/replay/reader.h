/*
 * reader - decodes the EVENTS and PREDICTED blocks of one process, one after another.
 *
 * It is private to cursor.c. A reader does not change the capture; it reports the damage that it finds.
 */
#ifndef REPLAY_READER_H
#define REPLAY_READER_H

#include "format/event.h"
#include "format/predict.h"
#include "replay/capture_private.h"

#define READER_BATCH_MIN 128u /* events that a caller must have room for */

struct buffer {
	uint8_t *bytes;
	size_t room;
};

/* What readers that are used in turn share. */
struct reader_pool {
	struct buffer stored;
	struct predict_decoder *decoder; /* for small blocks: done with them at once */
	uint32_t decoder_count; /* of the readers' own */
};

struct reader {
	const struct capture *capture;
	struct reader_pool *pool;
	uint32_t process;
	const uint32_t *blocks; /* indices into capture.blocks, not owned */
	uint32_t block_count, next_block;
	uint64_t last_time_ns; /* time never goes back in a process */

	/* The open block. */
	struct buffer raw;
	uint32_t block;
	bool open;
	struct byte_reader bytes;
	struct event_state state;
	uint32_t events_left; /* of an EVENTS block, at most */
	struct predict_decoder *decoder; /* of a PREDICTED block */
};

/* The damage that was found: `what` is a sentence; NULL: none. */
struct reader_damage {
	uint32_t block;
	uint32_t kind; /* of TRK_ERR_FEATURE: the one that is not known */
	const char *what;
};

/*
 * Decodes the next events, up to `room` >= READER_BATCH_MIN; they are of one block. Returns 0
 * with *ret_count > 0, or 0 with *ret_damage when the rest of a block had to be skipped
 * (*ret_count may be 0 then); TRK_END; TRK_ERR_NOMEM;
 * TRK_ERR_FEATURE, with *ret_damage. Labels are valid until the next call.
 */
int reader_fill(struct reader *r, struct trk_event *events, uint32_t room, uint32_t *ret_count,
		struct reader_damage *ret_damage);

/* Reads and unpacks a block. TRK_ERR_CORRUPT: skip it. */
int reader_unpack(const struct capture *c, uint32_t block, struct buffer *stored, struct buffer *raw,
		  struct trk_block_header *ret);

/* The same for the block at `offset`, of any type. */
int reader_unpack_at(const struct capture *c, uint64_t offset, struct buffer *stored,
		     struct buffer *raw, struct trk_block_header *ret);

/* Frees what a reader holds. It must not be used any more. */
void reader_finish(struct reader *r);
void reader_pool_finish(struct reader_pool *p);

#endif
