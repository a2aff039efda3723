/*
 * items - how much a capture may cost its reader follows from its length: writers make files as long as
 * their items need, readers believe no more.
 */
#include "capture_file.h"

#include <stdlib.h>

#include "replay/heap.h"
#include "replay/heap_saved.h"
#include "replay/heap_keyframe.h"

/* The rule once more: docs/FORMAT.md, "Items". */
#define FREE_ITEMS 1048576ull
#define ITEMS_PER_BYTE 32ull

static const struct trk_header header = { .version = TRK_VERSION, .page_bytes = 4096, .id = 7 };

struct found {
	uint64_t items, padding_bytes, blocks, keyframe_end;
	uint32_t keyframes; /* runs of parts */
};

static void must_be_zeros(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(p[i], 0);
}

/* Walks over all blocks; at each of them the rule must hold. */
static struct found walk(const struct capture_file *f)
{
	struct found found = { 0 };
	size_t size, at = TRK_HEADER_BYTES;
	uint8_t *const bytes = capture_file_bytes(f, &size);
	struct trk_block_header h;

	while (trk_block_header_decode(bytes + at, size - at, &h) == 0) {
		const size_t end = at + TRK_BLOCK_HEADER_BYTES + h.stored_bytes;

		assert_true(end <= size);
		found.items += h.type == TRK_BLOCK_INDEX ? 0 : h.items;
		assert_true(found.items <= FREE_ITEMS + ITEMS_PER_BYTE * end);
		if (h.type == 22) {
			assert_true(h.flags == 0 && h.items == 0 && h.raw_bytes == h.stored_bytes);
			must_be_zeros(bytes + at + TRK_BLOCK_HEADER_BYTES, h.stored_bytes);
			found.padding_bytes += end - at;
		}
		if (h.type == TRK_BLOCK_KEYFRAME) {
			found.keyframes += found.keyframe_end != at;
			found.keyframe_end = end;
		}
		found.blocks++;
		at = end;
	}
	assert_int_equal(at, size - TRK_TRAILER_BYTES);
	free(bytes);
	return found;
}

/* Opens without damage. */
static struct capture *open_whole(const struct capture_file *f)
{
	struct capture *const c = capture_file_open(f);

	assert_int_equal(c->damaged_blocks, 0);
	assert_true(c->complete);
	return c;
}

/* The same block again and again: next to no bytes. Padded as the rule asks, hardly more. */
static void what_takes_no_bytes_is_padded(void **state)
{
	enum { EVENTS = 6000000 };
	const struct capture_file f = capture_file_new();
	struct writer *const w = capture_file_writer(&f);
	struct trk_event e[2] = { { .kind = TRK_MALLOC, .address = 4096, .size = 10 },
				  { .kind = TRK_FREE, .address = 4096, .ref = 1 } };
	const uint64_t needed = (EVENTS - FREE_ITEMS) / ITEMS_PER_BYTE;
	struct capture *c;
	struct found found;
	uint64_t bound;

	for (uint32_t i = 0; i < EVENTS; i += 2) {
		e[0].time_ns = e[1].time_ns = i / 1000;
		writer_events(w, e, 2);
		if (i == EVENTS / 2)
			assert_int_equal(writer_flush(w), 0);
	}
	bound = writer_bytes_bound(w);
	capture_file_finish(w);
	found = walk(&f);
	assert_int_equal(found.items, EVENTS);
	assert_in_range(found.padding_bytes, needed / 2, needed);
	c = open_whole(&f);
	assert_in_range(c->file_bytes, needed, needed + 200 * found.blocks);
	assert_true(c->file_bytes <= bound);
	assert_int_equal(c->event_count, EVENTS);
	capture_close(c);
	close(f.fd);
}

/* The tables of one piece are copied to the next, whose events are elsewhere. */
static void tables_of_the_next_piece_are_padded(void **state)
{
	enum { NODES = 4000000 };
	const struct capture_file f = capture_file_new(), next = capture_file_new();
	struct writer *const w = capture_file_writer(&f);
	const uint32_t frame = writer_frame(w, 0, 1);
	uint32_t node = 0;
	struct capture *c;
	struct found found;

	for (uint32_t i = 0; i < NODES; i++)
		node = writer_node(w, node, frame);
	assert_int_equal(writer_next_file(w, next.fd, f.fd, &header), 0);
	capture_file_finish(w);
	found = walk(&next);
	assert_int_equal(found.items, NODES + 1);
	assert_true(found.padding_bytes > 0);
	c = open_whole(&next);
	assert_int_equal(c->node_count, NODES + 1);
	capture_close(c);
	close(f.fd);
	close(next.fd);
}

