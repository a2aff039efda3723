/* test_live - the parts of a view that need no terminal: what it remembers, what it draws, what it shows, what keys do. */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "format/writer.h"
#include "tools/live/chart.h"
#include "tools/live/live_view.h"

#define SECOND 1000000000ull

/* ---- past ---- */

static void remember(struct past *p, uint64_t time_ns, uint64_t a, uint64_t b)
{
	struct past_entry *const list = calloc(2, sizeof(*list));

	assert_non_null(list);
	list[0] = (struct past_entry){ 77, b }; /* not in order */
	list[1] = (struct past_entry){ 5, a };
	past_add_rows(p, time_ns, list, 2);
}

static int64_t last_change(const struct past *p, uint64_t id, uint64_t bytes)
{
	int64_t change = 0;

	assert_true(past_since_last(p, id, bytes, &change));
	return change;
}

static int64_t minute_change(const struct past *p, uint64_t id, uint64_t bytes)
{
	int64_t change = 0;

	assert_true(past_since_minute(p, id, bytes, &change));
	return change;
}

static void changes_are_since_the_last_picture_and_a_minute(void **state)
{
	struct past *const p = calloc(1, sizeof(*p));
	int64_t change;

	assert_false(past_since_last(p, 5, 1, &change));
	remember(p, SECOND, 100, 1000);
	assert_false(past_since_last(p, 5, 1, &change)); /* there is no other picture yet */
	/* `a` grows by 1 a second, `b` stays */
	for (uint64_t s = 2; s <= 200; s++) {
		remember(p, s * SECOND, 99 + s, 1000);
		assert_int_equal(last_change(p, 5, 99 + s), 1);
		assert_int_equal(last_change(p, 77, 1000), 0);
		assert_int_equal(minute_change(p, 77, 1000), 0);
		if (s > 70) /* of one picture in five seconds */
			assert_in_range(minute_change(p, 5, 99 + s), 60, 65);
		else if (s <= 60)
			assert_int_equal(minute_change(p, 5, 99 + s), s - 1);
	}
	assert_int_equal(last_change(p, 1234, 50), 50); /* what was not there held nothing */
	assert_true(p->set_count <= PAST_SETS);
	past_forget_rows(p);
	assert_false(past_since_minute(p, 5, 1, &change));
	past_finish(p);
	free(p);
}

/* However many points come, the course keeps its beginning, its end and its highest values. */
static void courses_are_bounded(void **state)
{
	struct past *const p = calloc(1, sizeof(*p));
	uint64_t most = 0;

	for (uint64_t i = 0; i < 100000; i++)
		past_add_point(p, &(struct past_point){ i * SECOND, i == 54321 ? 9000 : 10, 1 });
	assert_true(p->point_count <= PAST_POINTS && p->point_count > PAST_POINTS / 4);
	for (size_t i = 0; i < p->point_count; i++) {
		most = p->points[i].heap > most ? p->points[i].heap : most;
		assert_true(!i || p->points[i].time_ns > p->points[i - 1].time_ns);
	}
	assert_int_equal(most, 9000);
	assert_true(p->points[p->point_count - 1].time_ns > 99800 * SECOND);
	past_finish(p);
	free(p);
}

/* ---- chart ---- */

static void line_of(const struct chart *c, int line, bool unicode, char text[512])
{
	text[0] = 0;
	for (int x = 0; x < c->width; x++)
		strcat(text, chart_cell(c, line, x, unicode));
}

static void charts_are_filled_from_below(void **state)
{
	const struct past_point points[] = { { 0, 0, 0 }, { 1, 25, 0 }, { 2, 50, 0 }, { 3, 100, 0 } };
	struct chart c;
	char text[512];

	assert_true(chart_make(&c, points, 4, 4, 2));
	line_of(&c, 0, false, text);
	assert_string_equal(text, "   #");
	line_of(&c, 1, false, text);
	assert_string_equal(text, " ###");
	line_of(&c, 1, true, text);
	assert_string_equal(text, " \u2584\u2588\u2588");
	chart_finish(&c);
}

static void columns_without_a_point_go_on(void **state)
{
	const struct past_point points[] = { { 0, 100, 100 }, { 10, 50, 100 } };
	struct chart c;
	char text[512];

	assert_true(chart_make(&c, points, 2, 6, 2));
	line_of(&c, 0, false, text);
	assert_string_equal(text, "#####.");
	chart_finish(&c);
	assert_false(chart_make(&c, points, 0, 6, 2));
	assert_false(chart_make(&c, points, 2, 0, 2));
	assert_true(chart_make(&c, points, 1, 3, 1)); /* no time has passed */
	chart_finish(&c);
}

/* A program of little heap: its resident memory is above the chart. */
static void resident_memory_never_hides_the_heap(void **state)
{
	const struct past_point points[] = { { 0, 10, 1000 }, { 1, 10, 1000 } };
	struct chart c;

	assert_true(chart_make(&c, points, 2, 2, 3));
	assert_int_equal(c.top, 10);
	assert_string_equal(chart_cell(&c, 0, 0, false), "#");
	chart_finish(&c);
}

