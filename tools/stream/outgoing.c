/* outgoing - see outgoing.h. */
#include "tools/stream/outgoing.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files are given back in such pieces. */
#define PIECE_BYTES (64u << 10)

bool outgoing_begin(struct outgoing *o, int file, int recorder, bool is_spool)
{
	*o = (struct outgoing){ .file = file, .recorder = recorder, .is_spool = is_spool, .part = malloc(STREAM_PART_MAX) };
	return o->part;
}

void outgoing_release(struct outgoing *o)
{
	free(o->part);
	o->part = NULL;
}

/* A recorder holds a lock on its file as long as it lives, but there are file systems without locks. */
static bool is_written(const struct outgoing *o)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };
	struct pollfd p = { .fd = o->recorder, .events = POLLIN };

	if (o->recorder >= 0 && poll(&p, 1, 0) <= 0)
		return true;
	return fcntl(o->file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

/* The length is read after the lock: what was written before the lock was given up is seen. */
void outgoing_look(struct outgoing *o)
{
	struct stat st;
	const bool is_over = !is_written(o);

	if (fstat(o->file, &st) < 0)
		o->error = errno;
	else
		o->file_bytes = (uint64_t)st.st_size;
	o->is_over = is_over && o->file_bytes >= TRK_HEADER_BYTES;
}

static bool read_at(struct outgoing *o, uint8_t *bytes, size_t size, uint64_t offset)
{
	while (size) {
		const ssize_t n = pread(o->file, bytes, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			o->error = n < 0 ? errno : EIO;
			return false;
		}
		bytes += n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return true;
}

bool outgoing_has_header(struct outgoing *o)
{
	outgoing_look(o);
	return o->file_bytes >= TRK_HEADER_BYTES && read_at(o, o->header, TRK_HEADER_BYTES, 0);
}

bool outgoing_seek(struct outgoing *o, uint64_t bytes)
{
	outgoing_look(o);
	o->part_bytes = 0;
	o->is_end = false;
	o->next = bytes;
	return bytes >= TRK_HEADER_BYTES && bytes >= o->given_back && bytes <= o->file_bytes;
}

/* A whole block stands there, and nothing else is read of it. */
static bool take_block(struct outgoing *o)
{
	struct trk_block_header h;
	uint8_t *const payload = o->part + TRK_BLOCK_HEADER_BYTES;
	const uint64_t left = o->file_bytes - o->next;

	if (left < TRK_BLOCK_HEADER_BYTES || !read_at(o, o->part, TRK_BLOCK_HEADER_BYTES, o->next))
		return false;
	if (trk_block_header_decode(o->part, TRK_BLOCK_HEADER_BYTES, &h) != 0 || left < TRK_BLOCK_HEADER_BYTES + h.stored_bytes)
		return false;
	if (!read_at(o, payload, h.stored_bytes, o->next + TRK_BLOCK_HEADER_BYTES))
		return false;
	if (stream_checksum(payload, h.stored_bytes) != h.payload_checksum) /* it is damaged, and goes as it is */
		return false;
	o->part_bytes = TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
	o->next += o->part_bytes;
	return true;
}

static bool take_rest(struct outgoing *o)
{
	const uint64_t left = o->file_bytes - o->next;
	struct stream_record r = { .type = STREAM_REST, .bytes = left < TRK_BLOCK_RAW_MAX ? (uint32_t)left : TRK_BLOCK_RAW_MAX };

	if (!read_at(o, o->part + STREAM_RECORD_BYTES, r.bytes, o->next))
		return false;
	r.checksum = stream_checksum(o->part + STREAM_RECORD_BYTES, r.bytes);
	stream_record_encode(&r, o->part);
	o->part_bytes = STREAM_RECORD_BYTES + r.bytes;
	o->next += r.bytes;
	return true;
}

static void put_record(struct outgoing *o, enum stream_type type)
{
	stream_record_encode(&(struct stream_record){ .type = type, .file_bytes = type == STREAM_END ? o->file_bytes : 0 }, o->part);
	o->part_bytes = STREAM_RECORD_BYTES;
	o->is_end = type == STREAM_END;
}

void outgoing_ping(struct outgoing *o)
{
	put_record(o, STREAM_PING);
}

bool outgoing_next(struct outgoing *o)
{
	o->part_bytes = 0;
	if (o->is_end || o->error)
		return false;
	outgoing_look(o);
	if (o->error || take_block(o))
		return !o->error;
	if (o->error || !o->is_over)
		return false;
	if (o->next < o->file_bytes)
		return take_rest(o);
	put_record(o, STREAM_END);
	return true;
}

void outgoing_give_back(struct outgoing *o, uint64_t bytes)
{
	const uint64_t end = bytes / PIECE_BYTES * PIECE_BYTES;

	if (!o->is_spool || end <= o->given_back)
		return;
	/* a file system that cannot do that keeps the whole file */
	if (fallocate(o->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)o->given_back, (off_t)(end - o->given_back)) == 0)
		o->given_back = end;
	else
		o->is_spool = false;
}
