/*
 * capture - opens a capture file: header, every table, the places of the events.
 *
 * Blocks are found by walking from header to header, with and without the
 * index alike: that is one small read per block, and one path instead of two.
 * The trailer only tells that the writer came to its end.
 */
#include "replay/capture_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define WINDOW_BYTES 65536u

/* What the file may make a reader spend: some memory for free, the rest by its size. */
#define FREE_BYTES (16ull << 20)
#define GAP_BYTES_PER_BYTE 4u
#define RAW_BYTES_PER_BYTE 32u

bool capture_read_at(const struct capture *c, uint64_t offset, void *bytes, size_t n)
{
	return files_read(&c->private->files, offset, bytes, n);
}

void capture_damaged(struct capture *c, uint64_t offset, const char *fmt, ...)
{
	va_list args;

	c->complete = false;
	if (c->damage.code)
		return;
	c->damage = (struct trk_fault){ .code = TRK_ERR_CORRUPT, .offset = offset };
	va_start(args, fmt);
	vsnprintf(c->damage.why, sizeof(c->damage.why), fmt, args);
	va_end(args);
}

void capture_refuse(struct capture *c, uint64_t offset, uint32_t kind)
{
	c->refused = (struct trk_fault){ .code = TRK_ERR_FEATURE, .offset = offset };
	snprintf(c->refused.why, sizeof(c->refused.why),
		 "it holds events of kind %u, which this version does not know and must not leave out; "
		 "upgrade tracker",
		 kind);
}

const char *capture_why(const struct capture *c, int err)
{
	if (err == TRK_ERR_NOMEM)
		return "out of memory";
	return err == TRK_ERR_FEATURE ? c->refused.why : "it could not be read";
}

void capture_keyframe_damaged(struct capture *c, struct cap_keyframe *k)
{
	c->damaged_blocks += k->begins && !k->damaged;
	k->damaged = true;
	capture_damaged(c, k->offset, "a keyframe is damaged");
}

static int open_files(struct capture *c, const char *path, struct trk_fault *fault)
{
	struct files *const f = &c->private->files;
	int err;

	c->path = strdup(path);
	if (!c->path)
		return files_fail(fault, TRK_ERR_NOMEM, "out of memory");
	err = files_open(f, path, fault);
	if (err)
		return err;
	c->file_bytes = f->bytes;
	c->first_piece = f->pieces[0].number;
	c->last_piece = f->pieces[f->count - 1].number;
	c->pieces_left_out = f->left_out;
	c->private->gap_bytes_left = FREE_BYTES + GAP_BYTES_PER_BYTE * c->file_bytes;
	c->private->raw_bytes_left = FREE_BYTES + RAW_BYTES_PER_BYTE * c->file_bytes;
	c->private->parts_left = TRK_ITEMS_FREE + TRK_ITEMS_PER_BYTE * c->file_bytes;
	c->private->mark_bytes_left = c->private->raw_bytes_left;
	return 0;
}

static const struct piece *newest(const struct capture *c)
{
	return &c->private->files.pieces[c->private->files.count - 1];
}

static int read_header(struct capture *c, struct trk_fault *fault)
{
	uint8_t bytes[TRK_HEADER_BYTES];
	const struct piece *const p = newest(c);
	const size_t n = p->bytes < sizeof(bytes) ? (size_t)p->bytes : sizeof(bytes);
	int err;

	if (!capture_read_at(c, p->base, bytes, n)) {
		errno = errno ? errno : EIO;
		return files_fail(fault, TRK_ERR_IO, strerror(errno));
	}
	err = trk_header_decode(bytes, n, &c->header, fault);
	if (err == TRK_ERR_MAGIC)
		return files_fail(fault, err, "it does not look like a capture written by tracker; tracker run writes one");
	if (err == TRK_ERR_VERSION) {
		snprintf(fault->why, sizeof(fault->why),
			 "it was written by a newer tracker: its format version %u is incompatible "
			 "with this version, which reads up to %u; upgrade tracker",
			 get_u16(bytes + 8), TRK_VERSION);
		return err;
	}
	return err;
}

