/* born - see born.h. */
#include "born.h"

#include <stdatomic.h>

#include "format/bucket.h"
#include "raw.h"

#define SIZES 1024u
#define BLOCKS_BITS 26u
#define BLOCKS_MOST ((1u << BLOCKS_BITS) - 1)
#define WINDOW 64u /* places for followed blocks */
#define TAKEN ((uintptr_t)1) /* a place that is being filled, or that a realloc of its block holds */

struct table {
	_Atomic uint64_t sizes[SIZES]; /* the address without the bits of its place and its zeros, and the count of blocks */
	_Atomic uint32_t followed;
	_Atomic uintptr_t places[BORN_FOLLOWED]; /* addresses; 0: free */
	struct born born[BORN_FOLLOWED];
};

static _Atomic(struct table *) table;

bool born_start(void)
{
	struct table *t = atomic_load(&table), *expected = NULL;

	if (t)
		return true;
	t = raw_map_private(sizeof(*t));
	if (t && !atomic_compare_exchange_strong(&table, &expected, t))
		raw_release(t, sizeof(*t));
	return t != NULL;
}

static struct table *get(void)
{
	return atomic_load_explicit(&table, memory_order_acquire);
}

/* ---- sizes ---- */

static _Atomic uint64_t *size_at(struct table *t, const void *p)
{
	return &t->sizes[((uintptr_t)p >> 4) % SIZES];
}

static uint64_t tag_of(const void *p)
{
	return (uint64_t)((uintptr_t)p >> 4) / SIZES << BLOCKS_BITS;
}

void born_forget(void)
{
	struct table *const t = get();

	for (unsigned i = 0; i < SIZES; i++)
		atomic_store_explicit(&t->sizes[i], 0, memory_order_relaxed);
}

void born_note(const void *p, size_t size)
{
	const uint64_t blocks = bucket_blocks(size);
	struct table *const t = get();

	if (t)
		atomic_store_explicit(size_at(t, p), blocks <= BLOCKS_MOST ? tag_of(p) | blocks : 0, memory_order_relaxed);
}

uint32_t born_blocks(const void *p)
{
	struct table *const t = get();
	const uint64_t entry = t ? atomic_load_explicit(size_at(t, p), memory_order_relaxed) : 0;

	return (entry & ~(uint64_t)BLOCKS_MOST) == tag_of(p) ? (uint32_t)(entry & BLOCKS_MOST) : 0;
}

/* ---- followed blocks ---- */

static uint32_t place(const void *p, unsigned i)
{
	return (uint32_t)((((uintptr_t)p >> 4) * 0x9e3779b97f4a7c15ull >> 40) + i) % BORN_FOLLOWED;
}

/* Changes the place that holds `was` to `is`. 0: no place held `was`; otherwise its number + 1. */
static uint32_t change(struct table *t, const void *p, uintptr_t was, uintptr_t is)
{
	for (unsigned i = 0; i < WINDOW; i++) {
		const uint32_t n = place(p, i);
		uintptr_t expected = was;

		if (atomic_load_explicit(&t->places[n], memory_order_relaxed) == was &&
		    atomic_compare_exchange_strong(&t->places[n], &expected, is))
			return n + 1;
	}
	return 0;
}

void born_drop(const void *p)
{
	struct table *const t = get();

	if (!t)
		return;
	if (born_blocks(p))
		atomic_store_explicit(size_at(t, p), 0, memory_order_relaxed);
	if (atomic_load(&t->followed) && change(t, p, (uintptr_t)p, 0))
		atomic_fetch_sub(&t->followed, 1);
}

bool born_follow(const void *p, const struct born *b)
{
	struct table *const t = get();
	const uint32_t n = t ? change(t, p, 0, TAKEN) : 0;

	if (!n)
		return false;
	t->born[n - 1] = *b;
	atomic_fetch_add(&t->followed, 1);
	atomic_store(&t->places[n - 1], (uintptr_t)p);
	return true;
}

uint32_t born_take(const void *p)
{
	struct table *const t = get();

	return t && atomic_load(&t->followed) ? change(t, p, (uintptr_t)p, TAKEN) : 0;
}

void born_kept(uint32_t taken, const void *p)
{
	atomic_store(&get()->places[taken - 1], (uintptr_t)p);
}

void born_moved(uint32_t taken, const void *p, size_t size)
{
	struct table *const t = get();
	struct born b = t->born[taken - 1];

	b.size = size;
	atomic_store(&t->places[taken - 1], 0);
	atomic_fetch_sub(&t->followed, 1);
	(void)born_follow(p, &b);
}

size_t born_left(const void *owner, uint32_t serial, void (*tell)(const void *p, const struct born *b, void *data), void *data)
{
	struct table *const t = get();
	size_t count = 0;

	for (unsigned i = 0; t && i < BORN_FOLLOWED; i++) {
		const uintptr_t p = atomic_load(&t->places[i]);

		if (p <= TAKEN || t->born[i].owner != owner || t->born[i].serial < serial)
			continue;
		count++;
		if (tell)
			tell((const void *)p, &t->born[i], data);
	}
	return count;
}
