/* output - see output.h. */
#include "output.h"

#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A FIFO waits here for its reader. Links are followed: /dev/stdout and a shell's >(command) are some. */
static bool open_existing(struct output *o)
{
	o->fd = open(o->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (o->fd < 0)
		ui_error("Could not create output file %s: %s", o->path, strerror(errno));
	return o->fd >= 0;
}

static bool open_new(struct output *o)
{
	o->fd = open(o->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	o->created = o->fd >= 0;
	if (o->fd < 0)
		ui_error("Could not create output file %s: %s", o->path, strerror(errno));
	return o->fd >= 0;
}

/* Beside the file that it will replace: a rename must not cross file systems. */
static bool open_temporary(struct output *o)
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

bool output_open(struct output *o, const char *path, bool force)
{
	struct stat st;

	*o = (struct output){ .fd = -1 };
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
			 S_ISDIR(st.st_mode) ? strerror(EISDIR) : "it is no regular file");
		return false;
	}
	if (force)
		return open_temporary(o);
	ui_error("Output file %s already exists; use --force to overwrite it", path);
	return false;
}

void output_keep(struct output *o)
{
	if (!o->temporary[0])
		return;
	if (rename(o->temporary, o->path) < 0) {
		ui_error("Could not replace %s: %s; the capture is in %s", o->path, strerror(errno),
			 o->temporary);
		strcpy(o->path, o->temporary);
	}
	o->temporary[0] = 0;
}

void output_discard(struct output *o)
{
	if (o->created)
		unlink(o->temporary[0] ? o->temporary : o->path);
	if (o->fd >= 0)
		close(o->fd);
	*o = (struct output){ .fd = -1 };
}