/* ---- pictures, rows and keys ---- */

static uint32_t node_of(struct writer *w, uint32_t parent, const char *function)
{
	static uint64_t place;
	const struct trk_symbol_text name = { .function = function, .file = "/src/a.c", .line = (uint32_t)strlen(function) };
	const uint32_t frame = writer_frame(w, writer_module(w, &(struct trk_module){ .path = "/bin/app" }), ++place);

	writer_symbols(w, frame, &name, 1);
	return writer_node(w, parent, frame);
}

static void put_sum(struct writer *w, uint32_t node, uint32_t thread, uint32_t process, uint64_t bytes, uint64_t count)
{
	writer_sum(w, &(struct trk_sum){ .node = node, .thread = thread, .process = process, .kind = TRK_MALLOC, .of = { [TRK_SUM_LEAKED] = { bytes, count } } }, NULL);
}

/* main calls big (100 bytes a unit of `scale`) and small (10 bytes in 5 blocks); the second process, another (7 bytes). */
static struct capture *written(uint64_t scale, uint64_t time_ns)
{
	const struct trk_header header = { .version = TRK_VERSION, .header_bytes = TRK_HEADER_BYTES, .content = TRK_CONTENT_AGGREGATED, .page_bytes = 4096, .id = 1 };
	struct trk_totals totals = { .process = TRK_ALL_PROCESSES };
	FILE *const f = tmpfile();
	struct trk_fault fault;
	struct capture *c;
	struct writer *w;
	char path[64];

	assert_non_null(f);
	assert_int_equal(writer_new(&w, fileno(f), &header), 0);
	for (uint32_t i = 0; i < 2; i++) {
		writer_process(w, &(struct trk_process){ .index = i, .pid = 100 + i, .parent = UINT32_MAX, .end_ns = UINT64_MAX, .name = "app", .executable = "/bin/app", .libc = "", .host = "", .system = "", .title = "" });
		writer_thread(w, &(struct trk_thread){ .index = i, .process = i, .tid = 100 + i, .name = i ? "second" : "first", .end_ns = UINT64_MAX });
	}
	const uint32_t top = node_of(w, 0, "main");

	put_sum(w, node_of(w, top, "big"), 0, 0, 100 * scale, 1);
	put_sum(w, node_of(w, top, "small"), 0, 0, 10, 5);
	put_sum(w, node_of(w, 0, "another"), 1, 1, 7, 1);
	totals.values[TRK_TOTAL_ALLOCATIONS] = 1000 * scale;
	totals.values[TRK_TOTAL_FREES] = 500 * scale;
	writer_totals(w, &totals);
	writer_health(w, "end_ns", time_ns);
	writer_summary(w, "last_event_ns", time_ns);
	assert_int_equal(writer_finish(w), 0);
	writer_free(w);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(f));
	assert_int_equal(capture_open(&c, path, &fault), 0);
	fclose(f);
	return c;
}

static void take(struct live_view *v, uint64_t scale, uint64_t time_ns)
{
	struct trk_fault fault;
	struct picture *p;

	assert_int_equal(picture_new(&p, written(scale, time_ns), v->names, &fault), 0);
	assert_int_equal(picture_ask(p, &v->question), 0);
	live_view_take(v, p, &v->question, LIVE_RECORDING);
}

static void begin(struct live_view *v)
{
	live_view_init(v, &(struct picture_question){ .by = GROUP_FUNCTION });
	take(v, 1, SECOND);
}

static void assert_shown(const struct live_view *v, const char *keys)
{
	char text[512] = "";

	for (size_t i = 0; i < v->shown.count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "", v->shown.list[i].row->key);
	assert_string_equal(text, keys);
}

static void type_text(struct live_view *v, const char *text)
{
	for (; *text; text++)
		assert_int_equal(live_view_key(v, *text), LIVE_WISH_NOTHING);
}

static void rows_have_what_places_own_and_in_total(void **state)
{
	struct live_view *const v = calloc(1, sizeof(*v));
	const struct picture *p;

	begin(v);
	p = v->picture;
	assert_int_equal(p->live_bytes, 117);
	assert_int_equal(p->live_blocks, 7);
	assert_int_equal(p->own_count, 3);
	assert_shown(v, "big small another");
	live_view_key(v, 't');
	assert_shown(v, "main big small another");
	assert_int_equal(v->shown.list[0].row->total, 110);
	assert_int_equal(v->shown.list[0].row->own, 0);
	live_view_key(v, 'a');
	assert_shown(v, "small big another");
	live_view_finish(v);
	free(v);
}

static void rates_and_growth_follow_from_two_pictures(void **state)
{
	struct live_view *const v = calloc(1, sizeof(*v));

	begin(v);
	assert_false(v->has_rates);
	live_view_key(v, 'g');
	assert_shown(v, "");
	take(v, 3, 3 * SECOND);
	assert_int_equal(v->allocations_per_s, 1000);
	assert_int_equal(v->frees_per_s, 500);
	assert_shown(v, "big");
	assert_int_equal(v->shown.list[0].minute, 200);
	live_view_key(v, LIVE_KEY_ESCAPE);
	assert_shown(v, "big small another");
	live_view_finish(v);
	free(v);
}

