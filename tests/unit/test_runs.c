/* runs - runs of frames that are known at a glance: the same stacks come of them, they are bounded, and rest where nothing repeats. */
#include "segment.h"

#include "tools/record/jit.h"
#include "tools/record/runs.h"

#define SELF ((uint32_t)getpid())
#define LIBRARIES 0x7f0000000000ull
#define EXECUTABLE 0x400000ull

/* ---- through the recorder: what is known gives the stacks that were sent ---- */

enum { LEVELS = 12,
       PATHS = 1500,
       STACKS = 12000 };

/* The stack of that path, oldest frame first: 4 calls a level, of both bases. */
static void stack_of(uint64_t path, uint64_t pcs[LEVELS])
{
	uint64_t seed = path;

	for (unsigned i = 0; i < LEVELS; i++)
		pcs[i] = (i % 3 ? EXECUTABLE : LIBRARIES) + 64 * i + random_next(&seed) % 4;
}

static void put_codes(struct fake_thread *t, const uint64_t *pcs, unsigned count)
{
	uint64_t wide = 0;

	*t->at++ = (uint8_t)(count << 1);
	for (unsigned i = 0; i < count; i++, t->at += 4)
		put_u32(t->at, wire_code(pcs[i], LIBRARIES, EXECUTABLE, &wide));
	assert_int_equal(wide, 0);
}

/* Sends what is new of the stack, in codes or as pcs, the form that is never remembered. */
static void send(struct segment *s, struct fake_thread *t, uint64_t epoch, const uint64_t *last, const uint64_t *pcs, bool wide)
{
	unsigned same = 0;

	while (last[0] && same < LEVELS && last[same] == pcs[same])
		same++;
	fake_begin(s, t, TRK_MALLOC, epoch, true);
	if (wide) {
		fake_stack(t, last[0] ? LEVELS - same : 0, LEVELS - same, pcs + same);
	} else {
		t->at = put_varint(t->at, last[0] ? LEVELS - same : 0);
		put_codes(t, pcs + same, LEVELS - same);
	}
	fake_address(t, 0x10000 + 16 * epoch);
	t->at = put_varint(t->at, 8);
	fake_publish(s, t);
}

static void check_frames(const struct capture *c, uint32_t node, const uint64_t *pcs)
{
	for (unsigned i = LEVELS; i-- > 0; node = c->nodes[node].parent) {
		assert_true(node != 0);
		assert_true(c->frames[c->nodes[node].frame].offset == pcs[i]);
	}
	assert_int_equal(node, 0);
}

static void the_same_stacks_come_of_them(void **state)
{
	static uint64_t stacks[STACKS + 1][LEVELS];
	struct segment s = segment_new();
	uint64_t seed = 3;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	for (uint32_t i = 0; i < 2; i++) {
		s.shm->threads[i].bases[0] = LIBRARIES;
		s.shm->threads[i].bases[1] = EXECUTABLE;
	}

	struct fake_thread coded = fake_thread(&s, 0, 0, SELF), wide = fake_thread(&s, 1, 0, SELF + 1);

	for (unsigned i = 0; i < STACKS; i++) {
		stack_of(random_next(&seed) % PATHS, stacks[i + 1]);
		send(&s, &coded, 2 * i + 1, stacks[i], stacks[i + 1], false);
		send(&s, &wide, 2 * i + 2, stacks[i], stacks[i + 1], true);
		if (i % 1000 == 999)
			while (segment_round(&s))
				;
	}
	while (segment_round(&s))
		;
	assert_true(s.r->stack_nodes.runs.used > 0);
	assert_int_equal(s.r->counters.corrupt, 0);
	for (unsigned i = 0; i < STACKS; i++) {
		const uint32_t node = segment_event(&s).node;

		assert_int_equal(segment_event(&s).node, node);
		check_frames(s.capture, node, stacks[i + 1]);
	}
	segment_no_event(&s);
	segment_free(&s);
}

/* ---- many changes of the stack one after another, in one epoch: they are decoded first, and applied afterwards ---- */

