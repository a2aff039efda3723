/*
 * inverted - memray's example for the inverted flame graph: one function
 * reached on three ways, another on one.
 */
#include <stdlib.h>

#define NOINLINE __attribute__((noinline))

static void *kept[4];

static NOINLINE void *a(void) { return malloc(1000000); }
static NOINLINE void *a1(void) { return malloc(1000000); }
static NOINLINE void *b(void) { return a(); }
static NOINLINE void *c(void) { return b(); }
static NOINLINE void *d(void) { return b(); }
static NOINLINE void *g(void) { return c(); }
static NOINLINE void *f(void) { return g(); }
static NOINLINE void *e(void) { return g(); }

int main(void)
{
	kept[0] = a1();
	kept[1] = d();
	kept[2] = e();
	kept[3] = f();
	return kept[0] == NULL;
}
