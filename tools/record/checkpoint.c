/* checkpoint - see checkpoint.h. */
#include "recorder.h"
#include "deliver.h"
#include "finish.h"
#include "proc.h"
#include "thread_slot.h"
#include "titles.h"

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

	*k = (struct checkpoint){ .output = output, .interval_ns = interval_ns, .next_ns = interval_ns };
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

/* Copies the first `bytes` of the spool. Returns an errno. */
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

static bool is_file(int fd, const struct stat *file)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino;
}

/* Whether the name still leads to the recorder's file. Otherwise it is somebody else's file, or the recorder's was moved. */
static bool is_in_place(const struct checkpoint *k)
{
	struct stat at;

	return k->path && lstat(k->path, &at) == 0 && is_file(k->output, &at);
}

static int draft_open(struct draft *d, const char *path)
{
	const int n = snprintf(d->path, sizeof(d->path), "%s.XXXXXX", path);

	if (n < 0 || (size_t)n >= sizeof(d->path))
		return ENAMETOOLONG;
	d->fd = mkostemp(d->path, O_CLOEXEC);
	return d->fd < 0 ? errno : 0;
}

/*
 * Exchanges the names of the draft and of the file at k->path, and then looks whether that file was the recorder's.
 * If it looked first, somebody could put another file there in between. Such a file goes back. Returns an errno;
 * EEXIST: the recorder's file was taken away.
 */
static int take_place(const struct draft *d, const struct checkpoint *k)
{
	struct stat st;

	if (renameat2(AT_FDCWD, d->path, AT_FDCWD, k->path, RENAME_EXCHANGE) < 0) {
		if (errno == ENOENT)
			return EEXIST;
		if (errno != EINVAL && errno != ENOSYS)
			return errno;
		return rename(d->path, k->path) < 0 ? errno : 0; /* on a file system that cannot exchange names */
	}
	if (lstat(d->path, &st) == 0 && is_file(k->output, &st))
		return unlink(d->path) < 0 ? errno : 0;
	if (renameat2(AT_FDCWD, d->path, AT_FDCWD, k->path, RENAME_EXCHANGE) < 0)
		return errno;
	return EEXIST;
}

/*
 * Moves the draft to its place, unless the recorder's file was taken away from there (EEXIST). Removes the draft if
 * there was an error.
 */
static int draft_close(const struct draft *d, const struct checkpoint *k, int error)
{
	struct stat st;

	if (!error)
		error = is_in_place(k) ? take_place(d, k) : EEXIST;
	if (error && lstat(d->path, &st) == 0 && is_file(d->fd, &st))
		unlink(d->path);
	return error;
}

/* ---- while the program runs ---- */

void checkpoint_mark(const struct recorder *r)
{
	/* if this fails, the checkpoint will fail, too, and reports it */
	if (r->checkpoint.path)
		copy_spool(&r->checkpoint, r->checkpoint.output, writer_bytes(r->writer));
}

/* Threads and mappings are written when they end. Those that have not ended are written as if the recording ended now. */
static void leave_all(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++) {
		struct deliver_context context = { r, r->live[i], UINT64_MAX };

		thread_slot_leave_all(r, r->live[i]);
		titles_write(r, r->live[i]);
		modules_clear(&r->live[i]->modules, deliver_mapping_gone, &context);
	}
	deliver_flush(r);
}

int checkpoint_write(struct recorder *r, int fd)
{
	struct writer *w;
	int error = copy_spool(&r->checkpoint, fd, writer_bytes(r->writer));

	if (!error && writer_branch(&w, r->writer, fd) != 0)
		error = ENOMEM;
	if (error)
		return error;
	r->writer = w;
	leave_all(r);
	writer_health(w, "checkpoint", 1);
	finish_write_figures(r, w);
	writer_finish(w);
	return writer_error(w);
}

/* Runs in the child, which touches nothing of the recorder but its memory. */
static int write_checkpoint(struct recorder *r)
{
	const struct draft *const d = &r->checkpoint.draft;

	return draft_close(d, &r->checkpoint, checkpoint_write(r, d->fd));
}