enum { ALIKE = 700,
       NEVER = ALIKE };
#define NO_CODE (1ull << 50) /* beyond all addresses, so nobody asks which code it is */

/* A block with a stack; every third is followed by a block with the same stack, and by the release of both. */
static void send_alike(struct segment *s, struct fake_thread *t, const uint64_t *last, const uint64_t *pcs, unsigned i)
{
	unsigned same = 0;

	while (last[0] && same < LEVELS && last[same] == pcs[same])
		same++;
	t->at = t->record;
	*t->at++ = TRK_MALLOC | WIRE_STACK;
	if (pcs[0] < NO_CODE) {
		t->at = put_varint(t->at, last[0] ? LEVELS - same : 0);
		put_codes(t, pcs + same, LEVELS - same);
	} else {
		fake_stack(t, last[0] ? LEVELS - same : 0, LEVELS - same, pcs + same);
	}
	fake_address(t, 0x10000 + 32ull * i);
	t->at = put_varint(t->at, 8);
	if (i % 3 == 0) {
		*t->at++ = TRK_MALLOC;
		fake_address(t, 0x10010 + 32ull * i);
		t->at = put_varint(t->at, 8);
		for (unsigned n = 0; n < 2; n++) {
			*t->at++ = TRK_FREE;
			fake_address(t, 0x10000 + 32ull * i + 16 * n);
		}
	}
	fake_publish(s, t);
}

static void check_block(struct segment *s, uint64_t address, const uint64_t *pcs)
{
	const struct trk_event e = segment_event(s);

	assert_true(e.kind == TRK_MALLOC && e.address == address && e.size == 8);
	check_frames(s->capture, e.node, pcs);
}

/* After so many other blocks; from stack `made` on, the code is in no module, and the recorder begins to look for code that was made at run time. */
static void check_alike(unsigned before, unsigned made, bool names)
{
	static uint64_t stacks[ALIKE + 1][LEVELS];
	struct segment s = segment_new();
	uint64_t seed = 5;

	s.r->no_symbols = !names;
	s.r->stack_nodes.elsewhere = jit_frame;
	s.r->stack_nodes.data = s.r;
	fake_process(&s, 0, SELF, SHM_ATTACHED);
	s.shm->threads[0].bases[0] = LIBRARIES;
	s.shm->threads[0].bases[1] = EXECUTABLE;

	struct fake_thread t = fake_thread(&s, 0, 0, SELF);

	for (unsigned i = 0; i < before; i++)
		fake_malloc(&s, &t, 1, 0x100 + 16ull * i, 8);
	for (unsigned i = 0; i < ALIKE; i++) {
		stack_of(random_next(&seed) % 40, stacks[i + 1]);
		for (unsigned level = 0; level < LEVELS && i < made; level++)
			stacks[i + 1][level] |= NO_CODE;
		send_alike(&s, &t, stacks[i], stacks[i + 1], i);
	}
	while (segment_round(&s))
		;
	assert_int_equal(s.r->counters.corrupt, 0);
	for (unsigned i = 0; i < before; i++)
		assert_int_equal(segment_event(&s).address, 0x100 + 16ull * i);
	for (unsigned i = 0; i < ALIKE; i++) {
		check_block(&s, 0x10000 + 32ull * i, stacks[i + 1]);
		if (i % 3 == 0) {
			check_block(&s, 0x10010 + 32ull * i, stacks[i + 1]);
			assert_int_equal(segment_event(&s).address, 0x10000 + 32ull * i);
			assert_int_equal(segment_event(&s).address, 0x10010 + 32ull * i);
		}
	}
	segment_no_event(&s);
	segment_free(&s);
}

static void many_changes_at_once(void **state)
{
	check_alike(1, 0, false);
	for (unsigned made = 0; made < 70; made++) /* anywhere in the changes that are applied together */
		check_alike(1, made, true);
	for (unsigned made = 120; made < 130; made++) /* and at the last place of a batch of events */
		for (unsigned before = 1; before < 9; before++)
			check_alike(before, made, true);
	check_alike(1, NEVER, true);
}

