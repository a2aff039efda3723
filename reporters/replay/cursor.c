/*
 * cursor - the events of a capture in time order.
 *
 * One stream per process walks that process's EVENTS blocks; a binary heap of
 * streams, keyed by (time of the next event, process), merges them. Events are
 * decoded in batches and handed out in runs, so that a capture of one process
 * costs no comparison per event. A stream holds buffers only between its first
 * and its last event.
 */
#include "format/event.h"
#include "replay/private.h"

#include <stdlib.h>

#define BATCH_EVENTS 128u

struct buffer {
	uint8_t *bytes;
	size_t room;
};

struct stream {
	uint32_t process;
	uint32_t *blocks; /* indices into capture.blocks; shared array, not owned */
	uint32_t block_count, next_block;
	uint64_t next_time_ns; /* of the event at `at`, or of the block to come */
	uint64_t last_time_ns; /* time never goes back in a process */

	/* The open block. */
	struct buffer raw;
	uint32_t block;
	struct byte_reader reader;
	struct event_state state;
	struct trk_event *batch;
	uint32_t at, count;
	bool more; /* reader may hold events after the batch */
};

struct cursor {
	struct capture *capture;
	struct stream *streams;
	struct stream **queue; /* binary heap; [0] is next */
	uint32_t *blocks;      /* block indices grouped by stream */
	uint32_t stream_count, queue_count;
	struct buffer stored;
	uint32_t pending; /* events of queue[0] that the last batch handed out */

	/* cursor_next: what is left of its batch. */
	const struct trk_event *run;
	size_t run_left;
	uint64_t sequence;
};

static bool before(const struct stream *a, const struct stream *b)
{
	if (a->next_time_ns != b->next_time_ns)
		return a->next_time_ns < b->next_time_ns;
	return a->process < b->process;
}

static void sift_down(struct cursor *k, uint32_t i)
{
	struct stream *moving = k->queue[i];

	for (;;) {
		uint32_t child = 2 * i + 1;

		if (child >= k->queue_count)
			break;
		if (child + 1 < k->queue_count && before(k->queue[child + 1], k->queue[child]))
			child++;
		if (!before(k->queue[child], moving))
			break;
		k->queue[i] = k->queue[child];
		i = child;
	}
	k->queue[i] = moving;
}

/* Marks the block once, whichever cursor meets it. */
static void block_damaged(struct capture *c, uint32_t block, const char *what)
{
	struct cap_block *b = &c->blocks[block];

	if (b->damaged)
		return;
	b->damaged = true;
	c->damaged_blocks++;
	capture_damaged(c, b->offset, "%s", what);
}

