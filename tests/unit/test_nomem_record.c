/*
 * nomem_record - memory runs out while programs are recorded: at the recorder's first allocation, at the second, and
 * so on until there are none left to refuse (if NOMEM_STEP is N: of the later ones, every Nth). Each time the recording comes to its end, its file can be read, and all
 * that was recorded is in it, or it is said that it is not: by an error, or by the capture itself. What is there is
 * what happened, in its order, and all that was allocated is given back.
 */
#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "tools/allocations.h"
#include "tools/record/checkpoint.h"
#include "tools/record/deliver.h"
#include "tools/record/finish.h"
#include "tools/record/keyframing.h"
#include "tools/record/process.h"
#include "tools/record/rotate.h"
#include "tools/record/round.h"

#define SELF ((uint32_t)getpid())
#define NOBODY 0x7ffffff0u /* a pid that no process has */
#define EVENTS_MAX 20000u
#define MALLOCS 500u /* in a round, of which so many are freed: few are left, so that keyframes are worth it */
#define FREES 497u

struct way {
	const char *name;
	bool aggregate, keyframes, waits, names;
	uint64_t checkpoints; /* distance in ns; 0: none */
	uint32_t rotate;
	uint64_t max_bytes;
	uint32_t rounds; /* of the program below */
};

static const struct way ways[] = {
	{ .name = "events", .rounds = 2 },
	{ .name = "keyframes", .keyframes = true, .rounds = 4 },
	{ .name = "begins later", .waits = true, .rounds = 2 },
	{ .name = "names", .names = true },
	{ .name = "sums", .aggregate = true, .rounds = 2 },
	{ .name = "checkpoints", .aggregate = true, .checkpoints = 1, .rounds = 2 },
	{ .name = "pieces", .rotate = 2, .max_bytes = 50000, .rounds = 10 },
};

/* An event as a test can compare it: by its thread's number in the kernel, not in the capture. */
struct seen {
	uint64_t address, size, old;
	uint32_t pid, tid, depth;
	uint8_t kind;
};

struct outcome {
	int begun; /* what recorder_begin said */
	struct control_message done; /* what tracker-run is told */
	bool complete, says; /* says: that there was no memory */
	struct seen events[EVENTS_MAX];
	uint32_t count, modules, frames, processes, threads, mappings, sums, sizes, spans, symbols, keyframes;
	uint64_t names, allocations, bytes, peak;
};

static bool is_same(const struct seen *a, const struct seen *b)
{
	return a->kind == b->kind && a->address == b->address && a->size == b->size && a->old == b->old &&
	       a->pid == b->pid && a->tid == b->tid;
}

/* ---- programs ---- */

static void frames_only(struct segment *s, struct fake_thread *t, uint32_t count, uint64_t first)
{
	uint64_t pcs[WIRE_FRAMES_MAX];

	for (uint32_t i = 0; i < count; i++)
		pcs[i] = first + 16 * i;
	t->at = t->record;
	*t->at++ = WIRE_FRAMES | WIRE_STACK;
	fake_stack(t, 0, count, pcs);
	fake_publish(s, t);
}

static void deep_malloc(struct segment *s, struct fake_thread *t, uint64_t epoch, uint64_t address)
{
	const uint64_t pcs[] = { 0x10000 + address % 4096, 0x90000 + address % 512 };

	for (uint32_t i = 0; i < 3; i++)
		frames_only(s, t, WIRE_FRAMES_MAX, 0x20000 + 0x1000 * i);
	fake_begin(s, t, TRK_MALLOC, epoch, true);
	fake_stack(t, 0, 2, pcs);
	fake_address(t, address);
	t->at = put_varint(t->at, 24);
	fake_publish(s, t);
}

/* Both of its records have stacks, the second one the deepest so far. */
static void deep_realloc(struct segment *s, struct fake_thread *t, uint64_t epoch, uint64_t old, uint64_t address)
{
	uint64_t pcs[WIRE_FRAMES_MAX];

	for (uint32_t i = 0; i < WIRE_FRAMES_MAX; i++)
		pcs[i] = 0x30000 + 16 * i;
	fake_begin(s, t, WIRE_REALLOC_BEGIN, epoch, true);
	fake_stack(t, UINT32_MAX, 10, pcs);
	*t->at++ = TRK_REALLOC;
	fake_address(t, old);
	fake_publish(s, t);
	fake_begin(s, t, WIRE_REALLOC_END, epoch, true);
	fake_stack(t, 0, WIRE_FRAMES_MAX, pcs);
	*t->at++ = TRK_REALLOC;
	*t->at++ = WIRE_MOVED;
	fake_address(t, address);
	t->at = put_varint(t->at, 5000);
	fake_publish(s, t);
}

