/* look_roots - see look_roots.h. */
#include "look_roots.h"

#include "format/array.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define RED_ZONE 128u /* functions that call no other use so much below sp */
#define ARENA_BYTES (64ull << 20) /* glibc's other arenas lie in windows of so many bytes, at multiples of it */
#define PAGE_BYTES 4096u
#define GUARD_BYTES (1u << 20)
#define CHUNK_IS_MMAPPED 2u
#define CHUNK_OF_OTHER_ARENA 4u
#define BATCH 256u

struct finding {
	struct look_roots *r;
	const struct look_scene *s;
	struct look_span *holes; /* of one mapping, by address: no root */
	uint32_t hole_count, hole_room;
};

static void add(struct look_roots *r, const struct look_place *like, uint64_t start, uint64_t end)
{
	start = (start + 7) & ~7ull;
	end &= ~7ull;
	if (start >= end)
		return;
	if (!ARRAY_ROOM(r->list, r->room, r->count + 1, 64)) {
		r->no_memory = true;
		return;
	}
	r->list[r->count] = *like;
	r->list[r->count].start = start;
	r->list[r->count++].end = end;
}

static void hole(struct finding *f, uint64_t start, uint64_t end)
{
	struct look_span *const last = f->hole_count ? &f->holes[f->hole_count - 1] : NULL;

	if (start >= end)
		return;
	if (last && start <= last->end) {
		if (end > last->end)
			last->end = end;
		return;
	}
	if (!ARRAY_ROOM(f->holes, f->hole_room, f->hole_count + 1, 64)) {
		f->r->no_memory = true;
		return;
	}
	f->holes[f->hole_count++] = (struct look_span){ start, end };
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* What the program has mapped itself is a root, whatever else was found out about the memory around it. */
static void add_own_mappings(struct finding *f, const struct look_place *like, const struct look_map *m)
{
	const struct look_table *const t = f->s->table;

	for (uint32_t i = 0; i < t->mapping_count; i++) {
		const uint64_t start = most(t->mappings[i].start, m->start), end = least(t->mappings[i].end, m->end);

		for (uint32_t j = 0; start < end && j < f->hole_count; j++)
			add(f->r, like, most(start, f->holes[j].start), least(end, f->holes[j].end));
	}
}

static void add_around_holes(struct finding *f, const struct look_place *like, const struct look_map *m)
{
	uint64_t at = m->start;

	for (uint32_t i = 0; i < f->hole_count; i++) {
		add(f->r, like, at, least(f->holes[i].start, m->end));
		at = most(at, f->holes[i].end);
	}
	add(f->r, like, at, m->end);
	if (f->hole_count)
		add_own_mappings(f, like, m);
}

/* ---- memory of allocators ---- */

/* The word before a block says of what kind its chunk is. 0 where it cannot be read. */
static void read_headers(uint32_t pid, const struct look_block *blocks, uint32_t count, uint64_t headers[BATCH])
{
	struct iovec to[BATCH], from[BATCH];

	memset(headers, 0, count * sizeof(*headers));
	for (uint32_t i = 0; i < count; i++) {
		to[i] = (struct iovec){ &headers[i], sizeof(*headers) };
		from[i] = (struct iovec){ (void *)(uintptr_t)(look_address(&blocks[i]) - 8), sizeof(*headers) };
	}
	(void)process_vm_readv((pid_t)pid, to, count, from, count, 0);
}

/* Of a block's chunk. Returns the address behind which blocks are to be looked at again. */
static uint64_t hole_of_chunk(struct finding *f, const struct look_map *m, uint64_t address, uint64_t header)
{
	const uint64_t window = address & ~(ARENA_BYTES - 1), chunk = address - 16;

	if (header & CHUNK_OF_OTHER_ARENA) {
		hole(f, most(window, m->start), least(window + ARENA_BYTES, m->end));
		return window + ARENA_BYTES;
	}
	if (header & CHUNK_IS_MMAPPED) {
		const uint64_t end = chunk + (header & ~7ull);

		hole(f, most(chunk & ~(uint64_t)(PAGE_BYTES - 1), m->start), least(end, m->end));
		return address + 1;
	}
	hole(f, m->start, m->end); /* the first arena, where its heap could not grow */
	return m->end;
}

static void hole_of_glibc(struct finding *f, const struct look_map *m, uint32_t first, uint32_t end)
{
	const struct look_table *const t = f->s->table;
	uint64_t headers[BATCH], behind = 0;

	while (first < end) {
		const uint32_t n = end - first < BATCH ? end - first : BATCH;
		uint32_t i = 0;

		read_headers(f->s->copy, &t->blocks[first], n, headers);
		for (; i < n; i++) {
			const uint64_t address = look_address(&t->blocks[first + i]);

			if (address >= behind)
				behind = hole_of_chunk(f, m, address, headers[i]);
			else if (behind > look_address(&t->blocks[first + n - 1]))
				break;
		}
		first = i < n ? look_table_from(t, behind) : first + n;
	}
}

static void hole_of_allocator(struct finding *f, const struct look_map *m)
{
	const struct look_table *const t = f->s->table;
	const uint32_t first = look_table_from(t, m->start), end = look_table_from(t, m->end);

	if (first == end)
		return;
	if (f->s->foreign_allocator)
		hole(f, m->start, m->end);
	else
		hole_of_glibc(f, m, first, end);
}

/* ---- stacks ---- */

static const struct look_thread *lowest_on(const struct look_stop *s, const struct look_map *m)
{
	const struct look_thread *found = NULL;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct look_thread *const t = &s->threads[i];
		const uint64_t sp = t->known ? look_sp(&t->registers) : 0;

		if (sp >= m->start && sp < m->end && (!found || sp < look_sp(&found->registers)))
			found = t;
	}
	return found;
}

