/* heap_keyframe_read - KEYFRAME blocks -> a heap; see heap_keyframe.h. */
#include "replay/heap_keyframe.h"

#include <stdlib.h>

#include "format/event.h"
#include "format/keyframe.h"
#include "replay/heap_saved.h"
#include "replay/reader.h"

/*
 * What one keyframe may decode to: some for free, the rest by the file's size. Beyond that all
 * events are replayed instead, which is impossible with what a capture begins with: ten million
 * blocks that are alike take 25 KB. As with events, its blocks take the memory that they take.
 */
#define FREE_BYTES (16ull << 20)
#define RAW_BYTES_PER_BYTE 32u

struct reading {
	const struct capture *capture;
	const struct cap_keyframe *keyframe;
	uint32_t process; /* that is wanted */
	struct heap_restorer restorer;
	struct buffer stored, raw;
	uint64_t bytes_left;
	struct heap_keyframe_state state;
	bool found;
};

/* Ids that the tables do not have become 0, as in events. */
static void settle(const struct capture *c, struct keyframe_block *b)
{
	if (b->thread >= c->thread_count)
		b->thread = 0;
	if (b->node >= c->node_count)
		b->node = 0;
	if (!c->depths_apart)
		b->node = capture_stack(c, b->node);
}

static int take_process(struct reading *r, const struct keyframe_process *p)
{
	if (p->index >= r->capture->process_count)
		return TRK_ERR_CORRUPT;
	if (p->index == r->process) {
		r->found = true;
		r->state = (struct heap_keyframe_state){ p->events, p->marks };
	}
	return r->process == UINT32_MAX || r->process == p->index ?
		       heap_restore_process(&r->restorer, p) :
		       0;
}

/* `items`: it holds at most so many blocks. */
static int take_blocks(struct reading *r, struct keyframe_decoder *d, uint32_t items)
{
	struct keyframe_block b;
	int got, err = 0;

	while (!err && (got = keyframe_next(d, &b)) != TRK_END) {
		if (got == KEYFRAME_PROCESS)
			err = take_process(r, &d->process);
		else if (got != KEYFRAME_BLOCK)
			err = got;
		else if (!items--)
			err = TRK_ERR_CORRUPT;
		else if (r->process == UINT32_MAX || r->process == d->process.index) {
			settle(r->capture, &b);
			err = heap_restore_block(&r->restorer, &b);
		}
	}
	return err;
}

/* Reads the part at *offset and steps behind it. */
static int take_part(struct reading *r, uint32_t part, uint64_t *offset)
{
	struct keyframe_decoder d;
	struct trk_block_header h;
	int err = reader_unpack_at(r->capture, *offset, &r->stored, &r->raw, &h);

	if (err)
		return err;
	if (h.raw_bytes > r->bytes_left)
		return TRK_ERR_CORRUPT;
	r->bytes_left -= h.raw_bytes;
	*offset += TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
	err = keyframe_open(&d, r->raw.bytes, h.raw_bytes);
	if (err)
		return err;
	if (d.head.part != part || d.head.last != (part == r->keyframe->parts - 1) ||
	    d.head.events != r->keyframe->events)
		return TRK_ERR_CORRUPT;
	if (r->process == UINT32_MAX) {
		r->found = true;
		r->state = (struct heap_keyframe_state){ d.head.events, d.head.marks };
	}
	return take_blocks(r, &d, h.items);
}

/* Whether the process's events are those of the blocks before the keyframe. */
static bool agrees(const struct reading *r)
{
	const struct capture *const c = r->capture;
	uint64_t events = 0;

	for (uint32_t i = 0; r->process != UINT32_MAX && i < r->keyframe->first_block; i++)
		if (c->blocks[i].process == r->process)
			events += c->blocks[i].items;
	return r->found && (r->process == UINT32_MAX || events == r->state.events);
}

static int read_parts(struct reading *r)
{
	uint64_t offset = r->keyframe->offset;
	int err = 0;

	for (uint32_t part = 0; part < r->keyframe->parts && !err; part++)
		err = take_part(r, part, &offset);
	return err;
}

static int restore(struct reading *r, struct heap *h)
{
	int err;

	r->restorer = heap_restore(h);
	r->bytes_left = r->keyframe->begins ? UINT64_MAX :
					      FREE_BYTES + RAW_BYTES_PER_BYTE * r->capture->file_bytes;
	err = read_parts(r);
	if (err != TRK_ERR_NOMEM)
		heap_restore_end(&r->restorer, r->keyframe->time_ns);
	heap_restore_finish(&r->restorer);
	free(r->stored.bytes);
	free(r->raw.bytes);
	return err;
}

int heap_keyframe_restore(const struct capture *c, uint32_t index, uint32_t process, struct heap *h,
			  struct heap_keyframe_state *ret)
{
	struct reading r = { .capture = c, .keyframe = &c->keyframes[index], .process = process };
	const int err = restore(&r, h);

	if (err)
		return err;
	if (!agrees(&r))
		return TRK_ERR_CORRUPT;
	*ret = r.state;
	return 0;
}

int heap_keyframe_begin(struct capture *c, uint32_t process, struct heap *h)
{
	struct reading r = { .capture = c, .keyframe = c->keyframes, .process = process };
	int err;

	if (!c->keyframe_count || !c->keyframes[0].begins)
		return 0;
	err = restore(&r, h);
	if (err == TRK_ERR_CORRUPT)
		capture_keyframe_damaged(c, c->keyframes);
	return err == TRK_ERR_CORRUPT ? 0 : err;
}
