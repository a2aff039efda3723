/* keyframe_hostile - KEYFRAME payloads that contradict themselves, and any bytes in their place. */
#include "keyframe_events.h"

/* ---- hostile ones ---- */

static int restore_all(const uint8_t *raw, size_t bytes)
{
	struct keyframe_decoder d;
	struct keyframe_block b;
	struct seen s;
	struct heap *const h = heap_with(&s);
	struct heap_restorer r = heap_restore(h);
	int err = keyframe_open(&d, raw, bytes), got;

	while (!err && (got = keyframe_next(&d, &b)) != TRK_END) {
		if (got == KEYFRAME_BLOCK && b.node >= 5)
			b.node = 0;
		err = got == KEYFRAME_BLOCK   ? heap_restore_block(&r, &b) :
		      got == KEYFRAME_PROCESS ? d.process.index < 100 ?
						heap_restore_process(&r, &d.process) :
						TRK_ERR_CORRUPT :
						got;
	}
	for (uint32_t i = 0; i < 200; i++) { /* whatever it became, it bears events */
		uint64_t seed = i + 1;
		const struct trk_event e = next_event(&seed);

		(void)heap_apply(h, &e);
	}
	heap_restore_finish(&r);
	heap_free(h);
	return err;
}

static uint8_t *encoded(const struct keyframe_block *blocks, size_t count, uint32_t *ret_bytes)
{
	struct keyframe_coder *const c = keyframe_coder_new();
	uint32_t items;
	const uint8_t *raw;
	uint8_t *copy;

	keyframe_begin(c, &(struct keyframe_head){ .events = 1 });
	keyframe_process(c, &(struct keyframe_process){ .index = 0 });
	for (size_t i = 0; i < count; i++)
		keyframe_block(c, &blocks[i]);
	raw = keyframe_end(c, true, ret_bytes, &items);
	assert_non_null(raw);
	copy = malloc(*ret_bytes + 1);
	assert_non_null(copy);
	memcpy(copy, raw, *ret_bytes);
	keyframe_coder_free(c);
	return copy;
}

static void expect_refused(const struct keyframe_block *blocks, size_t count)
{
	uint32_t bytes;
	uint8_t *const raw = encoded(blocks, count, &bytes);

	assert_int_equal(restore_all(raw, bytes), TRK_ERR_CORRUPT);
	free(raw);
}

static void contradictions_are_refused(void **state)
{
	const struct keyframe_block block = { .address = 16, .size = 5, .kind = TRK_MALLOC };
	const struct keyframe_block piece = { .address = 0x1000, .size = 5, .asked = 5, .end = 0x2000, .kind = TRK_MMAP };
	struct keyframe_block two[2] = { block, block };

	(void)state;
	expect_refused(two, 2); /* at one address */
	two[0] = two[1] = piece;
	expect_refused(two, 2); /* pieces that meet */
	two[1].address = 0x1fff;
	two[1].end = 0x3000;
	expect_refused(two, 2);
	two[1].address = 0x2000;
	two[1].back = 2;
	expect_refused(two, 2); /* of a mapping that is not there */
	two[0].end = two[0].address; /* no pages: the size goes beyond the end, too */
	expect_refused(two, 1);
	two[0] = piece;
	two[0].size = UINT64_MAX;
	expect_refused(two, 1);
	two[0] = block;
	two[0].kind = TRK_FREE;
	expect_refused(two, 1);
	two[0] = block;
	two[0].aside = true;
	two[0].aside_thread = 0x7fffffff;
	expect_refused(two, 1);
}

static void any_bytes_are_borne(void **state)
{
	struct seen s;
	struct heap *const h = heap_with(&s);
	struct keyframe_block blocks[40];
	uint64_t seed = 99;
	uint32_t bytes;
	uint8_t *raw;

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		blocks[i] = (struct keyframe_block){
			.address = 0x1000 * (i + 1),
			.size = 100 + i,
			.kind = i < 20 ? TRK_MALLOC : TRK_MMAP,
			.asked = 300,
			.end = 0x1000 * (i + 2),
			.back = i == 30,
			.domain = i % 3,
		};
	raw = encoded(blocks, 40, &bytes);
	assert_int_equal(restore_all(raw, bytes), 0);
	for (uint32_t i = 0; i < 20000 / SHARE; i++) {
		const uint32_t at = (uint32_t)(random_next(&seed) % bytes);
		const uint8_t was = raw[at];

		raw[at] = (uint8_t)random_next(&seed);
		(void)restore_all(raw, i % 7 ? bytes : at);
		raw[at] = was;
	}
	free(raw);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(any_bytes_are_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
