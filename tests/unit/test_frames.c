/* frames - stack changes of the wire -> call-tree nodes, and modules that come and go. */
#include "segment.h"

#include "tools/record/modules.h"
#include "tools/record/ends.h"

#define SELF ((uint32_t)getpid())

/* Offsets of the frames of `node`, outermost first; returns how many. */
static unsigned offsets_of(const struct capture *c, uint32_t node, uint64_t *ret, uint32_t *modules)
{
	unsigned depth = 0;

	for (uint32_t n = node; n; n = c->nodes[n].parent)
		depth++;
	for (unsigned i = depth; node; node = c->nodes[node].parent) {
		const struct cap_frame *const f = &c->frames[c->nodes[node].frame];

		ret[--i] = f->offset;
		modules[i] = f->module;
	}
	return depth;
}

static void begin_malloc(struct segment *s, struct fake_thread *t, uint32_t pops, uint32_t count,
			 const uint64_t *pcs)
{
	fake_begin(s, t, TRK_MALLOC, 1, true);
	fake_stack(t, pops, count, pcs);
	fake_address(t, 0x1000);
	t->at = put_varint(t->at, 8);
	fake_publish(s, t);
	fake_free(s, t, 1, 0x1000);
}

static void frames_only(struct segment *s, struct fake_thread *t, uint32_t pops, uint32_t count,
			const uint64_t *pcs)
{
	t->at = t->record;
	*t->at++ = WIRE_FRAMES | WIRE_STACK;
	fake_stack(t, pops, count, pcs);
	fake_publish(s, t);
}

