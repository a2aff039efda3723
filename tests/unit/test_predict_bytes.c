/* predict_bytes - PREDICTED blocks by hand: as docs/FORMAT.md says, and payloads that are none. */
#include "coded_events.h"

/* ---- docs/FORMAT.md by hand ---- */

enum { OPS,
       NODES,
       SIZES,
       REFS_,
       ADDRESSES,
       DEPTHS,
       TIMES,
       THREADS,
       OTHERS };

struct part {
	uint8_t column;
	const char *bytes;
	uint8_t size;
};

#define P(column, text)                        \
	{                                      \
		column, text, sizeof(text) - 1 \
	}

/* A payload of columns, given in their order; the last part has no bytes. */
static uint32_t payload_of(const struct part *parts, uint8_t *out)
{
	uint8_t *p = out + 9;

	memset(out, 0, 9);
	for (; parts->bytes; parts++) {
		memcpy(p, parts->bytes, parts->size);
		p += parts->size;
		out[parts->column] = parts->size;
	}
	return (uint32_t)(p - out);
}

static const struct trk_event specified[] = {
	{ .kind = TRK_MALLOC, .time_ns = 1000, .node = 5, .size = 24, .address = 0x1000, .ref = TRK_REF_NONE },
	{ .kind = TRK_FREE, .time_ns = 1000, .address = 0x1000, .ref = 1 },
	{ .kind = TRK_MALLOC, .time_ns = 1007, .thread = 3, .node = 5, .size = 24, .address = 0x1000, .ref = TRK_REF_NONE },
	{ .kind = TRK_REALLOC, .time_ns = 1007, .thread = 3, .node = 5, .size = 40, .address = 0x1000, .old_address = 0x1000, .ref = 1 },
	{ .kind = TRK_MARK, .time_ns = 1007, .thread = 3, .node = 9, .label = "hi", .label_bytes = 2 },
	{ .kind = TRK_FREE, .time_ns = 1007, .thread = 3, .address = 0x2000, .ref = TRK_REF_NONE },
	{ .kind = TRK_DELETE_ARRAY, .time_ns = 1007, .thread = 3, .address = 0x1000, .ref = 1 },
};

enum { SPECIFIED = sizeof(specified) / sizeof(*specified) };

static const struct part specified_parts[] = {
	P(OPS, "\xb1" /* NEW, FAR */ "\xb3" /* RELEASE, BACK */ "\xa3" /* ALLOCATE, said, site, BIN */
	       "\xda" /* REALLOCATE, next, SAME, BACK */ "\xf0" /* OTHER */ "\xb2" /* RELEASE, ADDRESS */
	       "\xb6" /* RELEASE KIND, BACK */),
	P(NODES, "\x0a\x00"), /* +5, 0 */
	P(SIZES, "\x18\x28"), /* 24, 40 */
	P(REFS_, "\x00\x00\x00"),
	P(ADDRESSES, "\x80\x08\x80\x08"), /* twice +0x1000 */
	P(TIMES, "\x02\x07"),
	P(THREADS, "\x02\x03"),
	P(OTHERS, "\x01" /* malloc */ "\x9b\x12\x02hi" /* mark, node +9 */ "\x12" /* delete[] */),
	{ 0 },
};

static void bytes_are_as_specified(void **unused)
{
	struct trk_event got[SPECIFIED];
	struct coded c = encode(specified, SPECIFIED, 1);
	uint8_t want[256];
	const uint32_t size = payload_of(specified_parts, want);
	uint32_t n;

	assert_int_equal(c.size[0], size);
	assert_memory_equal(c.bytes[0], want, size);
	assert_int_equal(decode(want, size, SPECIFIED, 1000, SPECIFIED, got, &n), TRK_END);
	assert_int_equal(n, SPECIFIED);
	for (uint32_t i = 0; i < n; i++) {
		assert_event_equal(&got[i], &specified[i]);
		assert_int_equal(got[i].ref, specified[i].ref);
	}
	forget(&c);
}

/* Of a sound block: every column cut, everywhere. */
static void every_column_that_is_too_short_is_corrupt(void **unused)
{
	for (size_t cut = 0; specified_parts[cut].bytes; cut++) {
		struct part parts[9];

		memcpy(parts, specified_parts, sizeof(specified_parts));
		while (parts[cut].size--) {
			struct trk_event got[SPECIFIED];
			uint8_t bytes[256];
			const uint32_t size = payload_of(parts, bytes);
			uint32_t n;
			const int err = decode(bytes, size, SPECIFIED, 1000, 3, got, &n);

			/* without its pair, nothing changes */
			if (parts[cut].column >= TIMES && parts[cut].column <= THREADS && !parts[cut].size)
				assert_int_equal(err, TRK_END);
			else
				assert_int_equal(err, TRK_ERR_CORRUPT);
			for (uint32_t i = 0; err != TRK_END && i < n; i++)
				assert_event_equal(&got[i], &specified[i]);
		}
	}
}