static void a_row_stays_chosen(void **state)
{
	struct live_view *const v = calloc(1, sizeof(*v));

	begin(v);
	live_view_key(v, LIVE_KEY_DOWN);
	assert_string_equal(v->shown.list[v->at].row->key, "small");
	live_view_key(v, LIVE_KEY_END);
	assert_string_equal(v->shown.list[v->at].row->key, "another");
	take(v, 0, 2 * SECOND); /* big is gone: the same row is another one's place */
	assert_string_equal(v->shown.list[v->at].row->key, "another");
	live_view_key(v, LIVE_KEY_PAGE_UP);
	live_view_key(v, LIVE_KEY_HOME);
	assert_int_equal(v->at, 0);
	live_view_finish(v);
	free(v);
}

static void threads_and_processes_are_stepped_through(void **state)
{
	struct live_view *const v = calloc(1, sizeof(*v));

	begin(v);
	live_view_key(v, '>');
	assert_int_equal(v->question.tid, 100);
	assert_shown(v, "big small");
	live_view_key(v, '>');
	assert_shown(v, "another");
	live_view_key(v, '>');
	assert_int_equal(v->question.tid, 0); /* behind the last one are all */
	live_view_key(v, '<');
	assert_shown(v, "another");
	live_view_key(v, 'm');
	live_view_key(v, '}');
	assert_int_equal(v->question.pid, 100);
	assert_shown(v, "big small");
	live_view_key(v, '{');
	live_view_key(v, '{');
	assert_int_equal(v->question.pid, 101);
	assert_shown(v, "another");
	live_view_finish(v);
	free(v);
}

static void what_is_typed_filters_and_labels(void **state)
{
	struct live_view *const v = calloc(1, sizeof(*v));

	begin(v);
	type_text(v, "/AL"); /* in any case; while it is typed */
	assert_shown(v, "small");
	type_text(v, "xq");
	assert_shown(v, "");
	live_view_key(v, LIVE_KEY_BACKSPACE);
	live_view_key(v, LIVE_KEY_BACKSPACE);
	live_view_key(v, LIVE_KEY_ENTER);
	assert_shown(v, "small");
	live_view_key(v, LIVE_KEY_ESCAPE);
	assert_shown(v, "big small another");
	type_text(v, "kmy mark");
	assert_int_equal(live_view_key(v, LIVE_KEY_ENTER), LIVE_WISH_MARK);
	assert_string_equal(v->input, "my mark");
	live_view_key(v, 'k');
	assert_int_equal(live_view_key(v, LIVE_KEY_ENTER), LIVE_WISH_NOTHING); /* no label */
	live_view_key(v, 's');
	assert_int_equal(live_view_key(v, LIVE_KEY_ESCAPE), LIVE_WISH_NOTHING);
	assert_int_equal(v->prompt, LIVE_PROMPT_NONE);
	for (int i = 0; i < 1000; i++) /* as much as there is room for */
		live_view_key(v, i ? 'y' : 's');
	assert_true(strlen(v->input) < sizeof(v->input));
	assert_int_equal(live_view_key(v, LIVE_KEY_ENTER), LIVE_WISH_SNAPSHOT);
	assert_int_equal(live_view_key(v, 'q'), LIVE_WISH_QUIT);
	live_view_finish(v);
	free(v);
}

/* No picture has come, and every key is pressed. */
static void keys_need_no_picture(void **state)
{
	struct live_view *const v = calloc(1, sizeof(*v));
	const char *keys;

	live_view_init(v, &(struct picture_question){ .by = GROUP_FUNCTION });
	for (int key = ' '; key < 127; key++) {
		live_view_key(v, key);
		live_view_key(v, LIVE_KEY_ESCAPE);
		live_view_key(v, LIVE_KEY_ESCAPE);
	}
	for (int key = LIVE_KEY_UP; key <= LIVE_KEY_BACKSPACE; key++)
		live_view_key(v, key);
	assert_non_null(live_view_help(0, &keys));
	assert_null(live_view_help(100, &keys));
	live_view_finish(v);
	free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_are_since_the_last_picture_and_a_minute),
		cmocka_unit_test(courses_are_bounded),
		cmocka_unit_test(charts_are_filled_from_below),
		cmocka_unit_test(columns_without_a_point_go_on),
		cmocka_unit_test(resident_memory_never_hides_the_heap),
		cmocka_unit_test(rows_have_what_places_own_and_in_total),
		cmocka_unit_test(rates_and_growth_follow_from_two_pictures),
		cmocka_unit_test(a_row_stays_chosen),
		cmocka_unit_test(threads_and_processes_are_stepped_through),
		cmocka_unit_test(what_is_typed_filters_and_labels),
		cmocka_unit_test(keys_need_no_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
