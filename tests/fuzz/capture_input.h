/*
 * capture_input - captures out of any bytes, in three ways, and every question that a report asks
 * of one.
 *
 * A checksum stops nearly every mutation, so blocks get right ones here: a list of blocks
 * {type, process, items, flags, 2 bytes length, payload} becomes a file, or the blocks of a file are
 * given their checksums anew.
 */
#ifndef FUZZ_CAPTURE_INPUT_H
#define FUZZ_CAPTURE_INPUT_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "format/bytes.h"
#include "format/writer.h"
#include "replay/aggregation.h"
#include "replay/capture.h"
#include "replay/process_ends.h"
#include "replay/heap_keyframe.h"
#include "replay/view.h"
#include "tools/allocations.h"

#define FILE_MAX (1u << 20)
#define DESCRIPTION_BYTES 6u

static uint8_t file[FILE_MAX + 1];

/* ---- files ---- */

static struct trk_block_header described(const uint8_t *d)
{
	const bool keyframe = d[0] == TRK_BLOCK_KEYFRAME;

	return (struct trk_block_header){
		.type = d[0],
		.process = d[1] == 255 ? TRK_NO_PROCESS : d[1],
		.items = d[2],
		.flags = d[3] == 255 ? TRK_BLOCK_MUST_UNDERSTAND : 0,
		.first_time_ns = d[3],
		/* what stands behind a keyframe is later */
		.last_time_ns = keyframe ? d[3] : d[1] == 255 ? 1000 :
								d[3] + 10u,
	};
}

/* Bytes of the file. */
static inline size_t build_file(const struct trk_header *header, const uint8_t *data, size_t size)
{
	size_t n = TRK_HEADER_BYTES, at = 0;

	trk_header_encode(header, file);
	while (size - at >= DESCRIPTION_BYTES) {
		const uint8_t *d = data + at;
		const size_t left = size - at - DESCRIPTION_BYTES, want = get_u16(d + 4);
		struct trk_block_header h = described(d);

		h.raw_bytes = (uint32_t)(want < left ? want : left);
		if (!h.items) /* of tables: as many as there may be */
			h.items = h.raw_bytes;
		if (n + TRK_BLOCK_HEADER_BYTES + trk_block_bound(h.raw_bytes) > FILE_MAX)
			break;
		n += trk_block_encode(&h, d + DESCRIPTION_BYTES, file + n, TRK_PACK_BEST);
		at += DESCRIPTION_BYTES + h.raw_bytes;
	}
	return n;
}

/* The file as it is, but whatever lies where a block begins is given the checksums of one. */
static inline size_t stamp_file(const uint8_t *data, size_t size)
{
	static const uint8_t magic[] = { 'T', 'R', 'K', 'B' };
	size_t at = TRK_HEADER_BYTES;

	memcpy(file, data, size);
	if (size >= TRK_HEADER_BYTES)
		put_u32(file + 60, XXH32(file, 60, 0));
	while (size >= at + TRK_BLOCK_HEADER_BYTES && memcmp(file + at, magic, sizeof(magic)) == 0) {
		uint8_t *const h = file + at;
		const size_t left = size - at - TRK_BLOCK_HEADER_BYTES;
		const uint32_t stored = get_u32(h + 12) < left ? get_u32(h + 12) : (uint32_t)left;

		put_u32(h + 12, stored);
		put_u32(h + 40, XXH32(h + TRK_BLOCK_HEADER_BYTES, stored, 0));
		put_u32(h + 44, XXH32(h, 44, 0));
		at += TRK_BLOCK_HEADER_BYTES + stored;
	}
	return size;
}