static void mark(struct segment *s, struct fake_thread *t, uint64_t epoch, const char *label)
{
	fake_begin(s, t, TRK_MARK, epoch, false);
	t->at = put_varint(t->at, strlen(label));
	memcpy(t->at, label, strlen(label));
	t->at += strlen(label);
	fake_publish(s, t);
}

/* Addresses that cannot be foretold, so that a file of them becomes large. */
static uint64_t address_of(uint64_t i)
{
	return (i * 0x9e3779b97f4a7c15ull >> 24) & ~15ull;
}

/* One thread, then the other: epochs 10 n + 1 and 10 n + 2. */
static void a_round(struct segment *s, struct fake_thread *a, struct fake_thread *b, uint64_t n)
{
	const uint64_t e = 10 * n;

	fake_mmap(s, a, e + 1, (1 + n) << 30, 8192);
	mark(s, a, e + 1, "here");
	for (uint64_t i = 0; i < MALLOCS; i++)
		fake_malloc(s, a, e + 1, address_of(1000 * n + i), i);
	deep_realloc(s, b, e + 2, address_of(1000 * n), address_of(1000 * n + 950));
	for (uint64_t i = 1; i <= FREES; i++)
		fake_free(s, b, e + 2, address_of(1000 * n + i));
	segment_round(s);
	writer_flush(s->r->writer);
	keyframing_write_if_due(s->r);
	if (s->r->aggregate)
		checkpoint_tick(s->r);
}

/* A few processes that come and go, so that tables of them grow. */
static void children(struct segment *s)
{
	for (uint32_t i = 0; i < 18; i++) {
		struct fake_thread t;

		fake_process(s, 1 + i, NOBODY + i, SHM_FORKED);
		t = fake_thread(s, 4 + i, 1 + i, NOBODY + i);
		fake_malloc(s, &t, 1, 0x1000 + 16 * i, 100 + i);
	}
	segment_round(s);
}

/* Rings of many threads wait at the same time: the order of a process has room for 16 at first. */
static void crowd(struct segment *s, uint64_t epoch)
{
	for (uint32_t i = 0; i < 20; i++) {
		struct fake_thread t = fake_thread(s, 30 + i, 0, SELF + 100 + i);

		fake_malloc(s, &t, epoch, 0x500000 + 16 * i, 10 + i);
	}
	segment_round(s);
}

extern const char __executable_start[];
int main(void);

/* Of this program, so that there are names to look up. */
static void malloc_in_main(struct segment *s, struct fake_thread *t)
{
	const uint64_t bias = (uintptr_t)__executable_start, pcs[] = { (uintptr_t)is_same + 8, (uintptr_t)main + 8 };
	char path[256];
	const ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = 0;
	fake_module(s, t, 1, path, bias, bias + (64u << 20)); /* a sanitizer makes it large */
	fake_begin(s, t, TRK_MALLOC, 1, true);
	fake_stack(t, UINT32_MAX, 2, pcs);
	fake_address(t, 0x3000);
	t->at = put_varint(t->at, 24);
	fake_publish(s, t);
}