/* Reads and unpacks a block. TRK_ERR_CORRUPT: skip it. */
static int read_block(const struct capture *c, uint32_t block, struct buffer *stored,
		      struct buffer *raw, struct trk_block_header *ret)
{
	const uint64_t offset = c->blocks[block].offset;
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

int capture_verify(struct capture *c)
{
	struct buffer stored = { 0 }, raw = { 0 };
	int err = 0;

	for (uint32_t i = 0; i < c->block_count && err != TRK_ERR_NOMEM; i++) {
		struct trk_block_header h;

		err = read_block(c, i, &stored, &raw, &h);
		if (err == TRK_ERR_CORRUPT)
			block_damaged(c, i, "a block of events is damaged");
	}
	free(stored.bytes);
	free(raw.bytes);
	return err == TRK_ERR_NOMEM ? err : 0;
}

static int open_block(struct cursor *k, struct stream *s)
{
	struct trk_block_header h;
	int err;

	if (!s->batch)
		s->batch = malloc(BATCH_EVENTS * sizeof(*s->batch));
	if (!s->batch)
		return TRK_ERR_NOMEM;
	err = read_block(k->capture, s->block, &k->stored, &s->raw, &h);
	if (err)
		return err;
	s->reader = byte_reader_of(s->raw.bytes, h.raw_bytes);
	s->state = event_state_init(h.first_time_ns);
	s->more = true;
	return 0;
}

/* What the tables do not know becomes 0; time that goes back stands still. */
static inline void settle_event(const struct capture *c, struct stream *s, struct trk_event *e)
{
	e->process = s->process;
	if (e->thread >= c->thread_count)
		e->thread = 0;
	if (e->node >= c->node_count)
		e->node = 0;
	if (e->time_ns < s->last_time_ns)
		e->time_ns = s->last_time_ns;
	s->last_time_ns = e->time_ns;
}

/* Decodes the next batch of the open block; s->count is 0 when nothing is left of it. */
static void fill_batch(struct cursor *k, struct stream *s)
{
	uint32_t n = 0;
	int err = 0;

	while (n < BATCH_EVENTS && (err = event_decode(&s->state, &s->reader, &s->batch[n])) == 0)
		settle_event(k->capture, s, &s->batch[n++]);
	if (err) {
		s->more = false;
		if (err != TRK_END)
			block_damaged(k->capture, s->block, "an event cannot be decoded");
	}
	s->at = 0;
	s->count = n;
}

/* Makes s->batch hold the next events, from as many blocks as that takes. TRK_END: no more. */
static int refill(struct cursor *k, struct stream *s)
{
	for (;;) {
		int err;

		if (s->more)
			fill_batch(k, s);
		if (s->at < s->count) {
			s->next_time_ns = s->batch[0].time_ns;
			return 0;
		}
		if (s->next_block == s->block_count)
			return TRK_END;
		s->block = s->blocks[s->next_block];
		err = open_block(k, s);
		s->next_block++;
		if (err == TRK_ERR_NOMEM)
			return err;
		if (err)
			block_damaged(k->capture, s->block, "a block of events is damaged");
	}
}

static void stream_close(struct stream *s)
{
	free(s->raw.bytes);
	free(s->batch);
	s->raw = (struct buffer){ 0 };
	s->batch = NULL;
}

/* After queue[0] moved on: refills it if need be and puts it back in its place. */
static int settle_first(struct cursor *k)
{
	struct stream *s = k->queue[0];
	int err = 0;

	if (s->at < s->count)
		s->next_time_ns = s->batch[s->at].time_ns;
	else
		err = refill(k, s);
	if (err < 0)
		return err;
	if (err == TRK_END) {
		stream_close(s);
		k->queue[0] = k->queue[--k->queue_count];
	}
	if (k->queue_count > 1)
		sift_down(k, 0);
	return 0;
}

/* How many of s's decoded events come before the first one of every other stream. */
static uint32_t run_length(const struct cursor *k, const struct stream *s)
{
	const struct stream *other = NULL;
	uint32_t n = s->at + 1;

	for (uint32_t i = 1; i < 3 && i < k->queue_count; i++) {
		if (!other || before(k->queue[i], other))
			other = k->queue[i];
	}
	if (!other)
		return s->count - s->at;
	while (n < s->count && (s->batch[n].time_ns < other->next_time_ns ||
				(s->batch[n].time_ns == other->next_time_ns &&
				 s->process < other->process)))
		n++;
	return n - s->at;
}

int cursor_batch(struct cursor *k, const struct trk_event **ret, size_t *ret_count)
{
	if (k->pending) {
		int err;

		k->queue[0]->at += k->pending;
		k->pending = 0;
		err = settle_first(k);
		if (err)
			return err;
	}
	/* A stream that was never read stands in the queue by its block's time only. */
	while (k->queue_count > 0 && k->queue[0]->at == k->queue[0]->count) {
		const int err = settle_first(k);

		if (err)
			return err;
	}
	if (k->queue_count == 0)
		return TRK_END;
	k->pending = run_length(k, k->queue[0]);
	*ret = k->queue[0]->batch + k->queue[0]->at;
	*ret_count = k->pending;
	return 0;
}

int cursor_next(struct cursor *k, struct trk_event *ret, uint64_t *ret_seq)
{
	if (k->run_left == 0) {
		const int err = cursor_batch(k, &k->run, &k->run_left);

		if (err)
			return err;
	}
	*ret = *k->run++;
	k->run_left--;
	if (ret_seq)
		*ret_seq = k->sequence;
	k->sequence++;
	return 0;
}

/* Groups the EVENTS blocks by process, each group in file order. */
static int make_streams(struct cursor *k, uint32_t process)
{
	const struct capture *c = k->capture;
	uint32_t *first = calloc((size_t)c->process_count + 1, sizeof(*first));
	int err = TRK_ERR_NOMEM;

	k->blocks = malloc(((size_t)c->block_count + 1) * sizeof(*k->blocks));
	k->streams = calloc((size_t)c->process_count + 1, sizeof(*k->streams));
	k->queue = calloc((size_t)c->process_count + 1, sizeof(*k->queue));
	if (!first || !k->blocks || !k->streams || !k->queue)
		goto out;
	for (uint32_t i = 0; i < c->block_count; i++)
		first[c->blocks[i].process + 1]++;
	for (uint32_t p = 0; p < c->process_count; p++) {
		struct stream *s = &k->streams[p];

		first[p + 1] += first[p];
		*s = (struct stream){ .process = p, .blocks = k->blocks + first[p] };
	}
	for (uint32_t i = 0; i < c->block_count; i++) {
		struct stream *s = &k->streams[c->blocks[i].process];

		if (s->block_count == 0)
			s->next_time_ns = c->blocks[i].first_time_ns;
		s->blocks[s->block_count++] = i;
	}
	k->stream_count = c->process_count;
	for (uint32_t p = 0; p < c->process_count; p++) {
		if (k->streams[p].block_count > 0 && (process == UINT32_MAX || process == p))
			k->queue[k->queue_count++] = &k->streams[p];
	}
	for (uint32_t i = k->queue_count / 2; i-- > 0;)
		sift_down(k, i);
	err = 0;
out:
	free(first);
	return err;
}

int cursor_open(struct cursor **ret, struct capture *c, uint32_t process)
{
	struct cursor *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return TRK_ERR_NOMEM;
	k->capture = c;
	err = make_streams(k, process);
	if (err) {
		cursor_close(k);
		return err;
	}
	*ret = k;
	return 0;
}

void cursor_close(struct cursor *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < k->stream_count; i++)
		stream_close(&k->streams[i]);
	free(k->streams);
	free(k->queue);
	free(k->blocks);
	free(k->stored.bytes);
	free(k);
}
