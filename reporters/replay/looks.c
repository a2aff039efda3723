/* looks - see looks.h. */
#include "replay/looks.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/event.h"
#include "format/shm.h"
#include "replay/heap_keyframe.h"
#include "replay/heap_saved.h"
#include "replay/reader.h"

/* ---- the blocks of the file ---- */

static struct looked *find(struct looks *l, uint32_t process, uint32_t number)
{
	for (uint32_t i = l->count; i-- > 0;) /* the parts of a look follow each other */
		if (l->list[i].head.number == number && l->list[i].head.process == process)
			return &l->list[i];
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

	if (!ARRAY_ROOM(l->list, l->room, l->count + 1, 8))
		return TRK_ERR_NOMEM;
	n = &l->list[l->count];
	*n = (struct looked){ .head = *head };
	n->head.process = process;
	n->head.label = n->label = copy(head->label, head->label_bytes);
	n->head.reason = n->reason = copy(head->reason, head->reason_bytes);
	l->count++;
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

static int take_part(struct looks *l, const struct cap_look *part, const uint8_t *raw, const struct trk_block_header *h, bool graphs)
{
	struct look_decoder d;
	struct looked *n;
	int err = look_open(&d, raw, h->raw_bytes);

	if (err)
		return err;
	if (!graphs && (d.head.number == l->left_out || d.head.why == LOOK_WHY_CLASSES)) {
		l->left_out = d.head.number;
		return 0;
	}
	n = find(l, part->process, d.head.number);
	if (!n != !d.part || d.first != (n ? n->count : 0))
		return TRK_ERR_CORRUPT;
	if (!n)
		err = add(l, &d.head, part->process);
	if (!n && !err)
		n = &l->list[l->count - 1];
	if (!err)
		err = take_roots(n, &d);
	if (!err)
		err = take_types(n, &d);
	if (!err)
		err = take_blocks(n, &d, h->items);
	if (!err)
		err = take_references(n, &d);
	if (!err)
		n->last = d.last;
	return err;
}

int looks_read(struct looks *l, const struct capture *c, uint32_t process, bool graphs)
{
	struct buffer stored = { 0 }, raw = { 0 };
	bool damaged = false;
	int err = 0;

	*l = (struct looks){ 0 };

	for (uint32_t i = 0; i < c->look_count && err != TRK_ERR_NOMEM; i++) {
		struct trk_block_header h;

		if (c->looks[i].type != TRK_BLOCK_LOOK || (process != UINT32_MAX && c->looks[i].process != process))
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err)
			err = take_part(l, &c->looks[i], raw.bytes, &h, graphs);
		damaged |= err == TRK_ERR_CORRUPT;
	}
	free(stored.bytes);
	free(raw.bytes);
	return err == TRK_ERR_NOMEM ? err : damaged ? TRK_ERR_CORRUPT :
						      0;
}

uint32_t *looks_numbers(const struct capture *c)
{
	uint32_t *const numbers = calloc((size_t)c->look_count + 1, sizeof(*numbers));
	struct buffer stored = { 0 }, raw = { 0 };
	int err = numbers ? 0 : TRK_ERR_NOMEM;

	for (uint32_t i = 0; i < c->look_count && err != TRK_ERR_NOMEM; i++) {
		struct trk_block_header h;
		struct look_decoder d;

		if (c->looks[i].type != TRK_BLOCK_LOOK)
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err && look_open(&d, raw.bytes, h.raw_bytes) == 0)
			numbers[i] = d.head.number;
	}
	free(stored.bytes);
	free(raw.bytes);
	if (err != TRK_ERR_NOMEM)
		return numbers;
	free(numbers);
	return NULL;
}

int looks_read_one(struct looks *l, const struct capture *c, const uint32_t *numbers, uint32_t process, uint32_t number)
{
	struct buffer stored = { 0 }, raw = { 0 };
	int err = 0;

	*l = (struct looks){ 0 };
	for (uint32_t i = 0; i < c->look_count && !err; i++) {
		struct trk_block_header h;

		if (numbers[i] != number || c->looks[i].process != process)
			continue;
		err = reader_unpack_at(c, c->looks[i].offset, &stored, &raw, &h);
		if (!err)
			err = take_part(l, &c->looks[i], raw.bytes, &h, true);
	}
	free(stored.bytes);
	free(raw.bytes);
	return err;
}

/* Parents and types that do not exist become none. */
static void settle(struct looked *n)
{
	for (uint32_t i = 0; i < n->count; i++) {
		struct trk_look_block *const b = &n->verdicts[i];
		const uint32_t most = b->from == LOOK_FROM_BLOCK ? n->count : b->from == LOOK_FROM_ROOT ? n->root_count :
													  0;

		if (b->parent >= most)
			b->from = LOOK_FROM_NOTHING;
		if (b->verdict >= LOOK_VERDICTS)
			b->verdict = LOOK_UNKNOWN;
		if (b->type > n->type_count)
			b->type = 0;
	}
}

/* ---- which blocks they are ---- */

struct taking {
	struct looked *look;
	uint32_t room, count;
	bool failed;
};

static void take_block(void *data, const struct keyframe_block *b)
{
	struct taking *const t = data;

	if (b->domain || b->reserved || b->aside || trk_kind_is_piece(b->kind) || t->failed)
		return;
	if (t->count == t->look->count || !ARRAY_ROOM(t->look->blocks, t->room, t->count + 1, 1024)) {
		t->failed = true; /* there are more than it judged */
		return;
	}
	t->look->blocks[t->count++] = (struct looked_block){ b->address, b->size, b->time_ns, b->node, b->thread, b->kind };
}

