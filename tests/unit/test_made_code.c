/*
 * test_made_code - code made at run time and what is read about it, against a naive list of who was put where;
 * perf maps and jitdumps from memory, whole, in pieces and damaged.
 */
#include "unit.h"

#include <stdio.h>

#include "symbols/jitdump.h"
#include "symbols/made_code.h"
#include "symbols/perf_map.h"

#define ADDRESSES 512u

static struct made_code *new_code(void)
{
	struct made_code *c;

	assert_int_equal(made_code_new(&c), 0);
	return c;
}

static bool add(struct made_code *c, uint64_t time, uint64_t start, uint64_t size, const char *name)
{
	return made_code_add(c, time, start, size, name, strlen(name));
}

/* Looked up as frames are: a return address now, its name at the end. */
struct asked {
	uint64_t offset;
	char name[16]; /* "": none */
};

/* While more pieces come. */
static void name_at_once(const struct made_code *c, uint64_t offset, const char *name)
{
	const char *const got = made_code_name_now(c, offset - 1);

	assert_string_equal(got ? got : "", name);
}

static void pieces_as_in_a_naive_list(void **state)
{
	uint64_t random = 1;

	for (int round = 0; round < 50; round++) {
		struct made_code *const c = new_code();
		static char now[ADDRESSES + 64][16];
		static struct asked asked[4000];
		uint32_t count = 0;

		memset(now, 0, sizeof(now));
		for (int i = 0; i < 400; i++) {
			const uint64_t start = 1 + random_next(&random) % ADDRESSES, size = 1 + random_next(&random) % 40;
			char name[16];

			snprintf(name, sizeof(name), "f%d", (int)(random_next(&random) % 50));
			assert_true(add(c, 0, start, size, name));
			made_code_advance(c, 1);
			for (uint64_t a = start; a < start + size; a++)
				memcpy(now[a], name, sizeof(name));
			for (int k = 0; k < 10; k++, count++) {
				const uint64_t a = 1 + random_next(&random) % ADDRESSES;

				asked[count].offset = made_code_offset(c, a + 1);
				memcpy(asked[count].name, now[a], sizeof(now[a]));
				name_at_once(c, asked[count].offset, now[a]);
			}
		}
		for (uint32_t i = 0; i < count; i++) {
			const char *const name = made_code_name(c, asked[i].offset - 1);

			if (asked[i].name[0]) /* otherwise it was asked too early, and may be any of those that came */
				assert_string_equal(name ? name : "", asked[i].name);
		}
		made_code_free(c);
	}
}

static void used_before_it_was_told(void **state)
{
	struct made_code *const c = new_code();
	const uint64_t early = made_code_offset(c, 0x1001);

	assert_int_equal(early, 0x1001);
	assert_true(add(c, 0, 0x1000, 16, "first") && add(c, 0, 0x1000, 16, "second"));
	assert_int_equal(made_code_advance(c, 1), 1);
	const uint64_t late = made_code_offset(c, 0x1001);

	assert_string_equal(made_code_name(c, early - 1), "first");
	assert_string_equal(made_code_name(c, late - 1), "second");
	assert_null(made_code_name(c, 0xfff));
	made_code_free(c);
}

static void as_of_its_time(void **state)
{
	struct made_code *const c = new_code();
	uint64_t at[3];

	assert_true(add(c, 10, 0x1000, 16, "a") && made_code_move(c, 20, 0x1008, 0x2000, 16) && add(c, 30, 0x2000, 16, "b"));
	for (uint64_t i = 0; i < 3; i++) {
		made_code_advance(c, 11 + 10 * i);
		at[i] = made_code_offset(c, i ? 0x2004 : 0x1004);
	}
	assert_string_equal(made_code_name(c, at[0] - 1), "a");
	assert_string_equal(made_code_name(c, at[1] - 1), "a");
	assert_string_equal(made_code_name(c, at[2] - 1), "b");
	made_code_free(c);
}

static void the_same_again(void **state)
{
	struct made_code *const c = new_code();

	for (int i = 0; i < 100; i++)
		assert_true(add(c, 0, 0x1000, 16, "a") && add(c, 0, 0x1010, 16, "b"));
	assert_int_equal(made_code_advance(c, 1), 0);
	assert_int_equal(made_code_offset(c, 0x1010), 0x1010);
	made_code_free(c);
}

