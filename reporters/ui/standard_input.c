/*
 * standard_input - a capture from standard input, as a file that can be opened by name, and read anywhere in it.
 *
 * What comes out of a pipe is first written to a file that has no name and ends with this program.
 */
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char path[64];

static bool write_all(int fd, const char *bytes, ssize_t n)
{
	while (n > 0) {
		const ssize_t put = write(fd, bytes, (size_t)n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		bytes += put;
		n -= put;
	}
	return true;
}

static bool copy_to(int fd)
{
	static char bytes[1 << 16];
	ssize_t n;

	do {
		n = read(STDIN_FILENO, bytes, sizeof(bytes));
		if (n > 0 && !write_all(fd, bytes, n))
			return false;
	} while (n > 0 || (n < 0 && errno == EINTR));
	return n == 0;
}

static const char *folder(void)
{
	const char *const wanted = getenv("TMPDIR");

	return wanted && *wanted ? wanted : "/tmp";
}

/* Where a folder knows no files without a name, memory does. */
static int nameless_file(void)
{
	const int fd = open(folder(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	return fd >= 0 ? fd : memfd_create("tracker standard input", MFD_CLOEXEC);
}

/* A file may be open that its reader may not open: then it is read from its beginning. */
static bool can_be_opened(void)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return lseek(STDIN_FILENO, 0, SEEK_SET) != 0;
	close(fd);
	return true;
}

const char *ui_standard_input(void)
{
	struct stat st;

	if (*path)
		return path;
	if (fstat(STDIN_FILENO, &st) < 0) {
		ui_error("cannot read standard input: %s", strerror(errno));
		return NULL;
	}
	if (S_ISREG(st.st_mode)) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", STDIN_FILENO);
		if (can_be_opened())
			return path;
	}
	if (isatty(STDIN_FILENO))
		ui_usage_error("standard input is a terminal, and holds no capture: redirect one into it");

	const int fd = nameless_file();

	if (fd < 0 || !copy_to(fd)) {
		ui_error("cannot keep what comes from standard input in %s: %s; set TMPDIR to a folder with more room", folder(), strerror(errno));
		return NULL;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return path;
}
