/* look_table - see look_table.h. */
#include "look_table.h"

#include "format/array.h"
#include "replay/heap_saved.h"

#include <stdlib.h>
#include <string.h>

struct reading {
	struct look_table *t;
	struct recorder *r;
	uint8_t *modules; /* by id: whether it is the dynamic loader; 0: not known yet, 1: no, 2: yes */
	uint32_t module_room;
	bool no_memory;
};

/*
 * The loader keeps what it allocates for a thread (its vector of thread-local variables) where only the thread pointer leads to, or
 * nothing but itself.
 */
static bool is_loader(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;

	return !strncmp(name, "ld-linux", 8) || !strncmp(name, "ld-2", 4) || !strncmp(name, "ld.so", 5) || !strncmp(name, "ld-musl", 7);
}

static bool made_by_loader(struct reading *x, uint32_t node)
{
	uint32_t frame, module;
	uint64_t offset;

	if (!node || node > writer_node_count(x->r->writer))
		return false;
	(void)writer_node_get(x->r->writer, node, &frame);
	if (!frame)
		return false;
	writer_frame_get(x->r->writer, frame, &module, &offset);
	if (!module || module >= x->r->module_count || !ARRAY_ZEROES(x->modules, x->module_room, module + 1, 64))
		return false;
	if (!x->modules[module])
		x->modules[module] = is_loader(x->r->modules[module].record.path) ? 2 : 1;
	return x->modules[module] == 2;
}

static bool add_span(struct reading *x, struct look_span **list, uint32_t *count, uint32_t *room, uint64_t start, uint64_t end)
{
	if (!ARRAY_ROOM(*list, *room, *count + 1, 64))
		return !(x->no_memory = true);
	(*list)[(*count)++] = (struct look_span){ start, end };
	return true;
}

static void take_block(void *data, const struct keyframe_block *b)
{
	struct reading *const x = data;
	struct look_table *const t = x->t;

	if (b->domain || b->reserved)
		return;
	if (trk_kind_is_piece(b->kind))
		add_span(x, &t->mappings, &t->mapping_count, &t->mapping_room, b->address, b->end);
	else if (b->aside)
		add_span(x, &t->moving, &t->moving_count, &t->moving_room, b->address, b->address + b->size);
	else if (!ARRAY_ROOM(t->blocks, t->room, t->count + 1, 4096))
		x->no_memory = true;
	else
		t->blocks[t->count++] = look_block_of(b->address, b->size, made_by_loader(x, b->node) ? LOOK_SEED : 0);
}

static void progress(void *data)
{
	const struct reading *const x = data;

	atomic_fetch_add_explicit(&x->r->shm->header.progress, 1, memory_order_relaxed);
}

int look_table_read(struct look_table *t, struct recorder *r, const struct process *p)
{
	struct reading x = { .t = t, .r = r };
	const struct heap_saver saver = { .data = &x, .block = take_block, .progress = progress };
	int err;

	*t = (struct look_table){ 0 };
	err = heap_save_process(r->heap, p->index, &saver);
	free(x.modules);
	return err || x.no_memory ? TRK_ERR_NOMEM : 0;
}

void look_table_finish(struct look_table *t)
{
	free(t->blocks);
	free(t->mappings);
	free(t->moving);
	*t = (struct look_table){ 0 };
}

uint32_t look_table_from(const struct look_table *t, uint64_t address)
{
	uint32_t low = 0, high = t->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (look_address(&t->blocks[middle]) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint32_t look_table_at(const struct look_table *t, uint64_t address)
{
	const uint32_t i = look_table_from(t, address + 1);

	if (!i || address - look_address(&t->blocks[i - 1]) >= look_size(&t->blocks[i - 1]))
		return t->count;
	return i - 1;
}

void look_table_check(struct look_table *t, const struct look_maps *maps)
{
	const struct look_map *map = NULL; /* most blocks lie where the one before lay */

	for (uint32_t i = 0; i < t->count; i++) {
		struct look_block *const b = &t->blocks[i];
		const uint64_t end = look_address(b) + look_size(b);
		uint64_t at = look_address(b);

		while (at < end) {
			if (!map || at < map->start || at >= map->end)
				map = look_maps_at(maps, at);
			if (!map || !map->readable)
				break;
			at = map->end;
		}
		if (at < end)
			b->flags |= LOOK_UNREADABLE;
	}
}

uint64_t look_table_words(const struct look_table *t, uint64_t most)
{
	uint64_t words = 0;

	for (uint32_t i = 0; i < t->count; i++)
		words += look_size(&t->blocks[i]) / 8;
	return words < most ? words + 1 : most;
}
