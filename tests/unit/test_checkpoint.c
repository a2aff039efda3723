/* checkpoint - where the file of an aggregated recording ends up, whatever became of its name meanwhile. */
#include "segment.h"
#include "tools/record/checkpoint.h"
#include "tools/record/deliver.h"
#include "tools/record/finish.h"
#include "tools/record/process.h"
#include "tools/record/round.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

#define SELF ((uint32_t)getpid())
#define BLOCKS 300u

struct recording {
	struct segment s;
	struct fake_thread t;
	struct control_message done;
	char folder[40], path[64], other[64];
	uint64_t epoch;
	int output;
};

static struct recording begin(void)
{
	struct recording g = { .s = segment_bare(), .folder = "/tmp/tracker-checkpoint-XXXXXX" };

	assert_non_null(mkdtemp(g.folder));
	snprintf(g.path, sizeof(g.path), "%s/c", g.folder);
	snprintf(g.other, sizeof(g.other), "%s/other", g.folder);
	g.output = open(g.path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(g.output >= 0);
	return g;
}

/* path: of the recorder, NULL when it knows none. */
static void start(struct recording *g, const char *path)
{
	g->s.r->no_symbols = true;
	assert_int_equal(recorder_begin(g->s.r, &(struct recorder_setup){
							.output = g->output, .path = path, .aggregate = true, .temporary_threshold = 1, .checkpoint_ns = 1 }),
			 0);
	fake_process(&g->s, 0, SELF, SHM_ATTACHED);
	g->t = fake_thread(&g->s, 0, 0, SELF);
}

/* So many blocks of 10 bytes live then. */
static void live(struct recording *g)
{
	for (uint32_t i = 0; i < BLOCKS; i++)
		fake_malloc(&g->s, &g->t, 1, 0x1000 * ++g->epoch, 10);
	segment_round(&g->s);
}

/* Begins a checkpoint and waits until it is in its place, or has failed. */
static void checkpoint(struct recording *g)
{
	g->s.r->checkpoint.next_ns = 0;
	checkpoint_tick(g->s.r);
	g->s.r->checkpoint.next_ns = UINT64_MAX;
	while (g->s.r->checkpoint.child) {
		usleep(1000);
		checkpoint_tick(g->s.r);
	}
}

static void finish(struct recording *g)
{
	round_close(g->s.r);
	for (size_t i = 0; i < g->s.r->live_count; i++)
		process_leave(g->s.r, g->s.r->live[i]);
	deliver_flush(g->s.r);
	finish_file(g->s.r, &g->done);
}

/* Nothing but these is left in the folder. */
static void clean(struct recording *g, bool other)
{
	assert_int_equal(unlink(g->path), 0);
	if (other)
		assert_int_equal(unlink(g->other), 0);
	assert_int_equal(rmdir(g->folder), 0);
	close(g->output);
	segment_free(&g->s);
}

static void check_file(const char *path, uint64_t blocks, bool is_checkpoint)
{
	struct trk_fault fault;
	struct capture *c = NULL;

	assert_int_equal(capture_open(&c, path, &fault), 0);
	assert_true(c->complete);
	assert_int_equal(capture_summary(c, "leaked_blocks"), blocks);
	assert_int_equal(capture_summary(c, "leaked_bytes"), 10 * blocks);
	assert_int_equal(capture_health(c, "checkpoint"), is_checkpoint);
	capture_close(c);
}

static uint64_t size_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

static void put_other(const char *path)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_equal(write(fd, "other", 5), 5);
	close(fd);
}

static void each_is_whole_and_takes_the_place_of_the_last(void **state)
{
	struct recording g = begin();

	start(&g, g.path);
	for (uint64_t n = 1; n <= 3; n++) {
		live(&g);
		checkpoint(&g);
		assert_int_equal(g.s.r->checkpoint.error, 0);
		check_file(g.path, n * BLOCKS, true);
	}
	live(&g);
	finish(&g);
	assert_true(!g.done.error && !g.done.elsewhere[0]);
	check_file(g.path, 4 * BLOCKS, false);
	clean(&g, false);
}

/* Somebody moved it and put a file of his own there: that one stays, ours is written where it is. */
static void a_file_that_was_moved_is_written_where_it_is(void **state)
{
	struct recording g = begin();

	start(&g, g.path);
	live(&g);
	checkpoint(&g);
	assert_int_equal(rename(g.path, g.other), 0);
	put_other(g.path);
	live(&g);
	checkpoint(&g); /* none is begun: the name is not ours */
	check_file(g.other, BLOCKS, true);
	finish(&g);
	assert_int_equal(g.done.error, 0);
	assert_string_equal(g.done.elsewhere, g.other);
	check_file(g.other, 2 * BLOCKS, false);
	assert_int_equal(size_of(g.path), 5);
	clean(&g, true);
}

/* Removed, it is made anew; beside its name when that is somebody else's now. */
static void a_file_that_was_removed_is_made_anew(void **state)
{
	for (int taken = 0; taken < 2; taken++) {
		struct recording g = begin();

		start(&g, g.path);
		live(&g);
		assert_int_equal(unlink(g.path), 0);
		if (taken)
			put_other(g.path);
		finish(&g);
		assert_int_equal(g.done.error, 0);
		check_file(taken ? g.done.elsewhere : g.path, BLOCKS, false);
		if (taken) {
			assert_int_equal(size_of(g.path), 5);
			assert_int_equal(rename(g.done.elsewhere, g.other), 0);
		}
		clean(&g, taken);
	}
}

/* It has no name that could be given to another file: the sums are written into it at the end. */
static void what_has_no_name_is_written_through(void **state)
{
	struct recording g = begin();

	start(&g, NULL);
	live(&g);
	checkpoint(&g);
	assert_int_equal(size_of(g.path), 0);
	finish(&g);
	assert_int_equal(g.done.error, 0);
	check_file(g.path, BLOCKS, false);
	clean(&g, false);
}

/* Its name is so long that none is left for a draft: it says so, and is written in its place at the end. */
static void a_checkpoint_that_cannot_be_written_is_told(void **state)
{
	struct recording g = begin();
	char path[PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%0250d", g.folder, 1);
	assert_int_equal(rename(g.path, path), 0);
	start(&g, path);
	live(&g);
	checkpoint(&g);
	assert_int_equal(g.s.r->checkpoint.error, ENAMETOOLONG);
	finish(&g);
	assert_int_equal(g.done.error, 0);
	assert_true(strstr(g.done.notice, "checkpoints could not be written (File name too long)") != NULL);
	check_file(path, BLOCKS, false);
	assert_int_equal(rename(path, g.path), 0);
	clean(&g, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_whole_and_takes_the_place_of_the_last),
		cmocka_unit_test(a_file_that_was_moved_is_written_where_it_is),
		cmocka_unit_test(a_file_that_was_removed_is_made_anew),
		cmocka_unit_test(what_has_no_name_is_written_through),
		cmocka_unit_test(a_checkpoint_that_cannot_be_written_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
