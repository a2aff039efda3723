/* reader - see reader.h. */
#include "replay/reader.h"

#include <stdlib.h>

/* Readers that are in the middle of a large block at one time: a quarter of a megabyte each. */
#define DECODERS_MAX 4096u

int reader_unpack_at(const struct capture *c, uint64_t offset, struct buffer *stored,
		     struct buffer *raw, struct trk_block_header *ret)
{
	uint8_t bytes[TRK_BLOCK_HEADER_BYTES];

	if (!capture_read_at(c, offset, bytes, sizeof(bytes)) ||
	    trk_block_header_decode(bytes, sizeof(bytes), ret) != 0)
		return TRK_ERR_CORRUPT;
	if (!capture_room(&stored->bytes, &stored->room, ret->stored_bytes) ||
	    !capture_room(&raw->bytes, &raw->room, ret->raw_bytes))
		return TRK_ERR_NOMEM;
	if (!capture_read_at(c, offset + sizeof(bytes), stored->bytes, ret->stored_bytes))
		return TRK_ERR_CORRUPT;
	return trk_block_payload_decode(ret, stored->bytes, raw->bytes);
}

int reader_unpack(const struct capture *c, uint32_t block, struct buffer *stored, struct buffer *raw,
		  struct trk_block_header *ret)
{
	return reader_unpack_at(c, c->blocks[block].offset, stored, raw, ret);
}

/* Gives the reader's own decoder back. */
static void drop_decoder(struct reader *r)
{
	if (r->decoder && r->decoder != r->pool->decoder) {
		predict_decoder_free(r->decoder);
		r->pool->decoder_count--;
	}
	r->decoder = NULL;
}

static int take_decoder(struct reader *r, uint32_t items)
{
	struct reader_pool *const pool = r->pool;

	if (items <= READER_BATCH_MIN) {
		drop_decoder(r);
		if (!pool->decoder)
			pool->decoder = predict_decoder_new();
		r->decoder = pool->decoder;
	} else if (!r->decoder || r->decoder == pool->decoder) {
		r->decoder = pool->decoder_count < DECODERS_MAX ? predict_decoder_new() : NULL;
		pool->decoder_count += r->decoder != NULL;
	}
	return r->decoder ? 0 : TRK_ERR_NOMEM;
}

static int open_block(struct reader *r)
{
	struct trk_block_header h;
	int err = reader_unpack(r->capture, r->block, &r->pool->stored, &r->raw, &h);

	if (err)
		return err;
	if (h.type == TRK_BLOCK_PREDICTED) {
		err = take_decoder(r, h.items);
		return err ? err : predict_open(r->decoder, r->raw.bytes, h.raw_bytes, h.items, h.first_time_ns);
	}
	drop_decoder(r);
	r->bytes = byte_reader_of(r->raw.bytes, h.raw_bytes);
	r->state = event_state_init(h.first_time_ns);
	r->events_left = h.items;
	return 0;
}

/* Ids that the tables do not have become 0. A time that goes back stands still. */
static void settle_events(struct reader *r, struct trk_event *events, uint32_t count)
{
	const struct capture *const c = r->capture;
	const uint32_t threads = c->thread_count, nodes = c->node_count;
	const bool merged = c->depths && !c->depths_apart;

	for (struct trk_event *e = events; e < events + count; e++) {
		e->process = r->process;
		if (e->thread >= threads)
			e->thread = 0;
		if (e->node >= nodes)
			e->node = 0;
		if (merged)
			e->node = capture_stack(c, e->node);
		if (e->time_ns < r->last_time_ns)
			e->time_ns = r->last_time_ns;
		r->last_time_ns = e->time_ns;
	}
}

/* Reads from the open block. TRK_END: it holds no more events. */
static int decode(struct reader *r, struct trk_event *events, uint32_t room, uint32_t *ret_count)
{
	uint32_t n = 0;
	int err = 0;

	if (r->decoder)
		return predict_decode(r->decoder, events, room, ret_count);
	while (n < room && n < r->events_left &&
	       (err = event_decode(&r->state, &r->bytes, &events[n])) == 0)
		n++;
	*ret_count = n;
	r->events_left -= n;
	if (!err && !r->events_left) /* more events than its header says are not believed */
		err = bytes_left(&r->bytes) ? TRK_ERR_CORRUPT : TRK_END;
	return err;
}

int reader_fill(struct reader *r, struct trk_event *events, uint32_t room, uint32_t *ret_count,
		struct reader_damage *ret_damage)
{
	*ret_count = 0;
	ret_damage->what = NULL;
	for (;;) {
		int err;

		if (!r->open) {
			if (r->next_block == r->block_count)
				return TRK_END;
			r->block = r->blocks[r->next_block++];
			err = open_block(r);
			if (err == TRK_ERR_NOMEM)
				return err;
			ret_damage->block = r->block;
			ret_damage->what = err ? "a block of events is damaged" : NULL;
			if (err)
				return 0;
		}
		err = decode(r, events, room, ret_count);
		r->open = err == 0;
		ret_damage->block = r->block;
		if (err == TRK_ERR_FEATURE) {
			ret_damage->kind = (uint32_t)events[*ret_count].size;
			return err;
		}
		settle_events(r, events, *ret_count);
		ret_damage->what = err < 0 ? "an event cannot be decoded" : NULL;
		if (*ret_count || err < 0)
			return 0;
	}
}

void reader_finish(struct reader *r)
{
	drop_decoder(r);
	free(r->raw.bytes);
	r->raw = (struct buffer){ 0 };
}

void reader_pool_finish(struct reader_pool *p)
{
	predict_decoder_free(p->decoder);
	free(p->stored.bytes);
	*p = (struct reader_pool){ 0 };
}
