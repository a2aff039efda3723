/* written_file - a capture in memory as the writer makes it, read back block by block. */
#ifndef WRITTEN_FILE_H
#define WRITTEN_FILE_H

#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/bytes.h"
#include "format/event.h"
#include "format/predict.h"
#include "format/writer.h"

struct file {
	int fd;
	uint8_t *bytes;
	size_t size, at;
};

static uint8_t raw[TRK_BLOCK_RAW_MAX];
static const struct trk_header header = { .version = 1, .page_bytes = 4096, .id = 5 };

static inline struct writer *begin(struct file *f)
{
	struct writer *w = NULL;

	*f = (struct file){ .fd = memfd_create("capture", MFD_CLOEXEC) };
	assert_true(f->fd >= 0);
	assert_int_equal(writer_new(&w, f->fd, &header), 0);
	return w;
}

/* Reads what was written, and the header. */
static inline void load(struct file *f)
{
	struct trk_header got;
	struct trk_fault fault;

	f->size = (size_t)lseek(f->fd, 0, SEEK_END);
	f->bytes = malloc(f->size);
	assert_int_equal(pread(f->fd, f->bytes, f->size, 0), f->size);
	assert_int_equal(trk_header_decode(f->bytes, f->size, &got, &fault), 0);
	f->at = TRK_HEADER_BYTES;
}

static inline void done(struct file *f)
{
	close(f->fd);
	free(f->bytes);
}

static inline void finish(struct writer *w, struct file *f)
{
	assert_int_equal(writer_finish(w), 0);
	assert_int_equal(writer_error(w), 0);
	load(f);
	assert_int_equal(writer_bytes(w), f->size);
	writer_free(w);
}

/* The next whole block, its payload in `raw`; false at the trailer or a torn end. */
static inline bool next_block(struct file *f, struct trk_block_header *h)
{
	const uint8_t *p = f->bytes + f->at;

	if (trk_block_header_decode(p, f->size - f->at, h) ||
	    h->stored_bytes > f->size - f->at - TRK_BLOCK_HEADER_BYTES)
		return false;
	assert_int_equal(trk_block_payload_decode(h, p + TRK_BLOCK_HEADER_BYTES, raw), 0);
	f->at += TRK_BLOCK_HEADER_BYTES + h->stored_bytes;
	return true;
}

static inline bool find_block(struct file *f, enum trk_block_type type, struct trk_block_header *h)
{
	f->at = TRK_HEADER_BYTES;
	while (next_block(f, h)) {
		if (h->type == type)
			return true;
	}
	return false;
}

#endif
