/* looks_read - looks as they stand in the file; see looks.h. */
#include "replay/looks.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/event.h"
#include "format/mix.h"
#include "replay/reader.h"

static uint32_t hash_of(uint32_t process, uint32_t number)
{
	return (uint32_t)trk_mix(process, number);
}

struct looked *looks_find(const struct looks *l, uint32_t process, uint32_t number)
{
	const uint32_t hash = hash_of(process, number);
	uint32_t at = hash, id;

	while ((id = idmap_next(&l->by_number, hash, &at)))
		if (l->list[id - 1].head.number == number && l->list[id - 1].head.process == process)
			return &l->list[id - 1];
	return NULL;
}

static char *copy(const char *text, size_t bytes)
{
	char *const p = malloc(bytes + 1);

	if (!p)
		return NULL;
	if (bytes)
		memcpy(p, text, bytes);
	p[bytes] = 0;
	return p;
}

static int add(struct looks *l, const struct trk_look *head, uint32_t process)
{
	struct looked *n;

	if (!ARRAY_ROOM(l->list, l->room, l->count + 1, 8) || !idmap_reserve(&l->by_number))
		return TRK_ERR_NOMEM;
	n = &l->list[l->count];
	*n = (struct looked){ .head = *head };
	n->head.process = process;
	n->head.label = n->label = copy(head->label, head->label_bytes);
	n->head.reason = n->reason = copy(head->reason, head->reason_bytes);
	idmap_add(&l->by_number, hash_of(process, head->number), ++l->count);
	return n->label && n->reason ? 0 : TRK_ERR_NOMEM;
}

static int take_roots(struct looked *n, struct look_decoder *d)
{
	struct trk_look_root root;
	int err;

	while (!(err = look_next_root(d, &root))) {
		char *const name = copy(root.name, root.name_bytes);

		if (!name || !ARRAY_ROOM(n->roots, n->root_room, n->root_count + 1, 16)) {
			free(name);
			return TRK_ERR_NOMEM;
		}
		root.name = name;
		n->roots[n->root_count++] = root;
	}
	return err == TRK_END ? 0 : err;
}

static int take_types(struct looked *n, struct look_decoder *d)
{
	struct trk_look_type told;
	int err;

	while (!(err = look_next_type(d, &told))) {
		if (!ARRAY_ROOM(n->types, n->type_room, n->type_count + 1, 16) || !ARRAY_ROOM(n->bases, n->bases_room, n->type_count + 1, 16))
			return TRK_ERR_NOMEM;
		n->types[n->type_count] = copy(told.name, told.name_bytes);
		n->bases[n->type_count] = copy(told.bases, told.bases_bytes);
		n->type_count++;
		if (!n->types[n->type_count - 1] || !n->bases[n->type_count - 1])
			return TRK_ERR_NOMEM;
	}
	return err == TRK_END ? 0 : err;
}

/* Blocks up to this one have all their references. */
static bool begin_references(struct looked *n, uint32_t block)
{
	if (!ARRAY_ROOM(n->first, n->first_room, (size_t)block + 1, 1024))
		return false;
	while (n->first_count <= block)
		n->first[n->first_count++] = n->target_count;
	return true;
}

static int take_references(struct looked *n, struct look_decoder *d)
{
	uint32_t from, to;
	int err;

	while (!(err = look_next_reference(d, &from, &to))) {
		if (from >= n->count || to >= n->count || (size_t)from + 1 < n->first_count)
			return TRK_ERR_CORRUPT;
		if (!begin_references(n, from) || !ARRAY_ROOM(n->targets, n->target_room, n->target_count + 1, 1024))
			return TRK_ERR_NOMEM;
		n->targets[n->target_count++] = to;
	}
	if (err == TRK_END && d->last && d->head.graph && !begin_references(n, n->count))
		return TRK_ERR_NOMEM;
	return err == TRK_END ? 0 : err;
}

/* `items`: it holds so many blocks. */
static int take_blocks(struct looked *n, struct look_decoder *d, uint32_t items)
{
	struct trk_look_block b;
	int err;

	while (!(err = look_next_block(d, &b))) {
		if (!items--)
			return TRK_ERR_CORRUPT;
		if (!ARRAY_ROOM(n->verdicts, n->room, n->count + 1, 1024))
			return TRK_ERR_NOMEM;
		n->verdicts[n->count++] = b;
	}
	return err == TRK_END ? 0 : err;
}

