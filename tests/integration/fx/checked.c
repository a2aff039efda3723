/* checked FAULT - for glibc's own heap checking, which finds it, or not; says how it went. */
#include <malloc.h>
#include <mcheck.h>
#include <stdio.h>

#include "truth.h"

static void found(enum mcheck_status status)
{
	printf("mcheck: %d\n", status);
	fflush(stdout);
	_exit(5);
}

static void overflow(char *p) { p[7] = 1; free(p); }
static void underflow(char *p) { p[-1] ^= 1; free(p); }
static void twice(char *p) { free(p); free(p); }
static void foreign(char *p) { free(p + 16); }
static void none(char *p) { free(p); }
static void resized(char *p) { p[7] = 1; free(realloc(p, 100)); }

static void probed(char *p)
{
	p[7] = 1;
	printf("probe: %d\n", mprobe(p));
}

static const struct {
	const char *name;
	void (*commit)(char *p);
} faults[] = {
	{ "overflow", overflow }, { "underflow", underflow }, { "twice", twice }, { "foreign", foreign },
	{ "none", none }, { "resized", resized }, { "probed", probed },
};

static void by_every_name(void)
{
	void *p = NULL;

	free(calloc(3, 5));
	free(realloc(malloc(11), 13));
	free(memalign(64, 17));
	must(!posix_memalign(&p, 128, 19), "posix_memalign");
	free(p);
	free(aligned_alloc(64, 64));
	free(valloc(23));
	free(pvalloc(29));
}

int main(int argc, char **argv)
{
	char *p;

	must(argc >= 2, "usage");
	if (argc > 2 && !strcmp(argv[2], "mcheck"))
		printf("mcheck: %d\n", mcheck(found));
	if (argc > 2 && !strcmp(argv[2], "mtrace"))
		mtrace();
	by_every_name();
	p = malloc(7);
	printf("usable: %zu\n", malloc_usable_size(p));
	fflush(stdout);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		if (!strcmp(argv[1], faults[i].name))
			faults[i].commit(p);
	puts("survived");
	return 0;
}