/* One malloc of 24 bytes at 0x1000, node 5. */
#define FIRST P(NODES, "\x0a"), P(SIZES, "\x18")
#define FIRST_OPS "\xb1"
#define FIRST_AT "\x80\x08"

static const struct {
	const char *what;
	uint32_t items, good; /* events before the fault */
	struct part parts[10];
} bad[] = {
	{ "nothing at all", 1, 0, { { 0 } } },
	{ "a run where nothing is expected", 1, 0, { P(OPS, "\0") } },
	{ "a run behind an event that none followed before", 2, 1, { P(OPS, FIRST_OPS "\0"), FIRST, P(ADDRESSES, FIRST_AT), P(OTHERS, "\x01") } },
	{ "an op that is none", 1, 0, { P(OPS, "\xf2") } },
	{ "the last op", 1, 0, { P(OPS, "\xff") } },
	{ "an allocation of the context's node, whose site has no kind", 1, 0, { P(OPS, "\x81"), P(ADDRESSES, "\2") } },
	{ "an address of an empty bin", 1, 0, { P(OPS, "\xad"), P(NODES, "\0"), P(SIZES, "\x18"), P(OTHERS, "\1") } },
	{ "an address of no bin", 1, 0, { P(OPS, "\xad"), P(NODES, "\0"), P(SIZES, "\x80\x10"), P(OTHERS, "\1") } },
	{ "an address deeper than its bin", 3, 2, { P(OPS, FIRST_OPS "\xb3\xb0"), P(NODES, "\0\0"), P(SIZES, "\x18\x18"), P(REFS_, "\0"), P(ADDRESSES, "\2"), P(DEPTHS, "\1"), P(OTHERS, "\1\1") } },
	{ "kind 0", 1, 0, { P(OPS, FIRST_OPS), FIRST, P(ADDRESSES, FIRST_AT), P(OTHERS, "\x00") } },
	{ "kind 4, which has no number", 1, 0, { P(OPS, FIRST_OPS), FIRST, P(ADDRESSES, FIRST_AT), P(OTHERS, "\x04") } },
	{ "kind 12", 1, 0, { P(OPS, FIRST_OPS), FIRST, P(ADDRESSES, FIRST_AT), P(OTHERS, "\x0c") } },
	{ "node -1", 1, 0, { P(OPS, FIRST_OPS), P(NODES, "\x01"), P(SIZES, "\0"), P(ADDRESSES, "\2"), P(OTHERS, "\1") } },
	{ "node 2^32", 1, 0, { P(OPS, FIRST_OPS), P(NODES, "\x80\x80\x80\x80\x20"), P(SIZES, "\0"), P(ADDRESSES, "\2"), P(OTHERS, "\1") } },
	{ "an odd address", 1, 0, { P(OPS, FIRST_OPS), FIRST, P(ADDRESSES, "\x03\x02"), P(OTHERS, "\x01") } },
	{ "a release kind that allocates", 1, 0, { P(OPS, "\xb5"), P(ADDRESSES, "\2"), P(OTHERS, "\1") } },
	{ "a release kind of another class", 1, 0, { P(OPS, "\xb5"), P(ADDRESSES, "\2"), P(OTHERS, "\x16") } },
	{ "a release of the block before the first", 1, 0, { P(OPS, "\xb3"), P(REFS_, "\0") } },
	{ "a release of the one before that", 2, 1, { P(OPS, FIRST_OPS "\xb3"), FIRST, P(REFS_, "\1"), P(ADDRESSES, FIRST_AT), P(OTHERS, "\x01") } },
	{ "a release of a block to come", 2, 1, { P(OPS, FIRST_OPS "\xb4"), FIRST, P(REFS_, "\4"), P(ADDRESSES, FIRST_AT), P(OTHERS, "\x01") } },
	{ "a release beside, of none", 2, 1, { P(OPS, FIRST_OPS "\xb4"), FIRST, P(REFS_, "\0"), P(ADDRESSES, FIRST_AT), P(OTHERS, "\x01") } },
	{ "a ref beyond a block's events", 2, 1, { P(OPS, FIRST_OPS "\xb4"), FIRST, P(REFS_, "\x82\x80\x80\x80\x20"), P(ADDRESSES, FIRST_AT), P(OTHERS, "\1") } },
	{ "a realloc of no block", 1, 0, { P(OPS, "\xda"), P(SIZES, "\1"), P(REFS_, "\0") } },
	{ "a lost one behind a lost one", 1, 0, { P(OPS, "\xee\xee" FIRST_OPS), FIRST, P(ADDRESSES, FIRST_AT), P(OTHERS, "\1") } },
	{ "a lost one before the first", 1, 0, { P(OPS, "\xef" FIRST_OPS), FIRST, P(REFS_, "\0"), P(ADDRESSES, FIRST_AT), P(OTHERS, "\1") } },
	{ "a lost one 2^64 before", 1, 0, { P(OPS, "\xef" FIRST_OPS), FIRST, P(REFS_, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), P(ADDRESSES, FIRST_AT), P(OTHERS, "\1") } },
	{ "an other one whose ref is 2^64", 1, 0, { P(OPS, "\xf1"), P(REFS_, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), P(OTHERS, "\x18\2") } },
	{ "a malloc among the others", 1, 0, { P(OPS, "\xf0"), P(OTHERS, "\1\2\2") } },
	{ "a free among the others", 1, 0, { P(OPS, "\xf0"), P(OTHERS, "\x10\2") } },
	{ "a realloc that moved among the others", 1, 0, { P(OPS, "\xf0"), P(OTHERS, "\3\1\2\2\2") } },
	{ "another thread among the others", 1, 0, { P(OPS, "\xf0"), P(OTHERS, "\x3f\1\2") } },
	{ "another time among the others", 1, 0, { P(OPS, "\xf0"), P(OTHERS, "\x5f\1\2") } },
	{ "thread 2^32", 1, 0, { P(OPS, "\xf0"), P(THREADS, "\0\x80\x80\x80\x80\x10"), P(OTHERS, "\x1f\2") } },
	{ "time 2^64", 1, 0, { P(OPS, "\xf0"), P(TIMES, "\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"), P(OTHERS, "\x1f\2") } },
	{ "two times of one event", 1, 0, { P(OPS, "\xf0"), P(TIMES, "\0\1\0\1"), P(OTHERS, "\x1f\2") } },
	{ "two threads of one event", 2, 1, { P(OPS, "\xf0\xf0"), P(THREADS, "\1\1\0\1"), P(OTHERS, "\x1f\2\x1f\2") } },
	{ "a time without its step", 2, 1, { P(OPS, "\xf0\xf0"), P(TIMES, "\1"), P(OTHERS, "\x1f\2\x1f\2") } },
	{ "a time whose next one is cut", 2, 1, { P(OPS, "\xf0\xf0"), P(TIMES, "\1\1\x80"), P(OTHERS, "\x1f\2\x1f\2") } },
};

