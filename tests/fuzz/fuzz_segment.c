/*
 * fuzz_segment - the recorder's way from the shared segment to the file, under a program that writes
 * anything anywhere into the segment. The recording ends, its file is whole and can be read, and what it
 * took of memory is bounded.
 *
 * The input is a byte that chooses how it is recorded (events, sums with checkpoints, pieces; sampled; keyframes; a later
 * begin), then a list of deeds {what, operands}. Some are those of a sound program with fuzzed records,
 * so that what lies behind the first checks is reached, too; others fill slots, chunks and the header with
 * any bytes, or any place at all.
 */
#include "capture_input.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "format/pieces.h"
#include "format/shm.h"
#include "format/wire.h"
#include "tools/record/recorder.h"
#include "tools/record/deliver.h"
#include "tools/record/ends.h"
#include "tools/record/finish.h"
#include "tools/record/keyframing.h"
#include "tools/record/process.h"
#include "tools/record/round.h"
#include "tools/record/thread_slot.h"

#define SELF ((uint32_t)getpid())
#define FEW_PROCESSES 4u
#define FEW_THREADS 8u
#define FEW_CHUNKS 16u

#define PIECES_MAX 20u

static uint64_t now_ns;

/* At the end it waits for threads that stand still: for none here. */
uint64_t recorder_clock(const struct recorder *r)
{
	return now_ns += r->shm->header.closed ? 300000000 : 0;
}

struct target;
static void now_and_then(struct target *t, struct recorder *r);

/* What a sound program knows of its own threads. */
struct sound {
	uint32_t chunk, sequence;
};

struct target {
	struct shm *shm;
	uint64_t earlier_events; /* of pieces before the newest */
	struct sound threads[FEW_THREADS];
};

/* Up to n bytes of the input over what is there; the rest stays. */
static void fill(struct byte_reader *in, void *to, size_t n)
{
	const size_t left = bytes_left(in), take = n < left ? n : left;
	const uint8_t *const from = get_bytes(in, take);

	if (take)
		memcpy(to, from, take);
}

static uint32_t pid_of(uint8_t b)
{
	return b % 4 ? SELF : 0x7ffffff0u + b / 4 % 8; /* one that lives, or one that does not */
}

/* ---- deeds ---- */

static void start_process(struct target *t, struct byte_reader *in)
{
	const uint8_t where = get_byte(in), who = get_byte(in);
	struct shm_process *const p = &t->shm->processes[where % FEW_PROCESSES];

	p->pid = pid_of(who);
	p->ppid = 1;
	p->parent_pid = where & 0x40 ? SELF : 0;
	p->parent_number = who / 4;
	p->origin = where >> 7;
	p->number = t->shm->header.programs++;
	p->order = 0xffff;
	strcpy(p->program, "fuzzed");
	p->command_bytes = get_byte(in) * 16u;
	if (t->shm->header.process_high <= where % FEW_PROCESSES)
		t->shm->header.process_high = where % FEW_PROCESSES + 1;
	t->shm->process_states[where % FEW_PROCESSES] = SHM_LIVE;
}

static void start_thread(struct target *t, struct byte_reader *in)
{
	const uint8_t where = get_byte(in), who = get_byte(in);
	struct shm_thread *const s = &t->shm->threads[where % FEW_THREADS];

	s->process = who % FEW_PROCESSES;
	s->tid = SELF + who / 16;
	s->first_chunk = 0;
	s->busy = SHM_IDLE;
	s->lost = where >> 6;
	t->threads[where % FEW_THREADS] = (struct sound){ 0 };
	if (t->shm->header.thread_high <= where % FEW_THREADS)
		t->shm->header.thread_high = where % FEW_THREADS + 1;
	t->shm->thread_states[where % FEW_THREADS] = SHM_LIVE;
}

static void end_thread(struct target *t, struct byte_reader *in)
{
	t->shm->thread_states[get_byte(in) % FEW_THREADS] = SHM_EXITED;
}

static bool next_chunk(struct target *t, uint32_t slot)
{
	struct sound *const s = &t->threads[slot];
	uint32_t n = 0;

	while (n < 64 && t->shm->chunk_bitmap[0] >> n & 1)
		n++;
	if (n == 64)
		return false;
	t->shm->chunk_bitmap[0] |= 1ull << n;
	t->shm->chunks[n].next = t->shm->chunks[n].committed = 0;
	t->shm->chunks[n].thread = slot;
	t->shm->chunks[n].sequence = s->sequence++;
	if (s->chunk)
		t->shm->chunks[s->chunk - 1].next = n + 1;
	else
		t->shm->threads[slot].first_chunk = n + 1;
	s->chunk = n + 1;
	return true;
}

