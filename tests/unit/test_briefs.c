/*
 * briefs - blocks of which only sums are kept: the table against a list, and a heap that keeps no more
 * of old blocks against one that keeps all.
 */
#include "program.h"

#include "replay/briefs.h"
#include "replay/heap.h"
#include "tools/allocations.h"

/* ---- the table ---- */

enum { ADDRESSES = 4096 };

/* What the table should hold: by (address / 16 - 1). */
struct list {
	struct brief all[ADDRESSES];
	uint32_t count;
};

static void assert_holds(const struct briefs *s, const struct list *l)
{
	uint32_t places = 0;

	for (uint64_t i = 0; i < briefs_places(s); i++)
		places += s->table[i].address != 0;
	assert_true(s->used == l->count && places == l->count);
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		const uint32_t place = briefs_find(s, (i + 1) * 16ull);

		if (l->all[i].address)
			assert_memory_equal(&s->table[place], &l->all[i], sizeof(struct brief));
		else
			assert_int_equal(place, BRIEFS_NONE);
	}
}

static void change(struct briefs *s, struct list *l, uint32_t i, uint32_t value)
{
	const uint64_t address = (i + 1) * 16ull;

	if (l->all[i].address) {
		briefs_remove(s, briefs_find(s, address));
		l->all[i] = (struct brief){ 0 };
		l->count--;
	} else {
		l->all[i] = (struct brief){ .address = address, .size = value, .user = ~value };
		assert_int_equal(briefs_add(s, &l->all[i]), 0);
		l->count++;
	}
}

/* Few and many at a time, so that buckets are empty, full, and fuller than that. */
static void what_was_added_is_found_until_it_is_removed(void **unused)
{
	for (uint32_t addresses = 8; addresses <= ADDRESSES; addresses *= 8) {
		struct list *const l = calloc(1, sizeof(*l));
		struct briefs s = { 0 };
		uint64_t seed = addresses;

		assert_non_null(l);
		for (uint32_t i = 0; i < 40000; i++) {
			change(&s, l, (uint32_t)(random_next(&seed) % addresses), i);
			if (i % 500 == 0)
				assert_holds(&s, l);
		}
		for (uint32_t i = 0; i < ADDRESSES; i++)
			if (l->all[i].address)
				change(&s, l, i, 0);
		assert_holds(&s, l);
		briefs_finish(&s);
		free(l);
	}
}

/* All of one bucket: each is removed from wherever it had to go. */
static void blocks_of_one_bucket_find_room_and_move_up_again(void **unused)
{
	enum { SAME = 12 };
	struct briefs s = { 0 };
	uint64_t same[SAME], n = 0;

	assert_int_equal(briefs_add(&s, &(struct brief){ .address = 8 }), 0);
	briefs_remove(&s, briefs_find(&s, 8));
	for (uint64_t address = 16; n < SAME; address += 16)
		if (briefs_home(&s, address) == briefs_mask(&s)) /* the last one: the table is round */
			same[n++] = address;
	for (uint32_t from = 0; from < SAME; from++) {
		for (uint32_t i = 0; i < SAME; i++)
			assert_int_equal(briefs_add(&s, &(struct brief){ .address = same[i], .user = i }), 0);
		for (uint32_t i = 0; i < SAME; i++) {
			const uint32_t at = (i * 5 + from) % SAME;

			assert_int_equal(s.table[briefs_find(&s, same[at])].user, at);
			briefs_remove(&s, briefs_find(&s, same[at]));
			assert_int_equal(briefs_find(&s, same[at]), BRIEFS_NONE);
		}
	}
	assert_int_equal(s.used, 0);
	briefs_finish(&s);
}

static void address_0_is_no_block(void **unused)
{
	struct briefs s = { 0 };

	assert_int_equal(briefs_find(&s, 0), BRIEFS_NONE);
	assert_int_equal(briefs_add(&s, &(struct brief){ .address = 16 }), 0);
	assert_int_equal(briefs_find(&s, 0), BRIEFS_NONE);
	briefs_finish(&s);
}

static void without_memory_the_table_stays_as_it_was(void **unused)
{
	struct list *const l = calloc(1, sizeof(*l));
	struct briefs s = { 0 };
	uint32_t refused = 0;

	assert_non_null(l);
	for (uint32_t i = 0; i < ADDRESSES; i++) {
		const struct brief b = { .address = (i + 1) * 16ull, .size = i };

		allocations_reset(1);
		if (briefs_add(&s, &b) == 0) {
			l->all[i] = b;
			l->count++;
			continue;
		}
		refused++;
		assert_holds(&s, l);
		allocations_reset(0);
		change(&s, l, i, i);
	}
	allocations_reset(0);
	assert_true(refused > 3);
	assert_holds(&s, l);
	briefs_finish(&s);
	free(l);
}

