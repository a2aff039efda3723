/* born - what is known of blocks that were made while somebody watched. Addresses are numbers: nobody looks there. */
#include "unit.h"

#include "libtracker/born.h"

#define OWNER ((const void *)0x10)

static const void *at(uintptr_t n)
{
	return (const void *)(0x5500000000 + n * 16);
}

static struct born born(size_t size, uint32_t serial)
{
	return (struct born){ .size = size, .owner = OWNER, .serial = serial };
}

static void sizes(void **state)
{
	(void)state;
	assert_int_equal(born_blocks(at(1)), 0);
	born_note(at(1), 17);
	assert_int_equal(born_blocks(at(1)), 2);
	/* in the same place of the table */
	assert_int_equal(born_blocks(at(1 + 1024)), 0);
	born_note(at(1 + 1024), 0);
	assert_int_equal(born_blocks(at(1)), 0);
	assert_int_equal(born_blocks(at(1 + 1024)), 1);
	born_drop(at(1 + 1024));
	assert_int_equal(born_blocks(at(1 + 1024)), 0);
	/* more than there is room for */
	born_note(at(2), SIZE_MAX);
	assert_int_equal(born_blocks(at(2)), 0);
	born_note(at(3), 16);
	born_forget();
	assert_int_equal(born_blocks(at(3)), 0);
}

static void sum(const void *p, const struct born *b, void *data)
{
	(void)p;
	*(size_t *)data += b->size;
}

static void followed(void **state)
{
	const struct born outer = born(100, 5), inner = born(10, 6);
	size_t bytes = 0;
	uint32_t taken;

	(void)state;
	assert_true(born_follow(at(10), &outer));
	assert_true(born_follow(at(11), &inner));
	assert_int_equal(born_left(OWNER, 5, sum, &bytes), 2);
	assert_int_equal(bytes, 110);
	assert_int_equal(born_left(OWNER, 6, NULL, NULL), 1);
	assert_int_equal(born_left(OWNER, 7, NULL, NULL), 0);
	assert_int_equal(born_left(NULL, 0, NULL, NULL), 0);
	/* a realloc that fails, and one that does not */
	taken = born_take(at(10));
	assert_int_not_equal(taken, 0);
	assert_int_equal(born_take(at(10)), 0);
	born_kept(taken, at(10));
	taken = born_take(at(10));
	born_moved(taken, at(12), 200);
	born_drop(at(10));
	bytes = 0;
	assert_int_equal(born_left(OWNER, 5, sum, &bytes), 2);
	assert_int_equal(bytes, 210);
	born_drop(at(12));
	born_drop(at(11));
	assert_int_equal(born_left(OWNER, 0, NULL, NULL), 0);
	assert_int_equal(born_take(at(12)), 0);
}

/* What finds no room is not followed, and in nobody's way. */
static void full(void **state)
{
	size_t kept = 0;

	(void)state;
	for (uintptr_t n = 0; n < 2 * BORN_FOLLOWED; n++) {
		const struct born b = born(1, 1);

		kept += born_follow(at(n), &b);
	}
	assert_in_range(kept, BORN_FOLLOWED / 2, BORN_FOLLOWED);
	assert_int_equal(born_left(OWNER, 1, NULL, NULL), kept);
	for (uintptr_t n = 0; n < 2 * BORN_FOLLOWED; n++)
		born_drop(at(n));
	assert_int_equal(born_left(OWNER, 1, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(followed),
		cmocka_unit_test(full),
	};

	assert_true(born_start());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
