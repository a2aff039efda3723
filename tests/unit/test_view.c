/* view - points, ranges, peaks over processes, and a naive count beside each. */
#include "capture_file.h"

#include "replay/view.h"

/* ---- a small capture in time order ---- */

static struct writer *w;
static uint64_t now;
static uint32_t nodes[8];

static void begin(struct capture_file *f)
{
	*f = capture_file_new();
	w = capture_file_writer(f);
	now = 0;
	for (uint32_t i = 1; i < 8; i++)
		nodes[i] = writer_node(w, 0, writer_frame(w, 0, i));
}

static void say(uint32_t process, uint8_t kind, uint64_t address, uint64_t size, uint32_t node)
{
	struct trk_event e = event_of(process, now, kind, address, size);

	e.node = nodes[node];
	e.thread = process;
	writer_event(w, &e);
	now += 1000;
}

static void mark(const char *label)
{
	struct trk_event e = event_of(0, now, TRK_MARK, 0, 0);

	e.label = label;
	e.label_bytes = (uint32_t)strlen(label);
	writer_event(w, &e);
	now += 1000;
}

static struct capture *finish(const struct capture_file *f)
{
	capture_file_finish(w);
	return capture_file_open(f);
}

static struct view build(struct capture *c, struct view_options o)
{
	struct trk_fault fault;
	struct view v;

	assert_int_equal(view_build(c, &o, &v, &fault), 0);
	return v;
}

static struct view_options at(const char *text)
{
	struct view_options o = { .process = UINT32_MAX };
	struct trk_fault fault;
	char whole[300], *path = NULL;

	snprintf(whole, sizeof(whole), "c@%s", text);
	assert_int_equal(point_parse(whole, &path, &o.at, &fault), 0);
	free(path);
	return o;
}

/* Bytes and blocks at a point. */
static void expect(struct capture *c, const char *point, uint64_t bytes, uint64_t count)
{
	struct view v = build(c, at(point));
	uint64_t sum = 0;

	for (size_t i = 0; i < v.row_count; i++)
		sum += v.rows[i].bytes;
	assert_int_equal(v.bytes, bytes);
	assert_int_equal(v.count, count);
	assert_int_equal(sum, bytes);
	view_finish(&v);
}

static struct capture *marked(struct capture_file *f)
{
	begin(f);
	say(0, TRK_MALLOC, 16, 100, 1); /* 0 ns */
	mark("one"); /* 1000 */
	say(0, TRK_MALLOC, 32, 50, 2); /* 2000 */
	say(0, TRK_MALLOC, 48, 10, 1); /* 3000: the peak, 160 */
	mark("two"); /* 4000 */
	say(0, TRK_FREE, 16, 0, 0); /* 5000 */
	mark("one"); /* 6000 */
	say(0, TRK_MALLOC, 64, 7, 3); /* 7000 */
	return finish(f);
}

static void points_are_where_they_should_be(void **state)
{
	struct capture_file f;
	struct capture *c = marked(&f);

	expect(c, "peak", 160, 3);
	expect(c, "end", 67, 3);
	expect(c, "one", 100, 1);
	expect(c, "two", 160, 3);
	expect(c, "#1", 100, 1);
	expect(c, "#3", 60, 2);
	expect(c, "2us", 150, 2);
	expect(c, "1999ns", 100, 1);
	expect(c, "7us", 67, 3);
	expect(c, "0%", 0, 0);
	expect(c, "50%", 160, 3);
	expect(c, "100%", 67, 3);
	capture_close(c);
	close(f.fd);
}

static void ranges_count_what_was_born_inside_and_lives(void **state)
{
	struct capture_file f;
	struct capture *c = marked(&f);

	expect(c, "one..two", 60, 2);
	expect(c, "two..end", 7, 1);
	expect(c, "..two", 160, 3);
	expect(c, "one..", 67, 3);
	expect(c, "peak..", 7, 1);
	expect(c, "one..peak", 60, 2);
	expect(c, "#1..#3", 60, 2);
	capture_close(c);
	close(f.fd);
}

