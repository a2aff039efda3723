/* event - every kind of event to bytes and back; bytes that are none. */
#include "any_event.h"

#include "format/event.h"

static void random_events_come_back(void **unused)
{
	enum { COUNT = 20000 };
	uint8_t *bytes = malloc(COUNT * (TRK_EVENT_BYTES_MAX + sizeof(any_label))), *p = bytes;
	struct trk_event *events = calloc(COUNT, sizeof(*events)), got = { 0 };
	struct event_state s = event_state_init(1000);
	uint64_t seed = 7, time_ns = 1000;
	struct byte_reader r;

	for (int i = 0; i < COUNT; i++) {
		const uint8_t kind = (uint8_t)(random_next(&seed) % TRK_KINDS);
		uint8_t *before = p;

		time_ns += random_next(&seed) % 3 ? 0 : random_next(&seed) >> 30;
		events[i] = any_event(&seed, is_kind(kind) ? kind : TRK_MALLOC, time_ns);
		p = event_encode(&s, &events[i], p);
		assert_true((size_t)(p - before) <= TRK_EVENT_BYTES_MAX + events[i].label_bytes);
	}
	s = event_state_init(1000);
	r = byte_reader_of(bytes, (size_t)(p - bytes));
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(event_decode(&s, &r, &got), 0);
		assert_event_equal(&got, &events[i]);
	}
	assert_int_equal(event_decode(&s, &r, &got), TRK_END);
	free(bytes);
	free(events);
}

static struct trk_event once(const struct trk_event *e)
{
	static uint8_t b[TRK_EVENT_BYTES_MAX + TRK_LABEL_MAX]; /* the label stays in it */
	struct event_state s = event_state_init(0);
	const uint8_t *end = event_encode(&s, e, b);
	struct byte_reader r = byte_reader_of(b, (size_t)(end - b));
	struct trk_event got = { .process = 4711 };

	s = event_state_init(0);
	assert_int_equal(event_decode(&s, &r, &got), 0);
	assert_int_equal(bytes_left(&r), 0);
	assert_int_equal(got.process, 4711);
	return got;
}

static void every_kind_takes_the_largest_fields(void **unused)
{
	for (uint8_t kind = 0; kind < TRK_KINDS; kind++) {
		struct trk_event e, got;
		uint64_t seed = kind;

		if (!is_kind(kind))
			continue;
		e = any_event(&seed, kind, UINT64_MAX);
		e.thread = UINT32_MAX;
		e.node = e.node ? UINT32_MAX : 0;
		e.size = kind == TRK_UNKNOWN ? UINT32_MAX : e.size ? UINT64_MAX :
								     0;
		e.domain = e.domain ? UINT32_MAX : 0;
		got = once(&e);
		assert_event_equal(&got, &e);
	}
}

static void addresses_wrap_around(void **unused)
{
	static const uint64_t a[] = { 0, UINT64_MAX, 1, 1ull << 63, 0, UINT64_MAX - 15, 16, 8,
				      UINT64_MAX / 2, UINT64_MAX / 2 + 1 };
	uint8_t b[10 * TRK_EVENT_BYTES_MAX], *p = b;
	struct event_state s = event_state_init(0);
	struct trk_event e = { .kind = TRK_FREE };
	struct byte_reader r;

	for (int i = 0; i < 10; i++) {
		e.address = a[i];
		p = event_encode(&s, &e, p);
	}
	s = event_state_init(0);
	r = byte_reader_of(b, (size_t)(p - b));
	for (int i = 0; i < 10; i++) {
		assert_int_equal(event_decode(&s, &r, &e), 0);
		assert_true(e.address == a[i]);
	}
}

