/*
 * cursor - the events of a capture in time order.
 *
 * One stream per process walks that process's blocks of events; a binary heap of
 * streams, keyed by (time of the next event, process), merges them. Events are
 * decoded in batches (reader.c) and handed out in runs, so that a capture of one
 * process costs no comparison per event. A stream holds buffers only between its
 * first and its last event.
 */
#include "replay/reader.h"

#include <stdlib.h>

#define BATCH_EVENTS READER_BATCH_MIN

struct stream {
	struct reader reader;
	uint64_t next_time_ns; /* of the event at `at`, or of the block to come */
	struct trk_event *batch;
	uint32_t at, count;
};

struct cursor {
	struct capture *capture;
	struct stream *streams;
	struct stream **queue; /* binary heap; [0] is next */
	uint32_t *blocks; /* block indices grouped by stream */
	uint32_t stream_count, queue_count;
	struct reader_pool pool;
	uint32_t pending; /* events of queue[0] that the last batch handed out */

	/* cursor_next: the rest of its batch. */
	const struct trk_event *run;
	size_t run_left;
	uint64_t sequence;
};

static bool before(const struct stream *a, const struct stream *b)
{
	if (a->next_time_ns != b->next_time_ns)
		return a->next_time_ns < b->next_time_ns;
	return a->reader.process < b->reader.process;
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

/* Marks the block once, whichever cursor finds the damage. */
static void block_damaged(struct capture *c, const struct reader_damage *d)
{
	struct cap_block *b = &c->blocks[d->block];

	if (b->damaged)
		return;
	b->damaged = true;
	c->damaged_blocks++;
	capture_damaged(c, b->offset, "%s", d->what);
}

static int verify_keyframe(struct capture *c, struct cap_keyframe *k, struct buffer *stored,
			   struct buffer *raw)
{
	uint64_t offset = k->offset;
	int err = 0;

	for (uint32_t i = 0; i < k->parts && !err; i++) {
		struct trk_block_header h;

		err = reader_unpack_at(c, offset, stored, raw, &h);
		offset += TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
	}
	if (err == TRK_ERR_CORRUPT)
		capture_keyframe_damaged(c, k);
	return err;
}

int capture_verify(struct capture *c)
{
	struct buffer stored = { 0 }, raw = { 0 };
	int err = 0;

	for (uint32_t i = 0; i < c->block_count && err != TRK_ERR_NOMEM; i++) {
		struct trk_block_header h;

		err = reader_unpack(c, i, &stored, &raw, &h);
		if (err == TRK_ERR_CORRUPT)
			block_damaged(c, &(struct reader_damage){ .block = i, .what = "a block of events is damaged" });
	}
	for (uint32_t i = 0; i < c->keyframe_count && err != TRK_ERR_NOMEM; i++)
		err = verify_keyframe(c, &c->keyframes[i], &stored, &raw);
	free(stored.bytes);
	free(raw.bytes);
	return err == TRK_ERR_NOMEM ? err : 0;
}

/* Puts the next events into s->batch, from as many blocks as that takes. TRK_END: there are no more. */
static int refill(struct cursor *k, struct stream *s)
{
	int err = 0;

	if (!s->batch)
		s->batch = malloc(BATCH_EVENTS * sizeof(*s->batch));
	if (!s->batch)
		return TRK_ERR_NOMEM;
	s->at = s->count = 0;
	while (!err && !s->count) {
		struct reader_damage damage;

		err = reader_fill(&s->reader, s->batch, BATCH_EVENTS, &s->count, &damage);
		if (!err && damage.what)
			block_damaged(k->capture, &damage);
		if (err == TRK_ERR_FEATURE)
			capture_refuse(k->capture, k->capture->blocks[damage.block].offset, damage.kind);
	}
	if (!err)
		s->next_time_ns = s->batch[0].time_ns;
	return err;
}

static void stream_close(struct stream *s)
{
	reader_finish(&s->reader);
	free(s->batch);
	s->batch = NULL;
}

/* After queue[0] moved on: refills it if necessary and puts it back in its place. */
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
				 s->reader.process < other->reader.process)))
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
	/* A stream that was never read stands in the queue only by its block's time. */
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

/* The blocks [first, end) of k->blocks are of that process. */
static void add_stream(struct cursor *k, uint32_t process, uint32_t first, uint32_t end)
{
	struct stream *const s = &k->streams[k->stream_count];

	if (first == end)
		return;
	s->reader = (struct reader){ .capture = k->capture, .pool = &k->pool, .process = process, .blocks = k->blocks + first, .block_count = end - first };
	s->next_time_ns = k->capture->blocks[k->blocks[first]].first_time_ns;
	k->stream_count++;
	k->queue[k->queue_count++] = s;
}

/* Groups the EVENTS blocks from `from` on by process, each group in file order. */
static int make_streams(struct cursor *k, uint32_t process, uint32_t from)
{
	const struct capture *c = k->capture;
	uint32_t *end = calloc((size_t)c->process_count + 1, sizeof(*end));
	uint32_t count = 0;
	int err = TRK_ERR_NOMEM;

	k->blocks = malloc(((size_t)c->block_count + 1) * sizeof(*k->blocks));
	if (!end || !k->blocks)
		goto out;
	for (uint32_t i = from; i < c->block_count; i++)
		count += end[c->blocks[i].process + 1]++ == 0;
	k->streams = calloc((size_t)count + 1, sizeof(*k->streams));
	k->queue = calloc((size_t)count + 1, sizeof(*k->queue));
	if (!k->streams || !k->queue)
		goto out;
	for (uint32_t p = 0; p < c->process_count; p++)
		end[p + 1] += end[p];
	for (uint32_t i = from; i < c->block_count; i++) /* from where its process's begin */
		k->blocks[end[c->blocks[i].process]++] = i;
	for (uint32_t p = 0; p < c->process_count; p++)
		if (process == UINT32_MAX || process == p)
			add_stream(k, p, p ? end[p - 1] : 0, end[p]);
	for (uint32_t i = k->queue_count / 2; i-- > 0;)
		sift_down(k, i);
	err = 0;
out:
	free(end);
	return err;
}

int cursor_open(struct cursor **ret, struct capture *c, uint32_t process)
{
	return cursor_open_at(ret, c, process, 0);
}

int cursor_open_at(struct cursor **ret, struct capture *c, uint32_t process, uint32_t first)
{
	struct cursor *k = calloc(1, sizeof(*k));
	int err;

	if (!k)
		return TRK_ERR_NOMEM;
	k->capture = c;
	err = make_streams(k, process, first);
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
	reader_pool_finish(&k->pool);
	free(k->streams);
	free(k->queue);
	free(k->blocks);
	free(k);
}
