/*
 * segment - targets without targets: a test fills the shared segment by hand,
 * in whatever order and state it wants, and runs the recorder's rounds over it.
 */
#ifndef TEST_SEGMENT_H
#define TEST_SEGMENT_H

#include "capture_file.h"

#include <sys/epoll.h>

#include "format/shm.h"
#include "format/wire.h"
#include "tools/record/recorder.h"
#include "tools/record/round.h"

static uint64_t segment_now_ns, segment_tick_ns; /* a round takes so long at each look at the clock */

uint64_t recorder_clock(const struct recorder *r)
{
	(void)r;
	return segment_now_ns += segment_tick_ns;
}

/* A thread of a target: what libtracker keeps, as far as a test needs it. */
struct fake_thread {
	uint32_t slot, chunk /* + 1 */, sequence;
	uint8_t record[WIRE_RECORD_MAX];
	uint8_t *at;
	uint64_t epoch, time_ns, address;
	uint8_t resize; /* the kind of its reallocs; 0: TRK_REALLOC */
};

struct segment {
	struct recorder *r;
	struct shm *shm;
	struct capture_file file;
	struct capture *capture;
	struct cursor *cursor;
};

/* Everything but a recorder that has begun. */
static inline struct segment segment_bare(void)
{
	struct segment s = { .r = calloc(1, sizeof(*s.r)), .file = capture_file_new() };

	s.shm = mmap(NULL, sizeof(*s.shm), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(s.r && s.shm != MAP_FAILED);
	segment_now_ns = 1000000000ull;
	segment_tick_ns = 0;
	s.r->shm = s.shm;
	return s;
}

static inline struct segment segment_new(void)
{
	struct segment s = segment_bare();

	s.r->epoll = epoll_create1(EPOLL_CLOEXEC);
	s.r->writer = capture_file_writer(&s.file);
	assert_int_equal(heap_new(&s.r->heap, 1, NULL), 0);
	assert_int_equal(stack_nodes_init(&s.r->stack_nodes, s.r->writer), 0);
	return s;
}

static inline void segment_free(struct segment *s)
{
	cursor_close(s->cursor);
	capture_close(s->capture);
	recorder_release(s->r);
	close(s->file.fd);
	munmap(s->shm, sizeof(*s->shm));
	free(s->r);
}

static inline uint64_t segment_round(struct segment *s)
{
	uint64_t bytes;

	segment_now_ns += 1000000;
	round_run(s->r, &bytes);
	return bytes;
}

/* ---- what a target does ---- */

static inline void fake_process(struct segment *s, uint32_t slot, uint32_t pid, uint32_t origin)
{
	struct shm_process *const p = &s->shm->processes[slot];

	s->shm->lives[slot] = (struct shm_life){ .pid = pid };
	p->pid = pid;
	p->ppid = 1;
	p->parent_pid = 0;
	p->number = s->shm->header.programs++;
	p->origin = origin;
	p->order = 0xffff;
	strcpy(p->libc, "glibc 2.99");
	strcpy(p->program, "fake");
	strcpy(p->executable, "/bin/fake");
	memcpy(p->command, "fake\0arg", 9);
	p->command_bytes = 9;
	if (s->shm->header.process_high <= slot)
		s->shm->header.process_high = slot + 1;
	s->shm->process_states[slot] = SHM_LIVE;
}

static inline struct fake_thread fake_thread(struct segment *s, uint32_t slot, uint32_t process,
					     uint32_t tid)
{
	struct shm_thread *const t = &s->shm->threads[slot];

	t->process = process;
	t->tid = tid;
	t->first_chunk = 0;
	t->busy = SHM_IDLE;
	if (s->shm->header.thread_high <= slot)
		s->shm->header.thread_high = slot + 1;
	s->shm->thread_states[slot] = SHM_LIVE;
	return (struct fake_thread){ .slot = slot };
}

static inline void fake_next_chunk(struct segment *s, struct fake_thread *t)
{
	uint32_t n = 0;

	while (s->shm->chunk_bitmap[n / 64] >> (n % 64) & 1)
		n++;
	assert_true(n < SHM_CHUNKS);
	s->shm->chunk_bitmap[n / 64] |= 1ull << (n % 64);
	s->shm->chunks[n].next = s->shm->chunks[n].committed = 0;
	s->shm->chunks[n].thread = t->slot;
	s->shm->chunks[n].sequence = t->sequence++;
	if (t->chunk)
		s->shm->chunks[t->chunk - 1].next = n + 1;
	else
		s->shm->threads[t->slot].first_chunk = n + 1;
	t->chunk = n + 1;
}

/* Begins a record of the thread; its epoch, and the process's order word with it. */
static inline void fake_begin(struct segment *s, struct fake_thread *t, uint8_t kind, uint64_t epoch,
			      bool stack)
{
	const uint32_t process = s->shm->threads[t->slot].process;
	_Atomic uint64_t *const order = &s->shm->processes[process].order;

	if (epoch > *order >> 16)
		*order = epoch << 16 | t->slot;
	t->at = t->record;
	*t->at++ = kind | WIRE_EPOCH | (stack ? WIRE_STACK : 0);
	t->at = put_varint(t->at, epoch - t->epoch);
	t->epoch = epoch;
}

/* The same of a kind that is told behind the escape. */
static inline void fake_begin_rare(struct segment *s, struct fake_thread *t, uint8_t kind, uint64_t epoch, bool stack)
{
	fake_begin(s, t, WIRE_RARE, epoch, stack);
	*t->at++ = kind;
}

static inline void fake_stack(struct fake_thread *t, uint32_t pops, uint32_t count, const uint64_t *pcs)
{
	t->at = put_varint(t->at, pops);
	*t->at++ = count ? (uint8_t)(count << 1 | WIRE_WIDE) : 0; /* wide and no frames: a known stack */
	for (uint32_t i = 0; i < count; i++, t->at += 8)
		put_u64(t->at, pcs[i]);
}

static inline void fake_address(struct fake_thread *t, uint64_t address)
{
	t->at = put_zigzag(t->at, (int64_t)(address - t->address));
	t->address = address;
}

static inline void fake_publish(struct segment *s, struct fake_thread *t)
{
	const uint32_t size = (uint32_t)(t->at - t->record);

	if (!t->chunk || s->shm->chunks[t->chunk - 1].committed + size > SHM_PAYLOAD_BYTES)
		fake_next_chunk(s, t);
	struct shm_chunk *const k = &s->shm->chunks[t->chunk - 1];

	memcpy(k->payload + k->committed, t->record, size);
	k->committed += size;
}

static inline void fake_malloc(struct segment *s, struct fake_thread *t, uint64_t epoch,
			       uint64_t address, uint64_t size)
{
	fake_begin(s, t, TRK_MALLOC, epoch, false);
	fake_address(t, address);
	t->at = put_varint(t->at, size);
	fake_publish(s, t);
}

static inline void fake_malloc_stack(struct segment *s, struct fake_thread *t, uint64_t epoch,
				     uint64_t address, uint64_t size, const uint64_t *pcs, uint32_t count)
{
	fake_begin(s, t, TRK_MALLOC, epoch, true);
	fake_stack(t, 0, count, pcs);
	fake_address(t, address);
	t->at = put_varint(t->at, size);
	fake_publish(s, t);
}

static inline void fake_free(struct segment *s, struct fake_thread *t, uint64_t epoch,
			     uint64_t address)
{
	fake_begin(s, t, TRK_FREE, epoch, false);
	fake_address(t, address);
	fake_publish(s, t);
}

static inline void fake_realloc_begin(struct segment *s, struct fake_thread *t, uint64_t epoch,
				      uint64_t old)
{
	fake_begin(s, t, WIRE_REALLOC_BEGIN, epoch, false);
	*t->at++ = t->resize ? t->resize : TRK_REALLOC;
	fake_address(t, old);
	fake_publish(s, t);
}

static inline void fake_realloc_end(struct segment *s, struct fake_thread *t, uint64_t epoch,
				    uint8_t outcome, uint64_t address, uint64_t size)
{
	fake_begin(s, t, WIRE_REALLOC_END, epoch, false);
	*t->at++ = t->resize ? t->resize : TRK_REALLOC;
	*t->at++ = outcome;
	fake_address(t, address);
	t->at = put_varint(t->at, size);
	fake_publish(s, t);
}

static inline void fake_mmap(struct segment *s, struct fake_thread *t, uint64_t epoch,
			     uint64_t address, uint64_t size)
{
	fake_begin(s, t, TRK_MMAP, epoch, false);
	*t->at++ = TRK_MMAP;
	fake_address(t, address);
	t->at = put_varint(t->at, size);
	fake_publish(s, t);
}

static inline void fake_mremap_begin(struct segment *s, struct fake_thread *t, uint64_t epoch,
				     uint64_t old, uint64_t old_size)
{
	fake_begin(s, t, WIRE_MREMAP_BEGIN, epoch, false);
	fake_address(t, old);
	t->at = put_varint(t->at, old_size);
	fake_publish(s, t);
}

/* address 0: it failed. */
static inline void fake_mremap(struct segment *s, struct fake_thread *t, uint64_t epoch, uint64_t old,
			       uint64_t old_size, uint64_t address, uint64_t size)
{
	fake_begin(s, t, TRK_MREMAP, epoch, false);
	fake_address(t, old);
	t->at = put_varint(t->at, old_size);
	fake_address(t, address);
	t->at = put_varint(t->at, size);
	fake_publish(s, t);
}

static inline void fake_module(struct segment *s, struct fake_thread *t, uint64_t epoch,
			       const char *path, uint64_t start, uint64_t end)
{
	fake_begin(s, t, WIRE_MODULE, epoch, false);
	t->at = put_varint(put_varint(put_varint(put_varint(t->at, start), start), end), 0);
	t->at = put_varint(t->at, strlen(path));
	memcpy(t->at, path, strlen(path));
	t->at += strlen(path);
	t->at = put_varint(t->at, 0);
	fake_publish(s, t);
}

/* ---- what was recorded ---- */

/* Finishes the file and opens it. */
static inline void segment_open(struct segment *s)
{
	struct trk_fault fault;

	capture_file_finish(s->r->writer);
	s->r->writer = NULL;
	assert_int_equal(capture_open(&s->capture, s->file.path, &fault), 0);
	assert_true(s->capture->complete);
	assert_int_equal(cursor_open(&s->cursor, s->capture, UINT32_MAX), 0);
}

/* The next event; TRK_END is a failure. */
static inline struct trk_event segment_event(struct segment *s)
{
	struct trk_event e;
	uint64_t seq;

	if (!s->cursor)
		segment_open(s);
	assert_int_equal(cursor_next(s->cursor, &e, &seq), 0);
	return e;
}

static inline void segment_no_event(struct segment *s)
{
	struct trk_event e;
	uint64_t seq;

	if (!s->cursor)
		segment_open(s);
	assert_int_equal(cursor_next(s->cursor, &e, &seq), TRK_END);
}

#endif
