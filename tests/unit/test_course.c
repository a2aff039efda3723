/*
 * test_course - the course of memory over a run, read from live sets and the last events, against that of all events; and both
 * against what is known of the run.
 */
#include "capture_file.h"

#include "replay/course.h"
#include "replay/heap.h"
#include "replay/heap_keyframe.h"

enum { ROUNDS = 8000,
       RING = 50,
       EVENTS_PER_KEYFRAME = 1500,
       ENDS_AT = ROUNDS / 2 };
enum { LEAK = 1,
       TURNS,
       GROWS,
       SITES };

static struct writer *w;
static struct heap *heap;
static uint64_t now;
static uint32_t nodes[SITES];

/* Only the first process's events take time, so that it passes evenly in both. */
static void say(uint32_t process, uint8_t kind, uint64_t old, uint64_t address, uint64_t size, uint32_t site)
{
	struct trk_event e = event_of(process, now += process ? 0 : 1000, kind, address, size);

	e.old_address = old;
	e.node = nodes[site];
	e.thread = process;
	writer_event(w, &e);
	assert_int_equal(heap_apply(heap, &e), 0);
}

/* A leak of 10 bytes in a tenth of the rounds; a ring of blocks of 100 bytes; in process 0 a block that gets 40 bytes more in each round. */
static void round_of(uint32_t process, uint32_t i)
{
	if (i % 10 == 0)
		say(process, TRK_MALLOC, 0, 0x100000 + i * 16, 10, LEAK);
	if (i >= RING)
		say(process, TRK_FREE, 0, 0x1000 + i % RING * 128, 0, 0);
	say(process, TRK_MALLOC, 0, 0x1000 + i % RING * 128, 100, TURNS);
	if (process == 0)
		say(process, TRK_REALLOC, i ? 0x900000 : 0, 0x900000, 40 * (i + 1), GROWS);
}

static void keyframe(uint64_t *last)
{
	if (heap_events(heap) < *last + EVENTS_PER_KEYFRAME)
		return;
	*last = heap_events(heap);
	writer_flush(w);
	assert_int_equal(heap_keyframe_write(w, heap, now, false, NULL, NULL), 0);
	now += 1000;
}

/* Process 1 ends when process 0 has done a half. */
static struct capture *made(struct capture_file *f)
{
	uint64_t last = 0, ended = 0;

	*f = capture_file_new();
	w = capture_file_writer(f);
	now = 0;
	assert_int_equal(heap_new(&heap, 1, NULL), 0);
	for (uint32_t i = 1; i < SITES; i++)
		nodes[i] = writer_node(w, 0, writer_frame(w, 0, i));
	for (uint32_t i = 0; i < ROUNDS; i++) {
		round_of(0, i);
		if (i < ENDS_AT)
			round_of(1, i);
		if (i == ENDS_AT) {
			heap_end_process(heap, 1);
			ended = now;
		}
		keyframe(&last);
	}
	for (uint32_t i = 0; i < 2; i++)
		writer_process(w, &(struct trk_process){ .index = i, .pid = 100 + i, .parent = UINT32_MAX, .end_ns = i ? ended : now });
	capture_file_finish(w);
	heap_free(heap);
	return capture_file_open(f);
}

static struct course course_of(struct capture *c, uint64_t replay_most, struct point_range at)
{
	const struct course_options o = { .at = at, .process = UINT32_MAX, .replay_most = replay_most };
	struct trk_fault fault;
	struct course t = { 0 };

	assert_int_equal(course_read(&t, c, &o, &fault), 0);
	return t;
}

static const struct course_site *site_of(const struct course *t, uint32_t process, uint32_t site)
{
	for (uint32_t i = 0; i < t->site_count; i++)
		if (t->sites[i].process == process && t->sites[i].node == nodes[site])
			return &t->sites[i];
	fail_msg("no site %u of process %u", site, process);
	return NULL;
}

