/* capture_file - see capture_file.h. */
#include "capture_file.h"

#include "format/block.h"
#include "format/pieces.h"
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A FIFO waits here for its reader. Links are followed: /dev/stdout and a shell's >(command) are some. */
static bool open_existing(struct capture_file *o)
{
	o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (o->fd < 0)
		ui_error("Could not create output file %s: %s", o->path, strerror(errno));
	return o->fd >= 0;
}

static bool open_new(struct capture_file *o)
{
	o->fd = open(o->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	o->created = o->fd >= 0;
	if (o->fd < 0)
		ui_error("Could not create output file %s: %s", o->path, strerror(errno));
	return o->fd >= 0;
}

/* Beside the file that it will replace: a rename must not cross file systems. */
static bool open_temporary(struct capture_file *o)
{
	const int n = snprintf(o->temporary, sizeof(o->temporary), "%s.XXXXXX", o->path);

	if (n < 0 || (size_t)n >= sizeof(o->temporary))
		errno = ENAMETOOLONG;
	else
		o->fd = mkostemp(o->temporary, O_CLOEXEC);
	o->created = o->fd >= 0;
	if (o->fd < 0) {
		ui_error("Could not create output file %s: %s", o->path, strerror(errno));
		o->temporary[0] = 0;
	}
	return o->fd >= 0;
}

bool capture_file_open(struct capture_file *o, const char *path, bool force)
{
	struct stat st;

	*o = (struct capture_file){ .fd = -1 };
	if (strlen(path) >= sizeof(o->path)) {
		ui_error("Could not create output file %s: %s", path, strerror(ENAMETOOLONG));
		return false;
	}
	strcpy(o->path, path);
	if (stat(path, &st) == 0 && (S_ISCHR(st.st_mode) || S_ISFIFO(st.st_mode)))
		return open_existing(o);
	if (lstat(path, &st) < 0)
		return open_new(o);
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode)) {
		ui_error("Could not create output file %s: %s", path,
			 S_ISDIR(st.st_mode) ? strerror(EISDIR) : "not a regular file");
		return false;
	}
	if (force)
		return open_temporary(o);
	ui_error("Output file %s already exists; use --force to overwrite it", path);
	return false;
}

/* Whether no file of an earlier recording is in the way, or such files may be removed. */
static bool may_take(const char *path, bool force)
{
	char name[PATH_MAX] = "";
	uint32_t *numbers;
	size_t count;
	struct stat st;

	if (lstat(path, &st) == 0) {
		if (!S_ISREG(st.st_mode)) {
			ui_error("argument --rotate: not allowed because %s is not a regular file", path);
			return false;
		}
		snprintf(name, sizeof(name), "%s", path);
	} else if (pieces_find(path, &numbers, &count) == 0) {
		if (count)
			pieces_name(path, numbers[0], name, sizeof(name));
		free(numbers);
	}
	if (!name[0] || force)
		return true;
	ui_error("Output file %s already exists; use --force to overwrite it", name);
	return false;
}

bool capture_file_open_pieces(struct capture_file *o, const char *path, bool force)
{
	char name[PATH_MAX];

	*o = (struct capture_file){ .fd = -1 };
	if (strlen(path) >= sizeof(o->pieces) || pieces_name(path, 1, name, sizeof(name)) != 0) {
		ui_error("Could not create output file %s: %s", path, strerror(ENAMETOOLONG));
		return false;
	}
	if (!may_take(path, force) || !capture_file_open(o, name, force))
		return false;
	strcpy(o->pieces, path);
	return true;
}

static int open_nameless(const char *folder)
{
	char name[PATH_MAX];
	int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	/* a file system without such files; if there is no such folder, this fails, too */
	if ((size_t)snprintf(name, sizeof(name), "%s/tracker.XXXXXX", folder) >= sizeof(name))
		return -1;
	fd = mkostemp(name, O_CLOEXEC);
	if (fd >= 0)
		unlink(name);
	return fd;
}

bool capture_file_open_spool(struct capture_file *o)
{
	const char *const wanted = getenv("TMPDIR");
	const char *const folders[] = { wanted && *wanted ? wanted : "/var/tmp", "/tmp" };

	*o = (struct capture_file){ .fd = -1, .is_spool = true };
	for (size_t i = 0; i < 2 && o->fd < 0; i++) {
		o->fd = open_nameless(folders[i]);
		snprintf(o->path, sizeof(o->path), "a temporary file in %.4000s", folders[i]);
	}
	if (o->fd < 0)
		ui_error("Could not create %s, from which the capture is sent: %s; set TMPDIR", o->path, strerror(errno));
	return o->fd >= 0;
}

/* Removes an earlier recording's file: only captures are removed. */
static void remove_capture(const char *path)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	uint8_t bytes[TRK_HEADER_BYTES];
	struct trk_header header;
	struct trk_fault fault;
	bool is_capture;

	if (fd < 0)
		return;
	is_capture = read(fd, bytes, sizeof(bytes)) == (ssize_t)sizeof(bytes) &&
		     trk_header_decode(bytes, sizeof(bytes), &header, &fault) == 0;
	close(fd);
	if (is_capture)
		unlink(path);
}

static void remove_earlier(const struct capture_file *o)
{
	char name[PATH_MAX];
	uint32_t *numbers;
	size_t count;

	unlink(o->pieces); /* readers would take it for the whole capture; the user named it, and gave --force */
	if (pieces_find(o->pieces, &numbers, &count) != 0)
		return;
	for (size_t i = 0; i < count; i++)
		if (numbers[i] != 1 && pieces_name(o->pieces, numbers[i], name, sizeof(name)) == 0)
			remove_capture(name);
	free(numbers);
}

void capture_file_keep(struct capture_file *o)
{
	if (o->pieces[0])
		remove_earlier(o);
	if (!o->temporary[0])
		return;
	if (rename(o->temporary, o->path) < 0) {
		ui_error("Could not replace %s: %s; the capture is in %s", o->path, strerror(errno),
			 o->temporary);
		strcpy(o->path, o->temporary);
	}
	o->temporary[0] = 0;
}

bool capture_file_remove_unbegun(const struct capture_file *o)
{
	struct stat st;

	return o->created && lstat(o->path, &st) == 0 && S_ISREG(st.st_mode) &&
	       st.st_size < (off_t)TRK_HEADER_BYTES && unlink(o->path) == 0;
}

void capture_file_discard(struct capture_file *o)
{
	if (o->created)
		unlink(o->temporary[0] ? o->temporary : o->path);
	if (o->fd >= 0)
		close(o->fd);
	*o = (struct capture_file){ .fd = -1 };
}