static void check_stack(struct segment *s, unsigned count, const uint64_t *pcs)
{
	const struct trk_event e = segment_event(s);
	uint64_t offsets[1024];
	uint32_t modules[1024];

	assert_int_equal(e.kind, TRK_MALLOC);
	assert_int_equal(offsets_of(s->capture, e.node, offsets, modules), count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(offsets[i], pcs[i]);
	segment_event(s);
}

static struct segment with_thread(struct fake_thread *t)
{
	struct segment s = segment_new();

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	*t = fake_thread(&s, 0, 0, SELF);
	return s;
}

static void pops_and_pushes(void **state)
{
	static const uint64_t first[] = { 10, 20, 30 }, second[] = { 41, 42 },
			      after[] = { 10, 41, 42 };
	struct fake_thread t;
	struct segment s = with_thread(&t);

	begin_malloc(&s, &t, 0, 3, first);
	begin_malloc(&s, &t, 2, 2, second);
	begin_malloc(&s, &t, 3, 0, NULL);
	begin_malloc(&s, &t, 0, 3, first);
	begin_malloc(&s, &t, UINT32_MAX, 2, second);
	segment_round(&s);
	check_stack(&s, 3, first);
	check_stack(&s, 3, after);
	check_stack(&s, 0, NULL);
	check_stack(&s, 3, first);
	check_stack(&s, 2, second);
	assert_int_equal(s.r->counters.corrupt, 0);
	segment_free(&s);
}

/* Deeper than one record: frames-only records before the event, which may take some back. */
static void frames_before_the_event(void **state)
{
	uint64_t pcs[300], expected[300];
	struct fake_thread t;
	struct segment s = with_thread(&t);

	for (unsigned i = 0; i < 300; i++)
		pcs[i] = 1000 + i;
	frames_only(&s, &t, 0, WIRE_FRAMES_MAX, pcs);
	frames_only(&s, &t, 0, WIRE_FRAMES_MAX, pcs + WIRE_FRAMES_MAX);
	begin_malloc(&s, &t, 0, 300 - 2 * WIRE_FRAMES_MAX, pcs + 2 * WIRE_FRAMES_MAX);
	frames_only(&s, &t, 299, 100, pcs + 100); /* keeps one */
	frames_only(&s, &t, 10, 5, pcs); /* takes ten of the hundred back */
	begin_malloc(&s, &t, 7, 1, pcs + 7); /* the five, and two more */
	segment_round(&s);
	check_stack(&s, 300, pcs);
	expected[0] = 1000;
	memcpy(expected + 1, pcs + 100, 88 * sizeof(*pcs));
	expected[89] = 1007;
	check_stack(&s, 90, expected);
	segment_free(&s);
}

static void know(struct segment *s, struct fake_thread *t, uint32_t number)
{
	fake_begin_rare(s, t, WIRE_KNOWN, 1, false);
	t->at = put_varint(t->at, number);
	fake_publish(s, t);
}

/* A block and its release. quick: in the epoch of the record before, so that they are read in one loop with others. */
static void known_malloc(struct segment *s, struct fake_thread *t, uint32_t number, bool quick)
{
	fake_begin(s, t, TRK_MALLOC, 1, true);
	if (quick) {
		t->at = t->record;
		*t->at++ = TRK_MALLOC | WIRE_STACK;
	}
	t->at = put_varint(t->at, number);
	*t->at++ = WIRE_WIDE;
	fake_address(t, 0x1000);
	t->at = put_varint(t->at, 8);
	fake_publish(s, t);
	fake_free(s, t, 1, 0x1000);
}

static void same_malloc(struct segment *s, struct fake_thread *t)
{
	fake_malloc(s, t, 1, 0x1000, 8);
	fake_free(s, t, 1, 0x1000);
}

/* Numbers in the place of frames. What was walked last stays, and changes count from there. */
static void check_known(bool quick)
{
	static const uint64_t first[] = { 10, 20, 30 }, second[] = { 41, 42 }, after[] = { 10, 41, 42 };
	struct fake_thread t;
	struct segment s = with_thread(&t);

	begin_malloc(&s, &t, 0, 3, first);
	know(&s, &t, 5);
	begin_malloc(&s, &t, 2, 2, second);
	know(&s, &t, WIRE_KNOWN_STACKS - 1);
	for (unsigned i = 0; i < 400; i++) {
		known_malloc(&s, &t, 5, quick);
		same_malloc(&s, &t);
		known_malloc(&s, &t, WIRE_KNOWN_STACKS - 1, quick);
		known_malloc(&s, &t, 5, quick);
		begin_malloc(&s, &t, 0, 0, NULL);
		begin_malloc(&s, &t, 2, 2, first + 1);
		known_malloc(&s, &t, WIRE_KNOWN_STACKS - 1, quick);
		begin_malloc(&s, &t, 2, 2, second);
	}
	know(&s, &t, 5); /* another one from now on */
	known_malloc(&s, &t, 5, quick);
	while (segment_round(&s))
		;
	check_stack(&s, 3, first);
	check_stack(&s, 3, after);
	for (unsigned i = 0; i < 400; i++) {
		check_stack(&s, 3, first);
		check_stack(&s, 3, first);
		check_stack(&s, 3, after);
		check_stack(&s, 3, first);
		check_stack(&s, 3, after);
		check_stack(&s, 3, first);
		check_stack(&s, 3, after);
		check_stack(&s, 3, after);
	}
	check_stack(&s, 3, after);
	assert_int_equal(s.r->counters.corrupt, 0);
	segment_no_event(&s);
	segment_free(&s);
}

static void known_stacks(void **state)
{
	check_known(false);
	check_known(true);
}

/* Nobody has said which stack has that number. */
static void an_unknown_known_stack(void **state)
{
	for (unsigned known = 0; known < 2; known++) {
		struct fake_thread t;
		struct segment s = with_thread(&t);

		fake_malloc(&s, &t, 1, 0x100, 8);
		if (known)
			know(&s, &t, 6);
		known_malloc(&s, &t, 7, known);
		while (segment_round(&s))
			;
		assert_int_equal(s.r->counters.corrupt, 1);
		assert_int_equal(segment_event(&s).address, 0x100);
		assert_int_equal(segment_event(&s).kind, TRK_GAP);
		segment_free(&s);
	}
}

/* A module that another thread announced first, though its record was read later. */
static void frames_wait_for_their_module(void **state)
{
	static const uint64_t pc[] = { 0x15000 };
	struct fake_thread t, other;
	struct segment s = with_thread(&t);
	struct trk_event e;
	uint64_t offset;
	uint32_t module;

	other = fake_thread(&s, 1, 0, SELF + 1);
	frames_only(&s, &t, 0, 1, pc);
	fake_malloc(&s, &t, 6, 0x100, 1);
	fake_module(&s, &other, 5, "/lib/liblate.so", 0x10000, 0x20000);
	segment_round(&s);
	e = segment_event(&s);
	assert_int_equal(offsets_of(s.capture, e.node, &offset, &module), 1);
	assert_int_equal(offset, 0x5000);
	assert_string_equal(s.capture->modules[module].path, "/lib/liblate.so");
	segment_free(&s);
}

/* What a node's last frame says to be kept of its parent; 0: the node is no view. */
static uint64_t view_of(const struct capture *c, uint32_t node)
{
	const struct cap_frame *const f = &c->frames[c->nodes[node].frame];

	return !f->module && f->offset > TRK_FRAME_CUT ? f->offset - TRK_FRAME_CUT : 0;
}

/* Two most recent frames are kept; the mark of a cut (0) is none of them. */
static void the_most_recent_frames(void **state)
{
	static const uint64_t whole[] = { 10, 20, 30, 40 }, cut[] = { 0, 30, 40 }, others[] = { 0, 99, 30, 40 },
			      two[] = { 30, 40 }, later[] = { 50 };
	struct fake_thread t;
	struct segment s = with_thread(&t);
	uint32_t nodes[6];

	s.r->stack_nodes.keep = 2;
	begin_malloc(&s, &t, UINT32_MAX, 4, whole);
	begin_malloc(&s, &t, UINT32_MAX, 3, cut);
	begin_malloc(&s, &t, UINT32_MAX, 4, others);
	begin_malloc(&s, &t, 1, 0, NULL); /* 99 30 */
	begin_malloc(&s, &t, UINT32_MAX, 2, two);
	begin_malloc(&s, &t, 1, 1, later); /* 30 50 */
	segment_round(&s);
	for (unsigned i = 0; i < 6; i++) {
		nodes[i] = segment_event(&s).node;
		segment_event(&s);
	}
	assert_int_equal(view_of(s.capture, nodes[0]), 2);
	assert_int_equal(nodes[1], nodes[0]);
	assert_int_equal(nodes[2], nodes[0]);
	assert_int_equal(view_of(s.capture, nodes[3]), 2);
	assert_int_not_equal(nodes[3], nodes[0]);
	assert_int_equal(view_of(s.capture, nodes[4]), 0);
	assert_int_equal(view_of(s.capture, nodes[5]), 0);
	segment_free(&s);
}

/* A number in the mark says how many are older. Where they differ in nothing else, stacks are one to whoever does not ask. */
static void the_depth_of_a_cut_stack(void **state)
{
	static const uint64_t five[] = { WIRE_CUT + 3, 30, 40 }, nine[] = { WIRE_CUT + 7, 30, 40 },
			      unknown[] = { 0, 30, 40 }, longer[] = { 20, 30, 40 };
	struct fake_thread t;
	struct segment s = with_thread(&t);
	uint32_t nodes[4];

	s.r->stack_nodes.keep = 2;
	begin_malloc(&s, &t, UINT32_MAX, 3, five);
	begin_malloc(&s, &t, UINT32_MAX, 3, nine);
	begin_malloc(&s, &t, UINT32_MAX, 3, unknown);
	begin_malloc(&s, &t, UINT32_MAX, 3, longer);
	segment_round(&s);
	segment_open(&s);
	s.capture->depths_apart = true;
	for (unsigned i = 0; i < 4; i++) {
		nodes[i] = segment_event(&s).node;
		segment_event(&s);
		assert_int_equal(capture_stack(s.capture, nodes[i]), capture_stack(s.capture, nodes[0]));
	}
	assert_int_equal(capture_depth(s.capture, nodes[0]), 5);
	assert_int_equal(capture_depth(s.capture, nodes[1]), 9);
	assert_int_equal(capture_depth(s.capture, nodes[2]), 0);
	assert_int_equal(capture_depth(s.capture, nodes[3]), 3);
	assert_int_equal(view_of(s.capture, capture_stack(s.capture, nodes[0])), 2);
	segment_free(&s);
}

/* dlclose, and another library in its place: the same pc is another frame. */
static void a_replaced_module(void **state)
{
	static const uint64_t pc[] = { 0x15000 };
	const char *const paths[] = { "/lib/a.so", "/lib/b.so" };
	struct fake_thread t;
	struct segment s = with_thread(&t);

	for (int i = 0; i < 2; i++) {
		fake_module(&s, &t, 1, paths[i], 0x10000 + 0x1000 * (uint64_t)i, 0x20000);
		begin_malloc(&s, &t, UINT32_MAX, 1, pc);
	}
	segment_round(&s);
	ends_set(s.r, s.r->processes[0]);
	segment_round(&s);
	for (uint64_t i = 0; i < 2; i++) {
		const struct trk_event e = segment_event(&s);
		uint64_t offset;
		uint32_t module;

		assert_int_equal(offsets_of(s.capture, e.node, &offset, &module), 1);
		assert_int_equal(offset, 0x5000 - 0x1000 * i);
		assert_string_equal(s.capture->modules[module].path, paths[i]);
		segment_event(&s);
	}
	assert_int_equal(s.capture->mapping_count, 2);
	assert_true(s.capture->mappings[0].unload_time_ns != UINT64_MAX);
	assert_true(s.capture->mappings[1].unload_time_ns == UINT64_MAX);
	segment_free(&s);
}

static void count_gone(void *data, const struct module_range *r)
{
	(void)r;
	++*(unsigned *)data;
}

static void ranges_replace_what_they_overlap(void **state)
{
	struct modules m = { 0 };
	unsigned gone = 0;

	for (uint32_t i = 1; i <= 10; i++)
		assert_int_equal(modules_add(&m, &(struct module_range){
							 .start = i * 100,
							 .end = i * 100 + 100,
							 .module = i,
						 },
					     count_gone, &gone),
				 0);
	assert_int_equal(gone, 0);
	assert_int_equal(modules_find(&m, 350)->module, 3);
	assert_int_equal(modules_find(&m, 400)->module, 3); /* behind a call that never returns */
	assert_int_equal(modules_find(&m, 100)->module, 1);
	assert_null(modules_find(&m, 99));
	assert_null(modules_find(&m, 1101));
	assert_int_equal(modules_add(&m, &(struct module_range){ .start = 250, .end = 401, .module = 99 }, count_gone, &gone), 0);
	assert_int_equal(gone, 3);
	assert_int_equal(m.count, 8);
	assert_int_equal(modules_find(&m, 300)->module, 99);
	assert_null(modules_find(&m, 240));
	assert_int_equal(modules_add(&m, &(struct module_range){ .start = 5, .end = 5 }, NULL, NULL),
			 TRK_ERR_CORRUPT);
	modules_clear(&m, count_gone, &gone);
	assert_int_equal(gone, 11);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pops_and_pushes),
		cmocka_unit_test(known_stacks),
		cmocka_unit_test(an_unknown_known_stack),
		cmocka_unit_test(frames_before_the_event),
		cmocka_unit_test(frames_wait_for_their_module),
		cmocka_unit_test(the_most_recent_frames),
		cmocka_unit_test(the_depth_of_a_cut_stack),
		cmocka_unit_test(a_replaced_module),
		cmocka_unit_test(ranges_replace_what_they_overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