/* Where the blocks of a piece end: before its trailer, or at the end of the file (*ret_cut). */
static uint64_t end_of(const struct capture *c, const struct piece *p, bool *ret_cut)
{
	const uint64_t end = p->base + p->bytes;
	uint8_t bytes[TRK_TRAILER_BYTES];
	uint64_t index_offset;

	*ret_cut = p->bytes < c->header.header_bytes + sizeof(bytes) ||
		   !capture_read_at(c, end - sizeof(bytes), bytes, sizeof(bytes)) ||
		   trk_trailer_decode(bytes, &index_offset) != 0;
	return *ret_cut ? end : end - sizeof(bytes);
}

/* The header of the block at offset, if a block that lies before `end` begins there. */
static bool block_at(const struct capture *c, uint64_t offset, uint64_t end,
		     struct trk_block_header *ret)
{
	uint8_t bytes[TRK_BLOCK_HEADER_BYTES];

	return end - offset >= sizeof(bytes) &&
	       capture_read_at(c, offset, bytes, sizeof(bytes)) &&
	       trk_block_header_decode(bytes, sizeof(bytes), ret) == 0 &&
	       ret->stored_bytes <= end - offset - sizeof(bytes);
}

/* Offset of the next valid block header at or after `offset`; `end` when there is none. */
static uint64_t find_block(const struct capture *c, uint64_t offset, uint64_t end)
{
	static const uint8_t magic[] = { 'T', 'R', 'K', 'B' };
	struct trk_block_header h;
	uint8_t window[WINDOW_BYTES];

	while (end - offset >= TRK_BLOCK_HEADER_BYTES) {
		const size_t n = end - offset < sizeof(window) ? (size_t)(end - offset) :
								 sizeof(window);
		const uint8_t *at = window;

		if (!capture_read_at(c, offset, window, n))
			break;
		while ((at = memmem(at, n - (size_t)(at - window), magic, sizeof(magic)))) {
			if (block_at(c, offset + (uint64_t)(at - window), end, &h))
				return offset + (uint64_t)(at - window);
			at++;
		}
		offset += n - (sizeof(magic) - 1);
	}
	return end;
}

/* Makes room for the largest block so far, and no more than that, so not as format/array.h. */
struct scratch {
	uint8_t *stored, *raw;
	size_t stored_room, raw_room;
};

bool capture_room(uint8_t **bytes, size_t *room, size_t want)
{
	uint8_t *grown;

	if (*bytes && want <= *room)
		return true;
	grown = realloc(*bytes, want + 1);
	if (!grown)
		return false;
	*bytes = grown;
	*room = want;
	return true;
}

/* Reads a table block, or a block of an unknown type, of which only the checksum is checked. */
static int read_table(struct capture *c, const struct trk_block_header *h, uint64_t offset,
		      struct scratch *s)
{
	const bool known = tables_know(h->type);
	/*
	 * In some programs all marks are alike, and small when packed. Marks that are missing in the list are still
	 * in the events.
	 */
	const bool is_list = h->type == TRK_BLOCK_MARKS;
	uint64_t *left;
	int err;

	if (!capture_room(&s->stored, &s->stored_room, h->stored_bytes) ||
	    !capture_room(&s->raw, &s->raw_room, h->raw_bytes))
		return TRK_ERR_NOMEM;
	if (!capture_read_at(c, offset + TRK_BLOCK_HEADER_BYTES, s->stored, h->stored_bytes))
		return TRK_ERR_CORRUPT;
	err = trk_block_payload_decode(h, s->stored, s->raw);
	if (err)
		return err;
	if (!known)
		return 0;
	left = is_list ? &c->private->mark_bytes_left : &c->private->raw_bytes_left;
	if (h->raw_bytes > *left)
		return is_list ? 0 : TRK_ERR_CORRUPT;
	*left -= h->raw_bytes;
	return tables_decode(c, h, s->raw);
}

/* The payload is read by whoever needs it. */
static int add_keyframe(struct capture *c, const struct trk_block_header *h, uint64_t offset)
{
	const int err = tables_add_keyframe(c, h, offset);

	c->private->keyframe_end = offset + TRK_BLOCK_HEADER_BYTES + h->stored_bytes;
	return err;
}

/*
 * Whether the block may bring the items that it claims. Reading these may cost memory, so a file may hold only as
 * many as follow from its length (docs/FORMAT.md, "Items"). If it may, they are counted.
 */
static bool count_items(const struct trk_block_header *h, uint64_t end, uint64_t *items)
{
	const uint64_t sum = *items + trk_block_counts(h);
	const bool fits = trk_items_fit(sum, end);

	if (fits)
		*items = sum;
	return fits;
}