static void points_that_are_not_there_are_named(void **state)
{
	static const char *const bad[][2] = { { "three", "one, two, one" },
					      { "#4", "#4" },
					      { "8us", "ends at" },
					      { "two..#1", "before" } };
	struct capture_file f;
	struct capture *c = marked(&f);

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		const struct view_options o = at(bad[i][0]);
		struct trk_fault fault;
		struct view v;

		assert_int_equal(view_build(c, &o, &v, &fault), TRK_ERR_ARG);
		assert_non_null(strstr(fault.why, bad[i][1]));
	}
	capture_close(c);
	close(f.fd);
}

static void the_peak_is_of_the_tree_at_one_time(void **state)
{
	struct capture_file f;
	struct capture *c;
	struct view v;

	begin(&f);
	for (uint32_t p = 0; p < 3; p++) {
		const struct trk_process process = { .index = p, .pid = 10 + p, .parent = UINT32_MAX, .start_ns = now, .end_ns = now + 2500, .ended = 1 };

		writer_process(w, &process);
		say(p, TRK_MALLOC, 16, 100 + p, 1);
		say(p, TRK_MALLOC, 32, 10, 2);
		say(p, TRK_FREE, 32, 0, 0);
	}
	c = finish(&f);
	/* One after the other: each holds its own only. */
	v = build(c, at("peak"));
	assert_int_equal(v.totals.peak_bytes, 112);
	assert_int_equal(v.bytes, 112);
	assert_int_equal(v.count, 2);
	assert_int_equal(v.rows[0].process, 2);
	assert_int_equal(v.rows[0].bytes, 102);
	assert_int_equal(v.totals.live_bytes, 303);
	assert_int_equal(process_totals_get(&v.process_totals, 1)->peak_bytes, 111);
	view_finish(&v);
	expect(c, "end", 303, 3);
	v = build(c, (struct view_options){ .what = VIEW_LEAKS, .process = UINT32_MAX });
	assert_int_equal(v.bytes, 303);
	assert_int_equal(v.row_count, 3);
	view_finish(&v);
	v = build(c, (struct view_options){ .process = 0 });
	assert_int_equal(v.bytes, 110);
	assert_int_equal(v.totals.allocations, 2);
	view_finish(&v);
	capture_close(c);
	close(f.fd);
}

static void rows_split_by_thread_and_size_when_asked(void **state)
{
	struct capture_file f;
	struct capture *c = marked(&f);
	struct view v = build(c, (struct view_options){ .what = VIEW_ALLOCATIONS,
							.process = UINT32_MAX,
							.sizes = true });

	assert_int_equal(v.row_count, 3);
	assert_int_equal(v.rows[0].node, nodes[1]);
	assert_int_equal(v.rows[0].bytes, 110);
	assert_int_equal(v.rows[0].count, 2);
	assert_int_equal(v.rows[0].thread, UINT32_MAX);
	assert_int_equal(v.size_count, 4);
	assert_int_equal(v.sizes[3].size, 100);
	assert_int_equal(v.events, 8);
	view_finish(&v);
	v = build(c, (struct view_options){ .what = VIEW_ALLOCATIONS, .process = UINT32_MAX, .by_size = true, .by_thread = true });
	assert_int_equal(v.row_count, 4);
	assert_int_equal(v.rows[0].block_size, 100);
	assert_int_equal(v.rows[0].thread, 0);
	view_finish(&v);
	capture_close(c);
	close(f.fd);
}

/* ---- against a count without any cleverness ---- */

#define ADDRESSES 60
#define RANDOM_EVENTS 4000

struct naive {
	uint64_t size[2][ADDRESSES];
	uint32_t node[2][ADDRESSES];
	bool live[2][ADDRESSES];
	uint64_t now, peak, by_node[8], peak_by_node[8], born_by_node[8];
};

static void naive_free(struct naive *n, uint32_t p, uint64_t a)
{
	if (!n->live[p][a])
		return;
	n->live[p][a] = false;
	n->now -= n->size[p][a];
	n->by_node[n->node[p][a]] -= n->size[p][a];
}

static void naive_allocate(struct naive *n, uint32_t p, uint64_t a, uint64_t size, uint32_t node)
{
	n->live[p][a] = true;
	n->size[p][a] = size;
	n->node[p][a] = node;
	n->now += size;
	n->by_node[node] += size;
	n->born_by_node[node] += size;
	if (n->now >= n->peak) {
		n->peak = n->now;
		memcpy(n->peak_by_node, n->by_node, sizeof(n->by_node));
	}
}

