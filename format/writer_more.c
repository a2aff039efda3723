/*
 * writer_more - writers that go on: after the blocks of an existing file, beside another writer, or in the next file.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "format/writer_private.h"

/* Blocks that claim more than they may are none to readers, either. */
static void resume_items(struct writer *w, const struct trk_block_header *h, uint64_t offset)
{
	const uint64_t items = w->items + trk_block_counts(h);

	if (trk_items_fit(items, offset + TRK_BLOCK_HEADER_BYTES + h->stored_bytes))
		w->items = items;
}

int writer_resume(struct writer **ret, int fd, const struct writer_written *before)
{
	struct writer *w = writer_alloc(fd);

	if (!w)
		return TRK_ERR_NOMEM;
	w->bytes = before->bytes;
	w->strings_before = before->string_count;
	for (size_t i = 0; i < before->block_count && !w->error; i++) {
		writer_index_add(w, &before->blocks[i], before->offsets[i]);
		resume_items(w, &before->blocks[i], before->offsets[i]);
	}
	if (w->error) {
		writer_free(w);
		return TRK_ERR_NOMEM;
	}
	*ret = w;
	return 0;
}

int writer_branch(struct writer **ret, const struct writer *w, int fd)
{
	const size_t bytes = w->index_count * sizeof(*w->index);
	struct writer *b = writer_alloc(fd);

	if (!b)
		return TRK_ERR_NOMEM;
	b->bytes = w->bytes;
	b->items = w->items;
	b->strings_before = w->strings_before + w->strings.count;
	b->index = malloc(bytes + 1);
	if (!b->index) {
		writer_free(b);
		return TRK_ERR_NOMEM;
	}
	if (bytes)
		memcpy(b->index, w->index, bytes);
	b->index_count = b->index_room = w->index_count;
	*ret = b;
	return 0;
}

/*
 * What every piece of a recording has from the one before it. Names that are written while the recording goes on are written once;
 * those that are looked up at the end of a piece are in no list of this writer's.
 */
static bool is_carried(uint16_t type)
{
	return (type >= TRK_BLOCK_MODULES && type <= TRK_BLOCK_MAPPINGS) || type == TRK_BLOCK_SYMBOLS || type == TRK_BLOCK_NOTICES ||
	       type == TRK_BLOCK_DOMAINS;
}

static bool read_back(struct writer *w, int before, uint8_t *bytes, size_t size, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(before, bytes, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)size)
		writer_stop(w, n < 0 ? errno : EIO);
	return n == (ssize_t)size;
}

static void carry(struct writer *w, int before, uint64_t from)
{
	struct trk_block_header h;

	if (!read_back(w, before, w->block, TRK_BLOCK_HEADER_BYTES, from))
		return;
	if (trk_block_header_decode(w->block, TRK_BLOCK_HEADER_BYTES, &h) != 0 ||
	    h.stored_bytes > trk_block_bound(TRK_BLOCK_RAW_MAX)) {
		writer_stop(w, EIO); /* somebody writes into the file, too */
		return;
	}
	if (read_back(w, before, w->block + TRK_BLOCK_HEADER_BYTES, h.stored_bytes,
		      from + TRK_BLOCK_HEADER_BYTES))
		writer_write_encoded(w, &h, TRK_BLOCK_HEADER_BYTES + h.stored_bytes);
}

int writer_next_file(struct writer *w, int fd, int before, const struct trk_header *header)
{
	uint8_t bytes[TRK_HEADER_BYTES];

	if (writer_flush(w))
		return writer_result(w);
	struct index_entry *const old = w->index;
	const size_t count = w->index_count;

	w->fd = fd;
	w->bytes = w->items = 0;
	w->index = NULL;
	w->index_count = w->index_room = 0;
	trk_header_encode(header, bytes);
	writer_write_all(w, bytes, sizeof(bytes));
	for (size_t i = 0; i < count && !w->error; i++)
		if (is_carried(old[i].type))
			carry(w, before, old[i].offset);
	free(old);
	return writer_result(w);
}
