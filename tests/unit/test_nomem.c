/*
 * nomem - memory runs out while a capture is opened and asked: at the first allocation, at the second, and so
 * on until there are none left to refuse. Each time the answer is TRK_ERR_NOMEM, or it is right, and all that was
 * allocated is given back. Usage: test_nomem CAPTURE...
 */
#include "unit.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/event.h"
#include "format/writer.h"
#include "replay/aggregation.h"
#include "replay/capture.h"
#include "replay/process_ends.h"
#include "replay/heap_keyframe.h"
#include "replay/view.h"
#include "tools/allocations.h"

static const struct view_options questions[] = {
	{ .what = VIEW_LIVE, .process = UINT32_MAX },
	{ .what = VIEW_LIVE, .process = UINT32_MAX, .rows_only = true, .at.from = { .kind = POINT_SHARE, .number = 80000 } },
	{ .what = VIEW_LEAKS, .process = UINT32_MAX, .blocks = true, .by_size = true },
	{ .what = VIEW_TEMPORARY, .process = UINT32_MAX, .threshold = 1, .by_thread = true },
	{ .what = VIEW_ALLOCATIONS, .process = UINT32_MAX, .sizes = true },
	{
		.what = VIEW_ALLOCATIONS,
		.process = UINT32_MAX,
		.spanned = true,
		.at = { .is_range = true, .from = { .kind = POINT_SHARE, .number = 20000 }, .to = { .kind = POINT_SHARE, .number = 60000 } },
	}
};
#define QUESTIONS (sizeof(questions) / sizeof(*questions))

/* What was found when there was memory enough. */
struct answer {
	uint64_t bytes, count, events;
	size_t rows, blocks, sizes;
};

static int ask(const char *path, unsigned question, struct answer *ret)
{
	struct capture *c = NULL;
	struct trk_fault fault;
	struct view v = { 0 };
	int err = capture_open(&c, path, &fault);

	if (!err)
		err = view_build(c, &questions[question], &v, &fault);
	if (!err)
		*ret = (struct answer){ v.bytes, v.count, v.events, v.row_count, v.block_count, v.size_count };
	if (!err)
		view_finish(&v);
	capture_close(c);
	return err;
}

static int apply_all(struct capture *c, struct aggregation *a, struct answer *ret)
{
	struct process_ends ends = { 0 };
	struct cursor *k = NULL;
	const struct process_end *end;
	struct trk_event e;
	uint64_t seq;
	int err = process_ends_init(&ends, c);

	if (!err)
		err = cursor_open(&k, c, UINT32_MAX);
	while (!err && (err = cursor_next(k, &e, &seq)) == 0) {
		while (!err && (end = process_ends_take_before(&ends, e.time_ns)))
			err = aggregation_end_process(a, end->process, end->time_ns);
		if (!err)
			err = aggregation_apply(a, &e);
		ret->events++;
	}
	cursor_close(k);
	process_ends_finish(&ends);
	return err == TRK_END ? 0 : err;
}

static int write_sums(const struct capture *c, const struct aggregation *a, struct answer *ret)
{
	struct trk_header header = c->header;
	struct writer *w = NULL;
	const int fd = memfd_create("sums", MFD_CLOEXEC);
	int err;

	assert_true(fd >= 0);
	header.content = TRK_CONTENT_AGGREGATED;
	header.header_bytes = TRK_HEADER_BYTES;
	err = writer_new(&w, fd, &header);
	if (!err) {
		aggregation_write(a, w);
		err = writer_finish(w);
		ret->bytes = (uint64_t)lseek(fd, 0, SEEK_END);
	}
	writer_free(w);
	close(fd);
	return err;
}

static int sum_up(const char *path, struct answer *ret)
{
	struct aggregation *a = NULL;
	struct capture *c = NULL;
	struct trk_fault fault;
	int err = capture_open(&c, path, &fault);

	*ret = (struct answer){ 0 };
	if (!err)
		err = aggregation_new(&a, 1);
	if (!err)
		aggregation_set_sampling(a, c->header.sample_bytes);
	if (!err)
		err = heap_keyframe_begin(c, UINT32_MAX, aggregation_heap(a));
	if (!err)
		err = apply_all(c, a, ret);
	if (!err)
		err = write_sums(c, a, ret);
	aggregation_free(a);
	capture_close(c);
	return err;
}

static int run(const char *path, unsigned question, struct answer *ret)
{
	const int err = question < QUESTIONS ? ask(path, question, ret) : sum_up(path, ret);

	if (allocations.live)
		fail_msg("%s, question %u: allocation %llu was refused, and %zu bytes are lost", path,
			 question, (unsigned long long)allocations.fail_at, allocations.live);
	return err;
}

/* Returns how many allocations were refused. */
static uint64_t refuse_each(const char *path, unsigned question)
{
	struct answer whole = { 0 }, got;
	uint64_t n = 1;
	int err;

	allocations_reset(0);
	if (run(path, question, &whole) != 0)
		return 0; /* this capture has no such answer */
	for (;; n++) {
		allocations_reset(n);
		got = (struct answer){ 0 };
		err = run(path, question, &got);
		if (!allocations.refused)
			return n - 1;
		if (err ? err != TRK_ERR_NOMEM : memcmp(&got, &whole, sizeof(got)) != 0)
			fail_msg("%s, question %u: without allocation %llu it says %d (%llu bytes of %llu, %llu events of %llu)",
				 path, question, (unsigned long long)n, err, (unsigned long long)got.bytes,
				 (unsigned long long)whole.bytes, (unsigned long long)got.events,
				 (unsigned long long)whole.events);
	}
}

static char **paths;

static void every_allocation(void **state)
{
	uint64_t refused = 0;

	(void)state;
	for (char **path = paths; *path; path++)
		for (unsigned q = 0; q <= QUESTIONS; q++)
			refused += refuse_each(*path, q);
	print_message("%llu allocations were refused\n", (unsigned long long)refused);
	assert_true(refused > 1000);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation) };

	(void)argc;
	paths = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
