/*
 * wire - records as format/wire.h describes them, written by hand here: the
 * encoder that is used in earnest lives in another world.
 */
#include "unit.h"

#include "format/event.h"
#include "format/wire_codes.h"

static int decode(const void *bytes, size_t size, struct wire_record *ret)
{
	struct byte_reader r = byte_reader_of(bytes, size);
	struct wire_state s = { 0 };

	return wire_decode(&s, &r, ret);
}

static void nothing_is_the_end(void **unused)
{
	struct wire_record r;

	assert_int_equal(decode("", 0, &r), TRK_END);
}

/* malloc, all parts: epoch +300, time -1, pop 2, push 2 frames, address, size 24. */
static void all_parts_are_read(void **unused)
{
	static const uint8_t bytes[] = { 0xe1, 0xac, 0x02, 1, 2, 2 << 1, 0x40, 0, 0, 0, 4, 0, 0, 0x80, 0x20, 24 };
	struct byte_reader in = byte_reader_of(bytes, sizeof(bytes));
	struct wire_state s = { .epoch = 1000, .time_ns = 50, .address = 0x100, .bases = wire_bases((const uint64_t[]){ 0x1000, 0x7f0000000000 }) };
	struct wire_record r;

	assert_int_equal(wire_decode(&s, &in, &r), 0);
	assert_int_equal(r.kind, TRK_MALLOC);
	assert_int_equal(r.epoch, 1300);
	assert_int_equal(r.time_ns, 49);
	assert_true(r.has_stack);
	assert_int_equal(r.pops, 2);
	assert_int_equal(r.pushes.count, 2);
	assert_int_equal(wire_frame(&r.pushes, &s.bases, 0), 0x1040);
	assert_int_equal(wire_frame(&r.pushes, &s.bases, 1), 0x7f0000000004);
	assert_int_equal(r.address, 0x110);
	assert_int_equal(r.size, 24);
	assert_int_equal(bytes_left(&in), 0);
}

/* Every pc has a code against one of the bases, or none; and the code means that pc. */
static void codes_mean_their_pcs(void **unused)
{
	static const uint64_t bases[][2] = { { 0x7ffff0000000, 0x555555500000 }, { 0x7ffff0000000, 0 }, { 0, 0 }, { UINT64_MAX - 5, 1ull << 63 } };
	static const uint64_t beyond[][4] = { { 0, 1, 0x7ffffffe, 0x7fffffff }, { 0, 1, 0x3ffffffe, 0x3fffffff } };

	for (size_t b = 0; b < sizeof(bases) / sizeof(bases[0]); b++)
		for (size_t i = 0; i < 8; i++) {
			const struct wire_bases all = wire_bases(bases[b]);
			const uint64_t pc = bases[b][i & 1] + beyond[i & 1][i / 2];
			uint64_t wide = 0;

			assert_true(wire_pc(wire_code(pc, bases[b][0], bases[b][1], &wide), &all) == pc);
			assert_true(!wide);
			(void)wire_code(bases[b][0] + bases[b][1] + (1ull << 62), bases[b][0], bases[b][1], &wide);
			assert_true(wide);
		}
}

/* Places in functions of Python have codes of their own, beside those of native code. */
static void codes_of_python_mean_their_places(void **unused)
{
	static const uint64_t bases[2] = { 0x7ffff0000000, 0x555555500000 };
	static const uint64_t pcs[] = { 0x7ffff0000001, WIRE_PYTHON_PC, WIRE_PYTHON_PC + 1, 0x555595500000 - 1,
					WIRE_PYTHON_PC + 77777, WIRE_PYTHON_PC + 0x3fffffff, WIRE_PYTHON_PC + 0x40000000, 0x555595500000 };
	const struct wire_bases all = wire_bases(bases);
	uint8_t bytes[sizeof(uint32_t) * 6];

	assert_true(wire_put_codes_of_python(bytes, pcs, 6, bases));
	for (uint32_t i = 0; i < 6; i++)
		assert_true(wire_pc(get_u32(bytes + 4 * i), &all) == pcs[i]);
	assert_false(wire_put_codes_of_python(bytes, pcs + 6, 1, bases));
	assert_false(wire_put_codes_of_python(bytes, pcs + 7, 1, bases));
	for (uint32_t i = 1; i <= 6; i++) /* others give up on them: they are told in eight bytes */
		assert_int_equal(wire_put_codes(bytes, pcs, i, bases), i == 1);
	/* also where the second base is 0, and nothing else tells them from its codes */
	assert_false(wire_put_codes(bytes, (const uint64_t[]){ 0x401000, 0x402000, WIRE_PYTHON_PC + 7, 0x403000 }, 4, (const uint64_t[]){ 0x7ffff0000000, 0 }));
	assert_true(wire_is_python(pcs[6]) && !wire_is_python(WIRE_CUT + 5) && !wire_is_python(0) && !wire_is_python(pcs[7]));
}

