/*
 * rotate - a capture in pieces, of which the newest are kept; see rotate.h.
 *
 * A forked copy of the recorder writes the end of a full piece (threads and mappings of what still runs, figures,
 * names), because looking up names takes seconds and the programs do not wait. The recorder itself goes on in a new
 * file, with all tables under the same ids and the live set as its keyframe.
 */
#include "recorder.h"
#include "bounds.h"
#include "deliver.h"
#include "finish.h"
#include "keyframing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "format/pieces.h"

/* If less than this part of a new piece would be left for events, it is not worth its beginning. */
#define WORTH_PART 8u

static struct piece_file *file_of(const struct rotation *t, uint32_t number)
{
	return &t->files[number % t->keep];
}

/* Remembers which file the recorder has made. A file that was put under its name later is not removed. */
static void remember(struct rotation *t, uint64_t began_ns)
{
	struct stat st = { 0 };

	fstat(t->fd, &st);
	*file_of(t, t->number) = (struct piece_file){ .device = st.st_dev, .inode = st.st_ino, .began_ns = began_ns };
}

int rotate_begin(struct rotation *t, const char *path, uint32_t keep, int fd)
{
	if (!keep)
		return 0;
	*t = (struct rotation){ .path = path, .keep = keep, .fd = fd, .number = 1, .files = calloc(keep, sizeof(*t->files)) };
	if (!t->files)
		return TRK_ERR_NOMEM;
	remember(t, 0);
	return 0;
}

static void remove_piece(struct rotation *t, uint32_t number, const struct piece_file *f)
{
	char name[PATH_MAX];
	struct stat st;

	if (pieces_name(t->path, number, name, sizeof(name)) == 0 && lstat(name, &st) == 0 &&
	    st.st_dev == f->device && st.st_ino == f->inode)
		unlink(name);
}

/* ---- the end of a piece ---- */

static void wait_for_finisher(struct recorder *r)
{
	struct rotation *const t = &r->rotation;
	const struct timespec pause = { .tv_nsec = 1000000 };
	pid_t pid;
	int status;

	while (t->finisher) {
		do
			pid = waitpid(t->finisher, &status, WNOHANG);
		while (pid < 0 && errno == EINTR);
		if (pid) {
			t->finisher = 0;
			t->error = pid < 0 || !WIFEXITED(status) ? EIO : WEXITSTATUS(status);
			return;
		}
		/* targets that wait for room must see that the recorder works */
		atomic_fetch_add_explicit(&r->shm->header.progress, 1, memory_order_relaxed);
		nanosleep(&pause, NULL);
	}
}

/* ... and says so if the end could not be written. */
static void settle_finisher(struct recorder *r)
{
	struct rotation *const t = &r->rotation;
	char text[256];

	wait_for_finisher(r);
	if (!t->error)
		return;
	snprintf(text, sizeof(text), "the end of file %0*u could not be written (%s): it lacks its names, figures and "
				     "modules",
		 PIECES_DIGITS, t->number - 1, strerror(t->error));
	recorder_notice(r, text);
	t->error = 0;
}

static void fork_finisher(struct recorder *r)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(finish_copy(r, STOPPED_ROTATED));
	if (pid > 0)
		r->rotation.finisher = pid;
	else
		writer_finish(r->writer); /* the piece lacks names and figures, but has all events */
}

/* ---- the beginning of the next ---- */

static int open_piece(const struct rotation *t, uint32_t number)
{
	char name[PATH_MAX];

	if (!t->path || pieces_name(t->path, number, name, sizeof(name)) != 0) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static void cannot(struct recorder *r, const char *why)
{
	char text[256];

	snprintf(text, sizeof(text), "the recorder could not go on in another file: %s", why);
	recorder_notice(r, text);
	r->rotation.keep_on = false;
}

bool rotate_now(struct recorder *r)
{
	struct rotation *const t = &r->rotation;
	struct piece_file oldest;

	deliver_flush(r);
	if (!t->keep_on)
		return false;
	settle_finisher(r);
	/* bytes that are pending when the copy is made would be written by both, into one file */
	if (writer_flush(r->writer) != 0)
		return false;
	if (r->heap_stopped) {
		cannot(r, "it had no memory for the table of live blocks");
		return false;
	}
	const int fd = open_piece(t, t->number + 1);

	if (fd < 0) {
		cannot(r, strerror(errno));
		return false;
	}
	recorder_lock(fd);
	fork_finisher(r);
	file_of(t, t->number)->bytes = writer_bytes(r->writer);
	writer_next_file(r->writer, fd, t->fd, &t->header);
	close(t->fd);
	t->fd = fd;
	t->number++;
	oldest = *file_of(t, t->number);
	writer_health(r->writer, "piece", t->number);
	remember(t, keyframing_begin_file(r));
	writer_flush(r->writer);
	/* on a full disk, the oldest piece is worth more than the beginning of a new one */
	if (t->number > t->keep && !writer_error(r->writer))
		remove_piece(t, t->number - t->keep, &oldest);
	if (bounds_room(r) < (int64_t)(r->bounds.max_bytes / WORTH_PART))
		cannot(r, "the live blocks and their stacks alone fill a file; use a larger --max-size");
	return t->keep_on;
}

/* ---- the end ---- */

void rotate_finish(struct recorder *r)
{
	settle_finisher(r);
}

uint32_t rotate_first(const struct rotation *t)
{
	return t->number > t->keep ? t->number - t->keep + 1 : 1;
}

uint64_t rotate_bytes(const struct rotation *t)
{
	uint64_t bytes = 0;

	for (uint32_t i = rotate_first(t); t->keep && i < t->number; i++)
		bytes += file_of(t, i)->bytes;
	return bytes;
}
