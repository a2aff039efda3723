/* files - see files.h. Nothing is mapped: a file that shrinks meanwhile gives short reads, not SIGBUS. */
#include "replay/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/block.h"
#include "format/pieces.h"

int files_fail(struct trk_fault *fault, enum trk_err code, const char *why)
{
	*fault = (struct trk_fault){ .code = code };
	snprintf(fault->why, sizeof(fault->why), "%s", why);
	return code;
}

static int fail_io(struct trk_fault *fault, int error)
{
	const int err = files_fail(fault, TRK_ERR_IO, strerror(error));

	errno = error;
	return err;
}

static bool read_at(int fd, uint64_t offset, void *bytes, size_t n)
{
	uint8_t *at = bytes;

	while (n > 0) {
		const ssize_t got = pread(fd, at, n, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		offset += (uint64_t)got;
		n -= (size_t)got;
	}
	return true;
}

/*
 * The recorder holds a lock on the file that it writes. So no other process, and none whose pid is used again, can be
 * taken for it.
 */
static int recorder_of(int fd)
{
	struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type != F_WRLCK)
		return 0;
	return lock.l_pid > 0 ? lock.l_pid : -1;
}

static int open_piece(struct piece *p, const char *path, struct trk_fault *fault)
{
	struct stat st;

	/* so that the open does not wait for the writer of a fifo */
	p->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	/* in this order: a file that nobody writes does not become longer */
	p->recorder = p->fd < 0 ? 0 : recorder_of(p->fd);
	if (p->fd < 0 || fstat(p->fd, &st) < 0)
		return fail_io(fault, errno);
	if (S_ISDIR(st.st_mode))
		return fail_io(fault, EISDIR);
	if (!S_ISREG(st.st_mode))
		return files_fail(fault, TRK_ERR_MAGIC, "it is not a regular file");
	if (st.st_size == 0)
		return files_fail(fault, TRK_ERR_MAGIC, "it is empty");
	p->bytes = (uint64_t)st.st_size;
	return 0;
}

/* The id in the header; 0: it has none that can be read. */
static uint64_t id_of(const struct piece *p)
{
	uint8_t bytes[TRK_HEADER_BYTES];
	struct trk_header header;
	struct trk_fault fault;

	if (p->bytes < sizeof(bytes) || !read_at(p->fd, 0, bytes, sizeof(bytes)) ||
	    trk_header_decode(bytes, sizeof(bytes), &header, &fault) != 0)
		return 0;
	return header.id;
}

static void drop_last(struct files *f)
{
	const struct piece *const p = &f->pieces[--f->count];

	if (p->fd >= 0)
		close(p->fd);
}

/* Goes from the newest piece back to the first gap or piece of another recording; then reverses the order. */
static int open_numbers(struct files *f, const char *path, const uint32_t *numbers, size_t count,
			struct trk_fault *fault)
{
	char name[PATH_MAX];

	for (size_t i = 0; i < count; i++) {
		struct piece *const p = &f->pieces[i];
		struct trk_fault older;

		*p = (struct piece){ .fd = -1, .number = numbers[count - 1 - i] };
		f->count++;
		if (pieces_name(path, p->number, name, sizeof(name)) != 0)
			return fail_io(fault, ENAMETOOLONG);
		const int err = open_piece(p, name, i ? &older : fault);

		if (err && !i)
			return err;
		if (i && (err || p->number + 1 != p[-1].number || id_of(p) != id_of(f->pieces))) {
			drop_last(f);
			f->left_out = (uint32_t)(count - i);
			break;
		}
	}
	for (size_t i = 0; i < f->count / 2; i++) {
		const struct piece p = f->pieces[i];

		f->pieces[i] = f->pieces[f->count - 1 - i];
		f->pieces[f->count - 1 - i] = p;
	}
	return 0;
}

static bool is_empty(const char *path, uint32_t number)
{
	char name[PATH_MAX];
	struct stat st;

	return pieces_name(path, number, name, sizeof(name)) == 0 && stat(name, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_size < (off_t)TRK_HEADER_BYTES;
}

static int open_pieces(struct files *f, const char *path, struct trk_fault *fault)
{
	uint32_t *numbers;
	size_t count;
	int err = pieces_find(path, &numbers, &count);

	if (!err && !count)
		return fail_io(fault, ENOENT);
	if (count > 1 && is_empty(path, numbers[count - 1]))
		count--; /* the file is still empty, or its recorder was killed before it wrote */
	f->pieces = err ? NULL : calloc(count, sizeof(*f->pieces));
	err = f->pieces ? open_numbers(f, path, numbers, count, fault) :
			  files_fail(fault, TRK_ERR_NOMEM, "out of memory");
	free(numbers);
	return err;
}

int files_open(struct files *f, const char *path, struct trk_fault *fault)
{
	int err;

	*f = (struct files){ .pieces = calloc(1, sizeof(*f->pieces)), .count = 1 };
	if (!f->pieces) {
		f->count = 0;
		return files_fail(fault, TRK_ERR_NOMEM, "out of memory");
	}
	err = open_piece(f->pieces, path, fault);
	if (err == TRK_ERR_IO && errno == ENOENT) {
		free(f->pieces);
		*f = (struct files){ 0 };
		err = open_pieces(f, path, fault);
	}
	for (size_t i = 0; !err && i < f->count; i++) {
		f->pieces[i].base = f->bytes;
		f->bytes += f->pieces[i].bytes;
	}
	return err;
}

void files_drop_newest(struct files *f)
{
	drop_last(f);
	f->bytes = f->pieces[f->count].base;
}

void files_finish(struct files *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->pieces[i].fd >= 0)
			close(f->pieces[i].fd);
	free(f->pieces);
	*f = (struct files){ 0 };
}

bool files_read(const struct files *f, uint64_t offset, void *bytes, size_t n)
{
	size_t low = 0, high = f->count;

	while (low + 1 < high) {
		const size_t middle = (low + high) / 2;

		if (f->pieces[middle].base <= offset)
			low = middle;
		else
			high = middle;
	}
	const struct piece *const p = &f->pieces[low];

	return f->count && n <= p->bytes && offset - p->base <= p->bytes - n &&
	       read_at(p->fd, offset - p->base, bytes, n);
}