static struct heap *heap_of(uint32_t blocks)
{
	struct heap *h;

	assert_int_equal(heap_new(&h, 1, NULL), 0);
	for (uint32_t i = 0; i < blocks; i++) {
		const struct trk_event e = { .kind = TRK_MALLOC, .address = 4096 + 32ull * i, .size = 20 };

		assert_int_equal(heap_apply(h, &e), 0);
	}
	heap_begin_here(h, 5);
	return h;
}

/* Its parts stand directly one behind another. */
static void a_keyframe_is_padded_before_its_first_part(void **state)
{
	enum { BLOCKS = 3000000 };
	const struct capture_file f = capture_file_new();
	struct writer *w = capture_file_writer(&f);
	struct heap *h = heap_of(BLOCKS);
	struct capture *c;
	struct found found;

	assert_int_equal(heap_keyframe_write(w, h, 5, true, NULL, NULL), 0);
	heap_free(h);
	writer_event(w, &(struct trk_event){ .kind = TRK_FREE, .address = 4096, .time_ns = 6 });
	capture_file_finish(w);
	found = walk(&f);
	assert_int_equal(found.items, BLOCKS + 1);
	assert_int_equal(found.keyframes, 1);
	assert_true(found.padding_bytes > 0);
	c = open_whole(&f);
	assert_true(c->keyframe_count == 1 && c->keyframes[0].parts > 1);
	h = heap_of(0);
	assert_int_equal(heap_keyframe_begin(c, UINT32_MAX, h), 0);
	assert_int_equal(heap_now_blocks(h), BLOCKS);
	heap_free(h);
	capture_close(c);
	close(f.fd);
}

/* What goes on behind a file counts what that has, but not what is claimed. */
static void a_writer_that_goes_on_counts_what_is_there(void **state)
{
	const struct trk_block_header blocks[] = {
		{ .type = TRK_BLOCK_RSS, .items = FREE_ITEMS }, { .type = TRK_BLOCK_RSS, .items = UINT32_MAX }
	};
	const uint64_t offsets[] = { 64, 112 };
	const struct writer_written before = { .bytes = 160, .blocks = blocks, .offsets = offsets, .block_count = 2 };
	const struct capture_file f = capture_file_new();
	struct writer *w;

	assert_int_equal(writer_resume(&w, f.fd, &before), 0);
	assert_true(writer_bytes_bound(w) < 1000);
	for (uint32_t i = 0; i < 320000; i++)
		writer_rss(w, 0, 0, 0);
	assert_int_equal(writer_flush(w), 0);
	assert_in_range(writer_bytes(w), 320000 / ITEMS_PER_BYTE, 320000 / ITEMS_PER_BYTE + 1000);
	writer_free(w);
	close(f.fd);
}

/* ---- readers ---- */

static struct capture_file header_only(void)
{
	const struct capture_file f = capture_file_new();
	uint8_t bytes[TRK_HEADER_BYTES];

	trk_header_encode(&header, bytes);
	capture_file_append(&f, bytes, sizeof(bytes));
	return f;
}

static void claim(const struct capture_file *f, uint16_t type, uint32_t items, char key)
{
	const uint8_t raw[] = { 1, (uint8_t)key, 1 };

	capture_file_block(f, (struct trk_block_header){ .type = type, .items = items }, raw, 3);
}

static void who_claims_more_than_fits_is_not_believed(void **state)
{
	const struct capture_file f = header_only();
	struct capture *c;

	claim(&f, TRK_BLOCK_INDEX, UINT32_MAX, '-'); /* these do not count */
	claim(&f, TRK_BLOCK_HEALTH, FREE_ITEMS, 'a');
	claim(&f, TRK_BLOCK_HEALTH, 4 * 51 * 32 + 3000, 'b'); /* the file has 64 + 3 * 51 bytes then */
	claim(&f, TRK_BLOCK_HEALTH, 64 * 32 + 4 * 51 * 32 + 1, 'c');
	claim(&f, 99, 64 * 32 + 5 * 51 * 32 + 1, 'd');
	claim(&f, TRK_BLOCK_HEALTH, 1, 'e');
	c = capture_file_open(&f);
	assert_int_equal(c->damaged_blocks, 3);
	assert_int_equal(capture_health(c, "a") + capture_health(c, "e"), 2);
	assert_int_equal(capture_health(c, "b") + capture_health(c, "c"), 0);
	capture_close(c);
	close(f.fd);
}