/* Bytes that were allocated up to the end of a tick and are live at the end. */
static uint64_t kept_until(const struct course *t, const struct course_site *s, uint8_t tick)
{
	uint64_t sum = 0;

	for (uint32_t i = s->last; i != COURSE_NONE; i = t->steps[i].before)
		sum += t->steps[i].tick <= tick ? t->steps[i].kept : 0;
	return sum;
}

static void assert_about(double got, double want, double off)
{
	if (got < want - off || got > want + off)
		fail_msg("%g is not %g +- %g", got, want, off);
}

static const struct point_range whole = { .from.kind = POINT_END };

static void check_ends(const struct course *t, uint32_t process, uint32_t rounds)
{
	const struct course_site *const leak = site_of(t, process, LEAK), *const ring = site_of(t, process, TURNS);

	assert_int_equal(leak->bytes, rounds);
	assert_int_equal(leak->count, rounds / 10);
	assert_int_equal(ring->bytes, 100 * RING);
	assert_int_equal(ring->count, RING);
	for (uint8_t tick = 0; tick < COURSE_TICKS; tick++) /* both axes are even: tick n ends after (n + 1) / 79 of the run */
		assert_about((double)kept_until(t, leak, tick), rounds * (tick + 1.0) / COURSE_TICKS, 0.04 * rounds);
	assert_int_equal(kept_until(t, ring, COURSE_TICKS * 9 / 10), 0);
}

static void all_events(void **state)
{
	struct capture_file f;
	struct capture *const c = made(&f);
	struct course t = course_of(c, UINT64_MAX, whole);

	assert_int_equal(t.keyframes, 0);
	check_ends(&t, 0, ROUNDS);
	check_ends(&t, 1, ENDS_AT);
	assert_int_equal(site_of(&t, 0, LEAK)->freed, 0);
	assert_int_equal(site_of(&t, 0, TURNS)->freed, ROUNDS - RING);
	assert_int_equal(site_of(&t, 0, GROWS)->bytes, 40 * ROUNDS);
	course_finish(&t);
	capture_close(c);
}

/* What happens before the last live set is known from the live sets alone. */
static void live_sets(void **state)
{
	struct capture_file f;
	struct capture *const c = made(&f);
	struct course t = course_of(c, 1000, whole), exact = course_of(c, UINT64_MAX, whole);
	const struct course_process *const p = &t.processes[0];
	uint32_t sampled = 0, growing = 0;

	assert_true(t.keyframes > 20);
	check_ends(&t, 0, ROUNDS);
	assert_int_equal(site_of(&t, 0, GROWS)->bytes, 40 * ROUNDS);
	for (uint32_t i = site_of(&t, 0, GROWS)->last; i != COURSE_NONE; i = t.steps[i].before) {
		const struct course_step *const s = &t.steps[i];

		if (s->tick >= p->exact || !p->sampled[s->tick])
			continue;
		sampled++;
		assert_about((double)s->level, 40.0 * ROUNDS * (s->tick + 0.5) / COURSE_TICKS, 40.0 * ROUNDS * 0.04);
		growing += s->level > 0;
	}
	assert_true(sampled > 20 && growing == sampled);
	assert_int_equal(site_of(&t, 0, LEAK)->freed, 0);
	assert_true(site_of(&t, 0, TURNS)->freed < site_of(&exact, 0, TURNS)->freed);
	assert_true(p->early < COURSE_TICKS && exact.processes[0].early < COURSE_TICKS);
	course_finish(&t);
	course_finish(&exact);
	capture_close(c);
}

/* A process that ends early is seen up to the last live set that it is in. */
static void a_process_that_ends_early(void **state)
{
	struct capture_file f;
	struct capture *const c = made(&f);
	struct course t = course_of(c, 1000, whole);
	const struct course_site *const leak = site_of(&t, 1, LEAK);

	assert_false(t.processes[1].unseen_end);
	assert_about((double)leak->bytes, ENDS_AT, 0.1 * ENDS_AT);
	assert_int_equal(leak->bytes, leak->count * 10);
	assert_int_equal(site_of(&t, 1, TURNS)->bytes, 100 * RING);
	course_finish(&t);
	capture_close(c);
}