/* Stacks of every length, with a pc that has no code in every place of some: codes that are made at once mean the same. */
static void many_codes_mean_their_pcs(void **unused)
{
	static const uint64_t beyond[] = { 0, 0x7fffffff, 1, 0x80000000, UINT64_MAX /* below */, 1ull << 32, 1ull << 63, (1ull << 63) + 0x7fffffff };
	static const uint64_t all_bases[][2] = { { 0x7fff90000000, 0x555555500000 }, { 0x7fff90000000, 0 }, { 0x10000000, 0 } };
	uint64_t pcs[WIRE_FRAMES_MAX];
	uint8_t bytes[sizeof(uint32_t) * WIRE_FRAMES_MAX];

	for (uint32_t n = 0; n < 2000; n++) {
		const uint64_t *const bases = all_bases[n % 3];
		const uint32_t count = n / 3 % 40, unfit = n / 9 % 60;
		uint64_t wide = 0;

		for (uint32_t i = 0; i < count; i++) {
			const bool second = (n + i) / 2 & 1;

			pcs[i] = bases[second] + (beyond[i == unfit ? (n >> 4) % 8 : (n + i) % 3] >> (second && i != unfit));
			(void)wire_code(pcs[i], bases[0], bases[1], &wide);
		}
		const struct wire_bases all = wire_bases(bases);
		const bool fit = wire_put_codes(bytes, pcs, count, bases);

		assert_true(!fit || !wide);
		for (uint32_t i = 0; i < count; i++) {
			assert_true(!fit || wire_pc(get_u32(bytes + 4 * i), &all) == pcs[i]);
			wide |= pcs[i] >> 62;
		}
		assert_int_equal(fit, !wide);
	}
}

static void state_runs_on_over_records(void **unused)
{
	static const uint8_t bytes[] = { 0x21, 5, 0x20, 8, 0x10, 0x1f, 0x30, 1, 0x00 };
	struct byte_reader in = byte_reader_of(bytes, sizeof(bytes));
	struct wire_state s = { 0 };
	struct wire_record r;

	assert_int_equal(wire_decode(&s, &in, &r), 0);
	assert_int_equal(r.address, 16);
	assert_int_equal(wire_decode(&s, &in, &r), 0); /* free, address 16 - 16 */
	assert_int_equal(r.kind, TRK_FREE);
	assert_int_equal(r.address, 0);
	assert_int_equal(r.epoch, 5);
	assert_int_equal(r.size, 0);
	assert_false(r.has_stack);
	assert_int_equal(wire_decode(&s, &in, &r), 0);
	assert_int_equal(r.epoch, 6);
	assert_int_equal(wire_decode(&s, &in, &r), TRK_END);
}

static bool has_form(uint8_t kind, unsigned forms)
{
	return forms >> trk_kinds[kind].form & 1;
}

#define FORM(form) (1u << TRK_FORM_##form)
#define WITH_DOMAIN (FORM(TRACK) | FORM(UNTRACK))
#define WITH_DETAIL (FORM(ACCESS) | FORM(ADVICE) | FORM(REQUEST))
#define WITH_SIZE (FORM(TYPED) | FORM(BLOCK) | FORM(MREMAP) | FORM(TRACK) | FORM(REALLOC) | WITH_DETAIL)
#define NUMBERS (FORM(LOST) | FORM(COUNT) | FORM(BARE))

