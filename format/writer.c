/*
 * writer - collects events, one pending payload per process, and writes blocks.
 *
 * The tables that an event may name are always written before the event. Tables are written in the order of
 * `table_order`, in which each names only earlier ones.
 *
 * No payload can outgrow a block: a pending one is written when it reaches BLOCK_BYTES, and what is added at once is
 * bounded (strings are cut).
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/array.h"
#include "format/writer_private.h"

/* Only an event with a label takes more, and only a block of a recording longer than a year. */
#define EVENT_BYTES_USUAL 40u
#define INDEX_ENTRY_USUAL 36u
#define PADDING_MIN (TRK_BLOCK_HEADER_BYTES + INDEX_ENTRY_USUAL)
#define DIRECT_MIN 64u /* so many events of one process at once need not be collected */

static const uint8_t table_order[] = {
	TRK_BLOCK_STRINGS, TRK_BLOCK_MODULES, TRK_BLOCK_FRAMES, TRK_BLOCK_NODES, TRK_BLOCK_PROCESSES,
	TRK_BLOCK_THREADS, TRK_BLOCK_MAPPINGS, TRK_BLOCK_SYMBOLS, TRK_BLOCK_RSS, TRK_BLOCK_NOTICES,
	TRK_BLOCK_HEALTH, TRK_BLOCK_SUMMARY, TRK_BLOCK_SUMS, TRK_BLOCK_TOTALS, TRK_BLOCK_SIZES,
	TRK_BLOCK_HISTORY, TRK_BLOCK_MARKS, TRK_BLOCK_DOMAINS
};

void writer_stop(struct writer *w, int error)
{
	if (!w->error)
		w->error = error ? error : EIO;
}

/* ---- blocks ---- */

void writer_write_all(struct writer *w, const uint8_t *p, size_t size)
{
	while (size && !w->error) {
		const ssize_t n = write(w->fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			writer_stop(w, n < 0 ? errno : EIO);
			return;
		}
		p += n;
		size -= (size_t)n;
		w->bytes += (uint64_t)n;
	}
}

void writer_index_add(struct writer *w, const struct trk_block_header *h, uint64_t offset)
{
	if (!ARRAY_ROOM(w->index, w->index_room, w->index_count + 1, 256)) {
		writer_stop(w, ENOMEM);
		return;
	}
	w->index[w->index_count++] = (struct index_entry){
		.offset = offset,
		.first_time_ns = h->first_time_ns,
		.last_time_ns = h->last_time_ns,
		.process = h->process,
		.items = h->items,
		.type = h->type,
	};
}

static void write_padding(struct writer *w, uint32_t payload_bytes)
{
	static uint8_t zeros[TRK_BLOCK_RAW_MAX]; /* never written to, so it costs no memory */
	uint8_t header[TRK_BLOCK_HEADER_BYTES];
	struct trk_block_header h;
	const uint64_t offset = w->bytes;

	trk_padding_encode(&h, zeros, payload_bytes, header);
	writer_write_all(w, header, sizeof(header));
	writer_write_all(w, zeros, payload_bytes);
	if (!w->error)
		writer_index_add(w, &h, offset);
}

void writer_make_room(struct writer *w, uint64_t items, uint64_t bytes)
{
	const uint64_t needed = trk_items_bytes(w->items + items);

	while (w->bytes + bytes < needed && !w->error) {
		const uint64_t missing = needed - w->bytes - bytes;
		const uint64_t payload = missing > TRK_BLOCK_HEADER_BYTES ?
						 missing - TRK_BLOCK_HEADER_BYTES :
						 0;

		write_padding(w, payload < TRK_BLOCK_RAW_MAX ? (uint32_t)payload : TRK_BLOCK_RAW_MAX);
	}
}

/* The block with that header stands in w->block. */
void writer_write_encoded(struct writer *w, const struct trk_block_header *h, uint64_t bytes)
{
	uint64_t offset;

	writer_make_room(w, trk_block_counts(h), bytes);
	offset = w->bytes;
	writer_write_all(w, w->block, bytes);
	w->items += trk_block_counts(h);
	if (!w->error && h->type != TRK_BLOCK_INDEX)
		writer_index_add(w, h, offset);
}

void writer_write_block(struct writer *w, struct trk_block_header *h, const uint8_t *raw)
{
	if (!w->error)
		writer_write_encoded(w, h, trk_block_encode(h, raw, w->block, w->packing));
}

static void write_table(struct writer *w, enum trk_block_type type)
{
	struct payload *t = &w->tables[type];
	struct trk_block_header h = {
		.type = (uint16_t)type,
		.raw_bytes = (uint32_t)t->size,
		.process = TRK_NO_PROCESS,
		.items = t->items,
		.first_time_ns = t->first_time_ns,
		.last_time_ns = t->last_time_ns,
	};

	if (!t->items)
		return;
	writer_write_block(w, &h, t->bytes);
	t->size = 0;
	t->items = 0;
}

