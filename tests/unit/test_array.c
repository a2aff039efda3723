/* array: room grows, by doubling, up to what its type counts; what is there stays where memory is refused. */
#include "unit.h"

#include <stdint.h>
#include <stdlib.h>

#include "format/array.h"
#include "tools/allocations.h"

static void room_doubles_and_elements_stay(void **state)
{
	uint64_t *array = NULL;
	size_t room = 0, count = 0;

	allocations_reset(0);
	for (uint64_t i = 0; i < 100000; i++) {
		assert_true(ARRAY_ROOM(array, room, count + 1, 3));
		assert_true(room > count);
		array[count++] = i * i;
	}
	for (uint64_t i = 0; i < count; i++)
		assert_int_equal(array[i], i * i);
	assert_true(allocations.calls < 20); /* 3 * 2^15 < 100000 < 3 * 2^16 */
	free(array);
}

static void the_first_room_is_what_is_asked_for_or_more(void **state)
{
	char *array = NULL;
	uint32_t room = 0;
	size_t need = 0;

	assert_true(ARRAY_ROOM(array, room, need, 16));
	assert_int_equal(room, 0);
	assert_true(ARRAY_ROOM(array, room, 1, 16));
	assert_int_equal(room, 16);
	assert_true(ARRAY_ROOM(array, room, 1000, 16));
	assert_int_equal(room, 1000);
	assert_true(ARRAY_ROOM(array, room, 1001, 16));
	assert_int_equal(room, 2000);
	free(array);
}

static void new_room_is_zero_where_it_was_asked_for(void **state)
{
	uint16_t *array = NULL;
	uint32_t room = 0;

	for (uint32_t n = 1; n < 5000; n = n * 3 + 1) {
		const uint32_t before = room;

		assert_true(ARRAY_ZEROES(array, room, n, 2));
		for (uint32_t i = before; i < room; i++)
			assert_int_equal(array[i], 0);
		memset(array, 0xff, room * sizeof(*array));
	}
	free(array);
}

static void without_memory_nothing_changes(void **state)
{
	int *array = NULL, *before;
	size_t room = 0;

	allocations_reset(1);
	assert_false(ARRAY_ROOM(array, room, 1, 4));
	assert_null(array);
	assert_int_equal(room, 0);
	allocations_reset(0);
	assert_true(ARRAY_ROOM(array, room, 1, 4));
	array[3] = 77;
	before = array;
	allocations_reset(1);
	assert_false(ARRAY_ROOM(array, room, 5, 4));
	assert_int_equal(allocations.refused, 1);
	assert_ptr_equal(array, before);
	assert_int_equal(room, 4);
	assert_int_equal(array[3], 77);
	allocations_reset(0);
	free(array);
}

static void more_than_can_be_counted_is_refused_unasked(void **state)
{
	uint64_t *array = NULL;
	uint32_t narrow = 0;
	size_t wide = 0, need = (size_t)UINT32_MAX + 1;

	allocations_reset(0);
	assert_false(ARRAY_ROOM(array, narrow, need, 4));
	need = SIZE_MAX / sizeof(*array) + 1;
	assert_false(ARRAY_ROOM(array, wide, need, 4));
	need = SIZE_MAX;
	assert_false(ARRAY_ROOM(array, wide, need, 4));
	assert_int_equal(allocations.calls, 0);
	assert_null(array);
}

/* The last doubling is cut: room is not lost because twice as much cannot be counted. */
static void room_ends_where_its_type_does(void **state)
{
	struct {
		uint8_t bytes[SIZE_MAX / UINT32_MAX / 2];
	} *array = NULL;
	uint32_t room = UINT32_MAX / 2 + 2;

	allocations_reset(1); /* such an array is in nobody's memory: what was asked for is not refused before */
	assert_false(ARRAY_ROOM(array, room, (size_t)room + 1, 4));
	assert_int_equal(allocations.refused, 1);
	assert_int_equal(room, UINT32_MAX / 2 + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(room_doubles_and_elements_stay),
		cmocka_unit_test(the_first_room_is_what_is_asked_for_or_more),
		cmocka_unit_test(new_room_is_zero_where_it_was_asked_for),
		cmocka_unit_test(without_memory_nothing_changes),
		cmocka_unit_test(more_than_can_be_counted_is_refused_unasked),
		cmocka_unit_test(room_ends_where_its_type_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
