/* received_file - see received_file.h. */
#include "tools/stream/received_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/ui.h"

/* As a recorder does: readers see that the file still grows, and by whom. */
static bool lock(int fd, pid_t *ret_holder)
{
	const struct flock want = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	struct flock have = want;

	*ret_holder = 0;
	if (fcntl(fd, F_SETLK, &want) == 0 || (errno != EACCES && errno != EAGAIN))
		return true; /* also on a file system without locks */
	if (fcntl(fd, F_GETLK, &have) == 0 && have.l_type != F_UNLCK)
		*ret_holder = have.l_pid;
	return false;
}

static ssize_t read_at(int fd, uint8_t *bytes, size_t size, uint64_t offset)
{
	ssize_t n;

	do
		n = pread(fd, bytes, size, (off_t)offset);
	while (n < 0 && errno == EINTR);
	return n;
}

/* The length of the block that stands there, whole and undamaged; 0: none does. */
static size_t block_at(int fd, uint64_t offset, uint8_t *room)
{
	struct trk_block_header h;

	if (read_at(fd, room, TRK_BLOCK_HEADER_BYTES, offset) != TRK_BLOCK_HEADER_BYTES || trk_block_header_decode(room, TRK_BLOCK_HEADER_BYTES, &h) != 0)
		return 0;
	if (read_at(fd, room, h.stored_bytes, offset + TRK_BLOCK_HEADER_BYTES) != (ssize_t)h.stored_bytes ||
	    stream_checksum(room, h.stored_bytes) != h.payload_checksum)
		return 0;
	return TRK_BLOCK_HEADER_BYTES + h.stored_bytes;
}

enum state { UNFINISHED,
	     FINISHED,
	     FOREIGN };

/* How far the blocks of the file go, and whether the end of a capture stands behind them. */
static enum state examine(struct kept *k, uint8_t *room)
{
	const int fd = k->file.fd;
	struct trk_header h;
	struct trk_fault fault;
	uint64_t unused;
	size_t size;

	if (read_at(fd, k->header, TRK_HEADER_BYTES, 0) != TRK_HEADER_BYTES || trk_header_decode(k->header, TRK_HEADER_BYTES, &h, &fault) != 0)
		return FOREIGN;
	k->bytes = TRK_HEADER_BYTES;
	while ((size = block_at(fd, k->bytes, room)))
		k->bytes += size;
	if (read_at(fd, room, TRK_TRAILER_BYTES + 1, k->bytes) == TRK_TRAILER_BYTES && trk_trailer_decode(room, &unused) == 0)
		return FINISHED;
	k->begun = true;
	return UNFINISHED;
}

static bool refuse(struct kept *k, const char *path)
{
	close(k->file.fd);
	k->file.fd = -1;
	ui_error("Output file %s already exists; use --force to overwrite it", path);
	return false;
}

static bool go_on(struct kept *k, const char *path)
{
	uint8_t *const room = malloc(STREAM_PART_MAX);
	enum state state;
	pid_t holder;
	bool locked;

	if (!room) {
		ui_error("no memory to read %s", path);
		close(k->file.fd);
		return false;
	}
	locked = lock(k->file.fd, &holder);
	state = examine(k, room);
	free(room);
	if (state != UNFINISHED) /* also if its recorder is about to end */
		return refuse(k, path);
	if (!locked) {
		ui_error("%s is being written by process %d", path, (int)holder);
		close(k->file.fd);
		return false;
	}
	if (ftruncate(k->file.fd, (off_t)k->bytes) == 0)
		return true;
	ui_error("cannot write %s: %s", path, strerror(errno));
	close(k->file.fd);
	return false;
}

bool kept_open(struct kept *k, const char *path, bool force)
{
	struct stat st;
	pid_t unused;

	if (strlen(path) < sizeof(k->file.path) && !force && lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
		k->file = (struct capture_file){ .fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW) };
		strcpy(k->file.path, path);
		if (k->file.fd < 0) {
			ui_error("Could not create output file %s: %s", path, strerror(errno));
			return false;
		}
		/* nothing is lost with an empty one */
		return st.st_size == 0 || go_on(k, path);
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		ui_error("Could not create output file %s: %s", path, S_ISDIR(st.st_mode) ? strerror(EISDIR) : "not a regular file");
		return false;
	}
	if (!capture_file_open(&k->file, path, force))
		return false;
	(void)lock(k->file.fd, &unused);
	return true;
}

bool kept_begin(struct kept *k, const uint8_t header[TRK_HEADER_BYTES])
{
	memcpy(k->header, header, TRK_HEADER_BYTES);
	if (!kept_add(k, header, TRK_HEADER_BYTES))
		return false;
	capture_file_keep(&k->file);
	k->begun = true;
	return true;
}

bool kept_add(struct kept *k, const uint8_t *bytes, size_t size)
{
	size_t written = 0;

	k->is_full = k->most && k->bytes + size > k->most;
	if (k->is_full) {
		errno = EFBIG;
		return false;
	}
	while (written < size) {
		const ssize_t n = pwrite(k->file.fd, bytes + written, size - written, (off_t)(k->bytes + written));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			const int error = n < 0 ? errno : EIO;

			(void)!ftruncate(k->file.fd, (off_t)k->bytes);
			errno = error;
			return false;
		}
		written += (size_t)n;
	}
	k->bytes += size;
	return true;
}

void kept_close(struct kept *k)
{
	if (k->file.fd < 0)
		return;
	if (!k->begun)
		capture_file_discard(&k->file);
	else
		close(k->file.fd);
	k->file.fd = -1;
}
