/*
 * hooks_file - functions that change the names of files. A program that changes its directory, or deletes or renames
 * its own file, would otherwise lose the names of its functions.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "directory.h"
#include "hook.h"
#include "linger.h"

static void went(int returned)
{
	const int saved = errno;

	if (returned == 0 && state.on)
		directory_ask();
	errno = saved;
}

EXPORT int chdir(const char *path)
{
	hook_start();

	const int ret = real.chdir(path);

	went(ret);
	return ret;
}

EXPORT int fchdir(int fd)
{
	hook_start();

	const int ret = real.fchdir(fd);

	went(ret);
	return ret;
}

/* The file is gone, so the path can be read. If the kernel refuses, the argument may be no path at all. */
static int gone(int returned, const char *path)
{
	if (returned == 0)
		linger_file_goes(path);
	return returned;
}

static int moved(int returned, const char *from, const char *to)
{
	return gone(gone(returned, from), to);
}

EXPORT int unlink(const char *path)
{
	hook_start();
	linger_before_file_goes();
	return gone(real.unlink(path), path);
}

EXPORT int unlinkat(int fd, const char *path, int flags)
{
	hook_start();
	linger_before_file_goes();
	return gone(real.unlinkat(fd, path, flags), path);
}

EXPORT int remove(const char *path)
{
	hook_start();
	linger_before_file_goes();
	return gone(real.remove(path), path);
}

EXPORT int rename(const char *from, const char *to)
{
	hook_start();
	linger_before_file_goes();
	return moved(real.rename(from, to), from, to);
}

EXPORT int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	hook_start();
	linger_before_file_goes();
	return moved(real.renameat(from_fd, from, to_fd, to), from, to);
}

EXPORT int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	hook_start();
	linger_before_file_goes();
	if (real.renameat2)
		return moved(real.renameat2(from_fd, from, to_fd, to, flags), from, to);
	errno = ENOSYS;
	return -1;
}
