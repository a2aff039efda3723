/* hostile - a target writes anything into the shared segment: the recorder lives and its file is whole. */
#include "segment.h"
#include "tools/record/thread_slot.h"

#define SELF ((uint32_t)getpid())
#define ROUNDS 300

/* A small number mostly, so that indices often hit something; anything at times. */
static uint32_t some_number(uint64_t *seed, uint32_t below)
{
	return random_next(seed) % 8 ? (uint32_t)(random_next(seed) % below) :
				       (uint32_t)random_any(seed);
}

static void scribble_process(struct shm *shm, uint64_t *seed)
{
	const uint32_t slot = random_next(seed) % 4;
	struct shm_process *const p = &shm->processes[slot];

	p->pid = random_next(seed) % 2 ? SELF : 0x7ffffff0u + (uint32_t)(random_next(seed) % 16);
	p->ppid = some_number(seed, 4);
	p->parent_pid = random_next(seed) % 2 ? SELF : some_number(seed, 6);
	p->parent_number = some_number(seed, 6);
	p->number = some_number(seed, 6);
	p->origin = some_number(seed, 3);
	p->order = random_any(seed);
	p->command_bytes = (uint32_t)random_any(seed);
	p->start_ns = random_any(seed);
	p->notices = (uint32_t)random_any(seed);
	memset(p->libc, 'z', sizeof(p->libc));
	memset(p->program, 'x', sizeof(p->program));
	memset(p->executable, 'x', sizeof(p->executable));
	memset(p->command, 'y', sizeof(p->command));
	shm->process_states[slot] = (uint8_t)some_number(seed, 4);
}

static void scribble_thread(struct shm *shm, uint64_t *seed)
{
	const uint32_t slot = random_next(seed) % 16;
	struct shm_thread *const t = &shm->threads[slot];

	t->process = some_number(seed, 4);
	t->tid = SELF + some_number(seed, 4);
	t->first_chunk = some_number(seed, 32);
	t->busy = random_any(seed);
	t->lost = random_any(seed);
	t->start_ns = random_any(seed);
	t->name_version = some_number(seed, 4);
	memset(t->name, (int)random_next(seed), sizeof(t->name));
	t->bases[random_next(seed) % 2] = random_any(seed);
	t->sandbox = some_number(seed, 4);
	shm->thread_states[slot] = (uint8_t)some_number(seed, 4);
}

static void scribble_chunk(struct shm *shm, uint64_t *seed)
{
	struct shm_chunk *const k = &shm->chunks[random_next(seed) % 32];

	k->next = some_number(seed, 34);
	k->committed = some_number(seed, SHM_PAYLOAD_BYTES + 10);
	k->thread = some_number(seed, 16);
	k->sequence = some_number(seed, 3);
	for (size_t i = 0; i < sizeof(k->payload); i++)
		k->payload[i] = random_next(seed) % 4 ? (uint8_t)(random_next(seed) % 32) :
							(uint8_t)random_next(seed);
}

static void scribble(struct shm *shm, uint64_t *seed)
{
	shm->header.process_high = some_number(seed, 5);
	shm->header.programs = some_number(seed, 8);
	shm->header.thread_high = some_number(seed, 17);
	shm->header.chunk_waiters = some_number(seed, 2);
	for (unsigned i = random_next(seed) % 3; i-- > 0;)
		scribble_process(shm, seed);
	for (unsigned i = random_next(seed) % 16; i-- > 0;)
		scribble_thread(shm, seed);
	for (unsigned i = random_next(seed) % 16; i-- > 0;)
		scribble_chunk(shm, seed);
	shm->chunk_bitmap[0] = random_any(seed);
}

static void garbage_everywhere(void **state)
{
	for (uint64_t run = 0; run < 8; run++) {
		struct segment s = segment_new();
		uint64_t seed = 1000 + run;

		for (int i = 0; i < ROUNDS; i++) {
			scribble(s.shm, &seed);
			segment_round(&s);
			if (i % 32 == 0)
				thread_slot_find_dead(s.r);
		}
		segment_open(&s);
		segment_free(&s);
	}
}

/* Well-formed chains of records that are well-formed up to one bit. */
static void flipped_bits_in_records(void **state)
{
	for (uint64_t seed = 1; seed < 400; seed++) {
		struct segment s = segment_new();
		uint64_t random = seed, pcs[40];
		struct fake_thread t;

		fake_process(&s, 0, SELF, SHM_ATTACHED);
		t = fake_thread(&s, 0, 0, SELF);
		fake_module(&s, &t, 1, "/lib/libfake.so", 0x10000, 0x90000);
		for (int i = 0; i < 60; i++) {
			for (int j = 0; j < 40; j++)
				pcs[j] = 0x10000 + random_next(&random) % 0x80000;
			fake_begin(&s, &t, TRK_MALLOC, 1, true);
			fake_stack(&t, (uint32_t)(random_next(&random) % 30), 20, pcs);
			fake_address(&t, random_any(&random));
			t.at = put_varint(t.at, random_any(&random));
			fake_publish(&s, &t);
		}
		struct shm_chunk *const k = &s.shm->chunks[random_next(&random) % t.sequence];

		k->payload[random_next(&random) % (k->committed + 1)] ^= 1u << random_next(&random) % 8;
		segment_round(&s);
		segment_open(&s);
		segment_free(&s);
	}
}

