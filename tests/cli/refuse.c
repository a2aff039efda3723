/*
 * refuse - a library that refuses a program's REFUSE-th allocation, by malloc, calloc or realloc, and
 * writes a byte to descriptor REFUSE_FD then.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static bool refuse(void)
{
	static long left = -1;
	static int fd;

	if (left < 0) {
		left = atol(getenv("REFUSE"));
		fd = atoi(getenv("REFUSE_FD"));
	}
	if (!left || --left)
		return false;
	if (write(fd, "", 1) != 1)
		abort();
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return refuse() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
	return refuse() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t size)
{
	return refuse() ? NULL : __libc_realloc(p, size);
}