/* docs/FORMAT.md by hand: what a second implementation would write. */
static void bytes_are_as_specified(void **unused)
{
	static const uint8_t want[] = {
		0xe1, 3, 5, 14, 0x80, 0x01, 24, /* malloc: thread 3, time +5, node +7, d/16 = 32, 24 B */
		0x10, 1, 16, /* free: d = 8 */
		0x03, 1, 1, 15, 4, 100, /* realloc moved: old d = -8, new d = +16 */
		0x9b, 13, 2, 'h', 'i', /* mark: node -7 */
	};
	const struct trk_event events[] = {
		{ .kind = TRK_MALLOC, .thread = 3, .time_ns = 15, .node = 7, .address = 0x200, .size = 24 },
		{ .kind = TRK_FREE, .thread = 3, .time_ns = 15, .address = 0x208 },
		{ .kind = TRK_REALLOC, .thread = 3, .time_ns = 15, .node = 7, .old_address = 0x200, .address = 0x210, .size = 100 },
		{ .kind = TRK_MARK, .thread = 3, .time_ns = 15, .label = "hi", .label_bytes = 2 },
	};
	uint8_t b[512], *p = b;
	struct event_state s = event_state_init(10);

	for (int i = 0; i < 4; i++)
		p = event_encode(&s, &events[i], p);
	assert_int_equal(p - b, sizeof(want));
	assert_memory_equal(b, want, sizeof(want));
}

/* Parts of calls as they are written, and as they were when only reallocs had any. */
static void parts_are_as_specified(void **unused)
{
	static const uint8_t bytes[] = {
		3, 4, 0, 4, 0x40, /* reallocarray released 0x100: d/16 = 16 */
		0x83, 10, 4, 1, 13, 0, 20, 0x40, 30, /* mremap of 20 bytes there acquired 0x200; node +5 */
		3, 4, 2, 3, 0x3e, 9, /* realloc of 0x100 withdrawn */
		3, 4, 3, 13, 0, 7, 8, /* mremap of 7 bytes to 8 failed */
		24, 0, 0x99, 2, 0x40, 0, 5, 26, 0, 6, /* the old ones */
	};
	static const struct trk_event want[] = {
		{ .kind = TRK_REALLOC_RELEASE, .call = TRK_REALLOCARRAY, .old_address = 0x100 },
		{ .kind = TRK_REALLOC_ACQUIRE, .call = TRK_MREMAP, .node = 5, .old_address = 0x100, .old_size = 20, .address = 0x200, .size = 30 },
		{ .kind = TRK_REALLOC_WITHDRAW, .call = TRK_REALLOC, .node = 5, .old_address = 0x100, .size = 9 },
		{ .kind = TRK_MREMAP, .node = 5, .old_address = 0x100, .old_size = 7, .size = 8 },
		{ .kind = TRK_REALLOC_RELEASE, .call = TRK_REALLOC, .old_address = 0x100 },
		{ .kind = TRK_REALLOC_ACQUIRE, .call = TRK_REALLOC, .node = 6, .old_address = 0x200, .address = 0x200, .size = 5 },
		{ .kind = TRK_REALLOC_WITHDRAW, .call = TRK_REALLOC, .old_address = 0x200, .size = 6 },
	};
	struct byte_reader r = byte_reader_of(bytes, sizeof(bytes));
	struct event_state s = event_state_init(0);
	uint8_t again[sizeof(bytes) + TRK_EVENT_BYTES_MAX], *p = again; /* the encoder writes in words */

	for (int i = 0; i < 7; i++) {
		struct trk_event e = { 0 };

		assert_int_equal(event_decode(&s, &r, &e), 0);
		assert_event_equal(&e, &want[i]);
	}
	assert_int_equal(bytes_left(&r), 0);
	s = event_state_init(0);
	for (int i = 0; i < 4; i++)
		p = event_encode(&s, &want[i], p);
	assert_int_equal(p - again, sizeof(bytes) - 10);
	assert_memory_equal(again, bytes, sizeof(bytes) - 10);
}