/* Head, parts and a stack of two. */
static uint8_t *make_head(uint8_t head, uint8_t *p)
{
	*p++ = head | WIRE_EPOCH | WIRE_TIME | WIRE_STACK;
	p = put_varint(p, 1000);
	p = put_zigzag(p, -1000);
	p = put_varint(p, 3);
	*p++ = 2 << 1 | WIRE_WIDE;
	put_u64(p, 0x400000);
	put_u64(p + 8, 0xfffffffff123);
	return p + 16;
}

/* Operands of an event, which tell one another apart. */
static uint8_t *make_fields(uint8_t kind, uint8_t *p)
{
	if (has_form(kind, WITH_DOMAIN))
		p = put_varint(p, 77);
	if (has_form(kind, FORM(MREMAP)))
		p = put_varint(put_zigzag(p, 0x5000), 8192);
	if (has_form(kind, FORM(LABEL))) {
		memcpy(p, "\x05label", 6);
		return p + 6;
	}
	if (has_form(kind, NUMBERS))
		return put_varint(p, 12345);
	p = put_zigzag(p, 0x7000);
	if (has_form(kind, WITH_SIZE))
		p = put_varint(p, 4096);
	if (has_form(kind, FORM(TYPED))) {
		memcpy(p, "\x05label", 6);
		return p + 6;
	}
	if (has_form(kind, WITH_DETAIL))
		p = put_varint(p, 23);
	return has_form(kind, FORM(REQUEST)) ? put_varint(p, 8192) : p;
}

/* A record of an event; returns its length. */
static size_t make_event(uint8_t kind, uint8_t *out)
{
	const uint8_t told = trk_kinds[kind].told;
	uint8_t *p = make_head(told == TRK_TOLD_MAPPED ? (uint8_t)TRK_MMAP : told == TRK_TOLD_RARE ? (uint8_t)WIRE_RARE :
												     kind,
			       out);

	if (told == TRK_TOLD_MAPPED || told == TRK_TOLD_RARE)
		*p++ = kind;
	return (size_t)(make_fields(kind, p) - out);
}

static void check_head(const struct wire_record *r)
{
	assert_int_equal(r->epoch, 1000);
	assert_true(r->time_ns == (uint64_t)-1000);
	assert_int_equal(r->pops, 3);
	assert_int_equal(r->pushes.count, 2);
	assert_true(wire_frame(&r->pushes, NULL, 0) == 0x400000 && wire_frame(&r->pushes, NULL, 1) == 0xfffffffff123);
}

static void check_event(const struct wire_record *r)
{
	const uint8_t kind = r->kind;
	const bool moves = has_form(kind, FORM(MREMAP)), labels = has_form(kind, FORM(LABEL)), typed = has_form(kind, FORM(TYPED)), numbers = has_form(kind, NUMBERS);

	assert_int_equal(r->domain, has_form(kind, WITH_DOMAIN) ? 77 : 0);
	assert_int_equal(r->detail, has_form(kind, WITH_DETAIL) ? 23 : 0);
	assert_int_equal(r->old_address, moves ? 0x5000 : 0);
	assert_int_equal(r->old_size, moves || has_form(kind, FORM(REQUEST)) ? 8192 : 0);
	assert_int_equal(r->address, moves ? 0xc000 : labels || numbers ? 0 :
									  0x7000);
	assert_int_equal(r->size, numbers ? 12345 : has_form(kind, WITH_SIZE) ? 4096 :
										0);
	assert_int_equal(r->text_bytes, labels || typed ? 5 : 0);
	if (labels || typed)
		assert_memory_equal(r->text, "label", 5);
}

static void is_read_whole_or_not_at_all(const uint8_t *bytes, size_t size, uint8_t kind, struct wire_record *ret)
{
	assert_int_equal(decode(bytes, size, ret), 0);
	assert_int_equal(ret->kind, kind);
	check_head(ret);
	for (size_t n = 1; n < size; n++)
		assert_int_equal(decode(bytes, n, &(struct wire_record){ 0 }), TRK_ERR_CORRUPT);
}

static void every_kind_is_read_whole_or_not_at_all(void **unused)
{
	unsigned told = 0;

	for (uint8_t kind = 0; kind < TRK_KINDS; kind++) {
		uint8_t bytes[WIRE_RECORD_MAX];
		struct wire_record r;

		if (trk_kinds[kind].told == TRK_TOLD_NEVER)
			continue;
		is_read_whole_or_not_at_all(bytes, make_event(kind, bytes), kind, &r);
		check_event(&r);
		told++;
	}
	assert_true(told >= 31);
}