/* A chain that ends in itself, and two threads that share one. */
static void chains_in_a_circle(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;
	struct trk_event e;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	fake_malloc(&s, &a, 1, 0x1000, 10);
	s.shm->chunks[0].next = 1;
	b = fake_thread(&s, 1, 0, SELF + 1);
	s.shm->threads[1].first_chunk = 1;
	segment_round(&s);
	segment_round(&s);
	assert_true(s.r->counters.corrupt >= 1);
	b = fake_thread(&s, 2, 0, SELF + 2);
	fake_malloc(&s, &b, 2, 0x2000, 20);
	segment_round(&s);
	e = segment_event(&s); /* nothing of it can be read */
	assert_true(e.kind == TRK_GAP && e.thread == 1);
	assert_int_equal(segment_event(&s).size, 10);
	e = segment_event(&s);
	assert_true(e.kind == TRK_GAP && e.thread == 0);
	assert_int_equal(segment_event(&s).size, 20);
	segment_no_event(&s);
	segment_free(&s);
}

/* A record that is none: what stood before it is there, and reports are told that the rest is not. */
static void a_broken_record_ends_its_thread_with_a_gap(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;
	struct trk_event e;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_malloc(&s, &a, 1, 0x1000, 10);
	a.at = a.record;
	*a.at++ = WIRE_EPOCH; /* of kind 0, and the epoch is missing */
	fake_publish(&s, &a);
	segment_round(&s);
	fake_malloc(&s, &a, 2, 0x2000, 20);
	fake_malloc(&s, &b, 3, 0x3000, 30);
	segment_round(&s);
	assert_int_equal(s.r->counters.corrupt, 1);
	assert_int_equal(segment_event(&s).size, 10);
	e = segment_event(&s);
	assert_true(e.kind == TRK_GAP && e.thread == 0 && e.size == 1);
	assert_int_equal(segment_event(&s).size, 30);
	segment_no_event(&s);
	segment_free(&s);
}

/* Frames without end: no stack is followed so far, and memory has a bound. */
static void a_stack_deeper_than_any_ends_its_thread(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 10);
	for (uint32_t i = 0; i <= WIRE_DEPTH_MAX / WIRE_FRAMES_MAX; i++) {
		static const uint64_t pcs[WIRE_FRAMES_MAX];

		t.at = t.record;
		*t.at++ = WIRE_FRAMES | WIRE_STACK;
		fake_stack(&t, 0, WIRE_FRAMES_MAX, pcs);
		fake_publish(&s, &t);
		if (i % 1000 == 0)
			segment_round(&s);
	}
	fake_malloc(&s, &t, 1, 0x2000, 20);
	while (segment_round(&s))
		;
	assert_int_equal(s.r->counters.corrupt, 1);
	assert_int_equal(segment_event(&s).size, 10);
	assert_int_equal(segment_event(&s).kind, TRK_GAP);
	segment_no_event(&s);
	segment_free(&s);
}

/* Publishes n bytes as they are, in as many chunks as they take. */
static void publish_bytes(struct segment *s, struct fake_thread *t, const uint8_t *bytes, size_t n)
{
	for (size_t part; n; bytes += part, n -= part) {
		part = n < SHM_PAYLOAD_BYTES ? n : SHM_PAYLOAD_BYTES;
		fake_next_chunk(s, t);
		memcpy(s->shm->chunks[t->chunk - 1].payload, bytes, part);
		s->shm->chunks[t->chunk - 1].committed = (uint32_t)part;
	}
}

/* A path longer than any is cut; what stands behind it is read. */
static void a_path_that_is_too_long_is_cut(void **state)
{
	static uint8_t record[6000];
	struct segment s = segment_new();
	struct fake_thread t;
	uint8_t *at = record;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	*at++ = WIRE_MODULE | WIRE_EPOCH;
	at = put_varint(put_varint(put_varint(put_varint(put_varint(at, 1), 0), 0x1000), 0x2000), 0);
	at = put_varint(at, 5000);
	memset(at, 'p', 5000);
	at = put_varint(at + 5000, 0);
	publish_bytes(&s, &t, record, (size_t)(at - record));
	t.epoch = 1;
	fake_malloc(&s, &t, 1, 0x1000, 10);
	segment_round(&s);
	assert_int_equal(segment_event(&s).size, 10);
	assert_int_equal(strlen(s.capture->modules[1].path), 4095);
	segment_free(&s);
}

/* More events than nanoseconds have passed: it was written over. */
static void a_gap_of_more_than_can_be_is_none(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;
	struct trk_event e;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_begin_rare(&s, &t, TRK_GAP, 1, false);
	t.at = put_varint(t.at, UINT64_MAX / 3);
	fake_publish(&s, &t);
	segment_round(&s);
	assert_int_equal(s.r->counters.corrupt, 1);
	e = segment_event(&s);
	assert_true(e.kind == TRK_GAP && e.size == 1);
	segment_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(garbage_everywhere),
		cmocka_unit_test(flipped_bits_in_records),
		cmocka_unit_test(chains_in_a_circle),
		cmocka_unit_test(a_broken_record_ends_its_thread_with_a_gap),
		cmocka_unit_test(a_stack_deeper_than_any_ends_its_thread),
		cmocka_unit_test(a_path_that_is_too_long_is_cut),
		cmocka_unit_test(a_gap_of_more_than_can_be_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