/* ---- alone ---- */

#define GENERATION 7u

/* A stream whose stack is one level, with a record that pushes frames on it. */
struct pushed {
	struct stream *s;
	uint8_t codes[WIRE_FRAMES_MAX * 4];
};

static void pushed_new(struct pushed *p)
{
	p->s = stream_new(NULL, 0, 0);
	assert_non_null(p->s);
	p->s->state.bases = wire_bases((const uint64_t[]){ LIBRARIES, EXECUTABLE });
	assert_int_equal(stream_grow_stack(p->s, 1 + WIRE_FRAMES_MAX), 0);
	p->s->levels[0] = (struct stream_level){ .path = 99, .node = 1 };
}

/* The record pushes so many frames, by number. */
static void pushed_set(struct pushed *p, uint64_t number, uint32_t count)
{
	p->s->depth = 1;
	p->s->head.pushes = (struct wire_frames){ .bytes = p->codes, .count = count };
	for (uint32_t i = 0; i < count; i++)
		put_u32(p->codes + 4 * i, (uint32_t)number + i);
}

/* What the call tree would say: here, numbers that tell run and level. */
static void look_up(struct pushed *p, uint64_t number)
{
	for (uint32_t i = 0; i < p->s->head.pushes.count; i++)
		p->s->levels[p->s->depth++] = (struct stream_level){ .path = number << 8 | i, .node = (uint32_t)(number + i + 2) };
}

/* As the recorder does it. True: it was known. */
static bool meet(struct runs *rs, struct pushed *p, uint64_t number, uint32_t count)
{
	struct runs_look look;

	pushed_set(p, number, count);
	if (runs_take(rs, p->s, GENERATION, runs_expect(rs, &p->s->head.pushes), &look))
		return true;
	look_up(p, number);
	if (look.place)
		runs_keep(rs, &look, p->s, GENERATION);
	return false;
}

static void check_levels(const struct pushed *p, uint64_t number, uint32_t count)
{
	assert_int_equal(p->s->depth, 1 + count);
	for (uint32_t i = 0; i < count; i++)
		assert_true(p->s->levels[1 + i].path == (number << 8 | i) && p->s->levels[1 + i].node == number + i + 2);
}

static void known_from_the_third_time_on(void **state)
{
	struct runs rs = { 0 };
	struct pushed p;

	pushed_new(&p);
	assert_false(meet(&rs, &p, 5, 20));
	assert_false(meet(&rs, &p, 5, 20));
	assert_true(meet(&rs, &p, 5, 20));
	check_levels(&p, 5, 20);
	for (int i = 0; i < 4; i++)
		assert_false(meet(&rs, &p, 5, RUNS_FRAMES_MIN - 1)); /* so few are not worth it */
	stream_free(p.s);
	runs_finish(&rs);
}

static bool known(struct runs *rs, struct pushed *p, uint32_t generation, struct runs_look *ret)
{
	p->s->depth = 1;
	return runs_take(rs, p->s, generation, 0, ret);
}

/* As if the hash of what is looked for were that of the run which was kept. */
static bool known_by_hash(struct runs *rs, struct pushed *p, uint32_t generation, uint32_t run)
{
	struct runs_look look;

	if (known(rs, p, generation, &look))
		return true;
	assert_non_null(look.place);

	const struct runs_place before = *look.place;

	*look.place = (struct runs_place){ .hash = look.hash, .run = run };

	const bool is_known = known(rs, p, generation, &look);

	*look.place = before;
	return is_known;
}