static void what_is_no_part_is_corrupt(void **unused)
{
	static const uint8_t bytes[][8] = {
		{ 3, 4, 4, 3, 0, 0 }, { 3, 4, 0, 1, 0 }, { 3, 4, 3, 3, 0, 0 }, { 4, 4, 0, 4, 0, 0 }, { 0x83, 2, 4, 0, 3, 0 }, { 3, 5, 0, 3, 0 }
	};

	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		struct byte_reader r = byte_reader_of(bytes[i], sizeof(bytes[i]));
		struct event_state s = event_state_init(0);
		struct trk_event e = { 0 };

		assert_int_equal(event_decode(&s, &r, &e), TRK_ERR_CORRUPT);
	}
}

/* The escape by hand; what it holds of the block, and what it leaves as it was. */
static void the_escape_is_as_specified(void **unused)
{
	static const uint8_t bytes[] = {
		0x10, 0x40, /* free: d/16 = 16 */
		0xc0, 63, 0x9a, 0x02, 5, 14, 3, 'a', 'b', 'c', /* kind 70, has a stack: time +5, node +7, three bytes */
		0x20, 63, 0x80, 0x02, 9, 0, /* kind 64, nothing: thread 9 */
		0x00, 63, 0x97, 0x01, 1, 0, /* clear, required, has a stack */
		0x00, 63, 0xfc, 0xff, 0xff, 0xff, 0x3f, 0, /* kind 2^32 - 1 */
		0x10, 1, 16, /* free: d = 8, against the first one's */
	};
	static const struct trk_event want[] = {
		{ .kind = TRK_FREE, .time_ns = 10, .address = 0x100 },
		{ .kind = TRK_UNKNOWN, .time_ns = 15, .node = 7, .size = 70, .detail = TRK_ESCAPE_STACK, .label = "abc", .label_bytes = 3 },
		{ .kind = TRK_UNKNOWN, .time_ns = 15, .thread = 9, .size = 64 },
		{ .kind = TRK_CLEAR, .time_ns = 15, .thread = 9, .node = 7 },
		{ .kind = TRK_UNKNOWN, .time_ns = 15, .thread = 9, .size = UINT32_MAX },
		{ .kind = TRK_FREE, .time_ns = 15, .thread = 9, .address = 0x108 },
	};
	struct byte_reader r = byte_reader_of(bytes, sizeof(bytes));
	struct event_state s = event_state_init(10);
	uint8_t again[sizeof(bytes) + TRK_EVENT_BYTES_MAX], *p = again; /* the encoder writes in words */

	for (int i = 0; i < 6; i++) {
		struct trk_event e = { 0 };

		assert_int_equal(event_decode(&s, &r, &e), 0);
		assert_event_equal(&e, &want[i]);
	}
	assert_int_equal(event_decode(&s, &r, &(struct trk_event){ 0 }), TRK_END);
	s = event_state_init(10);
	for (int i = 0; i < 6; i++)
		p = event_encode(&s, &want[i], p);
	assert_int_equal(p - again, sizeof(bytes));
	assert_memory_equal(again, bytes, sizeof(bytes));
}

/* Fields of a later version stand behind those of today; a clear has its own byte in older captures. */
static void a_payload_may_be_longer(void **unused)
{
	static const char *const bytes[] = { "\x80\x3f\x97\x01\x0a\x06\x00later", "\x80\x25\x0a\x00" };
	static const size_t sizes[] = { 12, 4 };

	for (size_t i = 0; i < 2; i++) {
		struct byte_reader r = byte_reader_of(bytes[i], sizes[i]);
		struct event_state s = event_state_init(0);
		struct trk_event e = { 0 };

		assert_int_equal(event_decode(&s, &r, &e), 0);
		assert_event_equal(&e, &(struct trk_event){ .kind = TRK_CLEAR, .node = 5 });
		assert_int_equal(bytes_left(&r), 0);
	}
}