/* What is no event of the table, by hand. */
static void other_records_are_read_whole_or_not_at_all(void **unused)
{
	uint8_t bytes[WIRE_RECORD_MAX], *p;
	struct wire_record r;

	p = put_varint(make_head(WIRE_SKIPPED, bytes), 12345);
	is_read_whole_or_not_at_all(bytes, (size_t)(p - bytes), WIRE_SKIPPED, &r);
	assert_int_equal(r.size, 12345);
	p = make_head(WIRE_FRAMES, bytes);
	is_read_whole_or_not_at_all(bytes, (size_t)(p - bytes), WIRE_FRAMES, &r);
	p = put_varint(put_zigzag(make_head(WIRE_MREMAP_BEGIN, bytes), 0x7000), 4096);
	is_read_whole_or_not_at_all(bytes, (size_t)(p - bytes), WIRE_MREMAP_BEGIN, &r);
	assert_true(r.old_address == 0x7000 && r.old_size == 4096 && r.address == 0);
	p = make_head(WIRE_REALLOC_BEGIN, bytes);
	*p++ = TRK_REALLOCARRAY;
	p = put_zigzag(p, 0x7000);
	is_read_whole_or_not_at_all(bytes, (size_t)(p - bytes), WIRE_REALLOC_BEGIN, &r);
	assert_true(r.old_address == 0x7000 && r.address == 0 && r.realloc_kind == TRK_REALLOCARRAY);
	p = make_head(WIRE_REALLOC_END, bytes);
	*p++ = TRK_REALLOCARRAY;
	*p++ = WIRE_FREED;
	p = put_varint(put_zigzag(p, 0x7000), 4096);
	is_read_whole_or_not_at_all(bytes, (size_t)(p - bytes), WIRE_REALLOC_END, &r);
	assert_true(r.realloc_kind == TRK_REALLOCARRAY && r.outcome == WIRE_FREED && r.address == 0x7000 && r.size == 4096);
	p = put_varint(put_varint(put_varint(put_varint(make_head(WIRE_MODULE, bytes), 11), 222), 3333), 2);
	memcpy(p, "\x04/a.b\x02ID", 8);
	is_read_whole_or_not_at_all(bytes, (size_t)(p + 8 - bytes), WIRE_MODULE, &r);
	assert_true(r.bias == 11 && r.start == 222 && r.end == 3333 && r.module_flags == 2);
	assert_true(r.text_bytes == 4 && !memcmp(r.text, "/a.b", 4) && r.build_id_bytes == 2 && !memcmp(r.build_id, "ID", 2));
}

/* Behind the escape: the names of domains, and ranges of them. */
static void domains_are_read_whole_or_not_at_all(void **unused)
{
	uint8_t bytes[WIRE_RECORD_MAX], *p;
	struct wire_record r;

	p = make_head(WIRE_RARE, bytes);
	*p++ = 67;
	p = put_varint(p, UINT32_MAX);
	memcpy(p, "\3gpu", 4);
	is_read_whole_or_not_at_all(bytes, (size_t)(p + 4 - bytes), WIRE_DOMAIN_NAME, &r);
	assert_true(r.domain == UINT32_MAX && r.text_bytes == 3 && !memcmp(r.text, "gpu", 3));
	p = make_head(WIRE_RARE, bytes);
	*p++ = 68;
	p = put_varint(put_zigzag(put_varint(p, 300), 0x7000), UINT64_MAX);
	is_read_whole_or_not_at_all(bytes, (size_t)(p - bytes), WIRE_UNTRACK_RANGE, &r);
	assert_true(r.domain == 300 && r.address == 0x7000 && r.size == UINT64_MAX && !r.text);
}

