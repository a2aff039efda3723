/* looks - see looks.h. */
#include "replay/looks.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/event.h"
#include "format/shm.h"
#include "replay/heap_keyframe.h"
#include "replay/heap_saved.h"

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

	for (const struct looked *n = looks_of(l, process); n; n = looks_before(l, n))
		count += n->count != 0;
	return count;
}

/* left: so many looks of the process are wanted. */
static int replay(struct looks *l, struct capture *c, uint32_t process, uint32_t left, struct heap *h)
{
	struct trk_event e;
	struct cursor *k;
	uint64_t number;
	int err = cursor_open(&k, c, process);

	if (err)
		return err;
	while (left && !(err = cursor_next(k, &e, &number)) && !(err = heap_apply(h, &e))) {
		struct looked *const n = e.kind == TRK_LOOK && e.size <= UINT32_MAX ? looks_find(l, process, (uint32_t)e.size) : NULL;

		if (n && n->count) {
			looked_take_live(n, h);
			left--;
		}
	}
	cursor_close(k);
	return err == TRK_END ? 0 : err;
}

static int place(struct looks *l, struct capture *c, uint32_t process, uint32_t count)
{
	struct heap *h;
	int err = heap_new(&h, 0, NULL);

	if (err)
		return err;
	heap_set_page_bytes(h, c->header.page_bytes);
	err = heap_keyframe_begin(c, process, h);
	if (!err)
		err = replay(l, c, process, count, h);
	heap_free(h);
	return err;
}

int looks_place(struct looks *l, struct capture *c)
{
	int err = 0;

	for (uint32_t i = 0; i < l->count; i++)
		settle(&l->list[i]);
	for (uint32_t i = 0; i < c->process_count && !err; i++) {
		const uint32_t count = wanted(l, i);

		if (count)
			err = place(l, c, i, count);
	}
	return err;
}

int looks_place_one(struct looks *l, struct capture *c)
{
	settle(&l->list[0]);
	return l->list[0].count ? place(l, c, l->list[0].head.process, 1) : 0;
}

/* ---- questions ---- */

const struct looked *looks_of(const struct looks *l, uint32_t process)
{
	const uint32_t last = process < l->process_count ? l->last_of[process] : 0;

	return last ? &l->list[last - 1] : NULL;
}

const struct looked *looks_before(const struct looks *l, const struct looked *n)
{
	return n->before ? &l->list[n->before - 1] : NULL;
}

const struct looked *looks_last(const struct looks *l, uint32_t process)
{
	const struct looked *n = looks_of(l, process);

	while (n && (n->head.flags & LOOK_UNJUDGED || (!n->blocks && n->head.reason[0])))
		n = looks_before(l, n);
	return n;
}

const struct looked *looks_at_mark(const struct looks *l, uint32_t process, const char *label, uint64_t time_ns)
{
	const struct looked *first = NULL;

	for (const struct looked *n = looks_of(l, process); n; n = looks_before(l, n)) {
		const struct trk_look *const h = &n->head;

		if (!(h->flags & LOOK_UNJUDGED) && h->why == SHM_WHY_MARK && (!label || !strcmp(h->label, label)) && h->time_ns >= time_ns)
			first = n;
	}
	return first;
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
