/*
 * refuse - a library that runs a program many times from one start, each time with another allocation refused, by malloc, calloc or
 * realloc. A new process for each run would take four times as long.
 *
 * Before main it reads numbers from descriptor REFUSE_FROM, each in a line of its own: 0 refuses none. For each it forks a child that goes
 * on to main, with the files OUTPUT and ERRORS of the working directory for its output, and writes "STATUS REFUSED\n" to descriptor
 * REFUSE_TO when it has ended: its status as of waitpid, and whether it came to that allocation. At the end of the numbers it exits.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t size);

static long left;
static volatile bool *refused; /* shared with the server */

static bool refuse(void)
{
	if (!left || --left)
		return false;
	*refused = true;
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

/* A line's number, or -1 at the end. */
static long next_number(int fd)
{
	long n = 0;
	char c;

	for (bool any = false;; any = true) {
		if (read(fd, &c, 1) != 1)
			return -1;
		if (c == '\n' && any)
			return n;
		n = n * 10 + c - '0';
	}
}

static void redirect(const char *name, int to)
{
	const int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || dup2(fd, to) < 0)
		_exit(99);
	close(fd);
}

static void answer(int fd, int status)
{
	char line[32];
	const int n = snprintf(line, sizeof(line), "%d %d\n", status, *refused);

	if (write(fd, line, (size_t)n) != n)
		_exit(99);
}

__attribute__((constructor)) static void serve(void)
{
	const char *const from_text = getenv("REFUSE_FROM"), *const to_text = getenv("REFUSE_TO");
	int from, to, status;
	long number;

	if (!from_text || !to_text)
		return; /* something that the program executes */
	from = atoi(from_text);
	to = atoi(to_text);
	unsetenv("REFUSE_FROM");
	refused = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (refused == MAP_FAILED)
		_exit(99);
	while ((number = next_number(from)) >= 0) {
		*refused = false;
		if (fork() == 0) {
			close(from);
			close(to);
			redirect("OUTPUT", STDOUT_FILENO);
			redirect("ERRORS", STDERR_FILENO);
			left = number;
			return;
		}
		if (wait(&status) < 0)
			_exit(99);
		answer(to, status);
	}
	_exit(0);
}
