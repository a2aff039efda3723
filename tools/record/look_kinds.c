/* look_kinds - see look_kinds.h. */
#include "look_kinds.h"
#include "look_image.h"
#include "proc.h"

#include <string.h>
#include <sys/uio.h>

#define PAGE_BYTES 4096u
#define GUARD_BYTES (1u << 20)
#define CHUNK_IS_MMAPPED 2u
#define CHUNK_OF_OTHER_ARENA 4u
#define BATCH 256u
/* What stands before an arena in its first window: what glibc calls heap_info, before and since 2.35. */
#define HEAP_INFO_OLD 0x20u
#define HEAP_INFO 0x30u

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- memory of allocators ---- */

struct owning {
	const struct look_scene *s;
	const struct look_map *m;
	look_tell_owned *tell;
	void *data;
	uint64_t told; /* up to here */
};

static uint64_t read_word(const struct look_scene *s, uint64_t address)
{
	return s->image ? look_image_word(s->image, address) : proc_word(s->copy, address);
}

/* The word before a block says of what kind its chunk is. 0 where it cannot be read. */
static void read_headers(const struct look_scene *s, const struct look_block *blocks, uint32_t count, uint64_t headers[BATCH])
{
	struct iovec to[BATCH], from[BATCH];

	memset(headers, 0, count * sizeof(*headers));
	for (uint32_t i = 0; i < count; i++) {
		to[i] = (struct iovec){ &headers[i], sizeof(*headers) };
		from[i] = (struct iovec){ (void *)(uintptr_t)(look_address(&blocks[i]) - 8), sizeof(*headers) };
		if (s->image)
			headers[i] = look_image_word(s->image, look_address(&blocks[i]) - 8);
	}
	if (!s->image)
		(void)process_vm_readv((pid_t)s->copy, to, count, from, count, 0);
}

/* Whether a window of an arena begins there: it begins with the arena's address, and so does the first one of that arena. */
static bool is_window(const struct look_scene *s, uint64_t window)
{
	const uint64_t arena = read_word(s, window), inside = arena & (LOOK_ARENA_BYTES - 1);

	if (inside != HEAP_INFO && inside != HEAP_INFO_OLD)
		return false;
	return arena - inside == window || read_word(s, arena - inside) == arena;
}

/* Windows in which no block lives, up to `end`. */
static void tell_empty_windows(struct owning *o, uint64_t end)
{
	uint64_t window = (o->told + LOOK_ARENA_BYTES - 1) & ~(LOOK_ARENA_BYTES - 1);

	for (; window >= o->told && window < end && o->m->writable; window += LOOK_ARENA_BYTES)
		if (is_window(o->s, window))
			o->tell(o->data, window, least(window + LOOK_ARENA_BYTES, end), MEMORY_ARENA);
}

static void tell(struct owning *o, uint64_t start, uint64_t end, enum memory_area_kind kind)
{
	tell_empty_windows(o, start);
	o->tell(o->data, start, end, kind);
	o->told = most(o->told, end);
}

/* Of a block's chunk. Returns the address behind which blocks are to be looked at again. */
static uint64_t tell_chunk(struct owning *o, uint64_t address, uint64_t header)
{
	const uint64_t window = address & ~(LOOK_ARENA_BYTES - 1), chunk = address - 16;
	const struct look_map *const m = o->m;

	if (header & CHUNK_OF_OTHER_ARENA) {
		tell(o, most(window, m->start), least(window + LOOK_ARENA_BYTES, m->end), MEMORY_ARENA);
		return window + LOOK_ARENA_BYTES;
	}
	if (header & CHUNK_IS_MMAPPED) {
		const uint64_t end = chunk + (header & ~7ull);

		tell(o, most(chunk & ~(uint64_t)(PAGE_BYTES - 1), m->start), least(most(end, address), m->end), MEMORY_CHUNK);
		return address + 1;
	}
	tell(o, m->start, m->end, MEMORY_HEAP); /* the first arena, where its heap could not grow */
	return m->end;
}

static void tell_chunks(struct owning *o, uint32_t first, uint32_t end)
{
	const struct look_table *const t = o->s->table;
	uint64_t headers[BATCH], behind = 0;

	while (first < end) {
		const uint32_t n = end - first < BATCH ? end - first : BATCH;
		uint32_t i = 0;

		read_headers(o->s, &t->blocks[first], n, headers);
		for (; i < n; i++) {
			const uint64_t address = look_address(&t->blocks[first + i]);

			if (address >= behind)
				behind = tell_chunk(o, address, headers[i]);
			else if (behind > look_address(&t->blocks[first + n - 1]))
				break;
		}
		if (i == n) {
			first += n;
			continue;
		}
		const uint32_t next = look_table_from(t, behind);

		first = next > first ? next : first + 1; /* a program can tell of blocks that are in no order */
	}
}

void look_owned(const struct look_scene *s, const struct look_map *m, look_tell_owned *tell_it, void *data)
{
	struct owning o = { .s = s, .m = m, .tell = tell_it, .data = data, .told = m->start };
	const uint32_t first = look_table_from(s->table, m->start), end = look_table_from(s->table, m->end);

	if (s->foreign_allocator) {
		if (first != end)
			tell_it(data, m->start, m->end, MEMORY_ALLOCATOR);
		return;
	}
	tell_chunks(&o, first, end);
	tell_empty_windows(&o, m->end);
}

/* ---- stacks and variables ---- */

const struct look_thread *look_stack_of(const struct look_stop *s, const struct look_map *m)
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

const struct look_thread *look_variables_of(const struct look_stop *s, const struct look_map *m)
{
	for (uint32_t i = 0; i < s->count; i++) {
		const uint64_t at = s->threads[i].known ? look_thread_pointer(&s->threads[i].registers) : 0;

		if (at >= m->start && at < m->end)
			return &s->threads[i];
	}
	return NULL;
}

bool look_has_guard(const struct look_maps *maps, const struct look_map *m)
{
	const struct look_map *const before = m > maps->list ? m - 1 : NULL;

	return before && before->end == m->start && !before->readable && !before->writable && before->kind == LOOK_MAP_ANONYMOUS &&
	       before->end - before->start <= GUARD_BYTES;
}

bool look_has_blocks(const struct look_table *t, const struct look_map *m)
{
	return look_table_from(t, m->start) != look_table_from(t, m->end);
}

const struct look_map *look_file_before(const struct look_maps *maps, const struct look_map *m)
{
	const struct look_map *const before = m > maps->list ? m - 1 : NULL;

	return before && before->end == m->start && before->kind == LOOK_MAP_FILE && !before->shared ? before : NULL;
}

bool look_is_libc(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;

	return !strncmp(name, "libc.so", 7) || !strncmp(name, "libc-2", 6);
}