void looked_take_live(struct looked *n, const struct heap *h)
{
	struct taking t = { .look = n };
	const struct heap_saver saver = { .data = &t, .block = take_block };

	if (n->blocks || !n->last)
		return;
	if (heap_save_process(h, n->head.process, &saver) == 0 && !t.failed && t.count == n->count)
		return;
	free(n->blocks);
	n->blocks = NULL;
}

static uint32_t wanted(const struct looks *l, uint32_t process)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < l->count; i++)
		count += l->list[i].head.process == process && l->list[i].count;
	return count;
}

static int replay(struct looks *l, struct capture *c, uint32_t process, struct heap *h)
{
	uint32_t left = wanted(l, process);
	struct trk_event e;
	struct cursor *k;
	uint64_t number;
	int err = cursor_open(&k, c, process);

	if (err)
		return err;
	while (left && !(err = cursor_next(k, &e, &number)) && !(err = heap_apply(h, &e))) {
		struct looked *const n = e.kind == TRK_LOOK && e.size <= UINT32_MAX ? find(l, process, (uint32_t)e.size) : NULL;

		if (n && n->count) {
			looked_take_live(n, h);
			left--;
		}
	}
	cursor_close(k);
	return err == TRK_END ? 0 : err;
}

static int place(struct looks *l, struct capture *c, uint32_t process)
{
	struct heap *h;
	int err = heap_new(&h, 0, NULL);

	if (err)
		return err;
	heap_set_page_bytes(h, c->header.page_bytes);
	err = heap_keyframe_begin(c, process, h);
	if (!err)
		err = replay(l, c, process, h);
	heap_free(h);
	return err;
}

int looks_place(struct looks *l, struct capture *c)
{
	int err = 0;

	for (uint32_t i = 0; i < l->count; i++)
		settle(&l->list[i]);
	for (uint32_t i = 0; i < c->process_count && !err; i++)
		if (wanted(l, i))
			err = place(l, c, i);
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
	*l = (struct looks){ 0 };
}

/* ---- questions ---- */

const struct looked *looks_last(const struct looks *l, uint32_t process)
{
	for (uint32_t i = l->count; i-- > 0;)
		if (l->list[i].head.process == process && !(l->list[i].head.flags & LOOK_UNJUDGED) && (l->list[i].blocks || !l->list[i].head.reason[0]))
			return &l->list[i];
	return NULL;
}

const struct looked *looks_at_mark(const struct looks *l, uint32_t process, const char *label, uint64_t time_ns)
{
	for (uint32_t i = 0; i < l->count; i++) {
		const struct trk_look *const h = &l->list[i].head;

		if (h->process == process && !(h->flags & LOOK_UNJUDGED) && h->why == SHM_WHY_MARK && (!label || !strcmp(h->label, label)) && h->time_ns >= time_ns)
			return &l->list[i];
	}
	return NULL;
}

const struct trk_look_block *looked_find(const struct looked *l, const struct looked_block *b, uint32_t *ret)
{
	uint32_t low = 0, high = l->blocks ? l->count : 0;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (l->blocks[middle].address < b->address)
			low = middle + 1;
		else
			high = middle;
	}
	if (!l->blocks || low == l->count || l->blocks[low].address != b->address || l->blocks[low].size != b->size ||
	    l->blocks[low].time_ns != b->time_ns || l->blocks[low].node != b->node || l->blocks[low].kind != b->kind)
		return NULL;
	*ret = low;
	return &l->verdicts[low];
}

uint64_t looked_end(const struct looked *l, uint32_t block)
{
	const struct looked_block *const b = &l->blocks[block];
	const uint64_t most = (block + 1 < l->count ? b[1].address : UINT64_MAX) - b->address;

	return b->address + (b->size < most ? b->size : most);
}

#define NOT_KNOWN (UINT32_MAX - 1)
#define ON_THE_WAY (UINT32_MAX - 2)

static uint32_t leader_of(const struct looked *l, uint32_t *leaders, uint32_t block)
{
	uint32_t at = block, found = UINT32_MAX;

	for (;;) {
		const struct trk_look_block *const b = &l->verdicts[at];

		if (leaders[at] == ON_THE_WAY) /* they lead in a circle: the file is damaged */
			break;
		if (leaders[at] != NOT_KNOWN) {
			found = leaders[at];
			break;
		}
		leaders[at] = ON_THE_WAY;
		if (b->verdict == LOOK_DEFINITELY)
			found = at;
		if (b->verdict != LOOK_INDIRECTLY || b->from != LOOK_FROM_BLOCK)
			break;
		at = b->parent;
	}
	for (at = block; leaders[at] == ON_THE_WAY; at = l->verdicts[at].parent) {
		leaders[at] = found;
		if (l->verdicts[at].verdict != LOOK_INDIRECTLY || l->verdicts[at].from != LOOK_FROM_BLOCK)
			break;
	}
	return found;
}

uint32_t *looked_leaders(const struct looked *l)
{
	uint32_t *const leaders = malloc(((size_t)l->count + 1) * sizeof(*leaders));

	if (!leaders)
		return NULL;
	for (uint32_t i = 0; i < l->count; i++)
		leaders[i] = NOT_KNOWN;
	for (uint32_t i = 0; i < l->count; i++)
		(void)leader_of(l, leaders, i);
	return leaders;
}