static void what_is_no_record_is_corrupt(void **unused)
{
	static const struct {
		const char *bytes;
		size_t size;
	} bad[] = {
		{ "\x00\x00\x00", 3 }, /* none skipped: zeros */
		{ "\x0c\x10\x00\x00", 4 }, /* mmap that is a free */
		{ "\x0c\x24\x00\x00", 4 }, /* mmap that is `touched`: the recorder's own word */
		{ "\x0c\x25\x00\x00", 4 }, /* mmap that is a clear */
		{ "\x1f", 1 }, /* the escape, and nothing behind it */
		{ "\x1f\x1f", 2 }, /* a gap without its number */
		{ "\x1f\x1f\x80", 3 }, /* ... cut in it */
		{ "\x1f\x00\x05", 3 }, /* no kind */
		{ "\x1f\x01\x02\x02", 4 }, /* a malloc, which has its own head */
		{ "\x1f\x1b\x00", 3 }, /* a mark, likewise */
		{ "\x1f\x24\x00\x00", 4 }, /* the recorder's own word */
		{ "\x1f\x3f\x00\x00", 4 }, /* the file's escape */
		{ "\x1f\x40", 2 }, /* a question without its entry */
		{ "\x1f\x40\x10", 3 }, /* ... in an entry that there is not */
		{ "\x1f\x41", 2 }, /* a fork without its number */
		{ "\x1f\x42\x80\x80\x80\x80\x10", 7 }, /* ... and one with number 2^32 that failed */
		{ "\x1f\x43\x00\x00", 4 }, /* a domain whose name is empty */
		{ "\x1f\x43\x80\x80\x80\x80\x10\x01x", 9 }, /* ... of number 2^32 */
		{ "\x1f\x43\x00\x80\x01"
		  "0123456789012345678901234567890123456789012345678901234567890123"
		  "0123456789012345678901234567890123456789012345678901234567890123",
		  5 + 128 }, /* ... of a byte more than a name may have */
		{ "\x1f\x44\x80\x80\x80\x80\x10\x00\x00", 9 }, /* a range of domain 2^32 */
		{ "\x1f\x47\x80\x10\x00", 5 }, /* a stack's number 2048 */
		{ "\x90\x80\x10\x01\x00\x00", 6 }, /* ... of an event */
		{ "\x1f\x48\x00\x00", 4 }, /* 72, 127, 255: nothing yet */
		{ "\x1f\x7f\x00\x00", 4 },
		{ "\x1f\xff\x00\x00", 4 },
		{ "\x0c\x22\x00\x00\x80\x80\x80\x80\x10", 9 }, /* mprotect's detail 2^32 */
		{ "\x0f\x00", 2 }, /* cut in an mremap's begin */
		{ "\x1a\x00\x00", 3 }, /* frames without frames */
		{ "\x90\x80\x80\x80\x80\x10\x00\x00", 8 }, /* pops 2^32 */
		{ "\x90\x00\xfe\x01\x00\x00", 6 }, /* 127 pushes, of which half a one is there */
		{ "\x90\x00\x03\x01\x02\x03\x04\x05\x06\x07", 10 }, /* a wide one of 7 bytes */
		{ "\x19\x05\x00\x00\x00", 5 }, /* end of a realloc that is no realloc */
		{ "\x19\x03\x03\x00\x00", 5 }, /* outcome 3 */
		{ "\x0e\x80\x80\x80\x80\x10\x00\x00", 8 }, /* domain 2^32 */
		{ "\x1b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
		  "abc",
		  14 }, /* endless label */
		{ "\x1e\x00\x00\x00\x00\x03"
		  "ab",
		  8 }, /* path longer than the rest */
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct wire_record r;

		assert_int_equal(decode(bad[i].bytes, bad[i].size, &r), TRK_ERR_CORRUPT);
	}
}

/* How a thread says that nothing of its last stack is left. */
static void as_many_pops_as_one_likes(void **unused)
{
	struct wire_record r;

	assert_int_equal(decode("\x90\xff\xff\xff\xff\x0f\x00\x10", 8, &r), 0);
	assert_true(r.pops == UINT32_MAX);
	assert_int_equal(r.address, 8);
}

/* A number in the place of frames. */
static void a_known_stack(void **unused)
{
	struct wire_record r;

	assert_int_equal(decode("\x90\xff\x0f\x01\x10\x08", 6, &r), 0);
	assert_true(r.has_stack && r.known == WIRE_KNOWN_STACKS && !r.pops && !r.pushes.count);
	assert_true(r.address == 8 && r.size == 0);
	assert_int_equal(decode("\x1f\x47\xff\x0f", 4, &r), 0);
	assert_true(r.kind == WIRE_KNOWN && r.detail == WIRE_KNOWN_STACKS - 1);
}

