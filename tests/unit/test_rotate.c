/* rotate - a recording in pieces: each is whole by itself, together they hold what was, and nobody else's file goes. */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "format/pieces.h"
#include "tools/record/bounds.h"
#include "tools/record/deliver.h"
#include "tools/record/finish.h"
#include "tools/record/process.h"
#include "tools/record/rotate.h"
#include "tools/record/round.h"

#define SELF ((uint32_t)getpid())
#define PIECE_BYTES 60000u

struct recording {
	struct segment s;
	struct fake_thread t;
	char folder[32], path[48];
	uint64_t made; /* allocations of sizes 1, 2, 3 ... */
};

static const char *name_of(const struct recording *g, uint32_t number)
{
	static char name[128];

	assert_int_equal(pieces_name(g->path, number, name, sizeof(name)), 0);
	return name;
}

static struct recording begin(void)
{
	struct recording g = { .s = segment_bare(), .folder = "/tmp/tracker-rotate-XXXXXX" };

	assert_non_null(mkdtemp(g.folder));
	snprintf(g.path, sizeof(g.path), "%s/c", g.folder);
	return g;
}

/* Behind begin(), for the path of `g` must stay where it is. */
static void start(struct recording *g, uint32_t keep, uint64_t max_bytes)
{
	const int fd = open(name_of(g, 1), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	g->s.r->no_symbols = true;
	g->s.r->bounds.max_bytes = max_bytes;
	assert_int_equal(recorder_begin(g->s.r, &(struct recorder_setup){ .output = fd, .path = g->path, .rotate = keep }), 0);
	fake_process(&g->s, 0, SELF, SHM_ATTACHED);
	g->t = fake_thread(&g->s, 0, 0, SELF);
}

/* They do not pack. */
static uint64_t address_of(uint64_t n)
{
	return (n * 0x9e3779b97f4a7c15ull >> 24) & ~15ull;
}

/* Allocations; all but every hundredth are freed at once. */
static void churn(struct recording *g, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t address = address_of(++g->made);

		fake_malloc(&g->s, &g->t, 1, address, g->made);
		if (g->made % 100)
			fake_free(&g->s, &g->t, 1, address);
	}
	segment_round(&g->s);
}

static void finish(struct recording *g)
{
	struct control_message done = { 0 };

	round_close(g->s.r);
	for (size_t i = 0; i < g->s.r->live_count; i++)
		process_leave(g->s.r, g->s.r->live[i]);
	deliver_flush(g->s.r);
	rotate_finish(g->s.r);
	finish_file(g->s.r, &done);
	assert_int_equal(done.error, 0);
}

static void remove_all(struct recording *g)
{
	for (uint32_t i = 1; i <= g->s.r->rotation.number + 1; i++)
		unlink(name_of(g, i));
	assert_int_equal(rmdir(g->folder), 0);
	close(g->s.r->rotation.fd);
	segment_free(&g->s);
}

static struct capture *open_whole(const char *path)
{
	struct trk_fault fault;
	struct capture *c = NULL;

	assert_int_equal(capture_open(&c, path, &fault), 0);
	assert_int_equal(capture_verify(c), 0);
	assert_true(c->complete && !c->damaged_blocks);
	return c;
}

static unsigned notices_with(const struct capture *c, const char *words)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < c->notice_count; i++)
		count += strstr(c->notices[i], words) != NULL;
	return count;
}

/* Sizes of all allocations in the order in which they are read; the last one is the last that was made. */
static void check_sizes(const struct recording *g, uint64_t first)
{
	struct capture *const c = open_whole(g->path);
	uint64_t next = first;
	size_t count;
	struct trk_event *const events = capture_file_events(c, UINT32_MAX, &count);

	for (size_t i = 0; i < count; i++) {
		if (events[i].kind != TRK_MALLOC)
			continue;
		assert_true(!next || events[i].size == next);
		next = events[i].size + 1;
	}
	assert_int_equal(next, g->made + 1);
	free(events);
	capture_close(c);
}

static void every_piece_is_whole(void **state)
{
	struct recording g = begin();

	start(&g, 100, PIECE_BYTES);
	while (g.s.r->rotation.number < 6)
		churn(&g, 500);
	finish(&g);
	for (uint32_t i = 1; i <= g.s.r->rotation.number; i++) {
		struct capture *const c = open_whole(name_of(&g, i));

		assert_true(c->file_bytes <= PIECE_BYTES);
		assert_int_equal(capture_health(c, "piece"), i);
		assert_int_equal(capture_health(c, "stopped_by"), i < g.s.r->rotation.number ? STOPPED_ROTATED : 0);
		assert_int_equal(c->keyframe_count && c->keyframes[0].begins, i > 1);
		capture_close(c);
	}
	check_sizes(&g, 1);
	remove_all(&g);
}

