/*
 * types_c - a C program that allocates in lines that say what, and in some that do not; prints "COUNT BYTES TYPE" for those that do.
 *
 * usage: types_c
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct node {
	struct node *next;
	double weight;
	char name[40];
};
typedef struct {
	long x, y, z;
} point;
union either {
	long a[9];
	char b;
};

static void *kept[100000];
static size_t count;

static void keep(void *p)
{
	kept[count++] = p;
}

/* It is no node that is allocated here. */
static struct node *wrap(void *inner)
{
	struct node *const n = malloc(sizeof(*n));

	n->next = inner;
	return n;
}

static inline __attribute__((always_inline)) void *inlined(void)
{
	union either *u = calloc(1, sizeof(*u));

	return u;
}

int main(void)
{
	for (int i = 0; i < 1000; i++) {
		point *const p = malloc(sizeof(point));
		point *three = calloc(3, sizeof(point));
		struct node **table = malloc(16 * sizeof(*table));
		void *nothing = malloc(123);
		long *a = malloc(80), *b = malloc(80);
		struct node *c = malloc(64), *d = NULL; point *e = malloc(64);
		struct node *wrapped = wrap(malloc(10));

		keep(p), keep(three), keep(table), keep(nothing), keep(a), keep(b), keep(c), keep(d), keep(e), keep(wrapped);
		keep(inlined());
	}
	printf("%d %zu point\n", 2000, 4000 * sizeof(point));
	printf("%d %zu struct node*\n", 1000, 16000 * sizeof(void *));
	printf("%d %d long int\n", 2000, 160000);
	printf("%d %zu struct node\n", 1000, 1000 * sizeof(struct node));
	printf("%d %zu union either\n", 1000, 1000 * sizeof(union either));
	fflush(stdout);
	_Exit(0);
}