static void what_must_be_understood_is_refused(void **unused)
{
	struct byte_reader r = byte_reader_of("\x00\x3f\x8d\x03\x01z", 6); /* kind 99 */
	struct event_state s = event_state_init(0);
	struct trk_event e = { 0 };

	assert_int_equal(event_decode(&s, &r, &e), TRK_ERR_FEATURE);
	assert_int_equal(e.kind, TRK_UNKNOWN);
	assert_int_equal(e.size, 99);
}

/* A payload of the longest kind, and one of a byte more. */
static void payloads_are_bounded(void **unused)
{
	for (uint32_t more = 0; more < 2; more++) {
		static uint8_t b[TRK_PAYLOAD_MAX + 32];
		struct event_state s = event_state_init(0);
		struct byte_reader r;
		struct trk_event e;
		uint8_t *p = b;

		*p++ = 0;
		*p++ = 63;
		p = put_varint(p, 64 << 2);
		p = put_varint(p, TRK_PAYLOAD_MAX + more) + TRK_PAYLOAD_MAX + more;
		r = byte_reader_of(b, (size_t)(p - b));
		assert_int_equal(event_decode(&s, &r, &e), more ? TRK_ERR_CORRUPT : 0);
	}
}

static void a_clock_that_runs_backwards_stands_still(void **unused)
{
	uint8_t b[256], *p = b;
	struct event_state s = event_state_init(100);
	struct trk_event e = { .kind = TRK_FREE, .time_ns = 150 };
	struct byte_reader r;

	p = event_encode(&s, &e, p);
	e.time_ns = 90;
	p = event_encode(&s, &e, p);
	s = event_state_init(100);
	r = byte_reader_of(b, (size_t)(p - b));
	assert_int_equal(event_decode(&s, &r, &e), 0);
	assert_int_equal(event_decode(&s, &r, &e), 0);
	assert_int_equal(e.time_ns, 150);
}

static void long_labels_are_cut(void **unused)
{
	char text[TRK_LABEL_MAX + 50];
	const struct trk_event e = { .kind = TRK_MARK, .label = text, .label_bytes = sizeof(text) };
	uint8_t b[TRK_EVENT_BYTES_MAX + TRK_LABEL_MAX];
	struct event_state s = event_state_init(0);
	struct byte_reader r;
	struct trk_event got;

	memset(text, 'x', sizeof(text));
	r = byte_reader_of(b, (size_t)(event_encode(&s, &e, b) - b));
	s = event_state_init(0);
	assert_int_equal(event_decode(&s, &r, &got), 0);
	assert_int_equal(got.label_bytes, TRK_LABEL_MAX);
}

static void every_truncation_is_corrupt(void **unused)
{
	for (uint8_t kind = 0; kind < TRK_KINDS; kind++) {
		uint8_t b[TRK_EVENT_BYTES_MAX + TRK_LABEL_MAX];
		struct event_state s = event_state_init(0);
		uint64_t seed = 100 + kind;
		struct trk_event e;
		size_t size;

		if (!is_kind(kind))
			continue;
		e = any_event(&seed, kind, 1ull << 40);
		size = (size_t)(event_encode(&s, &e, b) - b);
		for (size_t n = 1; n < size; n++) {
			struct byte_reader r = byte_reader_of(b, n);

			s = event_state_init(0);
			assert_int_equal(event_decode(&s, &r, &e), TRK_ERR_CORRUPT);
			assert_int_equal(event_decode(&s, &r, &e), TRK_ERR_CORRUPT);
		}
	}
}