static void play(struct segment *s, const struct way *way)
{
	struct fake_thread a, b;
	char path[64];

	fake_process(s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(s, 0, 0, SELF);
	b = fake_thread(s, 1, 0, SELF + 1);
	for (uint32_t i = 0; i < 40; i++) { /* more than a process's table of them has room for at first */
		snprintf(path, sizeof(path), "/lib/lib%u.so", i);
		fake_module(s, &a, 1, path, 0x10000 + 0x10000 * i, 0x20000 + 0x10000 * i);
	}
	malloc_in_main(s, &a);
	deep_malloc(s, &a, 1, 0x4000);
	for (uint64_t n = 0; n < way->rounds; n++)
		a_round(s, &a, &b, n);
	crowd(s, 10 * way->rounds + 3);
	children(s);
	s->r->begin_ns = 1; /* what came before is the keyframe that the file begins with */
	keyframing_write_if_due(s->r);
	fake_malloc(s, &a, 10 * way->rounds + 4, 0x900000, 123);
	segment_round(s);
}

/* Events of the program above: one in main, a deep one, rounds, a crowd, children, the last. */
static uint32_t events_of(const struct way *way)
{
	return way->waits ? 1 : 2 + way->rounds * (2 + MALLOCS + 1 + FREES) + 20 + 18 + 1;
}

/* ---- the recording ---- */

static char folder[] = "/tmp/tracker-nomem-XXXXXX";

static void remove_files(void)
{
	char name[128];

	snprintf(name, sizeof(name), "%s/c", folder);
	unlink(name);
	for (unsigned i = 1; i < 100; i++) {
		snprintf(name, sizeof(name), "%s/c.%06u", folder, i);
		unlink(name);
	}
}

static void end_recording(struct segment *s, struct control_message *done)
{
	round_close(s->r);
	for (size_t i = 0; i < s->r->live_count; i++)
		process_leave(s->r, s->r->live[i]);
	deliver_flush(s->r);
	rotate_finish(s->r);
	finish_file(s->r, done);
}

static int begin_recording(struct segment *s, const struct way *way, char *path, size_t room)
{
	struct recorder_setup setup = {
		.output = s->file.fd,
		.aggregate = way->aggregate,
		.temporary_threshold = 1,
		.rotate = way->rotate,
	};
	char first[128];

	snprintf(path, room, "%s", s->file.path);
	if (way->rotate || way->aggregate) {
		snprintf(path, room, "%s/c", folder);
		snprintf(first, sizeof(first), "%s/c%s", folder, way->rotate ? ".000001" : "");
		close(s->file.fd);
		s->file.fd = open(first, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		assert_true(s->file.fd >= 0);
		setup.output = s->file.fd;
		setup.path = path;
		setup.checkpoint_ns = way->checkpoints;
	}
	s->r->no_symbols = !way->names;
	s->r->bounds.max_bytes = way->max_bytes;
	s->r->keyframes.events_min = way->keyframes ? 100 : 0;
	s->r->waiting = way->waits;
	s->r->begin_ns = UINT64_MAX;
	return recorder_begin(s->r, &setup);
}

/* ---- what came of it ---- */

static uint32_t depth_of(const struct capture *c, uint32_t node)
{
	uint32_t depth = 0;

	for (; node; node = c->nodes[node].parent)
		depth++;
	return depth;
}

static void read_events(struct capture *c, struct outcome *o)
{
	struct cursor *k = NULL;
	struct trk_event e;
	uint64_t seq;

	assert_int_equal(cursor_open(&k, c, UINT32_MAX), 0);
	while (cursor_next(k, &e, &seq) == 0) {
		if (e.kind == TRK_GAP)
			continue;
		assert_true(o->count < EVENTS_MAX);
		o->events[o->count++] = (struct seen){
			.address = e.address,
			.size = e.size,
			.old = e.old_address,
			.kind = e.kind,
			.tid = e.thread < c->thread_count ? c->threads[e.thread].tid : 0,
			.pid = e.process < c->process_count ? c->processes[e.process].pid : 0,
			.depth = depth_of(c, e.node),
		};
	}
	cursor_close(k);
}

/* So much of names of processes and modules is there. */
static uint64_t names_of(const struct capture *c)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < c->process_count; i++)
		bytes += strlen(c->processes[i].name) + strlen(c->processes[i].executable) +
			 c->processes[i].command_line_bytes;
	for (uint32_t i = 1; i < c->module_count; i++)
		bytes += strlen(c->modules[i].path);
	for (uint32_t i = 0; i < c->thread_count; i++)
		bytes += strlen(c->threads[i].name);
	return bytes;
}

static void look(const char *path, struct outcome *o)
{
	struct capture *c = NULL;
	struct trk_fault fault;

	assert_int_equal(capture_open(&c, path, &fault), 0);
	o->complete = c->complete;
	for (uint32_t i = 0; i < c->notice_count; i++)
		o->says |= strstr(c->notices[i], "memory") || strstr(c->notices[i], "could not look up");
	read_events(c, o);
	o->modules = c->module_count;
	o->frames = c->frame_count;
	o->processes = c->process_count;
	o->threads = c->thread_count;
	o->mappings = c->mapping_count;
	o->sums = c->sum_count;
	o->symbols = c->symbol_count;
	o->keyframes = c->keyframe_count; /* nothing is missing without */
	o->sizes = c->size_count;
	o->spans = c->history_span_count;
	o->names = names_of(c);
	o->allocations = capture_summary(c, "allocations");
	o->bytes = capture_summary(c, "bytes_allocated");
	o->peak = capture_summary(c, "peak_bytes");
	capture_close(c);
}

