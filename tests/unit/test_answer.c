/* answer - questions over a hand-made segment: what they are answered, and what hostile ones are not. */
#include "segment.h"
#include "libtracker/tracker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define SELF ((uint32_t)getpid())

struct asking {
	struct segment s;
	struct fake_thread t;
};

static struct asking begin(void)
{
	struct asking a = { .s = segment_new() };

	fake_process(&a.s, 0, SELF, SHM_ATTACHED);
	a.t = fake_thread(&a.s, 0, 0, SELF);
	return a;
}

static struct shm_question *entry(const struct asking *a, uint32_t n)
{
	return &a->s.shm->questions.entries[n];
}

/* Publishes a question in entry n at this place among the thread's events. */
static void publish(struct asking *a, uint32_t n, uint32_t what, const uint64_t given[4])
{
	struct shm_question *const q = entry(a, n);

	q->state = SHM_QUESTION(SHM_QUESTION_CLAIMED, 0);
	q->what = what;
	memcpy(q->given, given, sizeof(q->given));
	memset(q->figures, 0xee, sizeof(q->figures));
	fake_begin_rare(&a->s, &a->t, WIRE_QUESTION, 1, false);
	a->t.at = put_varint(a->t.at, n);
	fake_publish(&a->s, &a->t);
}

#define ASK(a, n, what, ...) publish((a), (n), (what), (const uint64_t[4]){ __VA_ARGS__ })

static void answered(const struct asking *a, uint32_t n, int result)
{
	assert_int_equal(entry(a, n)->state, SHM_QUESTION_ANSWERED);
	assert_int_equal(entry(a, n)->result, result);
}

/* In one round all stand in one chunk; each answer is of its own place. */
static void an_answer_is_of_its_place(void **state)
{
	struct asking a = begin();

	fake_malloc(&a.s, &a.t, 1, 0x1000, 500); /* before the trace: unknown to it */
	ASK(&a, 0, SHM_ASK_START, 3);
	ASK(&a, 1, SHM_ASK_MEMORY, SHM_ALL_DOMAINS);
	fake_malloc(&a.s, &a.t, 1, 0x2000, 70);
	ASK(&a, 2, SHM_ASK_MEMORY, SHM_ALL_DOMAINS);
	fake_malloc(&a.s, &a.t, 1, 0x3000, 7);
	fake_free(&a.s, &a.t, 1, 0x2000);
	fake_free(&a.s, &a.t, 1, 0x1000);
	ASK(&a, 3, SHM_ASK_MEMORY, SHM_ALL_DOMAINS);
	ASK(&a, 4, SHM_ASK_BLOCK, 0, 0x3006);
	ASK(&a, 5, SHM_ASK_BLOCK, 0, 0x3007);
	ASK(&a, 6, SHM_ASK_BLOCK, 0, 0x1000);
	ASK(&a, 7, SHM_ASK_START, 9);
	ASK(&a, 8, SHM_ASK_STOP, 0);
	ASK(&a, 9, SHM_ASK_MEMORY, SHM_ALL_DOMAINS);
	segment_round(&a.s);
	answered(&a, 0, TRACKER_OK);
	assert_int_equal(entry(&a, 0)->figures[0], 3);
	answered(&a, 1, TRACKER_OK);
	assert_int_equal(entry(&a, 1)->figures[0], 0);
	assert_int_equal(entry(&a, 2)->figures[0], 70);
	assert_int_equal(entry(&a, 3)->figures[0], 7);
	assert_int_equal(entry(&a, 3)->figures[1], 77);
	answered(&a, 4, TRACKER_OK);
	assert_int_equal(entry(&a, 4)->figures[0], 0x3000);
	assert_int_equal(entry(&a, 4)->figures[1], 7);
	answered(&a, 5, TRACKER_ENOENT);
	answered(&a, 6, TRACKER_ENOENT);
	answered(&a, 7, TRACKER_OK);
	assert_int_equal(entry(&a, 7)->figures[0], 3); /* the limit stays */
	answered(&a, 8, TRACKER_OK);
	answered(&a, 9, TRACKER_EDISABLED);
	segment_free(&a.s);
}