static void what_is_no_block_is_corrupt(void **unused)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		for (uint32_t room = 1; room <= 5; room += 4) {
			struct trk_event got[8];
			uint8_t bytes[256];
			const uint32_t size = payload_of(bad[i].parts, bytes);
			uint32_t n;
			const int err = decode(bytes, size, bad[i].items, 1000, room, got, &n);

			if (err != TRK_ERR_CORRUPT || n != bad[i].good)
				fail_msg("%s: %d behind %u events", bad[i].what, err, n);
		}
	}
}

/* The malloc that three mallocs foretell goes on for ever: as far as the ops say so. */
static void a_run_must_be_said(void **unused)
{
	static const struct part parts[] = {
		P(OPS, FIRST_OPS "\xae\xae\xae\xae\x01"), P(NODES, "\0\0\0\0\0"), P(SIZES, "\0\0\0\0\0"), P(ADDRESSES, FIRST_AT), P(OTHERS, "\1\1\1\1\1"), { 0 }
	};
	struct trk_event got[9];
	uint8_t bytes[256];
	const uint32_t size = payload_of(parts, bytes);
	uint32_t n;

	assert_int_equal(decode(bytes, size, 7, 0, 9, got, &n), TRK_END);
	assert_int_equal(decode(bytes, size, 8, 0, 9, got, &n), TRK_ERR_CORRUPT);
	assert_int_equal(n, 7);
	assert_int_equal(got[6].address, 0x1000 + 6 * 32);
}