static void record(const struct way *way, uint64_t refused, struct outcome *o)
{
	struct segment s = segment_bare();
	char path[128];

	memset(o, 0, sizeof(*o));
	allocations_reset(refused);
	o->begun = begin_recording(&s, way, path, sizeof(path));
	if (!o->begun) {
		play(&s, way);
		end_recording(&s, &o->done);
	}
	recorder_release(s.r);
	if (allocations.live)
		fail_msg("%s: allocation %llu was refused, and %zu bytes are lost", way->name,
			 (unsigned long long)refused, allocations.live);
	allocations.fail_at = 0;
	if (!o->begun)
		look(path, o);
	close(s.r->rotation.keep ? s.r->rotation.fd : s.file.fd);
	munmap(s.shm, sizeof(*s.shm));
	free(s.r);
	remove_files();
}

static bool is_of(const struct seen *e, const struct seen *thread)
{
	return e->pid == thread->pid && e->tid == thread->tid;
}

/* Of each thread it holds what happened, in that order, and nothing that did not. */
static bool is_part_of(const struct outcome *got, const struct outcome *whole)
{
	for (uint32_t first = 0; first < got->count; first++) {
		const struct seen *const thread = &got->events[first];
		uint32_t at = 0, earlier = 0;

		while (earlier < first && !is_of(&got->events[earlier], thread))
			earlier++;
		if (earlier < first)
			continue;
		for (uint32_t i = first; i < got->count; i++) {
			if (!is_of(&got->events[i], thread))
				continue;
			while (at < whole->count && !is_same(&whole->events[at], &got->events[i]))
				at++;
			if (at++ >= whole->count)
				return false;
		}
	}
	return true;
}

static bool is_whole(const struct outcome *got, const struct outcome *whole)
{
	return got->complete && got->count == whole->count &&
	       !memcmp(got->events, whole->events, whole->count * sizeof(*whole->events)) &&
	       got->modules == whole->modules && got->frames == whole->frames &&
	       got->processes == whole->processes && got->threads == whole->threads &&
	       got->mappings == whole->mappings && got->symbols == whole->symbols && got->sums == whole->sums &&
	       got->sizes == whole->sizes && got->spans == whole->spans && got->names == whole->names &&
	       got->allocations == whole->allocations && got->bytes == whole->bytes &&
	       got->peak == whole->peak;
}

static void check(const struct way *way, uint64_t n, const struct outcome *got, const struct outcome *whole,
		  const struct outcome *all)
{
	const char *wrong = NULL;

	if (got->begun || got->done.error) {
		if ((got->begun && got->begun != TRK_ERR_NOMEM) || (got->done.error && got->done.error != ENOMEM))
			wrong = "another error";
	} else if (!got->complete) {
		wrong = "no whole file";
	} else if (!got->says && !is_whole(got, whole)) {
		wrong = "something is missing, and nothing says so";
	}
	if (!is_part_of(got, all))
		wrong = "events that did not happen, or not in this order";
	if (wrong)
		fail_msg("%s: without allocation %llu: %s (begun %d, error %u, %u of %u events)", way->name,
			 (unsigned long long)n, wrong, got->begun, got->done.error, got->count, whole->count);
}

#define ALL_UP_TO 40u
static uint64_t step = 1; /* behind the first ALL_UP_TO */

/* Returns which was the last allocation that could be refused. */
static uint64_t refuse_each(const struct way *way)
{
	static struct outcome all, whole, got;
	uint64_t n = 1;

	record(&(struct way){ .name = way->name, .rounds = way->rounds }, 0, &all);
	record(way, 0, &whole);
	assert_true(whole.complete && !whole.says && !whole.done.error);
	assert_true(whole.keyframes >= (way->keyframes || way->waits));
	if (way->names)
		assert_int_equal(whole.symbols, 2);
	if (!way->rotate && !way->aggregate)
		assert_int_equal(whole.count, events_of(way));
	assert_true(way->aggregate ? whole.sums > 10 : is_part_of(&whole, &all));
	for (;; n += n < ALL_UP_TO ? 1 : step) {
		record(way, n, &got);
		if (!allocations.refused)
			break;
		check(way, n, &got, &whole, &all);
	}
	print_message("%s: %llu allocations, refused one at a time\n", way->name, (unsigned long long)n - 1);
	return n - 1;
}

static void every_allocation(void **state)
{
	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		assert_true(refuse_each(&ways[i]) > 50);
	rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_allocation) };

	const char *const text = getenv("NOMEM_STEP");

	if (text && atoi(text) > 0)
		step = (uint64_t)atoi(text);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
