/* registered - see registered.h. */
#include "registered.h"

#include "chunk.h"
#include "frame_entries.h"
#include "frame_file.h"
#include "raw.h"
#include "symbol.h"

#define FILES 32u /* so many in the life of a process */
#define FILE_BYTES_MAX ((uint64_t)16 << 20)
#define WAIT_SPINS 1000000

/* Of GDB's interface, "JIT Compilation Interface" in its manual. */
struct descriptor {
	uint32_t version, action;
	uintptr_t relevant, first;
};

struct entry {
	uintptr_t next, previous, file;
	uint64_t bytes;
};

static struct frame_section *sections; /* mapped with the first of them */
static _Atomic uint32_t section_count;
static _Atomic uintptr_t known; /* the entry with which the list began when it was read; 1: it is being read */
static _Atomic(const struct descriptor *) descriptor;
static _Atomic bool sought;
static _Atomic bool stuck; /* the reader was interrupted or forked: nothing waits for it any more */

/* NULL: the program has no such list. */
static const struct descriptor *get_descriptor(void)
{
	if (!atomic_load_explicit(&sought, memory_order_acquire)) {
		atomic_store(&descriptor, symbol_before("__jit_debug_descriptor").address);
		atomic_store(&sought, true);
	}
	return atomic_load_explicit(&descriptor, memory_order_relaxed);
}

static void read_file(const struct entry *e)
{
	const struct frame_file file = { .fd = -1, .memory = e->file, .bytes = e->bytes };
	const uint32_t n = atomic_load(&section_count);

	if (!sections)
		sections = raw_map_private(FILES * sizeof(*sections));
	if (sections && e->file && e->bytes <= FILE_BYTES_MAX && frame_file_read(&file, &sections[n].bytes, &sections[n].size))
		atomic_store_explicit(&section_count, n + 1, memory_order_release);
}

/* New entries stand before the old ones. */
static void read_list(uintptr_t first, uintptr_t last)
{
	struct entry e;

	for (unsigned i = 0; i < FILES && first && first != last && section_count < FILES; i++, first = e.next) {
		if (raw_read_memory(first, &e, sizeof(e)) != (long)sizeof(e))
			return;
		read_file(&e);
	}
}

/* The thread that reads it will be done in a moment. */
static uintptr_t wait_for_reader(void)
{
	uintptr_t k = atomic_load_explicit(&known, memory_order_acquire);

	for (int i = 0; k == 1 && !stuck && i < WAIT_SPINS; i++) {
		arch_pause();
		k = atomic_load_explicit(&known, memory_order_acquire);
	}
	if (k == 1)
		atomic_store(&stuck, true);
	return k;
}

static void read_news(const struct thread *t)
{
	const struct descriptor *const d = get_descriptor();
	uintptr_t k = d ? wait_for_reader() : 1;
	struct descriptor now;

	if (k == 1 || section_count >= FILES || !chunk_could_call(t) ||
	    raw_read_memory((uintptr_t)d, &now, sizeof(now)) != (long)sizeof(now) || now.first == k || now.first <= 1 ||
	    !atomic_compare_exchange_strong(&known, &k, 1))
		return;
	read_list(now.first, k);
	atomic_store_explicit(&known, now.first, memory_order_release);
}

static bool find(uintptr_t pc, struct cfi_fde *ret)
{
	for (uint32_t i = atomic_load_explicit(&section_count, memory_order_acquire); i-- > 0;)
		if (frame_entries_find(&sections[i], 0, pc, ret))
			return true;
	return false;
}

bool registered_at(struct thread *t, uintptr_t pc, struct cfi_fde *ret)
{
	if (find(pc, ret))
		return true;
	if (t)
		read_news(t);
	return t && find(pc, ret);
}
