/* round - see round.h. */
#include "round.h"
#include "answer.h"
#include "births.h"
#include "tracked_classes.h"
#include "deliver.h"
#include "ends.h"
#include "forks.h"
#include "arena_look.h"
#include "look.h"
#include "merge.h"
#include "process.h"
#include "thread_slot.h"
#include "watch.h"
#include "jit.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Bytes per thread and round: so many stay in the caches on their way. */
#define ROUND_BYTES (256u << 10)
/*
 * Bytes of all threads in a round, if that is more than a chunk of each. Targets that wait for room give up if no
 * round ends for 100 ms.
 */
#define ROUND_BYTES_ALL (1u << 20)
/* The recorder waits so long for a thread that stands still inside a publication (in a debugger). */
#define BUSY_NS 100000000ull

static void look_at_orders(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		if (p->slot == NO_SLOT)
			continue;
		const uint64_t epoch = atomic_load_explicit(&r->shm->processes[p->slot].order,
							    memory_order_acquire) >>
				       16;

		if (!r->no_membarrier)
			p->limit = epoch;
		else if (!r->again) /* otherwise no time has passed */
			p->limit = p->seen_limit;
		p->seen_limit = epoch;
	}
}

static void fence(struct recorder *r)
{
	if (r->no_membarrier)
		return;
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) < 0) {
		r->no_membarrier = true;
		for (size_t i = 0; i < r->live_count; i++)
			r->live[i]->limit = 0;
	}
}

static uint32_t thread_high(const struct recorder *r)
{
	const uint32_t high = atomic_load_explicit(&r->shm->header.thread_high,
						   memory_order_acquire);

	return high < SHM_THREADS ? high : SHM_THREADS;
}

/* Slots that are not free. A slot that was just claimed counts. */
static uint32_t threads_used(const struct recorder *r)
{
	const uint32_t high = thread_high(r);
	uint32_t used = 0;

	for (uint32_t i = 0; i < high; i++)
		used += atomic_load_explicit(&r->shm->thread_states[i], memory_order_acquire) !=
			SHM_FREE;
	return used;
}

static size_t share_of_round(uint32_t threads)
{
	const size_t share = ROUND_BYTES_ALL / (threads ? threads : 1);

	return share > ROUND_BYTES ? ROUND_BYTES : share;
}

/*
 * The owner of the current epoch may show it for ever, event after event. Only a flag behind the process's epoch
 * holds others up, and only that is timed.
 */
static void look_at_busy(struct recorder *r, struct stream *s)
{
	struct process *const p = s->process;
	const uint64_t busy = atomic_load_explicit(&r->shm->threads[s->slot].busy,
						   memory_order_acquire);

	if (busy >= p->seen_limit) {
		s->busy = SHM_IDLE;
		return;
	}
	if (busy != s->busy) {
		s->busy = busy;
		s->busy_since_ns = r->now_ns;
	}
	if (busy < p->limit && r->now_ns - s->busy_since_ns < BUSY_NS)
		p->limit = busy;
}

static uint64_t read_stream(struct recorder *r, struct stream *s, size_t max)
{
	const size_t before = s->size - s->at;

	if (s->broken) {
		bool more;

		chain_read(&s->chain, r->shm, s->slot, max, stream_append, s, &more);
		s->more = false;
		return 0;
	}
	s->fault = chain_read(&s->chain, r->shm, s->slot, max, stream_append, s, &s->more);
	if (s->fault) { /* the bytes that were read before are good */
		s->broken = true;
		s->more = false;
	}
	return s->size - s->at - before;
}

/* Reads one slot. If the thread has ended, reads it to its end and detaches it. */
static uint64_t look_at_thread(struct recorder *r, uint32_t slot, size_t max)
{
	const uint32_t state = atomic_load_explicit(&r->shm->thread_states[slot],
						    memory_order_acquire);

	if (state != SHM_LIVE && state != SHM_EXITED)
		return 0;
	struct stream *const s = thread_slot_stream(r, slot);
	if (!s)
		return 0;
	if (state == SHM_LIVE) {
		look_at_busy(r, s);
		thread_slot_answer(r, s);
	}
	const uint64_t bytes = read_stream(r, s, max);

	if (bytes)
		s->checked_ns = r->now_ns;
	if (state == SHM_EXITED && !s->more)
		thread_slot_detach(r, s);
	return bytes;
}

static void forget(struct process *p)
{
	for (size_t i = 0; i < p->stream_count; i++) {
		p->streams[i]->at = p->streams[i]->size;
		p->streams[i]->has_head = false;
	}
	p->held = NULL;
}

static bool merge(struct recorder *r, struct process *p, bool final)
{
	bool more = false;

	if (r->discard || r->bounds.full) {
		forget(p);
	} else {
		jit_round(r, p);
		merge_process(r, p, final);
	}
	deliver_flush(r);
	for (size_t i = 0; i < p->stream_count; i++)
		more |= p->streams[i]->more;
	thread_slot_reap(r, p);
	return more;
}

/* Makes streams for all slots of the program, also for slots that were never looked at. */
static void find_streams(struct recorder *r, const struct process *p)
{
	const uint32_t high = thread_high(r);

	for (uint32_t i = 0; p->slot != NO_SLOT && i < high; i++) {
		const uint32_t state = atomic_load_explicit(&r->shm->thread_states[i],
							    memory_order_acquire);

		/* a thread that had only claimed its slot had published nothing when it died */
		if ((state == SHM_LIVE || state == SHM_EXITED) &&
		    r->shm->threads[i].process == p->slot)
			thread_slot_stream(r, i);
	}
}