/* To the last one: b fits exactly. */
static void what_fits_exactly_is_believed(void **state)
{
	const struct capture_file f = header_only();
	struct capture *c;

	claim(&f, TRK_BLOCK_HEALTH, FREE_ITEMS, 'a');
	claim(&f, TRK_BLOCK_HEALTH, (64 + 2 * 51) * 32, 'b');
	claim(&f, TRK_BLOCK_HEALTH, 51 * 32 + 1, 'c');
	claim(&f, TRK_BLOCK_HEALTH, 2 * 51 * 32, 'd');
	c = capture_file_open(&f);
	assert_int_equal(c->damaged_blocks, 1);
	assert_int_equal(capture_health(c, "b") + capture_health(c, "d"), 2);
	assert_int_equal(capture_health(c, "c"), 0);
	capture_close(c);
	close(f.fd);
}

/* Two items each. */
static const struct {
	uint16_t type;
	uint8_t bytes;
	const char *raw;
} pairs[] = {
	{ TRK_BLOCK_MODULES, 9, "\1\3\1/\0\3\1x\0" },
	{ TRK_BLOCK_FRAMES, 5, "\1\0\2\0\2" },
	{ TRK_BLOCK_NODES, 5, "\1\1\0\1\0" },
	{ TRK_BLOCK_STRINGS, 3, "\1\0\0" },
	{ TRK_BLOCK_PROCESSES, 4, "\1\0\1\1" },
	{ TRK_BLOCK_THREADS, 4, "\1\0\1\1" },
	{ TRK_BLOCK_MAPPINGS, 4, "\1\0\1\0" },
	{ TRK_BLOCK_RSS, 6, "\0\0\1\0\0\1" },
	{ TRK_BLOCK_SYMBOLS, 4, "\1\0\1\0" },
	{ TRK_BLOCK_NOTICES, 2, "\0\0" },
	{ TRK_BLOCK_HEALTH, 6, "\1a\1\1b\1" },
	{ TRK_BLOCK_SUMMARY, 6, "\1a\1\1b\1" },
	{ TRK_BLOCK_SUMS, 16, "\0\0\0\1\0\0\1\1\0\0\1\1\0\0\1\1" },
	{ TRK_BLOCK_TOTALS, 6, "\2\0\0\2\1\0" },
	{ TRK_BLOCK_SIZES, 6, "\0\1\1\0\1\1" },
	{ TRK_BLOCK_HISTORY, 10, "\4\0\0\0\0\4\1\0\0\0" },
	{ TRK_BLOCK_MARKS, 8, "\0\0\0\0\0\0\0\0" },
	{ TRK_BLOCK_DOMAINS, 12, "\5\0\0\7\1a\5\0\0\7\1b" },
};

static uint64_t damaged_with(size_t pair, uint32_t items)
{
	const struct capture_file f = header_only();
	struct capture *c;
	uint64_t damaged;

	capture_file_block(&f, (struct trk_block_header){ .type = pairs[pair].type, .items = items },
			   (const uint8_t *)pairs[pair].raw, pairs[pair].bytes);
	c = capture_file_open(&f);
	damaged = c->damaged_blocks;
	capture_close(c);
	close(f.fd);
	return damaged;
}

static void no_table_has_more_than_its_header_says(void **state)
{
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		assert_int_equal(damaged_with(i, 2), 0);
		assert_int_equal(damaged_with(i, 1), 1);
		assert_int_equal(damaged_with(i, 0), 1);
	}
}