/* ---- the heap ---- */

/* What an observer sums, by `user`. */
enum { USERS = 64 };

struct sums {
	uint64_t next, bytes[USERS], blocks[USERS], temporary;
	bool contradicts; /* a user of its own making came back with something else */
};

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct sums *const s = data;

	b->user = (uint32_t)(s->next++ % USERS);
	s->bytes[b->user] += e->bytes;
	s->blocks[b->user] += e->count;
}

static void take(struct sums *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	s->contradicts |= s->bytes[b->user] < e->bytes || s->blocks[b->user] < e->count;
	s->bytes[b->user] -= e->bytes;
	s->blocks[b->user] -= e->count;
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary,
		 const struct trk_event *by)
{
	struct sums *const s = data;

	if (!b->aside)
		take(s, b, e);
	s->temporary += temporary ? b->size * (b->thread + 1) * b->kind : 0;
	s->contradicts |= b->process != by->process;
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct sums *const s = data;

	if (b->aside) {
		take(s, b, e);
	} else {
		s->bytes[b->user] += e->bytes;
		s->blocks[b->user] += e->count;
	}
}

static struct heap *new_heap(struct sums *s, bool sums_only, uint32_t threshold)
{
	const struct heap_observer o = { .data = s, .born = born, .died = died, .aside = aside };
	struct heap *h = NULL;

	*s = (struct sums){ 0 };
	assert_int_equal(heap_new(&h, threshold, &o), 0);
	if (sums_only)
		heap_keep_sums_only(h);
	return h;
}

static void assert_same(const struct heap *a, const struct sums *x, const struct heap *b, const struct sums *y)
{
	assert_memory_equal(heap_totals(a), heap_totals(b), sizeof(struct heap_totals));
	assert_memory_equal(x, y, sizeof(*x));
	assert_false(y->contradicts);
}

static void apply(struct heap *h, struct trk_event e, uint32_t ref)
{
	e.ref = ref;
	assert_int_equal(heap_apply(h, &e), 0);
}

/* Refs are all there, none, or some; releases of some are lost. */
static void sums_are_those_of_whole_blocks(void **unused)
{
	for (uint32_t lost = 0; lost < 6; lost += 5) {
		struct program *const p = malloc(sizeof(*p));
		struct sums of_whole, of_brief;
		struct heap *const whole = new_heap(&of_whole, false, 1), *const brief = new_heap(&of_brief, true, 1);
		uint64_t seed = lost;

		assert_non_null(p);
		program_init(p, 13 + lost, lost);
		for (int i = 0; i < 150000; i++) {
			const struct trk_event e = i % 70000 == 69999 ? program_exec(p) : program_next(p);

			apply(whole, e, TRK_REF_UNKNOWN);
			apply(brief, e, random_next(&seed) % (i / 20000 + 2) ? e.ref : TRK_REF_UNKNOWN);
			if (i % 5000 == 0)
				assert_same(whole, &of_whole, brief, &of_brief);
		}
		assert_same(whole, &of_whole, brief, &of_brief);
		heap_free(whole);
		heap_free(brief);
		free(p);
	}
}

/* Whatever events and refs say, the books do not contradict themselves. */
static void lies_do_no_harm(void **unused)
{
	struct sums s;
	struct heap *const h = new_heap(&s, true, 0);
	uint64_t seed = 4;

	for (int i = 0; i < 400000; i++) {
		const uint64_t any = random_next(&seed);
		const struct trk_event e = {
			.kind = (uint8_t)(1 + any % 31),
			.process = any >> 8 & 1,
			.thread = any >> 9 & 3,
			.address = any >> 11 & 63,
			.old_address = any >> 17 & 63,
			.size = any >> 23 & 1023,
			.old_size = any >> 33 & 1023,
			.domain = any >> 43 & 1,
			.ref = any >> 44 & 1 ? (uint32_t)(any >> 45 & 63) : TRK_REF_NONE,
		};
		uint64_t bytes = 0;

		if (e.kind == TRK_EXEC && i % 200)
			continue;
		assert_int_equal(heap_apply(h, &e), 0);
		if (i % 5000)
			continue;
		for (uint32_t u = 0; u < USERS; u++)
			bytes += s.bytes[u];
		assert_true(bytes == heap_totals(h)->live_bytes && !s.contradicts);
	}
	heap_free(h);
}