static const struct look_thread *whose_variables(const struct look_stop *s, const struct look_map *m)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const uint64_t at = s->threads[i].known ? look_thread_pointer(&s->threads[i].registers) : 0;

		if (at >= m->start && at < m->end)
			return &s->threads[i];
	}
	return NULL;
}

/* A few pages that nothing can touch lie directly below: so stacks of threads begin. */
static bool has_guard(const struct look_maps *maps, const struct look_map *m)
{
	const struct look_map *const before = m > maps->list ? m - 1 : NULL;

	return before && before->end == m->start && !before->readable && !before->writable && before->kind == LOOK_MAP_ANONYMOUS &&
	       before->end - before->start <= GUARD_BYTES;
}

static bool has_blocks(const struct finding *f, const struct look_map *m)
{
	return look_table_from(f->s->table, m->start) != look_table_from(f->s->table, m->end);
}

/* ---- mappings ---- */

static bool is_libc(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;

	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-2", 6);
}

static struct look_place like_module(const struct finding *f, const struct look_map *m)
{
	const char *const path = look_map_path(f->s->maps, m);

	return (struct look_place){ .kind = LOOK_ROOT_MODULE, .name = path, .libc = !f->s->foreign_allocator && is_libc(path) };
}

/* The file behind which anonymous memory lies: its variables that begin as zero. NULL: none. */
static const struct look_map *file_before(const struct look_maps *maps, const struct look_map *m)
{
	const struct look_map *const before = m > maps->list ? m - 1 : NULL;

	return before && before->end == m->start && before->kind == LOOK_MAP_FILE && !before->shared ? before : NULL;
}

static void add_file(struct look_roots *r, const struct look_map *m)
{
	if (!ARRAY_ROOM(r->files, r->file_room, r->file_count + 1, 64))
		r->no_memory = true;
	else
		r->files[r->file_count++] = (struct look_file){ m->start, m->end };
}

static void find_anonymous(struct finding *f, const struct look_map *m)
{
	const struct look_thread *const on = lowest_on(f->s->stop, m), *const of = on ? on : whose_variables(f->s->stop, m);
	const struct look_map *const file = file_before(f->s->maps, m);
	struct look_place like = { .kind = of ? LOOK_ROOT_STACK : LOOK_ROOT_MEMORY, .tid = of ? of->tid : 0 };

	if (file && !of)
		like = like_module(f, file);
	if (file)
		add_file(f->r, m); /* programs that are linked to fixed addresses have copies of virtual tables there */
	f->hole_count = 0;
	if (on && (has_guard(f->s->maps, m) || m->kind == LOOK_MAP_STACK))
		hole(f, m->start, most(m->start, look_sp(&on->registers) - RED_ZONE));
	else if (!of && !file && !f->s->running && has_guard(f->s->maps, m) && !has_blocks(f, m))
		hole(f, m->start, m->end); /* the stack of a thread that has ended */
	hole_of_allocator(f, m);
	add_around_holes(f, &like, m);
}