static void an_epoch_never_wraps(void **unused)
{
	struct byte_reader in = byte_reader_of("\x30\x02\x00", 3);
	struct wire_state s = { .epoch = UINT64_MAX - 1 };
	struct wire_record r;

	assert_int_equal(wire_decode(&s, &in, &r), TRK_ERR_CORRUPT);
}

/* Any bytes at all: decoding ends, and never points outside. */
static void noise_is_survived(void **unused)
{
	uint64_t seed = 11;

	for (int round = 0; round < 20000; round++) {
		uint8_t bytes[64];
		struct byte_reader in = byte_reader_of(bytes, random_next(&seed) % sizeof(bytes));
		struct wire_state s = { 0 };
		struct wire_record r;
		unsigned records = 0;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)random_next(&seed) & (i % 3 ? 0xff : 0x1f);
		while (wire_decode(&s, &in, &r) == 0) {
			assert_true(++records <= sizeof(bytes));
			assert_true(r.pushes.count <= WIRE_FRAMES_MAX);
			if (r.text)
				assert_true((const uint8_t *)r.text >= bytes &&
					    (const uint8_t *)r.text + r.text_bytes <= in.end);
			if (r.pushes.bytes)
				assert_true(r.pushes.bytes >= bytes &&
					    r.pushes.bytes + wire_frames_bytes(&r.pushes) <= in.end);
			if (r.build_id)
				assert_true(r.build_id >= bytes && r.build_id + r.build_id_bytes <= in.end);
		}
	}
}

/* Reading quickly reads the same, or leaves the record to who reads with care. */
static void quick_reading_reads_the_same(void **unused)
{
	static uint8_t bytes[1 << 19];
	struct byte_reader in = byte_reader_of(bytes, sizeof(bytes));
	struct wire_state s = { .bases = wire_bases((const uint64_t[]){ 1, 2 }) };
	struct wire_record r;
	struct wire_quick q;
	uint64_t seed = 12;
	unsigned records = 0, read = 0;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_next(&seed) & (random_next(&seed) % 4 ? 0x7f : 0xff);
	for (; bytes_left(&in) >= WIRE_RECORD_MAX; records++) {
		const struct byte_reader before = in;
		const uint8_t *const after = wire_quick(in.at, s.time_ns, s.address, &q);

		if (wire_decode(&s, &in, &r) != 0) {
			assert_null(after);
			in = byte_reader_of(before.at + 1, (size_t)(before.end - before.at - 1));
			continue;
		}
		if (!after)
			continue;
		read++;
		assert_ptr_equal(after, in.at);
		assert_int_equal(q.kind, r.kind);
		assert_true(q.has_stack == r.has_stack && q.pops == r.pops && q.known == r.known);
		assert_ptr_equal(q.pushes.bytes, r.pushes.bytes);
		assert_true(q.pushes.count == r.pushes.count && q.pushes.wide == r.pushes.wide);
		assert_true(q.time_ns == r.time_ns && q.address == r.address && q.size == r.size);
	}
	assert_true(records > 1000 && read > 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_the_end),
		cmocka_unit_test(all_parts_are_read),
		cmocka_unit_test(codes_mean_their_pcs),
		cmocka_unit_test(codes_of_python_mean_their_places),
		cmocka_unit_test(many_codes_mean_their_pcs),
		cmocka_unit_test(state_runs_on_over_records),
		cmocka_unit_test(every_kind_is_read_whole_or_not_at_all),
		cmocka_unit_test(other_records_are_read_whole_or_not_at_all),
		cmocka_unit_test(domains_are_read_whole_or_not_at_all),
		cmocka_unit_test(what_is_no_record_is_corrupt),
		cmocka_unit_test(as_many_pops_as_one_likes),
		cmocka_unit_test(a_known_stack),
		cmocka_unit_test(an_epoch_never_wraps),
		cmocka_unit_test(noise_is_survived),
		cmocka_unit_test(quick_reading_reads_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