static void what_is_no_event_is_corrupt(void **unused)
{
	static const struct {
		const char *bytes;
		size_t size;
	} bad[] = {
		{ "\x00\x02\x02", 3 }, /* kind 0, and then 2 */
		{ "\x00\x26\x02\x02", 4 }, /* kind 38 */
		{ "\x00\x60\x02\x02", 4 }, /* kind 96 */
		{ "\x00\x3f\x9a\x02\x03"
		  "ab",
		  7 }, /* a payload longer than the block */
		{ "\x00\x3f\x9a\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 14 }, /* endless */
		{ "\x00\x3f\x9a", 3 }, /* cut in the number */
		{ "\x00\x3f\x9a\x02\x83", 5 }, /* ... in the length */
		{ "\x00\x3f\x9a\x02", 4 }, /* ... before it */
		{ "\x80\x3f\x98\x02\x02\x00", 6 }, /* a node, where there is no stack */
		{ "\x00\x3f\x00\x01\x00", 5 }, /* kind 0 */
		{ "\x00\x3f\x06\x02\x02\x02", 6 }, /* malloc, which has its own number */
		{ "\x00\x3f\x92\x01\x02\x02\x02", 7 }, /* touched, likewise */
		{ "\x00\x3f\xfc\x01\x00", 5 }, /* the escape itself */
		{ "\x00\x3f\x80\x80\x80\x80\x40\x00", 8 }, /* kind 2^32 */
		{ "\x00\x3f\x97\x01\x00", 5 }, /* a clear without its field */
		{ "\x00\x3f\x97\x01\x01\x80\x00", 7 }, /* ... that ends inside of it */
		{ "\x03\x04\x02\x02", 4 }, /* realloc of form 4 */
		{ "\x10\x03\x02", 3 }, /* address: odd, but not 1 */
		{ "\x90\x02\x02", 3 }, /* a free with a node */
		{ "\x81\x01\x02\x02", 4 }, /* node -1 */
		{ "\x21\x80\x80\x80\x80\x10\x02\x02", 8 }, /* thread 2^32 */
		{ "\x0e\x80\x80\x80\x80\x10\x02\x02", 8 }, /* domain 2^32 */
		{ "\x1b\x05"
		  "abcd",
		  6 }, /* label longer than the block */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct byte_reader r = byte_reader_of(bad[i].bytes, bad[i].size);
		struct event_state s = event_state_init(0);
		struct trk_event e;

		assert_int_equal(event_decode(&s, &r, &e), TRK_ERR_CORRUPT);
	}
}

static void time_beyond_64_bits_is_corrupt(void **unused)
{
	struct byte_reader r = byte_reader_of("\x50\x02\x02", 3);
	struct event_state s = event_state_init(UINT64_MAX - 1);
	struct trk_event e;

	assert_int_equal(event_decode(&s, &r, &e), TRK_ERR_CORRUPT);
}

static void kinds_are_named_as_in_c(void **unused)
{
	assert_string_equal(trk_kind_name(TRK_MALLOC), "malloc");
	assert_string_equal(trk_kind_name(TRK_NEW), "new");
	assert_string_equal(trk_kind_name(TRK_NEW_ARRAY), "new");
	assert_string_equal(trk_kind_name(TRK_DELETE_ARRAY), "delete");
	assert_string_equal(trk_kind_name(TRK_GAP), "gap");
	for (unsigned kind = 0; kind < 256; kind++)
		assert_int_equal(!strcmp(trk_kind_name((uint8_t)kind), "unknown"),
				 !is_kind((uint8_t)kind) || kind == TRK_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_events_come_back),
		cmocka_unit_test(every_kind_takes_the_largest_fields),
		cmocka_unit_test(addresses_wrap_around),
		cmocka_unit_test(bytes_are_as_specified),
		cmocka_unit_test(parts_are_as_specified),
		cmocka_unit_test(what_is_no_part_is_corrupt),
		cmocka_unit_test(the_escape_is_as_specified),
		cmocka_unit_test(a_payload_may_be_longer),
		cmocka_unit_test(what_must_be_understood_is_refused),
		cmocka_unit_test(payloads_are_bounded),
		cmocka_unit_test(a_clock_that_runs_backwards_stands_still),
		cmocka_unit_test(long_labels_are_cut),
		cmocka_unit_test(every_truncation_is_corrupt),
		cmocka_unit_test(what_is_no_event_is_corrupt),
		cmocka_unit_test(time_beyond_64_bits_is_corrupt),
		cmocka_unit_test(kinds_are_named_as_in_c),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