/* Somebody may have scribbled on it. */
static bool has_room(const struct target *t, const struct sound *s, uint32_t n)
{
	const uint32_t committed = t->shm->chunks[s->chunk - 1].committed;

	return committed <= SHM_PAYLOAD_BYTES && n <= SHM_PAYLOAD_BYTES - committed;
}

/* Records of any kind, published as they should be; and the process's epoch moves on. */
static void publish(struct target *t, struct byte_reader *in)
{
	const uint8_t who = get_byte(in);
	const uint32_t slot = who % FEW_THREADS, n = get_byte(in);
	struct sound *const s = &t->threads[slot];
	const uint32_t process = t->shm->threads[slot].process;

	if ((!s->chunk || who & 0x80 || !has_room(t, s, n)) && !next_chunk(t, slot))
		return;
	struct shm_chunk *const k = &t->shm->chunks[s->chunk - 1];

	fill(in, k->payload + k->committed, n);
	k->committed += n;
	if (process < SHM_PROCESSES)
		t->shm->processes[process].order += (uint64_t)(who >> 3 & 7) << 16;
}

static void scribble_process(struct target *t, struct byte_reader *in)
{
	const uint8_t where = get_byte(in), from = get_byte(in);
	struct shm_process *const p = &t->shm->processes[where % FEW_PROCESSES];

	fill(in, (uint8_t *)p + from, get_byte(in));
	t->shm->process_states[where % FEW_PROCESSES] = from;
	if (from < 80)
		p->pid = pid_of((uint8_t)p->pid);
}

static void scribble_thread(struct target *t, struct byte_reader *in)
{
	struct shm_thread *const s = &t->shm->threads[get_byte(in) % FEW_THREADS];
	const uint8_t from = get_byte(in) % sizeof(*s), n = get_byte(in);

	fill(in, (uint8_t *)s + from, n < sizeof(*s) - from ? n : sizeof(*s) - from);
	t->shm->thread_states[s - t->shm->threads] = n;
}

static void scribble_chunk(struct target *t, struct byte_reader *in)
{
	struct shm_chunk *const k = &t->shm->chunks[get_byte(in) % FEW_CHUNKS];

	fill(in, k, get_byte(in));
}

static void scribble_header(struct target *t, struct byte_reader *in)
{
	const uint8_t from = get_byte(in) % 128;

	fill(in, (uint8_t *)&t->shm->header + 64 + from, get_byte(in) % (128u - from) + 1);
}

/* Anywhere: header, slots, bitmap, chunks. */
static void scribble_anywhere(struct target *t, struct byte_reader *in)
{
	uint8_t place[4] = { 0 };

	fill(in, place, sizeof(place));
	fill(in, (uint8_t *)t->shm + get_u32(place) % (sizeof(*t->shm) - 256), get_byte(in));
}

static void do_next(struct target *t, struct recorder *r, struct byte_reader *in)
{
	static void (*const deeds[])(struct target * t, struct byte_reader * in) = {
		start_process,
		start_thread,
		end_thread,
		publish,
		publish,
		publish,
		scribble_process,
		scribble_thread,
		scribble_chunk,
		scribble_header,
		scribble_anywhere,
	};
	const uint8_t what = get_byte(in) % 16;
	uint64_t bytes;

	if (what < sizeof(deeds) / sizeof(*deeds)) {
		deeds[what](t, in);
		return;
	}
	now_ns += what == 11 ? 2000000000ull : 1000000;
	round_run(r, &bytes);
	if (what == 11)
		thread_slot_find_dead(r);
	if (what == 13)
		now_and_then(t, r);
	if (what == 12) /* somebody was seen to end */
		for (size_t i = 0; i < r->live_count; i++)
			if (r->live[i]->slot != NO_SLOT)
				ends_set(r, r->live[i]);
}

/* ---- the recorder ---- */

/* How it records: the first byte of the input. */
struct way {
	bool aggregate, rotate, sampled, keyframes, waits;
};

static struct way way_of(uint8_t b)
{
	return (struct way){
		.aggregate = (b & 3) == 1,
		.rotate = (b & 3) == 2,
		.sampled = b & 4,
		.keyframes = b & 8,
		.waits = (b & 16) && (b & 3) != 1,
	};
}

static char folder_name[] = "/tmp/fuzz-segment-XXXXXX";

static void remove_folder(void)
{
	rmdir(folder_name);
}

/* For captures that need a name: empty when a run begins. */
static const char *folder(void)
{
	static bool made;

	if (!made) {
		MUST(mkdtemp(folder_name));
		atexit(remove_folder);
	}
	made = true;
	return folder_name;
}