static void begin(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;

	k->error = draft_open(&k->draft, k->path);
	if (k->error)
		return;
	k->begun_ns = r->now_ns;
	k->child = fork();
	if (k->child == 0)
		_exit(write_checkpoint(r));
	if (k->child > 0)
		return;
	k->error = errno;
	k->child = 0;
	close(k->draft.fd);
	unlink(k->draft.path);
}

/* The child is done. The name leads to the draft now, so the recorder's descriptor must, too. */
static void end(struct checkpoint *k, int status)
{
	k->child = 0;
	k->error = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
	if (k->error == EEXIST) { /* the file was taken away meanwhile: that is no error, and this was the last checkpoint there */
		k->error = 0;
	} else if (!k->error) {
		dup3(k->draft.fd, k->output, O_CLOEXEC);
		k->last_ns = k->begun_ns;
	} else if (!WIFEXITED(status)) {
		unlink(k->draft.path);
	}
	close(k->draft.fd);
	recorder_lock(k->output); /* not earlier: closing any descriptor of a file gives up its lock */
}

static void reap(struct checkpoint *k, int flags)
{
	pid_t pid = 0;
	int status;

	if (!k->child)
		return;
	do
		pid = waitpid(k->child, &status, flags);
	while (pid < 0 && errno == EINTR);
	if (pid == k->child)
		end(k, status);
}

void checkpoint_tick(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;

	reap(k, WNOHANG);
	if (!k->interval_ns || r->now_ns < k->next_ns || k->child)
		return;
	k->next_ns = r->now_ns + k->interval_ns;
	deliver_flush(r);
	if (is_in_place(k) && writer_flush(r->writer) == 0)
		begin(r);
}

/* ---- the end ---- */

static bool has_name(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && st.st_nlink;
}

/* A pipe, a device, or a file that is not where it was: the recorder writes into it as it is. */
static int write_through(const struct recorder *r)
{
	const struct checkpoint *const k = &r->checkpoint;
	struct stat st;

	if (fstat(k->output, &st) == 0 && S_ISREG(st.st_mode) &&
	    (ftruncate(k->output, 0) < 0 || lseek(k->output, 0, SEEK_SET) < 0))
		return errno;
	return copy_spool(k, k->output, writer_bytes(r->writer));
}

static int replace(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;
	int error = draft_open(&k->draft, k->path);

	/* there is no room for another name, or for a longer one: then it writes into the file itself */
	if (error == EACCES || error == EROFS || error == EPERM || error == ENAMETOOLONG)
		return write_through(r);
	if (error)
		return error;
	return draft_close(&k->draft, k, copy_spool(k, k->draft.fd, writer_bytes(r->writer)));
}

/* Somebody moved the recorder's file, and perhaps put another one there. The recorder writes into its file where it is now. */
static int write_moved(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;

	proc_own_file(k->output, k->draft.path);
	k->elsewhere = k->draft.path;
	return write_through(r);
}

/* Somebody removed the recorder's file. It is made anew, under a similar name if its own is taken. */
static int write_anew(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;
	int error = draft_open(&k->draft, k->path);

	if (error)
		return error;
	error = copy_spool(k, k->draft.fd, writer_bytes(r->writer));
	if (error)
		unlink(k->draft.path);
	else if (link(k->draft.path, k->path) == 0)
		unlink(k->draft.path);
	else
		k->elsewhere = k->draft.path;
	return error;
}

static int write_file(struct recorder *r)
{
	const struct checkpoint *const k = &r->checkpoint;

	if (!k->path)
		return write_through(r);
	if (is_in_place(k)) {
		const int error = replace(r);

		if (error != EEXIST) /* the file was taken away meanwhile */
			return error;
	}
	return has_name(k->output) ? write_moved(r) : write_anew(r);
}

void checkpoint_finish(struct recorder *r)
{
	struct checkpoint *const k = &r->checkpoint;
	int error = writer_error(r->writer);

	reap(k, 0);
	if (!error)
		error = write_file(r);
	if (error) {
		r->write_error = error;
		r->discard_ns = k->last_ns;
	}
}

void checkpoint_release(struct checkpoint *k)
{
	free(k->path);
	if (k->spool > 0)
		close(k->spool);
}