/* Who does not know it reads what comes before, and learns its number. */
static void what_must_be_understood_is_refused(void **unused)
{
	const struct trk_event events[] = {
		{ .kind = TRK_MALLOC, .address = 0x1000, .size = 8, .ref = TRK_REF_NONE },
		{ .kind = TRK_UNKNOWN, .size = 64, .label = "x", .label_bytes = 1 },
		{ .kind = TRK_UNKNOWN, .size = 99, .detail = TRK_ESCAPE_REQUIRED },
		{ .kind = TRK_FREE, .address = 0x1000 },
	};
	struct coded c = encode(events, 4, 4);
	struct trk_event got[9];
	uint32_t n;

	assert_int_equal(decode(c.bytes[0], c.size[0], 4, c.first_ns[0], 9, got, &n), TRK_ERR_FEATURE);
	assert_int_equal(n, 2);
	assert_int_equal(got[1].size, 64);
	assert_int_equal(got[2].size, 99);
	forget(&c);
}

static void lengths_that_lie_are_corrupt(void **unused)
{
	static const char *const lies[] = {
		"",
		"\0\0\0\0\0\0\0\0",
		"\1\0\0\0\0\0\0\0\0",
		"\0\0\0\0\0\0\0\0\1",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\0\0\0\0\0\0\0\0",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\1\2\0\0\0\0\0\0\0",
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\1\0\0\0\0\0\0\0\0",
	};
	static const uint8_t sizes[] = { 0, 8, 9, 9, 18, 18, 19 };
	struct predict_decoder *const d = predict_decoder_new();

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++)
		assert_int_equal(predict_open(d, (const uint8_t *)lies[i], sizes[i], 0, 0), TRK_ERR_CORRUPT);
	assert_int_equal(predict_open(d, (const uint8_t *)"\0\0\0\0\0\0\0\0\0", 9, PREDICT_EVENTS_MAX + 1, 0),
			 TRK_ERR_CORRUPT);
	assert_int_equal(predict_open(d, (const uint8_t *)"\0\0\0\0\0\0\0\0\0", 9, PREDICT_EVENTS_MAX, 0), 0);
	predict_decoder_free(d);
	predict_decoder_free(NULL);
	predict_coder_free(NULL);
}

/* Any bytes: decoding ends, labels lie inside the payload, a decoder is as good as new afterwards. */
static void hostile_bytes_do_no_harm(void **unused)
{
	enum { COUNT = 3000,
	       ROUNDS = 4000 / SHARE };
	struct program *const p = malloc(sizeof(*p));
	struct trk_event *const events = calloc(COUNT, sizeof(*events)), got[130];
	struct predict_decoder *const d = predict_decoder_new();
	uint64_t seed = 99;
	uint32_t n;
	struct coded c;

	program_init(p, 2, 5);
	p->other_percent = 20;
	for (int i = 0; i < COUNT; i++)
		events[i] = program_next(p);
	c = encode(events, COUNT, PREDICT_BATCH_MAX);
	for (int round = 0; round < ROUNDS; round++) {
		const uint32_t size = round % 3 ? c.size[0] : (uint32_t)(random_next(&seed) % c.size[0]);
		const uint32_t items = round % 2 ? COUNT : PREDICT_EVENTS_MAX;
		uint8_t *const bytes = malloc(size + !size);
		uint32_t total = 0;
		int err;

		memcpy(bytes, c.bytes[0], size);
		for (uint64_t m = random_next(&seed) % 20; size && m > 0; m--)
			bytes[random_next(&seed) % size] = (uint8_t)random_next(&seed);
		err = predict_open(d, bytes, size, items, random_any(&seed));
		while (err == 0) {
			err = predict_decode(d, got, 130, &n);
			total += n;
			for (uint32_t i = 0; i < n; i++)
				assert_true(is_kind(got[i].kind) &&
					    (!got[i].label_bytes || ((const uint8_t *)got[i].label >= bytes &&
								     (const uint8_t *)got[i].label + got[i].label_bytes <= bytes + size)));
		}
		assert_true(err == TRK_END ? total == items : total < items);
		free(bytes);
	}
	predict_decoder_free(d);
	assert_comes_back(&c, events, COUNT, 128);
	forget(&c);
	free(events);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_as_specified),
		cmocka_unit_test(every_column_that_is_too_short_is_corrupt),
		cmocka_unit_test(what_is_no_block_is_corrupt),
		cmocka_unit_test(a_run_must_be_said),
		cmocka_unit_test(what_must_be_understood_is_refused),
		cmocka_unit_test(lengths_that_lie_are_corrupt),
		cmocka_unit_test(hostile_bytes_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
