/* snapshot_file - tracker_snapshot_dump: the file appears, or replaces another, only when it is complete. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot_write.h"
#include "failure.h"
#include "own.h"

/* 0, TRK_ERR_NOMEM, TRK_ERR_IO (errno). The descriptor is closed in any case. */
static int fill(const struct tracker_snapshot *s, int fd)
{
	int err = snapshot_write(s, fd), error = errno;

	if (close(fd) < 0 && !err) {
		err = TRK_ERR_IO;
		error = errno;
	}
	errno = error;
	return err;
}

/* Beside its place, so that it can be renamed; readable by its owner only, as captures are. */
static int write_file(const struct tracker_snapshot *s, const char *path, char *temporary)
{
	const int fd = mkostemp(temporary, O_CLOEXEC);
	int err, error;

	if (fd < 0)
		return TRK_ERR_IO;
	err = fill(s, fd);
	if (!err && rename(temporary, path) < 0)
		err = TRK_ERR_IO;
	if (!err)
		return 0;
	error = errno;
	unlink(temporary);
	errno = error;
	return err;
}

/* A pipe or a device: no other file can take its place. */
static int write_special(const struct tracker_snapshot *s, const char *path)
{
	const int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd < 0 ? TRK_ERR_IO : fill(s, fd);
}

/* `path` without symbolic links, if there is such a file. */
static int write_to(const struct tracker_snapshot *s, const char *path)
{
	char *const real = realpath(path, NULL), *temporary;
	struct stat st;
	int err = TRK_ERR_NOMEM;

	if (real && stat(real, &st) == 0 && !S_ISREG(st.st_mode)) {
		err = write_special(s, real);
	} else if (asprintf(&temporary, "%s.XXXXXX", real ? real : path) >= 0) {
		err = write_file(s, real ? real : path, temporary);
		free(temporary);
	}
	free(real);
	return err;
}

int tracker_snapshot_dump(const tracker_snapshot *s, const char *path)
{
	OWN_MEMORY;
	int err;

	if (!s || !path)
		return failure(TRACKER_EINVAL, "tracker_snapshot_dump was given NULL");
	if (capture_is_aggregated(source_capture(s->source)))
		return failure(TRACKER_ENOTSUP, "%s: the capture is aggregated: it has no single blocks; record without --aggregate",
			       source_capture(s->source)->path);
	err = write_to(s, path);
	if (err == TRK_ERR_NOMEM)
		return failure_no_memory();
	return err ? failure(TRACKER_EIO, "%s cannot be written: %s", path, strerror(errno)) : TRACKER_OK;
}
