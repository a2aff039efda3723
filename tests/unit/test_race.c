/*
 * race - programs publish while the recorder reads, each in a thread of its own, as they would in processes of their
 * own: what is read is what was published, whole and in order. Built with ThreadSanitizer (tests/run tsan) it also shows
 * that nothing but the atomics of shm.h carries it across.
 */
#include "segment.h"

#include <pthread.h>

#define SELF ((uint32_t)getpid())
#define PRODUCERS 3u
#define EVENTS 30000u

struct producer {
	struct segment *s;
	uint32_t slot;
	pthread_t thread;
};

/* As libtracker's chunk.c: the bit is the claim. */
static uint32_t claim_chunk(struct shm *shm)
{
	for (uint32_t n = 0;; n = (n + 1) % 16) { /* few, so that they are used again and again */
		const uint64_t bit = 1ull << n;

		if (!(atomic_fetch_or_explicit(&shm->chunk_bitmap[0], bit, memory_order_acquire) & bit))
			return n;
	}
}

static void next_chunk(struct shm *shm, struct fake_thread *t)
{
	const uint32_t n = claim_chunk(shm);
	struct shm_chunk *const k = &shm->chunks[n];

	atomic_store_explicit(&k->next, 0, memory_order_relaxed);
	atomic_store_explicit(&k->committed, 0, memory_order_relaxed);
	k->thread = t->slot;
	k->sequence = t->sequence++;
	atomic_store_explicit(t->chunk ? &shm->chunks[t->chunk - 1].next : &shm->threads[t->slot].first_chunk, n + 1,
			      memory_order_release);
	t->chunk = n + 1;
}

static void publish(struct shm *shm, struct fake_thread *t)
{
	const uint32_t size = (uint32_t)(t->at - t->record);

	if (!t->chunk || atomic_load_explicit(&shm->chunks[t->chunk - 1].committed, memory_order_relaxed) + size >
				 SHM_PAYLOAD_BYTES)
		next_chunk(shm, t);
	struct shm_chunk *const k = &shm->chunks[t->chunk - 1];
	const uint32_t at = atomic_load_explicit(&k->committed, memory_order_relaxed);

	memcpy(k->payload + at, t->record, size);
	atomic_store_explicit(&k->committed, at + size, memory_order_release);
}

static void *produce(void *producer)
{
	const struct producer *const p = producer;
	struct shm *const shm = p->s->shm;
	struct fake_thread t = { .slot = p->slot };

	for (uint64_t i = 0; i < EVENTS; i++) {
		const uint64_t pcs[] = { 0x1000 + i % 7, 0x2000 + i % 1000 };

		fake_begin(p->s, &t, TRK_MALLOC, 1 + i / 100, true);
		fake_stack(&t, 2, 2, pcs);
		fake_address(&t, 16 * (i + 1));
		t.at = put_varint(t.at, i);
		publish(shm, &t);
	}
	shm->thread_states[p->slot] = SHM_EXITED;
	return NULL;
}

static void what_is_published_is_read(void **state)
{
	static struct producer producers[PRODUCERS];
	struct segment s = segment_new();
	uint64_t next[PRODUCERS] = { 0 };

	for (uint32_t i = 0; i < PRODUCERS; i++) {
		fake_process(&s, i, SELF, SHM_FORKED);
		fake_thread(&s, i, i, SELF + i);
	}
	segment_round(&s);
	assert_int_equal(s.r->process_count, PRODUCERS);
	for (uint32_t i = 0; i < PRODUCERS; i++) {
		producers[i] = (struct producer){ .s = &s, .slot = i };
		assert_int_equal(pthread_create(&producers[i].thread, NULL, produce, &producers[i]), 0);
	}
	while (s.r->counters.events < PRODUCERS * EVENTS)
		segment_round(&s);
	for (uint32_t i = 0; i < PRODUCERS; i++)
		pthread_join(producers[i].thread, NULL);
	segment_round(&s);
	for (uint32_t i = 0; i < PRODUCERS; i++)
		assert_int_equal(s.shm->thread_states[i], SHM_FREE);
	assert_int_equal(s.r->counters.corrupt + s.r->counters.late + s.r->counters.gaps, 0);
	for (uint32_t i = 0; i < PRODUCERS * EVENTS; i++) {
		const struct trk_event e = segment_event(&s);

		assert_int_equal(e.size, next[e.process]++);
		assert_int_equal(e.address, 16 * (e.size + 1));
	}
	segment_no_event(&s);
	segment_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(what_is_published_is_read) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
