/* thread_slot - see thread_slot.h. */
#include "thread_slot.h"
#include "format/array.h"
#include "bounds.h"
#include "deliver.h"
#include "proc.h"
#include "sandbox.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CHECK_NS 1000000000ull
#define THREAD_BYTES 64u /* of a record in the file, at most */

static bool add_stream(struct process *p, struct stream *s)
{
	if (!ARRAY_ROOM(p->streams, p->stream_room, p->stream_count + 1, 4))
		return false;
	p->streams[p->stream_count++] = s;
	return true;
}

/* A name is whole if its version is even, and the same before and after. */
static bool slot_name(const struct shm_thread *slot, uint32_t *version, char name[SHM_NAME_BYTES])
{
	const uint32_t before = atomic_load_explicit(&slot->name_version, memory_order_acquire);

	if (before & 1 || before == *version)
		return false;
	memcpy(name, slot->name, SHM_NAME_BYTES);
	name[SHM_NAME_BYTES - 1] = 0;
	atomic_thread_fence(memory_order_acquire);
	if (atomic_load_explicit(&slot->name_version, memory_order_relaxed) != before)
		return false;
	*version = before;
	return name[0] != 0;
}

static void write_thread(struct recorder *r, const struct stream *s, uint64_t end_ns)
{
	const struct trk_thread told = {
		.index = s->thread,
		.process = s->process->index,
		.tid = s->tid,
		.start_ns = s->start_ns,
		.end_ns = end_ns,
		.name = s->name,
		.main = s->tid == s->process->pid,
	};

	bounds_take(r, THREAD_BYTES);
	writer_thread(r->writer, &told);
}

void thread_slot_write(struct recorder *r, const struct stream *s)
{
	write_thread(r, s, UINT64_MAX);
}

/*
 * A signal handler that interrupted a hook publishes through a slot of its own: one thread, two streams. And exec
 * keeps the thread that called it, which then has the number of the first thread.
 */
static uint32_t number(struct recorder *r, struct process *p, uint32_t tid)
{
	for (size_t i = 0; i < p->stream_count; i++)
		if (p->streams[i]->tid == tid && p->streams[i]->slot != NO_SLOT)
			return p->streams[i]->thread;
	if (tid != p->pid)
		return r->thread_count++;
	if (p->main_thread == NO_INDEX)
		p->main_thread = r->thread_count++;
	return p->main_thread;
}

static struct stream *begin(struct recorder *r, struct process *p, uint32_t slot)
{
	const struct shm_thread *const t = &r->shm->threads[slot];
	struct stream *const s = stream_new(p, slot, r->next_serial++);
	uint64_t bases[2];

	if (!s)
		goto fail;
	s->tid = p->inner_pid && t->tid == p->inner_pid ? p->pid : t->tid;
	s->start_ns = recorder_began(r, t->start_ns);
	s->thread = number(r, p, s->tid);
	memcpy(bases, t->bases, sizeof(bases));
	s->state.bases = wire_bases(bases);
	if (!add_stream(p, s))
		goto fail;
	s->checked_ns = r->now_ns;
	if (!slot_name(t, &s->name_version, s->name))
		proc_thread_name(p->pid, s->tid, s->name);
	if (!s->name[0] && s->tid == p->pid && p->name) /* gone already */
		memcpy(s->name, p->name, strnlen(p->name, SHM_NAME_BYTES - 1));
	thread_slot_write(r, s);
	r->slot_stream[slot] = s;
	return s;
fail:
	stream_free(s);
	r->out_of_memory = true;
	return NULL;
}

struct stream *thread_slot_stream(struct recorder *r, uint32_t slot)
{
	struct stream *const s = r->slot_stream[slot];

	if (s)
		return s;
	const uint32_t process_slot = r->shm->threads[slot].process;
	struct process *const p = process_slot < SHM_PROCESSES ? r->slot_process[process_slot] :
								 NULL;

	return p ? begin(r, p, slot) : NULL;
}