void round_drain(struct recorder *r, struct process *p)
{
	bool more = true;

	look_drop(r, p);
	find_streams(r, p);
	p->stop = UINT64_MAX;
	/* everything that was published fits the segment: only a hostile process could send without end */
	for (uint32_t pass = 0; more && pass < SHM_CHUNKS; pass++) {
		more = false;
		for (size_t i = 0; i < p->stream_count; i++)
			if (p->streams[i]->slot != NO_SLOT) {
				read_stream(r, p->streams[i], ROUND_BYTES);
				more |= p->streams[i]->more;
			}
		p->limit = UINT64_MAX;
		merge(r, p, !more);
	}
	for (size_t i = 0; i < p->stream_count; i++)
		if (p->streams[i]->slot != NO_SLOT)
			thread_slot_detach(r, p->streams[i]);
	thread_slot_reap(r, p);
}

/* The time that events have until the next round. */
static void tick(struct recorder *r)
{
	const uint64_t before_ns = r->now_ns;

	r->before_ns = before_ns;
	r->now_ns = recorder_clock(r);
	if (r->counters.rounds && r->now_ns - before_ns > r->counters.clock_interval_max_ns)
		r->counters.clock_interval_max_ns = r->now_ns - before_ns;
}

/* Reads what all bound programs have published, and writes it, as far as it is final. */
static bool pass(struct recorder *r, uint64_t *bytes)
{
	struct process *p;
	bool more = false;

	atomic_fetch_add_explicit(&r->shm->header.rounds, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&r->shm->header.progress, 1, memory_order_release); /* who sees it sees the round */
	ends_find_waited(r);
	look_at_orders(r);
	ends_find_stops(r); /* after it: a final event is known to have come before or after an end */
	const uint32_t threads = threads_used(r);

	if (threads > 1) /* one thread alone is in program order */
		fence(r);
	const uint32_t high = thread_high(r);

	for (uint32_t i = 0; i < high; i++)
		*bytes += look_at_thread(r, i, share_of_round(threads));
	chain_wake(r->shm);
	for (size_t i = 0; i < r->live_count; i++)
		more |= merge(r, r->live[i], false);
	while ((p = ends_apply_waited(r)))
		more |= merge(r, p, false);
	r->again = true;
	return more;
}

/* Ends come before starts: those of processes that were over before the program `number` started. */
static void end_before(struct recorder *r, uint64_t number, uint64_t *bytes)
{
	r->bound = number;
	if (!ends_due(r, number))
		return;
	pass(r, bytes); /* processes that ran beside them count together with them */
	ends_apply(r, number);
}

/*
 * Takes new programs, each after the ends before it. What other programs published comes before all new ones, because
 * a parent's events up to its fork are among that. If they are not final yet, the child and what comes after it must wait for
 * the next round. Returns the number before which all programs are taken.
 */
static uint64_t bind_arrivals(struct recorder *r, uint64_t end, uint64_t *bytes)
{
	struct arrival new[SHM_PROCESSES];
	const size_t count = arrivals_find(r, end, new);

	ends_look(r); /* after the look at which programs have started */
	r->bound = count ? new[0].number : end;
	if (count)
		pass(r, bytes);
	for (size_t i = 0; i < count; i++) {
		if (!forks_may_bind(r, &r->shm->processes[new[i].slot]))
			end = new[i].number;
		if (new[i].number >= end)
			break;
		end_before(r, new[i].number, bytes);
		process_bind(r, &new[i]);
	}
	r->bound = end;
	return end;
}

bool round_run(struct recorder *r, uint64_t *ret_bytes)
{
	births_read(r);

	const uint64_t programs = atomic_load_explicit(&r->shm->header.programs, memory_order_acquire);
	uint64_t end, bytes = 0;
	bool more, due;

	tick(r);
	/* release: a thread that sees that the clock moved after the segment was closed also sees that */
	atomic_store_explicit(&r->shm->header.clock_ns, r->now_ns, memory_order_release);
	r->counters.rounds++;
	r->again = false;
	arena_look_asked(r);
	end = bind_arrivals(r, programs, &bytes);
	watch_round(r, end == programs);
	due = ends_due(r, end); /* before it: everything that these processes leave behind has been published */
	more = pass(r, &bytes);
	arena_look_answer(r);
	classes_round(r);
	if (look_is_busy(r))
		look_round(r);
	answer_round(r);
	forks_round(r);
	if (due)
		ends_apply(r, end);
	chain_wake(r->shm);
	*ret_bytes = bytes;
	return more;
}

/* Whether something was read that is not written yet: a thread stands still inside a publication. */
static bool is_held_up(const struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++)
		for (size_t j = 0; j < r->live[i]->stream_count; j++) {
			const struct stream *const s = r->live[i]->streams[j];

			if (s->has_head || s->at < s->size)
				return true;
		}
	return false;
}

void round_close(struct recorder *r)
{
	const struct timespec pause = { .tv_nsec = 500000 };
	uint64_t bytes, until_ns;

	atomic_store(&r->shm->header.closed, 1);
	until_ns = recorder_clock(r) + 2 * BUSY_NS;
	/* two passes that find nothing: without membarrier the order is that of the round before */
	for (uint32_t i = 0, quiet = 0; i < SHM_CHUNKS && quiet < 2; i++) {
		const bool more = round_run(r, &bytes);

		if (bytes || more || births_behind(r))
			quiet = 0;
		else if (is_held_up(r) && r->now_ns < until_ns)
			nanosleep(&pause, NULL);
		else
			quiet++;
	}
}