static void block_damaged(struct capture *c, uint64_t offset)
{
	c->damaged_blocks++;
	capture_damaged(c, offset, "the data at byte %llu is damaged", (unsigned long long)offset);
}

static int read_block(struct capture *c, const struct trk_block_header *h, uint64_t offset,
		      bool fits, struct scratch *s, struct trk_fault *fault)
{
	int err;

	if (!trk_block_has_events(h) && !tables_know(h->type) && h->type != TRK_BLOCK_KEYFRAME &&
	    h->type != TRK_BLOCK_INDEX && h->flags & TRK_BLOCK_MUST_UNDERSTAND) {
		snprintf(fault->why, sizeof(fault->why),
			 "it holds blocks of type %u, which this version does not know and must not leave out; "
			 "upgrade tracker",
			 h->type);
		fault->offset = offset;
		return fault->code = TRK_ERR_FEATURE;
	}
	if (!fits)
		err = TRK_ERR_CORRUPT;
	else if (trk_block_has_events(h))
		err = tables_add_block(c, h, offset);
	else if (h->type == TRK_BLOCK_KEYFRAME)
		err = add_keyframe(c, h, offset);
	else if (h->type == TRK_BLOCK_LOOK || h->type == TRK_BLOCK_MEMORY)
		err = tables_add_look(c, h, offset);
	else
		err = read_table(c, h, offset, s);
	if (err == TRK_ERR_CORRUPT) {
		block_damaged(c, offset);
		return 0;
	}
	if (err)
		return files_fail(fault, err, "out of memory");
	if (trk_block_has_events(h) && h->last_time_ns > c->last_time_ns)
		c->last_time_ns = h->last_time_ns;
	return 0;
}

/* No block begins at `offset`: steps to the next one, or to the end. */
static uint64_t skip_damage(struct capture *c, uint64_t offset, uint64_t end, bool cut)
{
	const uint64_t next = find_block(c, offset + 1, end);

	c->skipped_bytes += next - offset;
	if (next < end || !cut) {
		block_damaged(c, offset);
	} else {
		c->torn = true;
	}
	return next;
}

/*
 * In a rotated recording, every piece has all tables up to it, so the newest has all of them. Each event stands in
 * one piece only.
 */
enum pass { EVERYTHING,
	    TABLES_OF_NEWEST,
	    STREAM_OF_FIRST,
	    STREAM };

static bool is_of(const struct trk_block_header *h, enum pass pass)
{
	const bool stream = trk_block_has_events(h) || h->type == TRK_BLOCK_RSS ||
			    h->type == TRK_BLOCK_MARKS || h->type == TRK_BLOCK_LOOK || h->type == TRK_BLOCK_MEMORY;

	switch (pass) {
	case EVERYTHING:
		return true;
	case TABLES_OF_NEWEST: /* its summary is of that piece alone */
		return !stream && h->type != TRK_BLOCK_KEYFRAME && h->type != TRK_BLOCK_SUMMARY;
	case STREAM_OF_FIRST:
		return stream || h->type == TRK_BLOCK_KEYFRAME;
	default: /* the live set at the beginning of a later piece is known */
		return stream;
	}
}

static int walk_piece(struct capture *c, const struct piece *p, enum pass pass, struct scratch *s,
		      struct trk_fault *fault)
{
	uint64_t offset = p->base + c->header.header_bytes, items = 0;
	bool cut;
	const uint64_t end = end_of(c, p, &cut);
	int err = 0;

	while (!err && offset < end) {
		struct trk_block_header h;
		uint64_t next;
		bool fits;

		if (!block_at(c, offset, end, &h)) {
			/* for the newest piece this was told when its tables were read */
			offset = pass == STREAM && p == newest(c) ?
					 find_block(c, offset + 1, end) :
					 skip_damage(c, offset, end, cut);
			continue;
		}
		next = offset + TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
		fits = count_items(&h, next - p->base, &items);
		if (is_of(&h, pass)) {
			err = read_block(c, &h, offset, fits, s, fault);
			c->whole_blocks++;
		}
		offset = next;
	}
	c->cut = cut; /* for an older piece it only says that its end is missing */
	return err;
}

