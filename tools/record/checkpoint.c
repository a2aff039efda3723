/* checkpoint - see checkpoint.h. */
#include "recorder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int checkpoint_begin(struct checkpoint *k, int output, const char *path, uint64_t interval_ns)
{
	struct stat st;
	const bool file = fstat(output, &st) == 0 && S_ISREG(st.st_mode);

	*k = (struct checkpoint){ .output = output, .interval_ns = interval_ns,
				  .next_ns = interval_ns };
	k->spool = memfd_create("tracker-spool", MFD_CLOEXEC);
	if (k->spool < 0)
		return TRK_ERR_IO;
	if (file && path) {
		k->path = strdup(path);
		if (!k->path)
			return TRK_ERR_NOMEM;
	}
	return 0;
}

static int write_all(int fd, const char *p, size_t size)
{
	while (size) {
		const ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? errno : EIO;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

/* The first `bytes` of the spool. Returns an errno. */
static int copy_spool(const struct checkpoint *k, int fd, uint64_t bytes)
{
	static char chunk[64 << 10];
	uint64_t at = 0;
	int error = 0;

	while (at < bytes && !error) {
		const size_t want = bytes - at < sizeof(chunk) ? (size_t)(bytes - at) : sizeof(chunk);
		const ssize_t n = pread(k->spool, chunk, want, (off_t)at);

		if (n <= 0)
			return n < 0 ? errno : EIO;
		error = write_all(fd, chunk, (size_t)n);
		at += (uint64_t)n;
	}
	return error;
}

/* ---- the file ---- */

/* The name still leads to what we wrote: otherwise it is somebody else's file, or ours was moved. */
static bool is_in_place(const struct checkpoint *k)
{
	struct stat at, ours;

	return k->path && lstat(k->path, &at) == 0 && fstat(k->output, &ours) == 0 &&
	       at.st_dev == ours.st_dev && at.st_ino == ours.st_ino;
}

struct draft {
	char path[PATH_MAX];
	int fd;
};

static int draft_open(struct draft *d, const struct checkpoint *k)
{
	const int n = snprintf(d->path, sizeof(d->path), "%s.XXXXXX", k->path);

	if (n < 0 || (size_t)n >= sizeof(d->path))
		return ENAMETOOLONG;
	d->fd = mkostemp(d->path, O_CLOEXEC);
	return d->fd < 0 ? errno : 0;
}

/* Moves it to its place, or removes it when there was an error. */
static int draft_close(struct draft *d, const struct checkpoint *k, int error)
{
	if (!error && rename(d->path, k->path) < 0)
		error = errno;
	if (error)
		unlink(d->path);
	return error;
}

/* ---- while the program runs ---- */

void checkpoint_mark(const struct recorder *r)
{
	/* should this fail, so will the checkpoint, and that one tells */
	if (r->checkpoint.path)
		copy_spool(&r->checkpoint, r->checkpoint.output, writer_bytes(r->writer));
}

static int write_state(const struct recorder *r, int fd)
{
	struct writer *w;
	int error = copy_spool(&r->checkpoint, fd, writer_bytes(r->writer));

	if (!error && writer_branch(&w, r->writer, fd) != 0)
		error = ENOMEM;
	if (error)
		return error;
	writer_health(w, "checkpoint", 1);
	finish_write_figures(r, w);
	writer_finish(w);
	error = writer_error(w);
	writer_free(w);
	return error;
}

/* In the child: nothing of the recorder but its memory is touched. */
static int write_checkpoint(const struct recorder *r)
{
	struct draft d;
	int error = draft_open(&d, &r->checkpoint);

	if (error)
		return error;
	return draft_close(&d, &r->checkpoint, write_state(r, d.fd));
}

/* The name leads to a new file now: our descriptor must, too. */
static void follow(struct checkpoint *k)
{
	const int fd = open(k->path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return;
	dup3(fd, k->output, O_CLOEXEC);
	close(fd);
}

static void reap(struct checkpoint *k, int flags)
{
	int status;

	if (!k->child || waitpid(k->child, &status, flags) != k->child)
		return;
	k->child = 0;
	k->error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	if (!k->error)
		follow(k);
}

void checkpoint_tick(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;

	reap(k, WNOHANG);
	if (!k->interval_ns || r->now_ns < k->next_ns || k->child)
		return;
	k->next_ns = r->now_ns + k->interval_ns;
	if (!is_in_place(k) || writer_flush(r->writer) != 0)
		return;
	const pid_t child = fork();

	if (child == 0)
		_exit(write_checkpoint(r));
	if (child < 0)
		k->error = errno;
	else
		k->child = child;
	k->last_ns = r->now_ns;
}

/* ---- the end ---- */

/* A pipe, a device, or a file that has lost its name: written as it is. */
static int write_through(const struct recorder *r)
{
	const struct checkpoint *const k = &r->checkpoint;
	struct stat st;

	if (fstat(k->output, &st) == 0 && S_ISREG(st.st_mode) &&
	    (ftruncate(k->output, 0) < 0 || lseek(k->output, 0, SEEK_SET) < 0))
		return errno;
	return copy_spool(k, k->output, writer_bytes(r->writer));
}

static int replace(const struct recorder *r)
{
	const struct checkpoint *const k = &r->checkpoint;
	struct draft d;
	int error = draft_open(&d, k);

	/* no room for another name there: then in its place */
	if (error == EACCES || error == EROFS || error == EPERM)
		return write_through(r);
	if (error)
		return error;
	return draft_close(&d, k, copy_spool(k, d.fd, writer_bytes(r->writer)));
}

void checkpoint_finish(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;
	int error = writer_error(r->writer);

	reap(k, 0);
	if (!error)
		error = is_in_place(k) ? replace(r) : write_through(r);
	if (error) {
		r->write_error = error;
		r->discard_ns = k->last_ns;
	}
	free(k->path);
	k->path = NULL;
}
