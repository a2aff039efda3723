#include "chunk.h"

#include "raw.h"
#include "segment.h"
#include "start.h"
#include "thread.h"

#define SPINS 2000
#define WAIT_NS 2000000L
#define WAIT_SPINS 40000 /* about as long, where no system call may be made */
#define ANSWER_SPINS 400000
#define ONLY_ANSWER_SPINS 8000000 /* of a thread that asks once and for all */
/* If no chunk came back in so many rounds of the recorder, threads that do nothing hold all chunks. One round may last for seconds. */
#define BARREN_ROUNDS 100

/* The lowest free chunk, so that few pages are ever touched. -1: none. */
static int claim(struct shm *s)
{
	const uint32_t mapped = atomic_load_explicit(&state.chunk_words, memory_order_acquire), max = segment_words_max();

	for (unsigned w = 0; w < mapped && w < max; w++) {
		uint64_t word = atomic_load_explicit(&s->chunk_bitmap[w], memory_order_relaxed);

		while (word != UINT64_MAX) {
			const unsigned bit = (unsigned)__builtin_ctzll(~word);
			const uint64_t mask = 1ull << bit;

			word = atomic_fetch_or_explicit(&s->chunk_bitmap[w], mask, memory_order_acquire);
			if (!(word & mask))
				return (int)(w * 64 + bit);
			word |= mask;
		}
	}
	return -1;
}

static int claim_spinning(struct shm *s)
{
	int c = -1;

	for (int i = 0; i < SPINS && c < 0; i++) {
		arch_pause();
		if (i % 64 == 0)
			c = claim(s);
	}
	return c;
}

static uint32_t chunks_freed(struct shm *s)
{
	return atomic_load_explicit(&s->header.chunks_freed, memory_order_acquire);
}

/*
 * Changes with every round of the recorder, with every chunk that it gives back, and with every batch of events while somebody waits. So a
 * long round is progress, too, even if other threads took the chunks that it gave back.
 */
static uint32_t progress(struct shm *s)
{
	return atomic_load_explicit(&s->header.progress, memory_order_acquire) + chunks_freed(s);
}

/* shm.h says how long. No system call tells the time here, because a program may have forbidden it. */
static void count_stall(struct shm *s, struct shm_thread *slot, uint64_t since_ns, long waits)
{
	const uint64_t by_clock = atomic_load_explicit(&s->header.clock_ns, memory_order_relaxed) - since_ns;
	const uint64_t by_waits = (uint64_t)waits * WAIT_NS;

	atomic_fetch_add_explicit(&slot->stalls, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&slot->stalled_ns, by_clock > by_waits ? by_clock : by_waits,
				  memory_order_relaxed);
}

/* A recorder that makes no progress is asked once. SHM_SANDBOX_ASKED: it does not answer. */
static uint32_t ask_for_sandbox(const struct thread *t, int spins)
{
	_Atomic uint32_t *const answer = &t->slot->sandbox;
	const uint32_t now = progress(state.shm) + 1;

	if (atomic_load_explicit(&state.unanswered_progress, memory_order_relaxed) == now)
		return SHM_SANDBOX_ASKED;
	atomic_store(answer, SHM_SANDBOX_ASKED);
	for (int i = 0; i < spins && atomic_load_explicit(answer, memory_order_relaxed) == SHM_SANDBOX_ASKED; i++) {
		arch_pause();
		if (i % 1024 == 0 && atomic_load_explicit(&state.shm->header.closed, memory_order_relaxed))
			break;
	}
	if (atomic_load(answer) == SHM_SANDBOX_ASKED)
		atomic_store_explicit(&state.unanswered_progress, now, memory_order_relaxed);
	return atomic_load(answer);
}

/*
 * A recorder that stands still answers nothing. Then a program that has not been seen to forbid itself system calls
 * may call; otherwise events for which the segment has room would be lost.
 */
bool chunk_may_call(const struct thread *t)
{
	const uint32_t answer = ask_for_sandbox(t, ANSWER_SPINS);

	return answer == SHM_SANDBOX_ASKED ? !state.sandboxed : answer == SHM_SANDBOX_NONE;
}

bool chunk_could_call(const struct thread *t)
{
	uint32_t last = atomic_load_explicit(&t->slot->sandbox, memory_order_relaxed);

	if (last != SHM_SANDBOX_NONE && last != SHM_SANDBOX_CLOSED)
		last = ask_for_sandbox(t, ONLY_ANSWER_SPINS);
	return last == SHM_SANDBOX_NONE && !state.sandboxed;
}

