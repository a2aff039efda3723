/* sizes - one case of tracker.h's allocation sizes for each name in `cases`: prints the buckets that are not 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../libtracker/tracker.h"

static void *volatile block;
static tracker_allocation_size sizes = TRACKER_ALLOCATION_SIZE_INIT;

static void allocate(size_t size)
{
	block = malloc(size);
	free(block);
}

static void print(const tracker_allocation_size *s)
{
	for (size_t i = 0; i < tracker_allocation_size_len(s); i++)
		if (tracker_allocation_size_get(s, (ptrdiff_t)i))
			printf("%zu:%lld ", i, (long long)tracker_allocation_size_get(s, (ptrdiff_t)i));
	printf("\n");
}

static void len(void)
{
	printf("%zu %zu\n", tracker_allocation_size_len(&sizes), tracker_bytes_per_block());
}

static void many(void)
{
	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	{
		for (int i = 0; i < 70000; i++)
			allocate(8);
	}
	print(&sizes);
}

static void freed(void)
{
	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	{
		for (int i = 0; i < 10; i++)
			allocate(8);
	}
	print(&sizes);
}

static void case_realloc(void)
{
	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	{
		void *p = malloc(16);

		p = realloc(p, 64);
		p = realloc(p, 16);
		free(p);
	}
	print(&sizes);
}

/* What FEATURES' golden table says of each. */
static void golden(void)
{
	static const size_t bytes[] = { 0, 1, 16, 17, 32, 33, 48, 64, 65, 128, 129, 256, 262144, 262145, 524288, 600000 };

	for (size_t i = 0; i < sizeof(bytes) / sizeof(*bytes); i++) {
		TRACKER_WITH_ALLOCATION_SIZE(&sizes)
		allocate(bytes[i]);
		printf("%zu->", bytes[i]);
		for (int b = 0; b < 16; b++)
			if (sizes.bucket[b])
				printf("%d ", b);
	}
	printf("\n");
}

static void reenter(void)
{
	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	allocate(8);
	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	allocate(64);
	allocate(1000);
	print(&sizes);
}

static void nested(void)
{
	tracker_allocation_size inner = TRACKER_ALLOCATION_SIZE_INIT;

	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	{
		allocate(8);
		TRACKER_WITH_ALLOCATION_SIZE(&inner)
		allocate(8);
		allocate(8);
	}
	print(&sizes);
	print(&inner);
}

static void get(void)
{
	sizes.bucket[0] = 11;
	sizes.bucket[15] = 7;
	printf("%d", tracker_allocation_size_get(&sizes, -1) == tracker_allocation_size_get(&sizes, 15));
	for (ptrdiff_t i = -17; i <= 16; i += i == -16 ? 16 : i == 0 ? 15 :
								       1)
		printf(" %td:%lld", i, (long long)tracker_allocation_size_get(&sizes, i));
	printf(" NULL:%lld\n", (long long)tracker_allocation_size_get(NULL, 0));
}

static void full(void)
{
	tracker_allocation_size_enter(&sizes);
	sizes.bucket[0] = UINT64_MAX - 1;
	allocate(8);
	allocate(8);
	allocate(8);
	tracker_allocation_size_exit(&sizes);
	printf("%llu %lld\n", (unsigned long long)sizes.bucket[0], (long long)tracker_allocation_size_get(&sizes, 0));
}

/* One that was not entered, one twice, one left twice, none. */
static void misuse(void)
{
	printf("%d ", tracker_allocation_size_exit(&sizes));
	printf("%d ", tracker_allocation_size_enter(&sizes));
	printf("%d ", tracker_allocation_size_enter(&sizes));
	printf("%s; ", tracker_last_error());
	printf("%d ", tracker_allocation_size_exit(&sizes));
	printf("%d ", tracker_allocation_size_exit(&sizes));
	printf("%d %d\n", tracker_allocation_size_enter(NULL), tracker_allocation_size_exit(NULL));
}

/* For reports: the same allocations, in a region that a recording has. */
static void region(void)
{
	allocate(1000);
	tracker_region_begin("counted");
	TRACKER_WITH_ALLOCATION_SIZE(&sizes)
	{
		for (size_t i = 0; i < 22; i++)
			for (size_t k = 0; k <= i; k++)
				allocate(((size_t)1 << i) - 1 + k);
	}
	tracker_region_end("counted");
	allocate(1000);
	print(&sizes);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "len", len },
	{ "many", many },
	{ "free", freed },
	{ "realloc", case_realloc },
	{ "golden", golden },
	{ "reenter", reenter },
	{ "nested", nested },
	{ "get", get },
	{ "full", full },
	{ "misuse", misuse },
	{ "region", region },
};

int main(int argc, char **argv)
{
	static char buffer[BUFSIZ];

	setvbuf(stdout, buffer, _IOLBF, sizeof(buffer));
	for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(argv[1], cases[i].name) != 0)
			continue;
		cases[i].run();
		return 0;
	}
	return 2;
}