void writer_write_tables(struct writer *w)
{
	for (size_t i = 0; i < sizeof(table_order); i++)
		write_table(w, table_order[i]);
}

/* ---- events ---- */

static void write_coded(struct writer *w, struct events *b, struct predict_coder *c)
{
	struct trk_block_header h = {
		.type = TRK_BLOCK_PREDICTED,
		.flags = TRK_BLOCK_MUST_UNDERSTAND,
		.process = b->process,
		.first_time_ns = b->first_time_ns,
	};
	const uint8_t *const raw = predict_end(c, &h.raw_bytes, &h.items, &h.last_time_ns);

	b->open = false;
	if (!raw) {
		writer_stop(w, ENOMEM);
		return;
	}
	writer_write_tables(w);
	writer_write_block(w, &h, raw);
}

/* Codes events into the open block or a new one. */
static void code(struct writer *w, struct events *b, struct predict_coder *c,
		 const struct trk_event *events, uint32_t count)
{
	if (b->open && !predict_has_room(c))
		write_coded(w, b, c);
	if (!b->open) {
		b->open = true;
		b->first_time_ns = events[0].time_ns;
		predict_begin(c, b->first_time_ns);
	}
	if (predict_encode(c, events, count) != 0)
		writer_stop(w, ENOMEM);
}

/* A process that fills a batch gets a coder of its own, of a quarter of a megabyte. Many processes never do. */
static bool make_coder(struct writer *w, struct events *b)
{
	if (!b->coder)
		b->coder = predict_coder_new();
	if (!b->coder)
		writer_stop(w, ENOMEM);
	return b->coder;
}

static void code_batch(struct writer *w, struct events *b)
{
	if (b->count && make_coder(w, b))
		code(w, b, b->coder, b->batch, b->count);
	b->count = 0;
}

static void write_events(struct writer *w, struct events *b)
{
	struct predict_coder *c = b->coder;

	if (!c && !w->coder)
		w->coder = predict_coder_new();
	if (!c)
		c = w->coder;
	if (!c) {
		writer_stop(w, ENOMEM);
		return;
	}
	if (b->count)
		code(w, b, c, b->batch, b->count);
	b->count = 0;
	if (b->open)
		write_coded(w, b, c);
}

static struct events *events_new(struct writer *w, uint32_t process)
{
	struct events *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	*b = (struct events){ .process = process, .next = w->pending };
	w->pending = b;
	w->events[process] = b;
	return b;
}

/* The buffer of a process; makes it if there is none. NULL: there is no memory. */
static struct events *events_of(struct writer *w, uint32_t process)
{
	if (!ARRAY_ZEROES(w->events, w->events_room, (size_t)process + 1, 64))
		return NULL;
	return w->events[process] ? w->events[process] : events_new(w, process);
}

/* Events of one process: many are coded where they are, few are collected first. */
static void take(struct writer *w, struct events *b, const struct trk_event *events, uint32_t count)
{
	if (count >= DIRECT_MIN) {
		code_batch(w, b);
		if (make_coder(w, b))
			code(w, b, b->coder, events, count);
		return;
	}
	for (uint32_t i = 0; i < count; i++) {
		b->batch[b->count++] = events[i];
		if (b->count == PREDICT_BATCH_MAX || events[i].label_bytes) /* the label is the caller's */
			code_batch(w, b);
	}
}

void writer_events(struct writer *w, const struct trk_event *events, uint32_t count)
{
	uint32_t n;

	for (; count && !w->error; events += n, count -= n) {
		struct events *const b = events_of(w, events->process);

		for (n = 1; n < count && n < PREDICT_BATCH_MAX; n++)
			if (events[n].process != events->process)
				break;
		if (b)
			take(w, b, events, n);
		else
			writer_stop(w, ENOMEM);
	}
}

static void events_free(struct events *b)
{
	if (!b)
		return;
	predict_coder_free(b->coder);
	free(b);
}

/* ---- the whole ---- */

struct writer *writer_alloc(int fd)
{
	struct writer *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->fd = fd;
	w->block = malloc(TRK_BLOCK_HEADER_BYTES + trk_block_bound(TRK_BLOCK_RAW_MAX));
	if (w->block)
		return w;
	writer_free(w);
	return NULL;
}

int writer_result(const struct writer *w)
{
	if (!w->error)
		return 0;
	errno = w->error;
	return w->error == ENOMEM ? TRK_ERR_NOMEM : TRK_ERR_IO;
}