/* Maps more of the segment, as long as there is more. */
static int claim_growing(struct shm *s)
{
	int c = -1;

	while (c < 0 && segment_grow())
		c = claim(s);
	if (c < 0 && atomic_load_explicit(&state.chunk_words, memory_order_relaxed) < segment_words_max())
		atomic_fetch_add_explicit(&state.process->chunks_refused, 1, memory_order_relaxed);
	return c;
}

static void wait_for_chunk(struct shm *s, uint32_t freed, bool may_call)
{
	if (may_call)
		raw_futex_wait(&s->header.chunks_freed, freed, WAIT_NS);
	for (int i = 0; i < WAIT_SPINS && !may_call; i++) {
		arch_pause();
		if (atomic_load_explicit(&s->header.chunks_freed, memory_order_relaxed) != freed)
			break;
	}
}

static uint32_t rounds_of(struct shm *s)
{
	return atomic_load_explicit(&s->header.rounds, memory_order_acquire);
}

static int claim_waiting(struct shm *s, const struct thread *t)
{
	const uint64_t since_ns = atomic_load_explicit(&s->header.clock_ns, memory_order_relaxed);
	const long most = (long)s->header.stall_ms * 1000000L / WAIT_NS + 1;
	uint32_t seen = progress(s), freed = chunks_freed(s), round = rounds_of(s), freed_before = freed;
	long waits = 0; /* so many lasted as long as they may */
	unsigned barren = 0;
	int c = claim_spinning(s);
	bool may_call;

	if (c >= 0)
		return c;
	may_call = chunk_may_call(t);
	c = may_call ? claim_growing(s) : claim(s);
	if (c >= 0)
		return c;
	atomic_fetch_add(&s->header.chunk_waiters, 1);
	for (long still = 0; c < 0 && still < most && barren < BARREN_ROUNDS;) {
		freed = atomic_load(&s->header.chunks_freed);
		c = claim(s);
		if (c >= 0 || atomic_load_explicit(&s->header.closed, memory_order_relaxed))
			break;
		wait_for_chunk(s, freed, may_call);
		c = claim(s);
		if (rounds_of(s) != round) {
			round = rounds_of(s);
			barren = chunks_freed(s) == freed_before ? barren + 1 : 0;
			freed_before = chunks_freed(s);
		}
		if (progress(s) != seen) {
			seen = progress(s);
			still = 0;
		} else {
			still++;
			waits++;
		}
	}
	atomic_fetch_sub(&s->header.chunk_waiters, 1);
	count_stall(s, t->slot, since_ns, waits);
	if (c < 0 && barren == BARREN_ROUNDS)
		atomic_store(&state.barren_freed, freed + 1);
	else if (c < 0)
		atomic_store(&state.stuck_progress, seen + 1);
	return c;
}

/* No chunk has come back since there was none, so it is of no use to look. */
static bool is_hopeless(struct shm *s)
{
	return atomic_load_explicit(&state.stuck_progress, memory_order_relaxed) == progress(s) + 1 ||
	       atomic_load_explicit(&state.barren_freed, memory_order_relaxed) == chunks_freed(s) + 1;
}

bool chunk_stop_if_closed(void)
{
	atomic_thread_fence(memory_order_acquire);
	if (likely(!atomic_load_explicit(&state.shm->header.closed, memory_order_relaxed)))
		return false;
	start_rests();
	state.sample_bytes = 0; /* otherwise allocations that are skipped would not see that another recording is wanted */
	return true;
}

bool chunk_next(struct thread *t)
{
	struct shm *const s = state.shm;
	int c;

	if (unlikely(t->orphan || chunk_stop_if_closed() || is_hopeless(s)))
		return false;
	c = claim(s);
	if (c < 0)
		c = claim_waiting(s, t);
	if (c < 0)
		return false;

	struct shm_chunk *const chunk = segment_chunk((uint32_t)c);

	/* A handler forked meanwhile, and this is the child: other threads of the parent may write into the chunk. */
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(t->orphan || !chunk))
		return false;

	atomic_store_explicit(&chunk->next, 0, memory_order_relaxed);
	atomic_store_explicit(&chunk->committed, 0, memory_order_relaxed);
	chunk->thread = t->slot_index;
	chunk->sequence = t->sequence++;
	atomic_store_explicit(t->chunk ? &t->chunk->next : &t->slot->first_chunk, (uint32_t)c + 1,
			      memory_order_release);
	t->chunk = chunk;
	t->at = chunk->payload;
	t->end = chunk->payload + sizeof(chunk->payload);
	return true;
}