enum { LATER = 40000 }; /* allocations after which no block is recent */

static void allocate_many(struct heap *h, uint32_t thread)
{
	for (uint64_t i = 1; i <= LATER; i++)
		apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = i << 24, .size = 1, .thread = thread },
		      TRK_REF_NONE);
}

/* Its own thread allocates nothing more for a long time. */
static void an_old_block_may_be_temporary(void **unused)
{
	struct sums s;
	struct heap *const h = new_heap(&s, true, 1);
	const struct trk_event e = { .kind = TRK_NEW, .address = 16, .size = 1000, .thread = 2 };

	apply(h, e, TRK_REF_NONE);
	allocate_many(h, 1);
	apply(h, (struct trk_event){ .kind = TRK_DELETE, .address = 16, .thread = 2 }, TRK_REF_UNKNOWN);
	apply(h, (struct trk_event){ .kind = TRK_FREE, .address = 5 << 24, .thread = 1 }, TRK_REF_UNKNOWN);
	assert_int_equal(heap_totals(h)->temporary, 1);
	assert_int_equal(heap_totals(h)->temporary_bytes, 1000);
	assert_int_equal(s.temporary, 1000 * 3 * TRK_NEW);
	heap_free(h);
}

static void a_large_block_keeps_its_size(void **unused)
{
	const uint64_t sizes[] = { UINT32_MAX, UINT32_MAX + 1ull, 1ull << 40 };
	struct sums s;
	struct heap *const h = new_heap(&s, true, 1);

	for (uint64_t i = 0; i < 3; i++)
		apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = 16 + i * 16, .size = sizes[i] },
		      TRK_REF_NONE);
	allocate_many(h, 0);
	for (uint64_t i = 0; i < 3; i++) {
		const uint64_t before = heap_totals(h)->bytes_freed;

		apply(h, (struct trk_event){ .kind = TRK_FREE, .address = 16 + i * 16 }, TRK_REF_UNKNOWN);
		assert_int_equal(heap_totals(h)->bytes_freed - before, sizes[i]);
	}
	assert_int_equal(heap_totals(h)->live_bytes, LATER);
	heap_free(h);
}

/* A realloc in two parts sets aside a block that is brief: it comes back, or goes. */
static void an_old_block_can_be_set_aside(void **unused)
{
	struct sums s;
	struct heap *const h = new_heap(&s, true, 1);
	struct trk_event e = { .thread = 1, .call = TRK_REALLOC };

	allocate_many(h, 0);
	for (uint64_t i = 1; i <= 2; i++) {
		e.old_address = i << 24;
		e.kind = TRK_REALLOC_RELEASE;
		apply(h, e, TRK_REF_UNKNOWN);
		assert_int_equal(heap_totals(h)->live_blocks, LATER - 1);
		e.kind = i == 1 ? TRK_REALLOC_WITHDRAW : TRK_REALLOC_ACQUIRE;
		e.address = i == 1 ? 0 : 8;
		e.size = 7;
		apply(h, e, TRK_REF_UNKNOWN);
		assert_int_equal(heap_totals(h)->live_blocks, LATER);
	}
	assert_int_equal(heap_totals(h)->live_bytes, LATER + 6);
	assert_int_equal(heap_totals(h)->temporary, 0);
	apply(h, (struct trk_event){ .kind = TRK_FREE, .address = 1 << 24, .thread = 1 }, TRK_REF_UNKNOWN);
	assert_int_equal(heap_totals(h)->live_blocks, LATER - 1);
	assert_int_equal(heap_totals(h)->unmatched_frees, 0);
	assert_false(s.contradicts);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_added_is_found_until_it_is_removed),
		cmocka_unit_test(blocks_of_one_bucket_find_room_and_move_up_again),
		cmocka_unit_test(address_0_is_no_block),
		cmocka_unit_test(without_memory_the_table_stays_as_it_was),
		cmocka_unit_test(sums_are_those_of_whole_blocks),
		cmocka_unit_test(lies_do_no_harm),
		cmocka_unit_test(an_old_block_may_be_temporary),
		cmocka_unit_test(a_large_block_keeps_its_size),
		cmocka_unit_test(an_old_block_can_be_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
