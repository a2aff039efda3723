/* look_roots - see look_roots.h. */
#include "look_roots.h"

#include "format/array.h"

#include <stdlib.h>
#include <string.h>

#define RED_ZONE 128u /* functions that call no other use so much below sp */

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

/* ---- mappings ---- */

static void tell_hole(void *data, uint64_t start, uint64_t end, enum memory_area_kind kind)
{
	(void)kind;
	hole(data, start, end);
}

static struct look_place like_module(const struct finding *f, const struct look_map *m)
{
	const char *const path = look_map_path(f->s->maps, m);

	return (struct look_place){ .kind = LOOK_ROOT_MODULE, .name = path, .libc = !f->s->foreign_allocator && look_is_libc(path) };
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
	const struct look_thread *const on = look_stack_of(f->s->stop, m), *const of = on ? on : look_variables_of(f->s->stop, m);
	const struct look_map *const file = look_file_before(f->s->maps, m);
	struct look_place like = { .kind = of ? LOOK_ROOT_STACK : LOOK_ROOT_MEMORY, .tid = of ? of->tid : 0 };

	if (file && !of)
		like = like_module(f, file);
	if (file)
		add_file(f->r, m); /* programs that are linked to fixed addresses have copies of virtual tables there */
	f->hole_count = 0;
	if (on && (look_has_guard(f->s->maps, m) || m->kind == LOOK_MAP_STACK))
		hole(f, m->start, most(m->start, look_sp(&on->registers) - RED_ZONE));
	else if (!of && !file && !f->s->running && look_has_guard(f->s->maps, m) && !look_has_blocks(f->s->table, m))
		hole(f, m->start, m->end); /* the stack of a thread that has ended */
	look_owned(f->s, m, tell_hole, f);
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
	} else if (s->inherits && (m->kind == LOOK_MAP_HEAP || look_has_blocks(s->table, m))) {
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