static void random_events(struct naive *n, uint64_t *seed)
{
	for (int i = 0; i < RANDOM_EVENTS; i++) {
		const uint32_t p = (uint32_t)(random_next(seed) % 2);
		const uint64_t a = 1 + random_next(seed) % (ADDRESSES - 1);
		const uint32_t node = (uint32_t)(1 + random_next(seed) % 7);
		const uint64_t size = random_next(seed) % 500;

		if (random_next(seed) % 2 || n->live[p][a]) {
			naive_free(n, p, a);
			say(p, TRK_FREE, a * 16, 0, 0);
		} else {
			naive_allocate(n, p, a, size, node);
			say(p, TRK_NEW, a * 16, size, node);
		}
	}
}

static void compare(struct capture *c, const struct view_options o, const uint64_t by_node[8])
{
	struct view v = build(c, o);
	uint64_t sums[8] = { 0 };

	for (size_t i = 0; i < v.row_count; i++)
		sums[v.rows[i].node] += v.rows[i].bytes;
	for (uint32_t i = 1; i < 8; i++)
		assert_int_equal(sums[nodes[i]], by_node[i]);
	view_finish(&v);
}

static void expect_same(const struct view *got, const struct view *want)
{
	assert_int_equal(got->bytes, want->bytes);
	assert_int_equal(got->count, want->count);
	assert_int_equal(got->row_count, want->row_count);
	for (size_t i = 0; i < got->row_count; i++) {
		const struct view_row *const a = &got->rows[i], *const b = &want->rows[i];

		assert_true(a->node == b->node && a->thread == b->thread && a->process == b->process && a->domain == b->domain);
		assert_true(a->block_size == b->block_size && a->bytes == b->bytes && a->count == b->count);
		assert_true(a->kind == b->kind && a->error == b->error);
	}
}

/* Asked together, three questions have the answers that each has alone. */
static void ask_together(struct capture *c, struct view_options o)
{
	struct view leaks = { 0 }, temporary = { 0 }, alone = build(c, o);

	o.leaks = &leaks;
	o.temporary = &temporary;
	o.threshold = 1;
	struct view live = build(c, o);

	expect_same(&live, &alone);
	view_finish(&alone);
	alone = build(c, (struct view_options){ .what = VIEW_LEAKS, .process = o.process });
	expect_same(&leaks, &alone);
	assert_int_equal(live.totals.live_bytes, leaks.bytes);
	view_finish(&alone);
	alone = build(c, (struct view_options){ .what = VIEW_TEMPORARY, .process = o.process, .threshold = 1 });
	expect_same(&temporary, &alone);
	assert_int_equal(live.totals.temporary, temporary.count);
	view_finish(&alone);
	view_finish(&live);
	view_finish(&leaks);
	view_finish(&temporary);
}

static void random_captures_agree_with_a_naive_count(void **state)
{
	uint64_t seed = 3;

	for (int round = 0; round < 20; round++) {
		struct naive n = { 0 };
		struct capture_file f;
		struct capture *c;

		begin(&f);
		random_events(&n, &seed);
		c = finish(&f);
		compare(c, at("peak"), n.peak_by_node);
		compare(c, at("end"), n.by_node);
		compare(c, (struct view_options){ .what = VIEW_LEAKS, .process = UINT32_MAX },
			n.by_node);
		compare(c, (struct view_options){ .what = VIEW_ALLOCATIONS, .process = UINT32_MAX },
			n.born_by_node);
		compare(c, at("..peak"), n.peak_by_node);
		ask_together(c, at("peak"));
		ask_together(c, at("end"));
		ask_together(c, at("50%"));
		ask_together(c, (struct view_options){ .process = 1 });
		capture_close(c);
		close(f.fd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(points_are_where_they_should_be),
		cmocka_unit_test(ranges_count_what_was_born_inside_and_lives),
		cmocka_unit_test(points_that_are_not_there_are_named),
		cmocka_unit_test(the_peak_is_of_the_tree_at_one_time),
		cmocka_unit_test(rows_split_by_thread_and_size_when_asked),
		cmocka_unit_test(random_captures_agree_with_a_naive_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