int writer_new(struct writer **ret, int fd, const struct trk_header *h)
{
	uint8_t header[TRK_HEADER_BYTES];
	struct writer *w = writer_alloc(fd);

	if (!w)
		return TRK_ERR_NOMEM;
	trk_header_encode(h, header);
	writer_write_all(w, header, sizeof(header));
	if (w->error) {
		errno = w->error;
		writer_free(w);
		return TRK_ERR_IO;
	}
	*ret = w;
	return 0;
}

/* Frees buffers that stayed empty since the last call: a recording may outlive a hundred thousand processes. */
int writer_flush(struct writer *w)
{
	struct events **link = &w->pending, *b;

	writer_write_tables(w);
	while ((b = *link)) {
		if (b->count || b->open) {
			write_events(w, b);
			link = &b->next;
			continue;
		}
		*link = b->next;
		w->events[b->process] = NULL;
		events_free(b);
	}
	return writer_result(w);
}

void writer_set_packing(struct writer *w, enum trk_packing packing)
{
	w->packing = packing;
}

uint64_t writer_bytes(const struct writer *w)
{
	return w->bytes;
}

/* Counts pending items only: each written block already has the bytes that its items need. */
static uint64_t padding_bound(const struct writer *w, uint64_t items, uint64_t blocks)
{
	const uint64_t needed = trk_items_bytes(w->items + items);

	return needed <= w->bytes ? 0 : needed - w->bytes + blocks * PADDING_MIN;
}

uint64_t writer_bytes_bound(const struct writer *w)
{
	uint64_t blocks = w->index_count + 1, bytes = w->bytes, items = 0;

	for (size_t i = 0; i < TYPES; i++) {
		bytes += w->tables[i].size;
		blocks += w->tables[i].items > 0;
		items += w->tables[i].items;
	}
	for (const struct events *b = w->pending; b; b = b->next) {
		bytes += b->count * EVENT_BYTES_USUAL;
		bytes += b->open && b->coder ? predict_bytes(b->coder) : 0;
		blocks += b->open || b->count;
		items += b->count + (b->open && b->coder ? predict_items(b->coder) : 0);
	}
	bytes += padding_bound(w, items, blocks - w->index_count);
	return bytes + blocks * INDEX_ENTRY_USUAL + (blocks - w->index_count) * TRK_BLOCK_HEADER_BYTES +
	       TRK_TRAILER_BYTES;
}

void writer_no_memory(struct writer *w)
{
	writer_stop(w, ENOMEM);
}

int writer_error(const struct writer *w)
{
	return w->error;
}

static uint8_t *put_index_entry(uint8_t *p, const struct index_entry *e, uint64_t before)
{
	p = put_varint(p, e->offset - before);
	p = put_varint(p, e->type);
	p = put_varint(p, e->process == TRK_NO_PROCESS ? 0 : (uint64_t)e->process + 1);
	p = put_varint(p, e->items);
	p = put_varint(p, e->first_time_ns);
	return put_varint(p, e->last_time_ns);
}

/* Writes one INDEX block, or several if there are very many blocks; one, too, if there are none. */
static void write_index(struct writer *w)
{
	uint8_t *raw = w->record.bytes; /* as large as a block's pending bytes */
	size_t i = 0;

	do {
		struct trk_block_header h = { .type = TRK_BLOCK_INDEX, .process = TRK_NO_PROCESS };
		uint8_t *p = raw;
		uint64_t before = 0;

		while (i < w->index_count && p < raw + BLOCK_BYTES) {
			p = put_index_entry(p, &w->index[i], before);
			before = w->index[i++].offset;
			h.items++;
		}
		h.raw_bytes = (uint32_t)(p - raw);
		writer_write_block(w, &h, raw);
	} while (i < w->index_count);
}

int writer_finish(struct writer *w)
{
	uint8_t trailer[TRK_TRAILER_BYTES];

	if (writer_flush(w))
		return writer_result(w);
	if (!writer_record_begin(w))
		return writer_result(w);
	trk_trailer_encode(w->bytes, trailer);
	write_index(w);
	writer_write_all(w, trailer, sizeof(trailer));
	return writer_result(w);
}

void writer_free(struct writer *w)
{
	if (!w)
		return;
	for (size_t i = 0; i < TYPES; i++)
		free(w->tables[i].bytes);
	free(w->record.bytes);
	while (w->pending) {
		struct events *b = w->pending;

		w->pending = b->next;
		events_free(b);
	}
	predict_coder_free(w->coder);
	keyframe_coder_free(w->keyframe);
	look_coder_free(w->look);
	memory_coder_free(w->memory);
	free(w->events);
	free(w->index);
	free(w->block);
	pool_finish(&w->strings);
	pool_finish(&w->modules);
	frame_table_finish(&w->frames);
	node_table_finish(&w->nodes);
	free(w);
}