static void of_its_parent(void **state)
{
	struct made_code *const parent = new_code(), *const child = new_code();

	assert_true(add(parent, 0, 0x1000, 16, "old") && add(parent, 0, 0x1000, 16, "parents"));
	made_code_advance(parent, 1);
	made_code_inherit(child, parent);
	assert_true(add(child, 0, 0x2000, 16, "childs"));
	made_code_advance(child, 1);
	assert_string_equal(made_code_name(child, made_code_offset(child, 0x1008) - 1), "parents");
	assert_string_equal(made_code_name(child, made_code_offset(child, 0x2008) - 1), "childs");
	made_code_free(child);
	made_code_free(parent);
}

static void bounded(void **state)
{
	struct made_code *const c = new_code();
	static char name[10000];
	uint64_t added = 0;

	memset(name, 'x', sizeof(name) - 1);
	assert_false(add(c, 0, 0, 16, "null") || add(c, 0, 1, 0, "empty") || add(c, 0, UINT64_MAX - 3, 16, "wraps") ||
		     add(c, 0, 1, 1ull << 48, "all") || add(c, 0, 1, 1, ""));
	assert_int_equal(made_code_left_out(c), 0);
	while (add(c, 0, 0x1000 + added * 16, 16, name))
		added++;
	assert_int_equal(made_code_left_out(c), 1);
	assert_in_range(added * MADE_CODE_NAME_MAX, 1, MADE_CODE_BYTES_MAX);
	made_code_advance(c, 1);
	assert_int_equal(strlen(made_code_name(c, 0x1000)), MADE_CODE_NAME_MAX);
	made_code_free(c);
}

/* Whatever overlaps whatever: time grows with the number of pieces only. */
static void many_that_overlap(void **state)
{
	struct made_code *const c = new_code();

	for (uint64_t i = 0; i < 300000; i++)
		assert_true(add(c, 0, 1 + i * 7919 % 1000003, 1 + i * 31 % 100000, "x\n"));
	made_code_advance(c, 1);
	assert_string_equal(made_code_name(c, made_code_offset(c, 1000) - 1), "x?");
	made_code_free(c);
}

/* ---- files ---- */

static const char map_text[] = "1000 10 plain\n0x2000 0x10 with spaces in it\n\nzz 1 no\n3000 10\n4000 0 empty\n"
			       "11112222333344445 10 wide\nfffffffffffffff0 20 over\n5000 10\ttab\r\n6000 10 no newline";

static void check_map(struct made_code *c)
{
	made_code_advance(c, 1);
	assert_string_equal(made_code_name(c, 0x1000), "plain");
	assert_string_equal(made_code_name(c, 0x200f), "with spaces in it");
	assert_string_equal(made_code_name(c, 0x5000), "tab");
	assert_string_equal(made_code_name(c, 0x6000), "no newline");
	assert_null(made_code_name(c, 0x3000));
	assert_null(made_code_name(c, 0x4000));
	made_code_free(c);
}

static void map_in_pieces(void **state)
{
	const size_t size = sizeof(map_text) - 1;

	for (size_t piece = 1; piece <= size; piece++) {
		struct made_code *const c = new_code();
		struct perf_map m = { 0 };
		size_t at = 0;

		for (size_t end = piece; end < size; end += piece)
			at += perf_map_read(&m, c, map_text + at, end - at, false, false);
		at += perf_map_read(&m, c, map_text + at, size - at, true, false);
		assert_int_equal(at, size);
		check_map(c);
	}
}

static void map_of_long_lines(void **state)
{
	struct made_code *const c = new_code();
	struct perf_map m = { 0 };
	static const char text[] = "1000 10 abcdefgh\n2000 10 next\n";

	assert_int_equal(perf_map_read(&m, c, text, 12, false, true), 12);
	assert_true(m.skipping);
	assert_int_equal(perf_map_read(&m, c, text + 12, sizeof(text) - 13, false, false), sizeof(text) - 13);
	made_code_advance(c, 1);
	assert_string_equal(made_code_name(c, 0x1000), "abcd");
	assert_string_equal(made_code_name(c, 0x2000), "next");
	made_code_free(c);
}