static void remove_files(const char *path, uint32_t pieces)
{
	char name[128];

	unlink(path);
	for (uint32_t i = 1; i <= pieces; i++)
		if (pieces_name(path, i, name, sizeof(name)) == 0)
			unlink(name);
	MUST(rmdir(folder()) == 0); /* no draft is left behind */
	MUST(mkdir(folder(), 0700) == 0);
}

static int open_output(const struct way *w, char path[64])
{
	char name[128];

	if (!w->rotate && !w->aggregate)
		return as_file(NULL, 0, path);
	snprintf(path, 64, "%s/c", folder());
	snprintf(name, sizeof(name), "%s", path);
	if (w->rotate)
		MUST(pieces_name(path, 1, name, sizeof(name)) == 0);
	return open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
}

static struct recorder *recorder_start(struct shm *shm, int fd, const struct way *w, const char *path)
{
	struct recorder *const r = calloc(1, sizeof(*r));

	MUST(r);
	now_ns = 1000000000;
	shm->header.sample_bytes = w->sampled ? 4096 : 0;
	r->shm = shm;
	r->no_symbols = true;
	r->keyframes.events_min = w->keyframes ? 1 : 0;
	r->waiting = w->waits;
	r->begin_ns = now_ns + 5000000;
	const struct recorder_setup setup = {
		.output = fd,
		.path = path,
		.rotate = w->rotate ? PIECES_MAX : 0,
		.aggregate = w->aggregate,
		.temporary_threshold = 1,
		.checkpoint_ns = 1,
	};

	MUST(recorder_begin(r, &setup) == 0);
	return r;
}

/* What the recorder does between two rounds, now and then. */
static void now_and_then(struct target *t, struct recorder *r)
{
	if (r->aggregate) {
		checkpoint_tick(r);
	} else if (r->rotation.keep && !r->waiting && r->rotation.number < PIECES_MAX) {
		t->earlier_events += r->counters.events;
		if (!rotate_now(r))
			t->earlier_events -= r->counters.events;
	}
	keyframing_write_if_due(r);
}

/* How many events it counted. */
static uint64_t recorder_end(struct recorder *r)
{
	struct control_message done = { 0 };
	uint64_t events;

	round_close(r);
	for (size_t i = 0; i < r->live_count; i++)
		process_leave(r, r->live[i]);
	deliver_flush(r);
	if (r->waiting)
		keyframing_tell_missed(r);
	rotate_finish(r);
	finish_file(r, &done);
	MUST(!done.error && !r->checkpoint.error);
	events = r->counters.events;
	if (r->rotation.keep)
		close(r->rotation.fd);
	recorder_release(r);
	free(r);
	return events;
}

/* All that was counted is there. */
static void must_be_whole(const char *path, uint64_t events, bool pieces)
{
	struct capture *c = NULL;
	struct cursor *k = NULL;
	struct trk_fault fault;
	struct trk_event e;
	uint64_t seq, seen = 0, last_ns = 0;

	MUST(capture_open(&c, path, &fault) == 0);
	MUST(c->complete && c->event_count == events);
	MUST(pieces || capture_health(c, "events") == events);
	MUST(capture_verify(c) == 0 && c->complete);
	MUST(cursor_open(&k, c, UINT32_MAX) == 0);
	for (; cursor_next(k, &e, &seq) == 0; seen++) {
		MUST(e.node < c->node_count && e.thread < c->thread_count && e.time_ns >= last_ns);
		last_ns = e.time_ns;
	}
	MUST(seen == (capture_is_aggregated(c) ? 0 : events) && c->complete);
	cursor_close(k);
	capture_close(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct target t = { .shm = mmap(NULL, sizeof(*t.shm), PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) };
	struct byte_reader in = byte_reader_of(data, size);
	const struct way way = way_of(bytes_left(&in) ? get_byte(&in) : 0);
	struct recorder *r;
	uint64_t events;
	char path[64];
	const int fd = open_output(&way, path);

	if (fd < 0 || t.shm == MAP_FAILED)
		return 0;
	allocations_reset(0);
	r = recorder_start(t.shm, fd, &way, path);
	while (bytes_left(&in))
		do_next(&t, r, &in);
	events = t.earlier_events + recorder_end(r);
	MUST(allocations.live == 0);
	MUST(allocations.peak <= (64ull << 20) + 8192 * (uint64_t)size);
	must_be_whole(path, events, way.rotate);
	if (!way.rotate)
		close(fd);
	if (way.rotate || way.aggregate)
		remove_files(path, PIECES_MAX);
	munmap(t.shm, sizeof(*t.shm));
	return 0;
}
