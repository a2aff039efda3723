/*
 * faults - a library for the recorder: its writes fail, or take long; its kernel is an older one.
 *
 * FAULTS_AFTER: so many bytes of regular files are written, then write(2) fails with errno FAULTS_ERRNO, always; the write
 * in between is a short one. FAULTS_TRAILER: the last write of a capture fails. FAULTS_NS: what each takes longer.
 * FAULTS_OLDER: a pidfd does not say how its process ended, as before Linux 6.15.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t number(const char *name, int64_t otherwise)
{
	const char *const s = getenv(name);

	return s ? strtoll(s, NULL, 10) : otherwise;
}

ssize_t write(int fd, const void *bytes, size_t size)
{
	static int64_t left = -1, ns, error, trailer;
	struct stat st;

	if (left < 0 && !error) {
		left = number("FAULTS_AFTER", INT64_MAX);
		ns = number("FAULTS_NS", 0);
		trailer = number("FAULTS_TRAILER", 0);
		error = number("FAULTS_ERRNO", EIO);
	}
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		if (ns)
			nanosleep(&(struct timespec){ ns / 1000000000, ns % 1000000000 }, NULL);
		if (!left || (trailer && size == 16 && !memcmp((const char *)bytes + 12, "TRKE", 4))) {
			errno = (int)error;
			return -1;
		}
		if (size > (uint64_t)left)
			size = (size_t)left;
		left -= (int64_t)size;
	}
	return syscall(SYS_write, fd, bytes, size);
}

int ioctl(int fd, unsigned long request, ...)
{
	va_list more;
	void *argument;

	va_start(more, request);
	argument = va_arg(more, void *);
	va_end(more);
	if (_IOC_TYPE(request) == 0xff && number("FAULTS_OLDER", 0)) {
		errno = ENOTTY;
		return -1;
	}
	return (int)syscall(SYS_ioctl, fd, request, argument);
}
