/*
 * copy - walks over block headers, and over damage from one header to the next; see copy.h. It copies blocks as they
 * are, even damaged ones: their checksums still show the damage.
 */
#include "copy.h"

#include "format/array.h"
#include "format/pieces.h"
#include "replay/refusal.h"
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int copy_open_capture(struct capture **ret, const char *path)
{
	struct trk_fault fault = { 0 };
	char words[REFUSAL_ROOM];
	const int err = capture_open(ret, path, &fault);

	if (err)
		ui_error("%s", refusal_words(path, &fault, errno, NULL, words));
	return err ? UI_CANNOT : UI_OK;
}

int copy_open_file(const struct capture *c)
{
	char name[PATH_MAX];
	int fd = -1;

	if (!c->last_piece)
		fd = open(c->path, O_RDONLY | O_CLOEXEC);
	else if (pieces_name(c->path, c->last_piece, name, sizeof(name)) == 0)
		fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		ui_error("%s: %s", c->path, strerror(errno));
	return fd;
}

#define CHUNK_BYTES (64u << 10)
#define MAGIC_BYTES 4u
static const char MAGIC[] = "TRKB";

/* Reads at most `size` bytes at the offset. Fewer only at the end of the file. -1: errno. */
static ssize_t read_at(int fd, void *bytes, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		const ssize_t n = pread(fd, (char *)bytes + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int add(struct copy *c, const struct trk_block_header *h, uint64_t offset)
{
	if (!ARRAY_ROOM(c->blocks, c->block_room, c->count + 1, 256) || !ARRAY_ROOM(c->offsets, c->offset_room, c->count + 1, 256))
		return TRK_ERR_NOMEM;
	c->blocks[c->count] = *h;
	c->offsets[c->count++] = offset;
	return 0;
}

/* A block that lies in the file completely. */
static bool block_at(int fd, uint64_t offset, uint64_t file_bytes, struct trk_block_header *ret)
{
	uint8_t bytes[TRK_BLOCK_HEADER_BYTES];

	return read_at(fd, bytes, sizeof(bytes), offset) == (ssize_t)sizeof(bytes) &&
	       trk_block_header_decode(bytes, sizeof(bytes), ret) == 0 &&
	       ret->stored_bytes <= file_bytes - offset - TRK_BLOCK_HEADER_BYTES;
}

/* Offset of the next magic at or after `offset`, or the end of the file. */
static uint64_t next_magic(int fd, uint64_t offset, uint64_t file_bytes)
{
	uint8_t bytes[CHUNK_BYTES];

	while (offset < file_bytes) {
		const ssize_t n = read_at(fd, bytes, sizeof(bytes), offset);
		const uint8_t *const found = n > 0 ? memmem(bytes, (size_t)n, MAGIC, MAGIC_BYTES) : NULL;

		if (found)
			return offset + (uint64_t)(found - bytes);
		if (n < (ssize_t)sizeof(bytes))
			break;
		offset += sizeof(bytes) - (MAGIC_BYTES - 1);
	}
	return file_bytes;
}

static bool has_trailer(int fd, uint64_t file_bytes)
{
	uint8_t bytes[TRK_TRAILER_BYTES];
	uint64_t index;

	return file_bytes > sizeof(bytes) &&
	       read_at(fd, bytes, sizeof(bytes), file_bytes - sizeof(bytes)) ==
		       (ssize_t)sizeof(bytes) &&
	       trk_trailer_decode(bytes, &index) == 0;
}

static int scan_blocks(struct copy *c, int fd, uint64_t offset, uint64_t file_bytes)
{
	c->bytes = offset;
	while (offset < file_bytes) {
		struct trk_block_header h;
		int err;

		if (!block_at(fd, offset, file_bytes, &h)) {
			offset = next_magic(fd, offset + 1, file_bytes);
			c->whole &= offset == file_bytes; /* or it is the trailer */
			continue;
		}
		if (h.type == TRK_BLOCK_INDEX)
			return 0;
		err = add(c, &h, offset);
		if (err)
			return err;
		offset += TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
		c->bytes = offset;
	}
	return 0;
}

int copy_scan(struct copy *c, int fd, struct trk_fault *fault)
{
	uint8_t bytes[TRK_HEADER_BYTES];
	struct trk_header header;
	struct stat st;
	ssize_t n;
	int err;

	*c = (struct copy){ 0 };
	n = read_at(fd, bytes, sizeof(bytes), 0);
	if (n < 0 || fstat(fd, &st) < 0)
		return TRK_ERR_IO;
	err = trk_header_decode(bytes, (size_t)n, &header, fault);
	if (err)
		return err;
	c->whole = has_trailer(fd, (uint64_t)st.st_size);
	err = scan_blocks(c, fd, header.header_bytes, (uint64_t)st.st_size);
	if (err)
		copy_finish(c);
	return err;
}

void copy_finish(struct copy *c)
{
	free(c->blocks);
	free(c->offsets);
	*c = (struct copy){ 0 };
}

int copy_write(const struct copy *c, int fd, FILE *out)
{
	uint8_t bytes[CHUNK_BYTES];

	for (uint64_t done = 0; done < c->bytes;) {
		const uint64_t left = c->bytes - done;
		const size_t want = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);

		if (read_at(fd, bytes, want, done) != (ssize_t)want) {
			errno = EIO; /* the file became shorter meanwhile */
			return TRK_ERR_IO;
		}
		fwrite(bytes, 1, want, out);
		done += want;
	}
	return 0;
}