/* Numbers that nothing has, a question of nobody's, one that its asker has left. */
static void what_makes_no_sense_is_refused(void **state)
{
	struct asking a = begin();

	ASK(&a, 0, SHM_ASKS, 0);
	ASK(&a, 1, UINT32_MAX, 0);
	ASK(&a, 2, SHM_ASK_START, 0);
	ASK(&a, 3, SHM_ASK_START, 65536);
	ASK(&a, 4, SHM_ASK_FRAMES, UINT64_MAX, 0);
	ASK(&a, 5, SHM_ASK_FRAMES, 1u << 30, UINT64_MAX);
	ASK(&a, 6, SHM_ASK_MODULE, UINT64_MAX);
	ASK(&a, 7, SHM_ASK_SNAPSHOT_FILE, 5);
	ASK(&a, 8, SHM_ASK_CAPTURE_END, 0);
	ASK(&a, 9, SHM_ASK_SURVIVORS, 0);
	ASK(&a, 10, SHM_ASK_SNAPSHOT, 0);
	ASK(&a, 11, SHM_ASK_STOP, 0);
	ASK(&a, 12, SHM_ASK_STOP, 0);
	entry(&a, 11)->state = SHM_QUESTION(SHM_QUESTION_CLAIMED, 7); /* another's */
	entry(&a, 12)->state = SHM_QUESTION_LEFT;
	segment_round(&a.s);
	for (uint32_t n = 0; n < 4; n++)
		answered(&a, n, TRACKER_EINVAL);
	answered(&a, 4, TRACKER_OK);
	assert_int_equal(entry(&a, 4)->count, 0);
	answered(&a, 5, TRACKER_OK);
	assert_int_equal(entry(&a, 5)->count, 0);
	for (uint32_t n = 6; n < 9; n++)
		answered(&a, n, TRACKER_ENOENT);
	answered(&a, 9, TRACKER_EIO);
	answered(&a, 10, TRACKER_EDISABLED);
	assert_int_equal(entry(&a, 11)->state, SHM_QUESTION(SHM_QUESTION_CLAIMED, 7));
	assert_int_equal(entry(&a, 12)->state, SHM_QUESTION_FREE);
	segment_free(&a.s);
}

/* A process that does not have the segment has nothing to be written into, whatever it has opened. */
static void a_strangers_file_is_left_alone(void **state)
{
	struct asking a = begin();
	char path[] = "/tmp/test_answer.XXXXXX";
	const int fd = mkstemp(path);
	struct stat st;

	assert_int_equal(write(fd, "mine", 4), 4);
	ASK(&a, 0, SHM_ASK_CAPTURE, (uint64_t)fd, 10, 0, 0);
	ASK(&a, 1, SHM_ASK_CAPTURE, UINT64_MAX, 10, 0, 0);
	segment_round(&a.s);
	answered(&a, 0, TRACKER_EIO);
	assert_int_equal(entry(&a, 0)->figures[0], EBADF);
	answered(&a, 1, TRACKER_EIO);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 4);
	close(fd);
	unlink(path);
	segment_free(&a.s);
}

/*
 * Sixteen that ended while they asked: the next one finds all entries free. Entries that another process has taken since stay that
 * one's, though it has not written more than its claim yet.
 */
static void entries_of_the_dead_are_free(void **state)
{
	struct asking a = begin();

	segment_round(&a.s);
	for (uint32_t n = 0; n < SHM_QUESTIONS; n++) {
		entry(&a, n)->state = SHM_QUESTION(n % 3 + 1, n == 5 ? 1 : 0);
	}
	a.s.shm->questions.asked = 1; /* as whoever claims the first entry writes */
	a.s.shm->thread_states[0] = SHM_EXITED;
	fake_process(&a.s, 2, SELF, SHM_ATTACHED); /* executed in its place */
	segment_round(&a.s);
	for (uint32_t n = 0; n < SHM_QUESTIONS; n++)
		assert_int_equal(entry(&a, n)->state, n == 5 ? SHM_QUESTION(5 % 3 + 1, 1) : SHM_QUESTION_FREE);
	segment_free(&a.s);
}

static void name_domain(struct asking *a, struct fake_thread *t, uint32_t domain, const char *name)
{
	fake_begin_rare(&a->s, t, WIRE_DOMAIN_NAME, 1, false);
	t->at = put_varint(put_varint(t->at, domain), strlen(name));
	memcpy(t->at, name, strlen(name));
	t->at += strlen(name);
	fake_publish(&a->s, t);
}

/* Bytes of the file that a round has taken, at most. */
static int64_t taken_by_round(struct asking *a)
{
	a->s.r->bounds.credit = 1 << 30;
	segment_round(&a->s);
	return (1 << 30) - a->s.r->bounds.credit;
}

/* A program that names its domains again and again makes its capture no larger. A forked child's names are its own, though they are its parent's. */
static void a_name_is_written_once(void **state)
{
	static const char *const names[] = { "first", "first", "other", "other", "first", "first" };
	struct asking a = begin();
	struct fake_thread child;
	int64_t one, again;

	segment_round(&a.s);
	name_domain(&a, &a.t, 299, "first");
	one = taken_by_round(&a);
	name_domain(&a, &a.t, 299, "first");
	again = taken_by_round(&a);
	assert_true(again + 5 < one);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		name_domain(&a, &a.t, 300, names[i]);
	name_domain(&a, &a.t, 301, "first");
	assert_int_equal(taken_by_round(&a), 4 * one + 3 * again);
	fake_process(&a.s, 1, (uint32_t)getppid(), SHM_FORKED);
	a.s.shm->processes[1].parent_pid = SELF;
	a.s.shm->processes[1].parent_number = 0;
	child = fake_thread(&a.s, 1, 1, (uint32_t)getppid());
	segment_round(&a.s);
	for (int i = 0; i < 3; i++)
		name_domain(&a, &child, 301, "first");
	assert_int_equal(taken_by_round(&a), one + 2 * again);
	segment_open(&a.s);
	assert_int_equal(a.s.capture->domain_count, 4);
	segment_free(&a.s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_is_of_its_place),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(a_strangers_file_is_left_alone),
		cmocka_unit_test(entries_of_the_dead_are_free),
		cmocka_unit_test(a_name_is_written_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
