/* look_image - see look_image.h. */
#include "look_image.h"
#include "proc.h"

#include "format/array.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE_BYTES 4096u
#define MARKING_NS 10000000000u
#define CALLS 65536u /* between two looks at the clock */

struct look_region {
	uint64_t start, end;
	uint8_t *bytes; /* NULL: not read yet */
};

/* ---- reading ---- */

static bool fill(struct look_image *i, struct look_region *g)
{
	const uint64_t bytes = g->end - g->start;
	uint64_t got;

	g->bytes = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (g->bytes == MAP_FAILED) {
		g->bytes = NULL;
		return false;
	}
	i->bytes += bytes;
	got = proc_read(i->pid, g->start, g->bytes, bytes);
	i->left_out |= got < bytes;
	if (got < bytes) {
		(void)munmap(g->bytes + (got + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES, bytes - (got + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
		g->end = g->start + got;
	}
	return true;
}

static bool is_constant(const struct look_map *m)
{
	return m->kind == LOOK_MAP_FILE && !m->writable;
}

/* Memory in which blocks, roots or virtual tables may lie. */
static bool is_wanted(const struct look_scene *s, const struct look_map *m)
{
	if (!m->readable || m->kind == LOOK_MAP_KERNEL || (s->own_start && m->start - s->own_start < SHM_OWN_SPAN))
		return false;
	return !m->shared || (m->writable && m->inode != s->segment_inode && !look_map_is_device(s->maps, m));
}

static bool refuse(char reason[LOOK_REASON], const char *why)
{
	snprintf(reason, LOOK_REASON, "%s", why);
	return false;
}

static bool is_any_read(const struct look_image *i)
{
	for (uint32_t k = 0; k < i->count; k++)
		if (i->list[k].bytes && i->list[k].end > i->list[k].start)
			return true;
	return false;
}

bool look_image_read(struct look_image *i, uint32_t pid, const struct look_scene *s, char reason[LOOK_REASON])
{
	uint64_t bytes = 0;

	i->pid = pid;
	for (uint32_t k = 0; k < s->maps->count; k++) {
		const struct look_map *const m = &s->maps->list[k];

		if (!is_wanted(s, m))
			continue;
		if (!ARRAY_ROOM(i->list, i->room, i->count + 1, 64))
			return refuse(reason, "the recorder has no memory for it");
		i->list[i->count++] = (struct look_region){ m->start, m->end, NULL };
		bytes += is_constant(m) ? 0 : m->end - m->start;
	}
	if (bytes > LOOK_IMAGE_BYTES) {
		snprintf(reason, LOOK_REASON, "it cannot be forked, and its %llu MiB are more than the 256 that the recorder reads instead", (unsigned long long)(bytes >> 20));
		return false;
	}
	for (uint32_t k = 0; k < i->count; k++) {
		const struct look_map *const m = look_maps_at(s->maps, i->list[k].start);

		if (!is_constant(m) && !fill(i, &i->list[k]))
			return refuse(reason, "the recorder has no memory for it");
	}
	if (!is_any_read(i))
		return refuse(reason, "the kernel does not let the recorder read its memory");
	return true;
}

void look_image_finish(struct look_image *i)
{
	for (uint32_t k = 0; k < i->count; k++)
		if (i->list[k].bytes)
			(void)munmap(i->list[k].bytes, (i->list[k].end - i->list[k].start + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
	free(i->list);
	*i = (struct look_image){ 0 };
}

/* ---- marking ---- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool is_late(struct look_image *i)
{
	if (++i->calls % CALLS == 0 && i->until_ns && now_ns() > i->until_ns)
		i->wrong = "it took more than 10 s";
	return i->wrong != NULL;
}

/* Of blocks that a program tells of, no more can be true. */
static bool are_too_large(const struct look_marking *m)
{
	uint64_t bytes = 0;

	for (uint32_t k = 0; k < m->block_count && bytes <= LOOK_IMAGE_BYTES; k++)
		bytes += look_size(&m->blocks[k]);
	return bytes > LOOK_IMAGE_BYTES;
}

/* Marking asks for what it reads: it is never much at once. */
static const uint8_t *memory_at(const void *context, uint64_t address, uint64_t bytes)
{
	struct look_image *const i = (struct look_image *)(uintptr_t)context;
	uint32_t low = 0, high = i->count;
	struct look_region *g;

	if (i->progress)
		atomic_fetch_add_explicit(i->progress, 1, memory_order_relaxed);
	if (i->wrong || is_late(i))
		return NULL;
	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (i->list[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	g = &i->list[low];
	if (low == i->count || address < g->start || address + bytes > g->end || address + bytes < address)
		return NULL;
	if (!g->bytes && (i->bytes + (g->end - g->start) > 2 * LOOK_IMAGE_BYTES || !fill(i, g)))
		return NULL;
	if (address + bytes > g->end) /* it is shorter than it seemed */
		return NULL;
	return g->bytes + (address - g->start);
}

uint64_t look_image_word(struct look_image *i, uint64_t address)
{
	const uint8_t *const at = memory_at(i, address, sizeof(uint64_t));
	uint64_t word = 0;

	if (at)
		memcpy(&word, at, sizeof(word));
	return word;
}

static struct look_root *make_roots(struct look_image *i, struct look_marking *m, const struct look_roots *r)
{
	struct look_root *const roots = calloc((size_t)r->count + 1, sizeof(*roots));
	const uint64_t *words = r->words;
	uint64_t first = 0;

	for (uint32_t k = 0; roots && k < r->count; k++) {
		const struct look_place *const p = &r->list[k];
		const uint64_t bytes = p->end - p->start;
		const uint8_t *const at = p->kind == LOOK_ROOT_REGISTER ? (const uint8_t *)words : memory_at(i, p->start, bytes);

		if (p->kind == LOOK_ROOT_REGISTER)
			words += bytes / 8;
		roots[k] = (struct look_root){ at, at ? bytes / 8 : 0, first };
		i->left_out |= !at;
		if (p->libc && !m->libc_end)
			m->libc_first = first;
		first += bytes / 8;
		if (p->libc)
			m->libc_end = first;
	}
	return roots;
}

bool look_image_mark(struct look_image *i, struct look_marking *m, const struct look_roots *r, struct look_named *n, struct look_references *x)
{
	struct look_root *roots;
	bool fine;

	if (are_too_large(m)) {
		i->wrong = "its blocks are larger than its memory";
		return false;
	}
	i->until_ns = now_ns() + MARKING_NS;
	roots = make_roots(i, m, r);

	m->memory = memory_at;
	m->context = i;
	m->roots = roots;
	m->root_count = r->count;
	m->files = r->files;
	m->file_count = r->file_count;
	m->top = calloc((size_t)m->top_count + 1, sizeof(*m->top));
	m->tables = calloc((size_t)m->table_count * 1024 + 1, sizeof(*m->tables));
	m->cells = calloc((size_t)m->group_count * look_group_cells(m) + 1, sizeof(*m->cells));
	m->stack = calloc((size_t)m->block_count + 1, sizeof(*m->stack));
	m->types = calloc(LOOK_TYPES, sizeof(*m->types));
	m->others = calloc(LOOK_OTHERS, sizeof(*m->others));
	m->counts = m->target_room ? calloc((size_t)m->block_count + 1, sizeof(*m->counts)) : NULL;
	m->targets = m->counts ? calloc(m->target_room, sizeof(*m->targets)) : NULL;
	fine = (!m->target_room || m->targets) && roots && m->top && m->tables && m->cells && m->stack && m->types && m->others;
	if (fine) {
		look_mark(m);
		look_types(m);
		look_named_read(n, (uint32_t)getpid(), i->pid, m);
		if (m->target_room)
			look_references_read(x, (uint32_t)getpid(), i->pid, m);
	}
	fine = fine && !i->wrong;
	free(roots);
	free(m->top);
	free(m->tables);
	free(m->cells);
	free(m->stack);
	free(m->types);
	free(m->others);
	free(m->counts);
	free(m->targets);
	return fine;
}