/* The tables of a piece are all there when its first keyframe is. */
static bool has_begun(const struct capture *c, const struct piece *p)
{
	uint64_t offset = p->base + c->header.header_bytes;
	bool cut;
	const uint64_t end = end_of(c, p, &cut);
	struct trk_block_header h;

	for (; offset < end && block_at(c, offset, end, &h); offset += TRK_BLOCK_HEADER_BYTES + h.stored_bytes)
		if (h.type == TRK_BLOCK_KEYFRAME)
			return true;
	return false;
}

/* The recorder was killed, or is killed, while it goes on in another file: the pieces that it has finished count. */
static void drop_unbegun(struct capture *c)
{
	struct files *const f = &c->private->files;

	if (f->count > 1 && !has_begun(c, newest(c))) {
		files_drop_newest(f);
		c->file_bytes = f->bytes;
		c->last_piece = newest(c)->number;
	}
}

static int walk_pieces(struct capture *c, struct scratch *s, struct trk_fault *fault)
{
	const struct files *const f = &c->private->files;
	int err;

	if (f->count == 1)
		return walk_piece(c, f->pieces, EVERYTHING, s, fault);
	err = walk_piece(c, newest(c), TABLES_OF_NEWEST, s, fault);
	for (size_t i = 0; i < f->count && !err; i++)
		err = walk_piece(c, &f->pieces[i], i ? STREAM : STREAM_OF_FIRST, s, fault);
	return err;
}

static int walk_blocks(struct capture *c, struct trk_fault *fault)
{
	struct scratch s = { 0 };
	const int err = walk_pieces(c, &s, fault);

	/* behind a trailer nothing is written: the recorder is only about to end. A checkpoint has one, too, and so have pieces */
	if (!c->cut && !c->last_piece && !capture_health(c, "checkpoint"))
		c->recorder = 0;
	if (c->cut)
		capture_damaged(c, c->file_bytes, "%s", c->recorder ? "it is being recorded" : c->torn ? "it is cut" :
													 "its recorder was killed");
	free(s.stored);
	free(s.raw);
	return err;
}

int capture_open(struct capture **ret, const char *path, struct trk_fault *fault)
{
	struct capture *c = calloc(1, sizeof(*c));
	int err;

	*fault = (struct trk_fault){ 0 };
	if (c)
		c->private = calloc(1, sizeof(*c->private));
	if (!c || !c->private) {
		err = files_fail(fault, TRK_ERR_NOMEM, "out of memory");
		goto out;
	}
	c->complete = true;
	err = open_files(c, path, fault);
	if (!err)
		err = read_header(c, fault);
	if (!err) {
		c->recorder = newest(c)->recorder;
		drop_unbegun(c);
	}
	if (err)
		goto out;
	if (tables_init(c) != 0) {
		err = files_fail(fault, TRK_ERR_NOMEM, "out of memory");
		goto out;
	}
	err = walk_blocks(c, fault);
	if (!err && tables_settle(c) != 0)
		err = files_fail(fault, TRK_ERR_NOMEM, "out of memory");
	if (!err && capture_is_aggregated(c))
		c->last_time_ns = capture_summary(c, "last_event_ns");
out:
	if (err) {
		const int error = errno;

		capture_close(c);
		errno = error;
		return err;
	}
	*ret = c;
	return 0;
}

void capture_close(struct capture *c)
{
	if (!c)
		return;
	if (c->private) {
		tables_finish(c);
		files_finish(&c->private->files);
		free(c->private);
	}
	free(c->path);
	free(c);
}

static uint64_t value_of(const struct cap_value *values, uint32_t count, const char *key)
{
	for (uint32_t i = 0; i < count; i++) {
		if (strcmp(values[i].key, key) == 0)
			return values[i].value;
	}
	return 0;
}

uint64_t capture_end(const struct capture *c)
{
	uint64_t end = c->last_time_ns;

	for (uint32_t p = 0; p < c->process_count; p++) {
		if (c->processes[p].end_ns != UINT64_MAX && c->processes[p].end_ns > end)
			end = c->processes[p].end_ns;
	}
	return end;
}

uint64_t capture_health(const struct capture *c, const char *key)
{
	return value_of(c->health, c->health_count, key);
}

uint64_t capture_summary(const struct capture *c, const char *key)
{
	return value_of(c->summary, c->summary_count, key);
}

uint32_t capture_process_by_pid(const struct capture *c, uint32_t pid)
{
	for (uint32_t i = 0; i < c->process_count; i++) {
		if (c->processes[i].pid == pid)
			return i;
	}
	return UINT32_MAX;
}