/* The last record of a thread. Lost events that no gap record tells of are told here. */
static void end(struct recorder *r, struct stream *s, const struct shm_thread *t)
{
	slot_name(t, &s->name_version, s->name);
	s->lost = recorder_figure(r, atomic_load_explicit(&t->lost, memory_order_relaxed));
	s->stalls = recorder_figure(r, atomic_load_explicit(&t->stalls, memory_order_relaxed));
	s->stalled_ns = recorder_figure(r, atomic_load_explicit(&t->stalled_ns, memory_order_relaxed));
}

void thread_slot_answer(struct recorder *r, const struct stream *s)
{
	_Atomic uint32_t *const sandbox = &r->shm->threads[s->slot].sandbox;

	if (atomic_load_explicit(sandbox, memory_order_acquire) == SHM_SANDBOX_ASKED)
		atomic_store_explicit(sandbox, sandbox_of(s->process->pid, s->tid), memory_order_release);
}

void thread_slot_detach(struct recorder *r, struct stream *s)
{
	const uint32_t slot = s->slot;
	struct shm_thread *const t = &r->shm->threads[slot];

	end(r, s, t);
	chain_release(&s->chain, r->shm, s->slot);
	r->slot_stream[s->slot] = NULL;
	s->slot = NO_SLOT;
	s->busy = SHM_IDLE;
	atomic_store_explicit(&t->first_chunk, 0, memory_order_relaxed);
	atomic_store_explicit(&t->busy, SHM_IDLE, memory_order_relaxed);
	atomic_store_explicit(&t->lost, 0, memory_order_relaxed);
	atomic_store_explicit(&t->stalls, 0, memory_order_relaxed);
	atomic_store_explicit(&t->stalled_ns, 0, memory_order_relaxed);
	atomic_store_explicit(&t->name_version, 0, memory_order_relaxed);
	atomic_store_explicit(&t->sandbox, SHM_SANDBOX_UNKNOWN, memory_order_relaxed);
	t->process = SHM_PROCESSES;
	atomic_store_explicit(&r->shm->thread_states[slot], SHM_FREE, memory_order_release);
}

static void count_losses(struct recorder *r, struct process *p, struct stream *s)
{
	if (s->lost > s->gaps) {
		struct trk_event e = { .kind = TRK_GAP, .thread = s->thread, .size = s->lost - s->gaps, .time_ns = r->now_ns };

		r->counters.gaps++;
		deliver(r, p, &e);
		deliver_flush(r);
	}
	r->counters.lost += s->lost > s->gaps ? s->lost : s->gaps;
	r->counters.stalls += s->stalls;
	r->counters.stalled_ns += s->stalled_ns;
}

static void reap(struct recorder *r, struct process *p, struct stream *s)
{
	count_losses(r, p, s);
	write_thread(r, s, r->now_ns);
	stream_free(s);
}

void thread_slot_leave_all(struct recorder *r, struct process *p)
{
	for (size_t i = 0; i < p->stream_count; i++) {
		struct stream *const s = p->streams[i];

		if (s->slot != NO_SLOT)
			end(r, s, &r->shm->threads[s->slot]);
		count_losses(r, p, s);
		thread_slot_write(r, s);
	}
}

void thread_slot_reap(struct recorder *r, struct process *p)
{
	size_t kept = 0;

	for (size_t i = 0; i < p->stream_count; i++) {
		struct stream *const s = p->streams[i];

		if (s->slot == NO_SLOT && !s->has_head && s->at == s->size && s != p->held)
			reap(r, p, s);
		else
			p->streams[kept++] = s;
	}
	p->stream_count = kept;
}

static bool is_dead(const struct stream *s)
{
	return syscall(SYS_tgkill, (pid_t)s->process->pid, (pid_t)s->tid, 0) < 0 && errno == ESRCH;
}

void thread_slot_find_dead(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		for (size_t j = 0; j < p->stream_count && !p->dying && !p->foreign; j++) {
			struct stream *const s = p->streams[j];

			if (s->slot == NO_SLOT || r->now_ns - s->checked_ns < CHECK_NS)
				continue;
			s->checked_ns = r->now_ns;
			if (is_dead(s))
				atomic_store_explicit(&r->shm->thread_states[s->slot], SHM_EXITED,
						      memory_order_release);
		}
	}
}