/* From a quarter of the time to the half, and up to the half. */
static void parts_of_the_run(void **state)
{
	struct capture_file f;
	struct capture *const c = made(&f);
	const uint64_t quarter = capture_end(c) / 4;
	const struct point_range part = { .is_range = true,
					  .from = { .kind = POINT_TIME, .number = quarter },
					  .to = { .kind = POINT_TIME, .number = 2 * quarter } };
	const struct point_range half = { .from = { .kind = POINT_TIME, .number = 2 * quarter } };

	for (int quick = 0; quick < 2; quick++) {
		struct course t = course_of(c, quick ? 1000 : UINT64_MAX, part);
		const uint64_t to = site_of(&t, 0, LEAK)->bytes;

		assert_true(quick ? t.keyframes > 6 : !t.keyframes);
		assert_int_equal(t.processes[0].from_ns, quarter);
		assert_about((double)kept_until(&t, site_of(&t, 0, LEAK), 0), (double)to / 2, 0.06 * (double)to);
		assert_about((double)kept_until(&t, site_of(&t, 0, LEAK), COURSE_TICKS / 2), (double)to * 3 / 4, 0.06 * (double)to);
		course_finish(&t);
		t = course_of(c, quick ? 1000 : UINT64_MAX, half);
		assert_about((double)site_of(&t, 0, LEAK)->bytes, (double)to, 0.02 * (double)to);
		assert_about((double)kept_until(&t, site_of(&t, 0, LEAK), COURSE_TICKS / 2), (double)to / 2, 0.06 * (double)to);
		course_finish(&t);
	}
	capture_close(c);
}

/* Of few events in a part, all are replayed, from a live set on. */
static void a_small_part(void **state)
{
	struct capture_file f;
	struct capture *const c = made(&f);
	const uint64_t end = capture_end(c);
	const struct point_range part = { .is_range = true,
					  .from = { .kind = POINT_TIME, .number = end * 7 / 10 },
					  .to = { .kind = POINT_TIME, .number = end * 8 / 10 } };
	struct course t = course_of(c, 6000, part);
	const struct course_site *const leak = site_of(&t, 0, LEAK), *const ring = site_of(&t, 0, TURNS);

	assert_int_equal(t.keyframes, 0);
	assert_about((double)leak->bytes, ROUNDS * 0.8, ROUNDS * 0.01);
	assert_about((double)kept_until(&t, leak, 0), ROUNDS * 0.7, ROUNDS * 0.01);
	assert_about((double)kept_until(&t, leak, COURSE_TICKS / 2), ROUNDS * 0.75, ROUNDS * 0.01);
	assert_about((double)ring->freed, ROUNDS * 0.1, EVENTS_PER_KEYFRAME / 3.0 + ROUNDS * 0.01);
	for (uint32_t i = ring->last; i != COURSE_NONE; i = t.steps[i].before)
		assert_about((double)t.steps[i].level, 100 * RING, 100);
	course_finish(&t);
	capture_close(c);
}

static void points_that_are_none(void **state)
{
	struct capture_file f;
	struct capture *const c = made(&f);
	const struct point none[] = { { .kind = POINT_MARK, .label = "none" }, { .kind = POINT_NTH_MARK, .number = 1 }, { .kind = POINT_TIME, .number = UINT64_MAX / 2 } };

	for (size_t i = 0; i < 2 * sizeof(none) / sizeof(*none); i++) {
		const struct course_options o = { .at.from = none[i / 2], .process = UINT32_MAX, .replay_most = i % 2 ? 1000 : UINT64_MAX };
		struct trk_fault fault;
		struct course t;

		assert_int_equal(course_read(&t, c, &o, &fault), TRK_ERR_ARG);
		assert_true(fault.why[0]);
	}
	capture_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_events),
		cmocka_unit_test(live_sets),
		cmocka_unit_test(a_process_that_ends_early),
		cmocka_unit_test(parts_of_the_run),
		cmocka_unit_test(a_small_part),
		cmocka_unit_test(points_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