static size_t events_with(uint32_t items, uint64_t *ret_damaged)
{
	static const uint8_t three[] = { 16, 2, 16, 2, 16, 2 }; /* free, three times */
	const struct capture_file f = header_only();
	struct trk_event *events;
	struct capture *c;
	size_t count;

	capture_file_block(&f, (struct trk_block_header){ .type = TRK_BLOCK_EVENTS, .items = items },
			   three, sizeof(three));
	c = capture_file_open(&f);
	events = capture_file_events(c, UINT32_MAX, &count);
	*ret_damaged = c->damaged_blocks;
	free(events);
	capture_close(c);
	close(f.fd);
	return count;
}

static void no_block_has_more_events_than_its_header_says(void **state)
{
	uint64_t damaged;

	assert_int_equal(events_with(4, &damaged), 3);
	assert_int_equal(damaged, 0);
	assert_int_equal(events_with(3, &damaged), 3);
	assert_int_equal(damaged, 0);
	assert_int_equal(events_with(2, &damaged), 2);
	assert_int_equal(damaged, 1);
	assert_int_equal(events_with(0, &damaged), 0);
	assert_int_equal(damaged, 1);
}

/* Its KEYFRAME gets another number of items, and right checksums. */
static uint64_t restored_with(uint32_t items)
{
	const struct capture_file f = capture_file_new();
	struct writer *const w = capture_file_writer(&f);
	struct heap *h = heap_of(5);
	uint8_t b[TRK_BLOCK_HEADER_BYTES];
	struct trk_block_header k;
	struct capture *c;
	uint64_t blocks;
	off_t at;

	writer_process(w, &(struct trk_process){ .parent = UINT32_MAX, .end_ns = UINT64_MAX });
	assert_int_equal(writer_flush(w), 0);
	at = (off_t)writer_bytes(w);
	assert_int_equal(heap_keyframe_write(w, h, 5, true, NULL, NULL), 0);
	heap_free(h);
	capture_file_finish(w);
	assert_int_equal(pread(f.fd, b, sizeof(b), at), sizeof(b));
	assert_int_equal(trk_block_header_decode(b, sizeof(b), &k), 0);
	assert_true(k.type == TRK_BLOCK_KEYFRAME && k.items == 5);
	k.items = items;
	trk_block_header_encode(&k, b);
	assert_int_equal(pwrite(f.fd, b, sizeof(b), at), sizeof(b));
	c = capture_file_open(&f);
	h = heap_of(0);
	assert_int_equal(heap_keyframe_begin(c, UINT32_MAX, h), 0);
	blocks = heap_now_blocks(h);
	assert_int_equal(c->damaged_blocks, items < 5);
	heap_free(h);
	capture_close(c);
	close(f.fd);
	return blocks;
}

static void no_keyframe_has_more_than_its_header_says(void **state)
{
	assert_int_equal(restored_with(6), 5);
	assert_int_equal(restored_with(5), 5);
	assert_int_equal(restored_with(3), 3);
}

/* They are large: no process has two. */
static void a_process_has_one_record_of_totals_and_one_history(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t bytes;
		const char *raw;
	} twice[] = {
		{ TRK_BLOCK_TOTALS, 9, "\2\0\0\2\1\0\2\1\0" },
		{ TRK_BLOCK_HISTORY, 15, "\4\0\0\0\0\4\1\0\0\0\4\1\0\0\0" },
	};

	for (size_t i = 0; i < 2; i++) {
		const struct capture_file f = header_only();
		struct capture *c;

		capture_file_block(&f, (struct trk_block_header){ .type = twice[i].type, .items = 9 },
				   (const uint8_t *)twice[i].raw, twice[i].bytes);
		c = capture_file_open(&f);
		assert_int_equal(c->damaged_blocks, 1);
		assert_int_equal(c->total_count + c->history_count, 2);
		capture_close(c);
		close(f.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_takes_no_bytes_is_padded),
		cmocka_unit_test(tables_of_the_next_piece_are_padded),
		cmocka_unit_test(a_keyframe_is_padded_before_its_first_part),
		cmocka_unit_test(a_writer_that_goes_on_counts_what_is_there),
		cmocka_unit_test(who_claims_more_than_fits_is_not_believed),
		cmocka_unit_test(what_fits_exactly_is_believed),
		cmocka_unit_test(no_table_has_more_than_its_header_says),
		cmocka_unit_test(no_block_has_more_events_than_its_header_says),
		cmocka_unit_test(no_keyframe_has_more_than_its_header_says),
		cmocka_unit_test(a_process_has_one_record_of_totals_and_one_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