/* What lies between the blocks of a process that was forked may be a block of its parent. */
static void find_inherited(struct finding *f, const struct look_map *m)
{
	const struct look_table *const t = f->s->table;
	const struct look_place like = { .kind = LOOK_ROOT_INHERITED };
	uint64_t at = m->start;

	for (uint32_t i = look_table_from(t, m->start); i < t->count && look_address(&t->blocks[i]) < m->end; i++) {
		add(f->r, &like, at, look_address(&t->blocks[i]));
		at = most(at, look_address(&t->blocks[i]) + look_size(&t->blocks[i]));
	}
	add(f->r, &like, at, m->end);
}

static void find_shared(struct finding *f, const struct look_map *m)
{
	const struct look_place like = { .kind = LOOK_ROOT_SHARED, .name = look_map_path(f->s->maps, m) };

	if (m->writable && !look_map_is_device(f->s->maps, m) && m->inode != f->s->segment_inode)
		add(f->r, &like, m->start, m->end);
}

static void find_in(struct finding *f, const struct look_map *m)
{
	const struct look_scene *const s = f->s;

	if (!m->readable || m->kind == LOOK_MAP_KERNEL || (s->own_start && m->start - s->own_start < SHM_OWN_SPAN))
		return;
	if (m->kind == LOOK_MAP_FILE && !m->shared)
		add_file(f->r, m);
	if (m->shared) {
		find_shared(f, m);
	} else if (m->kind == LOOK_MAP_FILE) {
		const struct look_place like = like_module(f, m);

		if (m->writable)
			add(f->r, &like, m->start, m->end);
	} else if (s->inherits && (m->kind == LOOK_MAP_HEAP || has_blocks(f, m))) {
		find_inherited(f, m);
	} else if (m->kind != LOOK_MAP_HEAP) {
		find_anonymous(f, m);
	}
}

/* ---- registers ---- */

static void add_word(struct look_roots *r, uint64_t word)
{
	if (!ARRAY_ROOM(r->words, r->word_room, r->word_count + 1, 256))
		r->no_memory = true;
	else
		r->words[r->word_count++] = word;
}

/* If it points to where blocks lie. */
static void add_pointer(struct finding *f, uint64_t word, uint64_t low, uint64_t high)
{
	const uint64_t p = word & ~f->s->no_address;

	if (p >= low && p < high)
		add_word(f->r, word);
}

/* A stack that lies in a block (a coroutine's, or one for signals): the block is in use, from sp up. */
static void find_stack_in_block(struct finding *f, const struct look_thread *t, uint64_t low, uint64_t high)
{
	const struct look_table *const table = f->s->table;
	const uint64_t sp = look_sp(&t->registers);
	const uint32_t block = look_table_at(table, sp);
	const struct look_place like = { .kind = LOOK_ROOT_STACK, .tid = t->tid };

	if (sp < low || sp >= high || block == table->count)
		return;
	add_word(f->r, look_address(&table->blocks[block]));
	add(f->r, &like, sp - RED_ZONE, look_address(&table->blocks[block]) + look_size(&table->blocks[block]));
}

static void find_registers(struct finding *f, const struct look_thread *t, uint64_t low, uint64_t high)
{
	const struct look_place like = { .kind = LOOK_ROOT_REGISTER, .tid = t->tid };
	const uint32_t before = f->r->word_count;
	uint64_t general[sizeof(t->registers) / sizeof(uint64_t)];

	memcpy(general, &t->registers, sizeof(general));
	for (uint32_t i = 0; i < sizeof(general) / sizeof(*general); i++)
		add_pointer(f, general[i], low, high);
	for (uint32_t i = 0; i < t->vector_count; i++)
		add_pointer(f, t->vectors[i], low, high);
	find_stack_in_block(f, t, low, high);
	add(f->r, &like, 0, (uint64_t)(f->r->word_count - before) * 8);
}

bool look_roots_find(struct look_roots *r, const struct look_scene *s, uint64_t low, uint64_t high)
{
	struct finding f = { .r = r, .s = s };

	*r = (struct look_roots){ 0 };
	for (uint32_t i = 0; i < s->stop->count; i++)
		if (s->stop->threads[i].known)
			find_registers(&f, &s->stop->threads[i], low, high);
	for (uint32_t i = 0; i < s->maps->count; i++)
		find_in(&f, &s->maps->list[i]);
	for (uint32_t i = 0; i < s->table->moving_count; i++) {
		const struct look_place like = { .kind = LOOK_ROOT_MOVING };

		add(r, &like, s->table->moving[i].start, s->table->moving[i].end);
	}
	free(f.holes);
	return !r->no_memory;
}

void look_roots_finish(struct look_roots *r)
{
	free(r->list);
	free(r->words);
	free(r->files);
	*r = (struct look_roots){ 0 };
}