/* Everything that an entry stands for is compared, not only the hash of it. */
static void a_hash_alone_is_not_believed(void **state)
{
	struct runs rs = { 0 };
	struct pushed p;
	struct runs_look look;

	pushed_new(&p);
	for (int i = 0; i < 3; i++)
		meet(&rs, &p, 5, 20);
	pushed_set(&p, 5, 20);
	assert_true(known(&rs, &p, GENERATION, &look));

	const uint32_t run = look.place->run;

	assert_true(known_by_hash(&rs, &p, GENERATION, run));
	assert_false(known_by_hash(&rs, &p, GENERATION + 1, run));
	p.codes[4 * 19] ^= 1; /* the last frame */
	assert_false(known_by_hash(&rs, &p, GENERATION, run));
	p.codes[4 * 19] ^= 1;
	p.s->head.pushes.count = 19;
	assert_false(known_by_hash(&rs, &p, GENERATION, run));
	p.s->head.pushes.count = 20;
	p.s->levels[0].node = 2;
	assert_false(known_by_hash(&rs, &p, GENERATION, run));
	p.s->levels[0] = (struct stream_level){ .path = 98, .node = 1 };
	assert_false(known_by_hash(&rs, &p, GENERATION, run));
	p.s->levels[0].path = 99;
	p.s->state.bases.of[2]++;
	assert_false(known_by_hash(&rs, &p, GENERATION, run));
	p.s->state.bases.of[2]--;
	assert_true(known_by_hash(&rs, &p, GENERATION, run));
	check_levels(&p, 5, 20);
	stream_free(p.s);
	runs_finish(&rs);
}

/* As many as there is room for, twice over; then those that are met again are known again. */
static void what_is_full_is_forgotten(void **state)
{
	const uint32_t each = WIRE_FRAMES_MAX * (sizeof(struct stream_level) + 4);
	struct runs rs = { 0 };
	struct pushed p;
	size_t last = 0, emptied = 0;

	pushed_new(&p);
	for (uint64_t i = 0; i < 2 * RUNS_BYTES / each; i++) {
		meet(&rs, &p, 1000 * i, WIRE_FRAMES_MAX);
		meet(&rs, &p, 1000 * i, WIRE_FRAMES_MAX);
		assert_true(rs.used <= RUNS_BYTES);
		emptied += rs.used < last;
		last = rs.used;
		if (meet(&rs, &p, 1000 * i, WIRE_FRAMES_MAX))
			check_levels(&p, 1000 * i, WIRE_FRAMES_MAX);
		else
			assert_true(!rs.used);
	}
	assert_true(emptied >= 1);
	for (int i = 0; i < 3; i++)
		meet(&rs, &p, 5, 20);
	check_levels(&p, 5, 20);
	stream_free(p.s);
	runs_finish(&rs);
}

static void it_rests_where_nothing_repeats(void **state)
{
	struct runs rs = { 0 };
	struct pushed p;
	uint64_t number = 0;
	uint32_t looked = 0;

	pushed_new(&p);
	for (uint32_t i = 0; i < RUNS_TRIAL; i++)
		meet(&rs, &p, 1000 * ++number, 20);
	assert_int_equal(rs.pause, RUNS_PAUSE);
	for (int i = 0; i < 3; i++) /* not even what is known */
		assert_false(meet(&rs, &p, 5, 20));
	for (uint32_t i = 3; i < RUNS_PAUSE; i++)
		meet(&rs, &p, 1000 * ++number, 20);
	assert_int_equal(rs.used, 0);
	/* It is tried anew, and goes on where runs repeat. */
	for (uint32_t i = 0; i < 4 * RUNS_TRIAL; i++)
		looked += meet(&rs, &p, i % 64, 20);
	assert_int_equal(rs.pause, 0);
	assert_int_equal(looked, 4 * RUNS_TRIAL - 2 * 64);
	/* And rests again, at the end of a trial. */
	for (uint32_t i = 0; i < 2 * RUNS_TRIAL; i++)
		meet(&rs, &p, 1000 * ++number, 20);
	assert_true(rs.pause > 0);
	stream_free(p.s);
	runs_finish(&rs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_stacks_come_of_them),
		cmocka_unit_test(many_changes_at_once),
		cmocka_unit_test(known_from_the_third_time_on),
		cmocka_unit_test(a_hash_alone_is_not_believed),
		cmocka_unit_test(what_is_full_is_forgotten),
		cmocka_unit_test(it_rests_where_nothing_repeats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
