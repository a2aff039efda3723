/*
 * truth - how a fixture says what it did, for harness.py to compare.
 *
 * Lines on stdout, written without stdio and so without its heap:
 *
 *   T KIND SIZE COUNT	COUNT events of that kind; a free counts under the size of its block
 *   L SIZE COUNT	COUNT blocks of that size that were never freed
 *   E KIND,... SIZE LEAST	the same number of events of each kind, at least LEAST
 *   M LIVE BYTES	bytes of anonymous mappings at the end (LIVE is a literal word)
 *   P PEAK BYTES	the largest number of bytes that were live (PEAK is a literal word)
 *
 * A realloc that succeeds is two events: "realloc" under its new size, and
 * "realloc-old" under the size of the block that it released. KIND is otherwise
 * the name that `tracker dump` prints: malloc, calloc, free, new, mmap ...
 *
 * The test compares a named size completely: the fixture must announce every
 * kind of event on blocks of that size. So fixtures use odd sizes (1001, ...)
 * that nothing else in the process asks for.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static inline size_t truth_number(char *out, unsigned long n)
{
	char digits[20];
	size_t len = 0;

	do
		digits[len++] = (char)('0' + n % 10);
	while (n /= 10);
	for (size_t i = 0; i < len; i++)
		out[i] = digits[len - 1 - i];
	return len;
}

static inline void truth_line(const char *word, const char *kind, unsigned long size, unsigned long count)
{
	char line[160];
	size_t n = 0;

	memcpy(line + n, word, strlen(word));
	n += strlen(word);
	line[n++] = ' ';
	if (kind) {
		memcpy(line + n, kind, strlen(kind));
		n += strlen(kind);
		line[n++] = ' ';
	}
	n += truth_number(line + n, size);
	line[n++] = ' ';
	n += truth_number(line + n, count);
	line[n++] = '\n';
	if (write(1, line, n) != (ssize_t)n)
		_exit(99);
}

static inline void truth(const char *kind, unsigned long size, unsigned long count)
{
	truth_line("T", kind, size, count);
}

static inline void truth_leaked(unsigned long size, unsigned long count)
{
	truth_line("L", NULL, size, count);
}

/* A claim about the program itself: fails the run when it is false. */
static inline void must(int condition, const char *what)
{
	if (condition)
		return;
	if (write(2, what, strlen(what)) < 0 || write(2, " failed\n", 8) < 0)
		_exit(99);
	_exit(98);
}

/* What could not be arranged here: the run goes on without, and the test's output says so. */
static inline void without(const char *what)
{
	if (write(2, "# without ", 10) < 0 || write(2, what, strlen(what)) < 0 || write(2, "\n", 1) < 0)
		_exit(99);
}

/* Keeps the compiler from dropping a malloc whose block is not used. */
static inline void *keep(void *p)
{
	__asm__ volatile("" : "+r"(p) : : "memory");
	return p;
}

/* `count` blocks of `size`, freed at once: 2 x count events. */
static inline void churn(size_t size, int count)
{
	for (int i = 0; i < count; i++)
		free(keep(malloc(size)));
}

static inline void truth_churn(size_t size, unsigned long count)
{
	truth("malloc", size, count);
	truth("free", size, count);
}

#endif