static int take_contents(struct looked *n, struct look_decoder *d, uint32_t items)
{
	int err = take_roots(n, d);

	if (!err)
		err = take_types(n, d);
	if (!err)
		err = take_blocks(n, d, items);
	if (!err)
		err = take_references(n, d);
	return err;
}

/* *ret_number: of which look it is a part, as soon as that is known. */
static int take_part(struct looks *l, const struct cap_look *part, const uint8_t *raw, const struct trk_block_header *h, unsigned what,
		     uint32_t *ret_number)
{
	struct look_decoder d;
	struct looked *n;
	int err = look_open(&d, raw, h->raw_bytes);

	if (err)
		return err;
	*ret_number = d.head.number;
	if (!(what & LOOKS_GRAPHS) && (d.head.number == l->left_out || d.head.why == LOOK_WHY_CLASSES)) {
		l->left_out = d.head.number;
		return 0;
	}
	n = looks_find(l, part->process, d.head.number);
	if (!n != !d.part || d.first != (!n ? 0 : what & LOOKS_HEADS ? d.first :
								       n->count))
		return TRK_ERR_CORRUPT;
	if (!n)
		err = add(l, &d.head, part->process);
	if (!n && !err)
		n = &l->list[l->count - 1];
	if (!err && !(what & LOOKS_HEADS))
		err = take_contents(n, &d, h->items);
	if (!err)
		n->last = d.last;
	return err;
}

static int chain(struct looks *l, uint32_t process_count)
{
	l->last_of = calloc((size_t)process_count + 1, sizeof(*l->last_of));
	if (!l->last_of)
		return TRK_ERR_NOMEM;
	l->process_count = process_count;
	for (uint32_t i = 0; i < l->count; i++) {
		uint32_t *const last = &l->last_of[l->list[i].head.process];

		l->list[i].before = *last;
		*last = i + 1;
	}
	return 0;
}

int looks_read(struct looks *l, const struct capture *c, uint32_t process, unsigned what)
{
	struct buffer stored = { 0 }, raw = { 0 };
	bool damaged = false;
	int err = 0;

	*l = (struct looks){ .numbers = calloc((size_t)c->look_count + 1, sizeof(*l->numbers)) };
	if (!l->numbers)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->look_count && err != TRK_ERR_NOMEM; i++) {
		struct trk_block_header h;

		if (c->looks[i].type != TRK_BLOCK_LOOK || (process != UINT32_MAX && c->looks[i].process != process))
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err)
			err = take_part(l, &c->looks[i], raw.bytes, &h, what, &l->numbers[i]);
		damaged |= err == TRK_ERR_CORRUPT;
	}
	free(stored.bytes);
	free(raw.bytes);
	if (err != TRK_ERR_NOMEM && chain(l, c->process_count))
		err = TRK_ERR_NOMEM;
	return err == TRK_ERR_NOMEM ? err : damaged ? TRK_ERR_CORRUPT :
						      0;
}

int looks_read_one(struct looks *l, const struct capture *c, const uint32_t *numbers, uint32_t process, uint32_t number)
{
	struct buffer stored = { 0 }, raw = { 0 };
	int err = 0;

	*l = (struct looks){ 0 };
	for (uint32_t i = 0; i < c->look_count && !err; i++) {
		struct trk_block_header h;
		uint32_t is;

		if (c->looks[i].type != TRK_BLOCK_LOOK || numbers[i] != number || c->looks[i].process != process)
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err)
			err = take_part(l, &c->looks[i], raw.bytes, &h, LOOKS_GRAPHS, &is);
	}
	free(stored.bytes);
	free(raw.bytes);
	return err;
}

void looks_finish(struct looks *l)
{
	for (uint32_t i = 0; i < l->count; i++) {
		struct looked *const n = &l->list[i];

		for (uint32_t j = 0; j < n->root_count; j++)
			free((char *)n->roots[j].name);
		for (uint32_t j = 0; j < n->type_count; j++)
			free(n->types[j]);
		for (uint32_t j = 0; j < n->type_count; j++)
			free(n->bases[j]);
		free(n->bases);
		free(n->targets);
		free(n->first);
		free(n->types);
		free(n->roots);
		free(n->verdicts);
		free(n->blocks);
		free(n->label);
		free(n->reason);
	}
	free(l->list);
	free(l->last_of);
	free(l->numbers);
	idmap_finish(&l->by_number);
	*l = (struct looks){ 0 };
}
