/* idmap: every id is found under its hash, however many share it and wherever their places meet; keymap stands on it. */
#include "unit.h"

#include <stdint.h>
#include <stdlib.h>

#include "format/idmap.h"
#include "symbols/keymap.h"
#include "tools/allocations.h"

#define IDS 3000u

/* Few hashes, in neighbouring places and at the end of the table: all of them meet. */
static uint32_t hash_of(uint32_t id)
{
	return UINT32_MAX - id % 100 * (id % 3);
}

static void every_id_is_found_once_under_its_hash(void **state)
{
	uint8_t *const seen = calloc(IDS + 1, 1);
	struct idmap m = { 0 };

	for (uint32_t id = 1; id <= IDS; id++) {
		assert_true(idmap_reserve(&m));
		idmap_add(&m, hash_of(id), id);
		assert_true(m.used <= m.room / 2);
	}
	for (uint32_t first = 1; first <= IDS; first++) {
		uint32_t at = hash_of(first), id;

		memset(seen, 0, IDS + 1);
		while ((id = idmap_next(&m, hash_of(first), &at))) {
			assert_int_equal(hash_of(id), hash_of(first));
			assert_false(seen[id]);
			seen[id] = 1;
		}
		assert_true(seen[first]);
	}
	idmap_finish(&m);
	free(seen);
}

static void what_is_not_there_is_not_found(void **state)
{
	struct idmap m = { 0 };
	uint32_t at = 7;

	assert_int_equal(idmap_next(&m, 7, &at), 0);
	assert_true(idmap_reserve(&m));
	idmap_add(&m, 7, 1);
	at = 7 + m.room; /* its place */
	assert_int_equal(idmap_next(&m, 7 + m.room, &at), 0);
	at = 7;
	assert_int_equal(idmap_next(&m, 7, &at), 1);
	assert_int_equal(idmap_next(&m, 7, &at), 0);
	idmap_finish(&m);
}

static void without_memory_nothing_changes(void **state)
{
	struct idmap m = { 0 };
	uint32_t at, count = 0;

	allocations_reset(1);
	assert_false(idmap_reserve(&m));
	assert_null(m.slots);
	allocations_reset(2);
	while (idmap_reserve(&m))
		idmap_add(&m, 5, ++count);
	assert_int_equal(count, m.room / 2);
	at = 5;
	for (uint32_t i = 1; i <= count; i++)
		assert_int_equal(idmap_next(&m, 5, &at), i);
	allocations_reset(0);
	idmap_finish(&m);
}

static void keys_have_the_numbers_that_were_stored(void **state)
{
	struct keymap m = { 0 };

	for (uint64_t i = 0; i < 10000; i++) {
		uint32_t *const number = keymap_at(&m, i << 32 | i % 7);

		assert_non_null(number);
		assert_int_equal(*number, KEYMAP_NONE);
		*number = (uint32_t)(i * 3);
	}
	assert_int_equal(m.count, 10000);
	for (uint64_t i = 0; i < 10000; i++)
		assert_int_equal(*keymap_at(&m, i << 32 | i % 7), i * 3);
	allocations_reset(1);
	while (m.count < m.room)
		assert_non_null(keymap_at(&m, UINT64_MAX - m.count));
	assert_null(keymap_at(&m, UINT64_MAX / 3));
	assert_int_equal(*keymap_at(&m, 9999ull << 32 | 9999 % 7), 9999 * 3);
	allocations_reset(0);
	keymap_finish(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_id_is_found_once_under_its_hash),
		cmocka_unit_test(what_is_not_there_is_not_found),
		cmocka_unit_test(without_memory_nothing_changes),
		cmocka_unit_test(keys_have_the_numbers_that_were_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
