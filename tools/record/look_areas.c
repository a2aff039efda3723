/* look_areas - see look_areas.h. */
#include "look_areas.h"

#include "format/array.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct span {
	uint64_t start, end;
	enum memory_area_kind kind;
};

struct finding {
	struct look_areas *a;
	const struct look_areas_of *of;
	uint64_t library_inode; /* of libtracker's file */
	struct span *owned; /* of one mapping */
	uint32_t owned_count, owned_room;
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void add(struct finding *f, const struct trk_memory_area *area)
{
	struct look_areas *const a = f->a;

	if (area->start >= area->end)
		return;
	if (!ARRAY_ROOM(a->list, a->room, a->count + 1, 64))
		a->no_memory = true;
	else
		a->list[a->count++] = *area;
}

/* ---- mappings as a whole ---- */

/* What the kernel counts of it. Pages of files are not in the copy, unless the program has changed one of them. */
static void add_mapping(struct finding *f, const struct look_map *m, enum memory_area_kind kind)
{
	const struct look_smap *const own = look_smaps_at(f->of->original, m->start);
	const struct look_smap *const s = own && own->end == m->end ? own : look_smaps_at(f->of->copy, m->start);
	const char *const name = look_map_path(f->of->scene->maps, m);
	struct trk_memory_area area = { .start = m->start, .end = m->end, .kind = (uint32_t)kind };

	if (kind == MEMORY_FILE || kind == MEMORY_SHARED) {
		area.name = name;
		area.name_bytes = strlen(name);
	}
	if (s) {
		area.resident = s->resident;
		area.swapped = s->swapped;
		area.huge = s->huge;
	}
	add(f, &area);
}

/* ---- private memory without a file ---- */

static void add_part(struct finding *f, const struct trk_memory_area *like, uint64_t start, uint64_t end, enum memory_area_kind kind)
{
	const struct look_pages *const p = &f->a->pages;
	struct trk_memory_area area = *like;

	area.start = start;
	area.end = end;
	area.kind = (uint32_t)kind;
	area.resident = look_pages_bytes(p, start, end, MEMORY_RESIDENT, false);
	area.swapped = look_pages_bytes(p, start, end, MEMORY_SWAPPED, false);
	area.huge = look_pages_bytes(p, start, end, MEMORY_RESIDENT, true);
	add(f, &area);
}

/* What no allocator owns: of it, what the program has mapped itself, and the rest. */
static void add_rest(struct finding *f, const struct trk_memory_area *like, uint64_t start, uint64_t end)
{
	const struct look_table *const t = f->of->scene->table;
	uint32_t low = 0, high = t->mapping_count; /* the first that ends behind the start */

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (t->mappings[middle].end <= start)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low; i < t->mapping_count && start < end && t->mappings[i].start < end; i++) {
		const uint64_t from = most(t->mappings[i].start, start), to = least(t->mappings[i].end, end);

		if (from >= to)
			continue;
		add_part(f, like, start, from, like->kind);
		add_part(f, like, from, to, MEMORY_MAPPED);
		start = to;
	}
	add_part(f, like, start, end, like->kind);
}

static void take_owned(void *data, uint64_t start, uint64_t end, enum memory_area_kind kind)
{
	struct finding *const f = data;
	const struct span *const last = f->owned_count ? &f->owned[f->owned_count - 1] : NULL;

	if (last && start < last->end)
		start = last->end;
	if (start >= end)
		return;
	if (!ARRAY_ROOM(f->owned, f->owned_room, f->owned_count + 1, 64))
		f->a->no_memory = true;
	else
		f->owned[f->owned_count++] = (struct span){ start, end, kind };
}

/* What the parts of it are that nobody owns. */
static struct trk_memory_area like_rest(const struct finding *f, const struct look_map *m)
{
	const struct look_scene *const s = f->of->scene;
	const struct look_thread *const on = look_stack_of(s->stop, m), *const of = on ? on : look_variables_of(s->stop, m);
	const struct look_map *const file = look_file_before(s->maps, m);
	const bool guarded = look_has_guard(s->maps, m);
	struct trk_memory_area like = { .kind = MEMORY_UNKNOWN };