/* The newest are kept. What somebody has put where the oldest was is not ours. */
static void only_our_own_are_given_up(void **state)
{
	struct recording g = begin();

	start(&g, 2, PIECE_BYTES);
	while (g.s.r->rotation.number < 3)
		churn(&g, 500);
	assert_int_equal(access(name_of(&g, 1), F_OK), -1);
	assert_int_equal(rename(name_of(&g, 3), g.path), 0); /* the newest is moved ... */
	assert_int_equal(mkdir(name_of(&g, 3), 0700), 0); /* ... and its name is another's */
	while (g.s.r->rotation.number < 5)
		churn(&g, 500);
	finish(&g);
	assert_int_equal(access(name_of(&g, 2), F_OK), -1);
	assert_int_equal(rmdir(name_of(&g, 3)), 0);
	assert_int_equal(unlink(g.path), 0);
	assert_int_equal(access(name_of(&g, 4), F_OK), 0);
	check_sizes(&g, 0);
	remove_all(&g);
}

/* Then the last one is full, which ends the recording; why stands in it. */
static void a_name_that_is_taken_ends_it(void **state)
{
	struct recording g = begin();
	struct capture *c;
	int fd;

	start(&g, 9, PIECE_BYTES);
	fd = open(name_of(&g, 2), O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_int_equal(write(fd, "mine", 4), 4);
	close(fd);
	while (bounds_reached(g.s.r) == STOPPED_NOT)
		churn(&g, 500);
	assert_int_equal(bounds_reached(g.s.r), STOPPED_SIZE);
	assert_int_equal(g.s.r->rotation.number, 1);
	finish(&g);
	c = open_whole(name_of(&g, 1));
	assert_int_equal(notices_with(c, "could not go on in another file: File exists"), 1);
	assert_true(c->file_bytes <= PIECE_BYTES);
	capture_close(c);
	fd = open(name_of(&g, 2), O_RDONLY);
	assert_int_equal(lseek(fd, 0, SEEK_END), 4);
	close(fd);
	remove_all(&g);
}

/* It stands in the next one, once, and the one that has its end is not touched any more. */
static void an_end_that_failed_is_told(void **state)
{
	struct recording g = begin();
	unsigned told = 0;

	start(&g, 100, PIECE_BYTES);
	while (g.s.r->rotation.number < 3)
		churn(&g, 500);
	rotate_finish(g.s.r);
	g.s.r->rotation.error = EDQUOT;
	while (g.s.r->rotation.number < 6)
		churn(&g, 500);
	finish(&g);
	for (uint32_t i = 1; i <= g.s.r->rotation.number; i++) {
		struct capture *const c = open_whole(name_of(&g, i));

		told += i == g.s.r->rotation.number ? notices_with(c, "Disk quota exceeded") : 0;
		assert_true(i > 2 || !notices_with(c, "Disk quota exceeded"));
		capture_close(c);
	}
	assert_int_equal(told, 1);
	check_sizes(&g, 1);
	remove_all(&g);
}

/* Too many live blocks for any piece: it says so and ends rather than write one beginning after another. */
static void what_lives_fills_a_piece(void **state)
{
	struct recording g = begin();
	struct capture *c;

	start(&g, 100, 1u << 20); /* the least that tracker run takes */
	while (bounds_reached(g.s.r) == STOPPED_NOT) {
		for (uint32_t i = 0; i < 5000; i++) {
			g.made++;
			fake_malloc(&g.s, &g.t, 1, address_of(g.made), g.made);
		}
		segment_round(&g.s);
	}
	finish(&g);
	c = open_whole(name_of(&g, g.s.r->rotation.number));
	assert_int_equal(notices_with(c, "the live blocks and their stacks alone fill a file"), 1);
	capture_close(c);
	remove_all(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_piece_is_whole),
		cmocka_unit_test(only_our_own_are_given_up),
		cmocka_unit_test(a_name_that_is_taken_ends_it),
		cmocka_unit_test(an_end_that_failed_is_told),
		cmocka_unit_test(what_lives_fills_a_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
