/* look_chunks - see look_chunks.h. */
#include "look_chunks.h"
#include "proc.h"

#include "format/array.h"

#include <stdlib.h>

#define IN_USE 1u /* in the header of the next chunk */
#define IS_MMAPPED 2u
#define SIZE_MASK (~7ull)
#define GRANULE 16u
#define CHUNK_MIN 32u
#define LARGE_FROM 1024u
#define STATE_BYTES 0x898u /* of struct malloc_state, in which an arena's bins lie, since glibc 2.26 */
#define WINDOW_SIZE_AT 0x10u /* how much of a window is used */
#define MMAPPED_HEADER 16u

uint64_t look_chunks_peek(const struct look_chunks *c, uint64_t address)
{
	return proc_word(c->scene->copy, address);
}

struct trk_memory_chunk *look_chunks_at(struct look_chunks *c, uint64_t start)
{
	uint32_t low = 0, high = c->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (c->list[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < c->count && c->list[low].start == start ? &c->list[low] : NULL;
}

static void add(struct look_chunks *c, uint64_t start, uint64_t end, enum memory_chunk kind)
{
	if (start >= end)
		return;
	if (!ARRAY_ROOM(c->list, c->room, c->count + 1, 1024))
		c->no_memory = true;
	else
		c->list[c->count++] = (struct trk_memory_chunk){ start, end - start, (uint32_t)kind };
}

static void add_extra(struct look_chunks *c, const struct trk_memory_extra *e)
{
	if (!ARRAY_ROOM(c->extras, c->extra_room, c->extra_count + 1, 256))
		c->no_memory = true;
	else
		c->extras[c->extra_count++] = *e;
}

static const struct look_block *block_of(const struct look_chunks *c)
{
	return c->block < c->scene->table->count ? &c->scene->table->blocks[c->block] : NULL;
}

/* ---- a block ---- */

/* Of a block whose chunk has so many bytes, `header` of them before it; 0: what its header says cannot be. */
static void tell_block(struct look_chunks *c, uint64_t chunk_bytes, uint64_t header)
{
	const struct look_block *const b = block_of(c);
	const uint64_t size = look_size(b), behind = header == MMAPPED_HEADER ? 0 : 8;
	const struct trk_memory_extra usual = memory_usual(size);
	struct trk_memory_extra e = { .block = c->block };

	if (chunk_bytes + behind >= MMAPPED_HEADER + size) {
		e.header = header;
		e.slack = chunk_bytes + behind - MMAPPED_HEADER - size;
	}
	if (e.header != usual.header || e.slack != usual.slack)
		add_extra(c, &e);
	c->block++;
}

/* A mapping for one block. */
static void walk_mapped(struct look_chunks *c, const struct trk_memory_area *a)
{
	while (block_of(c) && look_address(block_of(c)) < a->end) {
		const uint64_t word = look_read_word(c->read, look_address(block_of(c)) - 8), bytes = word & SIZE_MASK;

		tell_block(c, word & IS_MMAPPED && bytes <= a->end - a->start ? bytes : 0, MMAPPED_HEADER);
	}
}

/* ---- a heap ---- */

static void remember_arena(struct look_chunks *c, uint64_t arena)
{
	for (uint32_t i = 0; i < c->arena_count; i++)
		if (c->arenas[i] == arena)
			return;
	if (!ARRAY_ROOM(c->arenas, c->arena_room, c->arena_count + 1, 16))
		c->no_memory = true;
	else
		c->arenas[c->arena_count++] = arena;
}

/* A window begins with the address of its arena, which in the first window lies behind that. */
static void begin_window(struct look_chunks *c, const struct trk_memory_area *a)
{
	const uint64_t arena = look_chunks_peek(c, a->start), used = look_chunks_peek(c, a->start + WINDOW_SIZE_AT);
	const uint64_t info = arena & (LOOK_ARENA_BYTES - 1);

	if (a->start & (LOOK_ARENA_BYTES - 1) || !arena || info > 0x100)
		return;
	if (used > info && used < c->end - a->start)
		c->end = a->start + used;
	c->at = a->start + info;
	if (arena - info == a->start)
		c->at = (c->at + STATE_BYTES + GRANULE - 1) & ~(uint64_t)(GRANULE - 1);
	add(c, a->start, c->at, MEMORY_OWN);
	remember_arena(c, arena);
}

static void begin_area(struct look_chunks *c, const struct trk_memory_area *a)
{
	c->at = a->start;
	c->end = a->end;
	c->block = look_table_from(c->scene->table, a->start);
	if (a->kind == MEMORY_ARENA)
		begin_window(c, a);
}

/* What a chunk is that holds no block. */
static enum memory_chunk kind_of(struct look_chunks *c, uint64_t bytes)
{
	if (bytes < CHUNK_MIN)
		return MEMORY_OWN;
	if (c->at + bytes == c->end)
		return MEMORY_TOP;
	if (look_read_word(c->read, c->at + bytes + 8) & IN_USE)
		return MEMORY_IN_USE;
	return bytes < LARGE_FROM ? MEMORY_SMALL : MEMORY_LARGE;
}

/* Where the chunk of that block begins, if it is in the area; otherwise its end. */
static uint64_t chunk_of(const struct look_chunks *c, uint32_t block)
{
	const struct look_table *const t = c->scene->table;
	const uint64_t at = block < t->count ? look_address(&t->blocks[block]) - GRANULE : c->end;

	return at < c->end ? at : c->end;
}

/* The chunk at c->at. False: the heap is at its end. */
static bool step(struct look_chunks *c, const struct trk_memory_area *a)
{
	const uint64_t next = chunk_of(c, c->block);
	uint64_t bytes;
	bool fits;

	if (c->at >= c->end || c->end - c->at < GRANULE)
		return false;
	bytes = look_read_word(c->read, c->at + 8) & SIZE_MASK;
	fits = bytes >= GRANULE && bytes % GRANULE == 0 && bytes <= c->end - c->at;
	if (c->at >= next) { /* it holds the block */
		const uint64_t end = look_address(block_of(c)) + look_size(block_of(c));

		fits = fits && c->at == next && c->at + bytes <= chunk_of(c, c->block + 1);
		tell_block(c, fits ? bytes : 0, 8);
		if (fits)
			c->at += bytes;
		else if (end > c->at)
			c->at = (end + GRANULE - 1) & ~(uint64_t)(GRANULE - 1);
	} else if (!fits || c->at + bytes > next) {
		if (!bytes && next == c->end) /* the end of a window behind which the arena goes on in another one */
			add(c, c->at, c->end & ~(uint64_t)(GRANULE - 1), MEMORY_OWN);
		c->at = next;
	} else {
		add(c, c->at, c->at + bytes, kind_of(c, bytes));
		if (a->kind == MEMORY_HEAP && c->at + bytes == c->end)
			c->top = c->at;
		c->at += bytes;
	}
	return true;
}

bool look_chunks_walk(struct look_chunks *c, uint64_t bytes)
{
	const uint64_t stop = c->read->total + bytes;

	while (c->area < c->areas->count && !c->no_memory) {
		const struct trk_memory_area *const a = &c->areas->list[c->area];

		if (!c->end && memory_area_is_heap(a->kind))
			begin_area(c, a);
		if (a->kind == MEMORY_CHUNK)
			walk_mapped(c, a);
		while ((a->kind == MEMORY_HEAP || a->kind == MEMORY_ARENA) && !c->no_memory && step(c, a))
			if (c->read->total > stop)
				return false;
		c->end = 0;
		c->area++;
		if (c->read->total > stop)
			return false;
	}
	return true;
}

void look_chunks_finish(struct look_chunks *c)
{
	free(c->list);
	free(c->extras);
	free(c->arenas);
	*c = (struct look_chunks){ 0 };
}