	if (m->kind == LOOK_MAP_STACK || (of && guarded)) {
		like.kind = MEMORY_STACK;
		like.tid = of ? of->tid : s->stop->pid;
	} else if (file) {
		like.kind = f->library_inode && file->inode == f->library_inode ? MEMORY_TRACKER : MEMORY_FILE;
		like.name = look_map_path(s->maps, file);
		like.name_bytes = strlen(like.name);
	} else if (of) {
		like.kind = MEMORY_STACK;
		like.tid = of->tid;
	} else if (guarded) {
		like.kind = MEMORY_OLD_STACK;
	}
	return like;
}

static bool read_pages(struct finding *f, const struct look_map *m)
{
	const struct look_smap *const s = look_smaps_at(f->of->copy, m->start);

	if (s && !s->resident && !s->swapped) /* untouched, or huge pages of a pool of their own, which no process is charged for */
		return true;
	return look_pages_read(&f->a->pages, f->of->pagemap, m->start, m->end, false);
}

static bool add_anonymous(struct finding *f, const struct look_map *m)
{
	const struct look_scene *const s = f->of->scene;
	struct trk_memory_area like;
	uint64_t at = m->start;

	if (!read_pages(f, m))
		return false;
	f->owned_count = 0;
	if (m->kind == LOOK_MAP_HEAP)
		take_owned(f, m->start, m->end, s->foreign_allocator && look_has_blocks(s->table, m) ? MEMORY_ALLOCATOR : MEMORY_HEAP);
	else if (m->readable)
		look_owned(s, m, take_owned, f);
	like = like_rest(f, m);
	for (uint32_t i = 0; i < f->owned_count; i++) {
		add_rest(f, &like, at, f->owned[i].start);
		add_part(f, &(struct trk_memory_area){ 0 }, f->owned[i].start, f->owned[i].end, f->owned[i].kind);
		at = f->owned[i].end;
	}
	add_rest(f, &like, at, m->end);
	return true;
}

/* ---- all of it ---- */

static bool is_tracker(const struct finding *f, const struct look_map *m)
{
	const struct look_scene *const s = f->of->scene;

	return (s->own_start && m->start - s->own_start < SHM_OWN_SPAN) || (m->inode && m->inode == s->segment_inode && m->shared) ||
	       (m->inode && m->inode == f->library_inode && !m->shared);
}

static bool add_map(struct finding *f, const struct look_map *m)
{
	if (is_tracker(f, m))
		add_mapping(f, m, MEMORY_TRACKER);
	else if (m->kind == LOOK_MAP_KERNEL)
		add_mapping(f, m, MEMORY_KERNEL);
	else if (m->shared)
		add_mapping(f, m, MEMORY_SHARED);
	else if (m->kind == LOOK_MAP_FILE)
		add_mapping(f, m, MEMORY_FILE);
	else
		return add_anonymous(f, m);
	return true;
}

/* Mappings that the program has kept out of its copies (MADV_DONTFORK). */
static void add_uncopied(struct finding *f)
{
	const struct look_smaps *const s = f->of->original;

	for (uint32_t i = 0; i < s->count; i++) {
		const struct look_smap *const m = &s->list[i];

		if (m->resident + m->swapped && !look_maps_at(f->of->scene->maps, m->start))
			add(f, &(struct trk_memory_area){ m->start, m->end, m->resident, m->swapped, m->huge, MEMORY_UNKNOWN, 0, NULL, 0 });
	}
}

static int by_address(const void *left, const void *right)
{
	const struct trk_memory_area *const a = left, *const b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

bool look_areas_find(struct look_areas *a, const struct look_areas_of *of)
{
	const struct look_maps *const maps = of->scene->maps;
	const struct look_map *const library = look_maps_at(maps, of->library);
	struct finding f = { .a = a, .of = of, .library_inode = library ? library->inode : 0 };
	bool fine = true;

	*a = (struct look_areas){ .pages.page_bytes = (uint64_t)sysconf(_SC_PAGESIZE) };
	for (uint32_t i = 0; i < maps->count && fine; i++)
		fine = add_map(&f, &maps->list[i]);
	add_uncopied(&f);
	free(f.owned);
	if (a->count)
		qsort(a->list, a->count, sizeof(*a->list), by_address);
	return fine && !a->no_memory && !a->pages.no_memory;
}

void look_areas_finish(struct look_areas *a)
{
	free(a->list);
	look_pages_finish(&a->pages);
	*a = (struct look_areas){ 0 };
}