static size_t put(uint8_t *to, size_t at, uint64_t value, size_t bytes)
{
	memcpy(to + at, &value, bytes);
	return at + bytes;
}

/* A load of 32 bytes of code at `address`. */
static size_t put_load(uint8_t *to, size_t at, uint64_t time, uint64_t address, const char *name)
{
	at = put(to, at, 0, 4);
	at = put(to, at, 16 + 40 + strlen(name) + 1 + 32, 4);
	at = put(to, at, time, 8);
	at = put(to, at, 0x100000001, 8);
	at = put(to, at, address, 8);
	at = put(to, at, address, 8);
	at = put(to, at, 32, 8);
	at = put(to, at, 1, 8);
	memcpy(to + at, name, strlen(name) + 1);
	memset(to + at + strlen(name) + 1, 0xcc, 32);
	return at + strlen(name) + 1 + 32;
}

static size_t make_dump(uint8_t *to)
{
	size_t at = put(to, 0, 0x4a695444, 4);

	at = put(to, at, 1, 4);
	at = put(to, at, 48, 4); /* longer than is known */
	at = put(to, at, 62, 8);
	at = put(to, at, 1, 4);
	at = put(to, at, 1000, 8);
	at = put(to, at, 0, 8);
	at = put(to, at, 0, 8);
	at = put_load(to, at, 1010, 0x1000, "first");
	at = put(to, at, 99, 4); /* of a kind that is not known */
	at = put(to, at, 20, 4);
	at = put(to, at, 0, 8);
	at = put(to, at, 0, 4);
	at = put_load(to, at, 1020, 0x1000, "second");
	at = put(to, at, 1, 4);
	at = put(to, at, 64, 4);
	at = put(to, at, 1030, 8);
	at = put(to, at, 0x100000001, 8);
	at = put(to, at, 0x2000, 8);
	at = put(to, at, 0x1000, 8);
	at = put(to, at, 0x2000, 8);
	at = put(to, at, 32, 8);
	return put(to, at, 1, 8);
}

static void dump_in_pieces(void **state)
{
	uint8_t dump[1024];
	const size_t size = make_dump(dump);

	for (size_t piece = 1; piece <= size; piece++) {
		struct made_code *const c = new_code();
		struct jitdump d = { .origin_ns = 1000 };
		uint64_t at = 0, offset[3];

		for (size_t end = piece; at < size; end = end + piece < size ? end + piece : size)
			if (at < end)
				at += jitdump_read(&d, c, dump + at, end - at, end - at);
		assert_int_equal(at, size);
		for (uint64_t i = 0; i < 3; i++) {
			made_code_advance(c, 11 + 10 * i);
			offset[i] = made_code_offset(c, i == 2 ? 0x2008 : 0x1008);
		}
		assert_string_equal(made_code_name(c, offset[0] - 1), "first");
		assert_string_equal(made_code_name(c, offset[1] - 1), "second");
		assert_string_equal(made_code_name(c, offset[2] - 1), "second");
		made_code_free(c);
	}
}

static void dump_that_is_none(void **state)
{
	uint8_t dump[1024];
	const size_t size = make_dump(dump);

	for (size_t at = 0; at < 12; at++) { /* magic, version, size */
		struct made_code *const c = new_code();
		struct jitdump d = { 0 };
		uint8_t bad[1024];

		memcpy(bad, dump, size);
		bad[at] ^= 0x80;
		if (jitdump_read(&d, c, bad, size, size))
			assert_true(at >= 4);
		made_code_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_as_in_a_naive_list), cmocka_unit_test(used_before_it_was_told),
		cmocka_unit_test(as_of_its_time), cmocka_unit_test(the_same_again), cmocka_unit_test(of_its_parent),
		cmocka_unit_test(bounded), cmocka_unit_test(many_that_overlap), cmocka_unit_test(map_in_pieces),
		cmocka_unit_test(map_of_long_lines), cmocka_unit_test(dump_in_pieces), cmocka_unit_test(dump_that_is_none)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
