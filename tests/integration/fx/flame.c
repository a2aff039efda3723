/*
 * flame - memray's documentation example of a flame graph. A Python function that
 * returns a string is a function that returns a block of that size.
 */
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

static void *kept[16];
static int kept_count;

static void hold(void *p)
{
	kept[kept_count++] = p;
}

static NOINLINE void missing(size_t n)
{
	void *volatile p = malloc(n);

	free(p);
}

static NOINLINE void e(size_t n) { hold(malloc(n)); }
static NOINLINE void g(size_t n) { hold(malloc(n * 2)); }
static NOINLINE void f(size_t n) { g(n); __asm__ volatile(""); }
static NOINLINE void i(size_t n) { hold(malloc(n)); }
static NOINLINE void h(size_t n) { i(n); __asm__ volatile(""); }

static NOINLINE void d(size_t n)
{
	e(n);
	f(n);
	hold(malloc(n / 2));
}

static NOINLINE void c(size_t n)
{
	missing(n);
	d(n);
	__asm__ volatile("");
}

static NOINLINE void b(size_t n) { c(n); __asm__ volatile(""); }

static NOINLINE void a(size_t n)
{
	b(n);
	h(n);
	__asm__ volatile("");
}

int main(void)
{
	a(100000);
	return 0;
}