/* The bytes as a file that has a path. -1: the system refuses. */
static int as_file(const uint8_t *data, size_t size, char path[static 64])
{
	const int fd = memfd_create("capture", MFD_CLOEXEC);

	snprintf(path, 64, "/proc/self/fd/%d", fd);
	if (fd >= 0 && write(fd, data, size) == (ssize_t)size)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* ---- questions ---- */

#define AT(k, n)                         \
	{                                \
		.from = {.kind = (k),    \
			 .number = (n) } \
	}
#define BETWEEN(k, a, b)                                                                                       \
	{                                                                                                      \
		.from = { .kind = (k), .number = (a) }, .to = { .kind = (k), .number = (b) }, .is_range = true \
	}

static const struct view_options questions[] = {
	{ .what = VIEW_LIVE, .process = UINT32_MAX },
	{ .what = VIEW_LIVE, .process = UINT32_MAX, .rows_only = true },
	{ .what = VIEW_LIVE, .process = UINT32_MAX, .at = AT(POINT_END, 0), .by_thread = true, .blocks = true },
	{ .what = VIEW_LEAKS, .process = UINT32_MAX, .by_size = true, .blocks = true },
	{ .what = VIEW_TEMPORARY, .process = UINT32_MAX, .threshold = 3 },
	{ .what = VIEW_ALLOCATIONS, .process = UINT32_MAX, .sizes = true, .by_thread = true },
	{ .what = VIEW_LIVE, .process = UINT32_MAX, .at = AT(POINT_TIME, 500), .rows_only = true },
	{ .what = VIEW_LIVE, .process = 0, .at = AT(POINT_TIME, 100), .rows_only = true },
	{ .what = VIEW_LIVE, .process = UINT32_MAX, .at = AT(POINT_SHARE, 50000), .rows_only = true },
	{ .what = VIEW_LIVE, .process = UINT32_MAX, .at = AT(POINT_NTH_MARK, 1), .rows_only = true },
	{ .what = VIEW_LIVE, .process = 0, .at = AT(POINT_PEAK, 0), .rows_only = true, .by_thread = true },
	{ .what = VIEW_LIVE, .process = 1, .at = BETWEEN(POINT_TIME, 20, 900), .rows_only = true },
	{ .what = VIEW_ALLOCATIONS, .process = UINT32_MAX, .spanned = true, .at = BETWEEN(POINT_SHARE, 20000, 70000) },
	{ .what = VIEW_TEMPORARY, .process = UINT32_MAX, .spanned = true, .at = BETWEEN(POINT_TIME, 20, 900), .threshold = 1 },
	{ .what = VIEW_ALLOCATIONS, .process = UINT32_MAX, .region = "r" },
	{ .what = VIEW_LIVE, .process = UINT32_MAX, .at = { .from = { .kind = POINT_MARK, .label = "m" } }, .rows_only = true },
};
#define QUESTIONS (sizeof(questions) / sizeof(*questions))

static void must_be_sound(const struct capture *c, const struct view_options *o, const struct view *v)
{
	uint64_t bytes = 0, count = 0;

	for (size_t i = 0; i < v->row_count; i++) {
		MUST(v->rows[i].node < c->node_count);
		MUST(i == 0 || v->rows[i - 1].bytes >= v->rows[i].bytes);
		bytes += v->rows[i].bytes;
		count += v->rows[i].count;
	}
	MUST(bytes == v->bytes && count == v->count);
	for (size_t i = 1; o->sizes && i < v->size_count; i++)
		MUST(v->sizes[i - 1].size < v->sizes[i].size);
	for (size_t i = 0; i < v->block_count; i++)
		MUST(v->blocks[i].node < c->node_count);
}

static void ask(struct capture *c, const struct view_options *o)
{
	struct trk_fault fault = { 0 };
	struct view v;
	const int err = view_build(c, o, &v, &fault);

	if (!err) {
		must_be_sound(c, o, &v);
		view_finish(&v);
	} else {
		MUST((err == TRK_ERR_ARG || err == TRK_ERR_FEATURE) && *fault.why && memchr(fault.why, 0, sizeof(fault.why)));
	}
}

/* ---- sums ---- */

static void end_before(struct aggregation *a, struct process_ends *ends, uint64_t time_ns)
{
	const struct process_end *end;

	while ((end = process_ends_take_before(ends, time_ns)))
		MUST(aggregation_end_process(a, end->process, end->time_ns) == 0);
}

static void apply_all(struct capture *c, struct aggregation *a)
{
	struct process_ends ends = { 0 };
	struct cursor *k = NULL;
	struct trk_event e;
	uint64_t seq;

	MUST(process_ends_init(&ends, c) == 0 && cursor_open(&k, c, UINT32_MAX) == 0);
	while (cursor_next(k, &e, &seq) == 0) {
		MUST(e.node == 0 || e.node < c->node_count);
		end_before(a, &ends, e.time_ns);
		MUST(aggregation_apply(a, &e) == 0);
	}
	cursor_close(k);
	process_ends_finish(&ends);
}

/* What the sums were written as is a capture, and a whole one. */
static void must_come_back(const struct capture *c, const struct aggregation *a)
{
	struct trk_header header = c->header;
	struct capture *sums = NULL;
	struct trk_fault fault;
	struct writer *w = NULL;
	char path[64];
	const int fd = as_file(NULL, 0, path);

	if (fd < 0)
		return;
	header.content = TRK_CONTENT_AGGREGATED;
	header.header_bytes = TRK_HEADER_BYTES;
	MUST(writer_new(&w, fd, &header) == 0);
	aggregation_write(a, w);
	MUST(writer_finish(w) == 0);
	writer_free(w);
	MUST(capture_open(&sums, path, &fault) == 0 && sums->complete);
	ask(sums, &questions[0]);
	ask(sums, &questions[5]);
	capture_close(sums);
	close(fd);
}

static void sum_up(struct capture *c)
{
	struct aggregation *a = NULL;

	MUST(aggregation_new(&a, 1) == 0);
	heap_set_page_bytes(aggregation_heap(a), c->header.page_bytes);
	aggregation_set_sampling(a, c->header.sample_bytes);
	MUST(heap_keyframe_begin(c, UINT32_MAX, aggregation_heap(a)) == 0);
	apply_all(c, a);
	must_come_back(c, a);
	aggregation_free(a);
}

/* ---- all of it ---- */

/* More are never asked about: it takes too long. */
#define EVENTS_MAX 20000u

/* `which`: of the questions, or QUESTIONS for the sums; more than that: all. */
static void ask_all(struct capture *c, unsigned which)
{
	for (unsigned i = 0; i < QUESTIONS; i++)
		if (which > QUESTIONS || which == i)
			ask(c, &questions[i]);
	if (which >= QUESTIONS && !capture_is_aggregated(c))
		sum_up(c);
	MUST(capture_verify(c) == 0);
}

/* The items that a reader may believe: docs/FORMAT.md, "Items". What is damaged between blocks ends it. */
static uint64_t items_of(const uint8_t *data, size_t size)
{
	size_t at = size < TRK_HEADER_BYTES ? size : get_u32(data + 12);
	uint64_t items = 0;
	struct trk_block_header h;

	while (at < size && trk_block_header_decode(data + at, size - at, &h) == 0) {
		at += TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
		if (h.type != TRK_BLOCK_INDEX && items + h.items <= TRK_ITEMS_FREE + TRK_ITEMS_PER_BYTE * at)
			items += h.items;
	}
	return at >= size || items > TRK_ITEMS_FREE ? items : TRK_ITEMS_FREE;
}

/*
 * Some memory for free (the readers' own budgets: 16 MiB for ids that damage hides, as much for decoded
 * tables), some by the length of the file (a process with events of its own needs buffers), the rest by
 * the items.
 */
#define OPEN_FREE (48ull << 20)
#define OPEN_PER_BYTE 512u
#define OPEN_PER_ITEM 600u
#define ASK_FREE (96ull << 20)
#define ASK_PER_BYTE 6144u
#define ASK_PER_ITEM 2048u

static inline void run_file(const uint8_t *data, size_t size, unsigned which)
{
	struct capture *c = NULL;
	struct trk_fault fault;
	const uint64_t items = items_of(data, size);
	char path[64];
	const int fd = as_file(data, size, path);

	if (fd < 0)
		return;
	allocations_reset(0);
	if (capture_open(&c, path, &fault) == 0) {
		MUST(allocations.peak <= OPEN_FREE + OPEN_PER_BYTE * size + OPEN_PER_ITEM * items);
		if (c->event_count <= EVENTS_MAX)
			ask_all(c, which);
		capture_close(c);
	} else {
		MUST(*fault.why && memchr(fault.why, 0, sizeof(fault.why)));
	}
	MUST(allocations.live == 0);
	MUST(allocations.peak <= ASK_FREE + ASK_PER_BYTE * size + ASK_PER_ITEM * items);
	close(fd);
}

#endif
