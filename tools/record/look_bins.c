/*
 * look_bins - which chunks lie in the C library's caches (per thread: tcache; fastbins), and which are in no bin yet; see look_chunks.h.
 *
 * Headers do not tell this, so the allocator's lists are followed. Each step is checked: an entry must be a chunk that was found. Lists
 * of other versions than these (glibc 2.26 to 2.41) do not pass, and their chunks stay "in use".
 */
#include "look_chunks.h"
#include "proc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define GRANULE 16u
/* struct malloc_state */
#define FASTBINS_AT 0x10u
#define FASTBINS 10u
#define TOP_AT 0x60u /* what the list of chunks in no bin names as its end */
#define UNSORTED_AT 0x70u
/* struct tcache_perthread_struct, in a chunk of its own: counts of 2 bytes (since 2.30), or 1, then the heads */
#define LISTS 64u
#define CACHE_CHUNK 0x290u
#define CACHE_CHUNK_OLD 0x250u
#define LIST_MOST 65536u /* no thread's cache is as long: the count has 16 bits */
#define LIBC_MOST (8u << 20)

static bool is_free(const struct trk_memory_chunk *chunk)
{
	return chunk && chunk->kind == MEMORY_IN_USE;
}

/*
 * The chunk that an entry names whose next pointer stands at `at`. Since 2.32 such pointers are mixed with their own places; both ways
 * are tried, as only one gives a chunk. `inside`: so many bytes before the place that the pointer names, the chunk begins. 0: none.
 */
static uint64_t follow(struct look_chunks *c, uint64_t at, uint64_t word, unsigned inside)
{
	const uint64_t mixed = (word ^ at >> 12) - inside, plain = word - inside;

	if (is_free(look_chunks_at(c, mixed)))
		return mixed;
	return is_free(look_chunks_at(c, plain)) ? plain : 0;
}

/* A list of chunks, whose next pointers stand behind their headers. */
static void take_list(struct look_chunks *c, uint64_t first, unsigned inside, enum memory_chunk kind, uint32_t most)
{
	uint64_t at = first;

	for (uint32_t i = 0; i < most && at; i++) {
		struct trk_memory_chunk *const chunk = look_chunks_at(c, at);

		if (!is_free(chunk))
			return;
		chunk->kind = (uint32_t)kind;
		at = follow(c, at + GRANULE, look_chunks_peek(c, at + GRANULE), inside);
	}
}

/* If a thread's cache stands in the chunk, what is in it. */
static void take_cache(struct look_chunks *c, struct trk_memory_chunk *chunk)
{
	const unsigned width = chunk->bytes == CACHE_CHUNK ? 2 : 1;
	const uint64_t counts = chunk->start + GRANULE, heads = counts + (uint64_t)width * LISTS;
	uint32_t lists = 0;

	for (unsigned i = 0; i < LISTS; i++) {
		const uint64_t head = look_chunks_peek(c, heads + 8ull * i), word = look_chunks_peek(c, (counts + (uint64_t)width * i) & ~7ull);
		const uint32_t count = (uint32_t)(word >> 8 * ((counts + (uint64_t)width * i) & 7)) & (width == 2 ? 0xffff : 0xff);
		const struct trk_memory_chunk *const first = head ? look_chunks_at(c, head - GRANULE) : NULL;
		const bool right = first && first->bytes == (i + 2ull) * GRANULE && count;

		lists += right;
		if (head && !right) /* it is another block */
			return;
		if (right)
			take_list(c, head - GRANULE, GRANULE, MEMORY_TCACHE, count);
	}
	if (lists || !look_chunks_peek(c, counts))
		chunk->kind = MEMORY_OWN;
}

static void take_arena(struct look_chunks *c, uint64_t arena)
{
	const uint64_t end = arena + TOP_AT;
	uint64_t at = look_chunks_peek(c, arena + UNSORTED_AT);

	for (unsigned i = 0; i < FASTBINS; i++)
		take_list(c, look_chunks_peek(c, arena + FASTBINS_AT + 8ull * i), 0, MEMORY_FASTBIN, UINT32_MAX);
	for (uint32_t i = 0; i < c->count && at && at != end; i++) {
		struct trk_memory_chunk *const chunk = look_chunks_at(c, at);

		if (!chunk || (chunk->kind != MEMORY_SMALL && chunk->kind != MEMORY_LARGE))
			return;
		chunk->kind = MEMORY_UNSORTED;
		at = look_chunks_peek(c, at + GRANULE);
	}
}

/* The first arena is a variable of the C library: there the address of the first heap's last chunk stands, before the bins. */
static uint64_t arena_in(const struct look_chunks *c, const uint64_t *words, size_t count, uint64_t start)
{
	for (size_t i = TOP_AT / 8; i + 4 < count; i++) {
		const uint64_t self = start + 8 * i;

		if (words[i] != c->top)
			continue;
		if ((words[i + 2] == self) == (words[i + 3] == self)) /* both ends of the list, or none */
			return self - TOP_AT;
	}
	return 0;
}

static uint64_t first_arena(const struct look_chunks *c)
{
	const struct look_maps *const maps = c->scene->maps;
	uint64_t arena = 0;

	for (uint32_t i = 0; i < maps->count && !arena && c->top; i++) {
		const struct look_map *const m = &maps->list[i], *const file = look_file_before(maps, m);
		const bool libc = (m->kind == LOOK_MAP_FILE && look_is_libc(look_map_path(maps, m))) || (file && look_is_libc(look_map_path(maps, file)));
		const size_t bytes = m->end - m->start;
		uint64_t *words;

		if (!libc || !m->writable || bytes > LIBC_MOST)
			continue;
		words = malloc(bytes);
		if (words && proc_read(c->scene->copy, m->start, words, bytes) == bytes)
			arena = arena_in(c, words, bytes / 8, m->start);
		free(words);
	}
	return arena;
}

void look_chunks_find_bins(struct look_chunks *c)
{
	const uint64_t first = first_arena(c);

	for (uint32_t i = 0; i < c->count; i++)
		if (c->list[i].kind == MEMORY_IN_USE && (c->list[i].bytes == CACHE_CHUNK || c->list[i].bytes == CACHE_CHUNK_OLD))
			take_cache(c, &c->list[i]);
	if (first)
		take_arena(c, first);
	for (uint32_t i = 0; i < c->arena_count; i++)
		take_arena(c, c->arenas[i]);
}
