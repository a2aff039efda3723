/*
 * torture_heap MODE - the edges of every allocator: no size, too much, alignments that are none;
 * what must be as it was; the most that was ever live.
 */
#include <errno.h>
#include <fenv.h>
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

#include "modes.h"

/* Sizes come through here: gcc folds, and warns of, what cannot succeed. */
static size_t size_of(size_t n)
{
	__asm__ volatile("" : "+r"(n));
	return n;
}

static void refused(void *p, const char *what)
{
	must(p == NULL && errno == ENOMEM, what);
	errno = 0;
}

/* Beyond PTRDIFF_MAX nothing can be, and products must not wrap around. */
static void mode_too_much(void)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 4096, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX, SIZE_MAX / 2 + 7 };
	void *const first = keep(malloc(1001)), *q = NULL;
	void *volatile p = first; /* gcc would call it dead after realloc */

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		const size_t n = size_of(sizes[i]);

		refused(malloc(n), "malloc");
		refused(calloc(1, n), "calloc");
		refused(calloc(n, n), "calloc's product");
		refused(realloc(p, n), "realloc");
		refused(reallocarray(p, 1, n), "reallocarray");
		refused(reallocarray(p, n, n), "reallocarray's product");
		refused(memalign(64, n), "memalign");
		refused(aligned_alloc(64, n), "aligned_alloc");
		refused(valloc(n), "valloc");
		refused(pvalloc(n), "pvalloc");
		must(posix_memalign(&q, 64, n) == ENOMEM && !q, "posix_memalign");
	}
	free(first);
	truth_churn(1001, 1);
}

static void mode_nothing(void)
{
	void *volatile none = NULL; /* gcc makes malloc of realloc(NULL, n) */
	void *p;

	for (int i = 0; i < 100; i++) {
		void *const blocks[] = { malloc(0), calloc(0, 7), calloc(7, 0), memalign(64, 0), aligned_alloc(64, 0),
					 valloc(0), realloc(none, 0), reallocarray(none, 0, 9) };

		for (size_t k = 0; k < sizeof(blocks) / sizeof(blocks[0]); k++) {
			must(blocks[k] != NULL, "a block of no size");
			free(blocks[k]);
		}
		must(posix_memalign(&p, 64, 0) == 0 && p, "posix_memalign of no size");
		free(p);
		free(NULL);
		must(!realloc(keep(malloc(1001)), size_of(0)), "realloc to nothing");
		must(!reallocarray(keep(malloc(1002)), size_of(0), 8), "reallocarray to nothing");
	}
	truth_churn(1001, 100);
	truth_churn(1002, 100);
	truth("malloc", 0, 100);
	truth("calloc", 0, 200);
	truth("memalign", 0, 100);
	truth("aligned_alloc", 0, 100);
	truth("valloc", 0, 100);
	truth("realloc", 0, 100);
	truth("reallocarray", 0, 100);
	truth("posix_memalign", 0, 100);
	truth("free", 0, 900);
}

/* More than 32 bits, hardly touched: a kernel that counts what it promises goes along. */
static void mode_large(void)
{
	const size_t big = (4ul << 30) + 1, bigger = (5ul << 30) + 1;

	for (int i = 0; i < 50; i++) {
		char *p = keep(malloc(size_of(big)));

		must(p != NULL, "4 GiB");
		p[0] = p[big - 1] = 1;
		p = keep(realloc(p, size_of(bigger)));
		must(p && p[big - 1] == 1, "5 GiB");
		free(p);
		p = keep(calloc(size_of(5), size_of((1ul << 30) + 1)));
		must(p && !p[4ul << 30], "calloc");
		free(p);
	}
	truth("malloc", big, 50);
	truth("realloc-old", big, 50);
	truth("realloc", bigger, 50);
	truth("free", bigger, 50);
	truth("calloc", (5ul << 30) + 5, 50);
	truth("free", (5ul << 30) + 5, 50);
}

static void aligned_block(void *p, size_t alignment, size_t size)
{
	must(p && (uintptr_t)p % alignment == 0, "an alignment");
	must(malloc_usable_size(p) >= size, "malloc_usable_size");
	memset(p, 0x5a, size);
	free(p);
}

static void mode_alignments(void)
{
	void *p = keep(malloc(1001)), *const before = p;
	unsigned long times = 0;

	for (size_t a = sizeof(void *); a <= 1 << 20; a *= 2, times++) {
		aligned_block(memalign(a, 1001), a, 1001);
		aligned_block(aligned_alloc(a, 1002), a, 1002);
		must(posix_memalign(&p, a, 1003) == 0, "posix_memalign");
		aligned_block(p, a, 1003);
	}
	p = before;
	for (size_t a = 0; a < 100; a++) /* only powers of two that a pointer divides are any */
		if (a & (a - 1) || a < sizeof(void *))
			must(posix_memalign(&p, a, 1004) == EINVAL && p == before, "posix_memalign's alignment");
	aligned_block(valloc(1005), 4096, 1005);
	aligned_block(pvalloc(4097), 4096, 8192);
	aligned_block(memalign(size_of(100), 1006), 64, 1006); /* glibc takes the next power of two */
	free(before);
	truth_churn(1001, 1);
	truth("memalign", 1001, times);
	truth("free", 1001, times);
	for (unsigned long size = 1002; size <= 1003; size++) {
		truth(size == 1002 ? "aligned_alloc" : "posix_memalign", size, times);
		truth("free", size, times);
	}
	truth("valloc", 1005, 1);
	truth("pvalloc", 4097, 1);
	truth("memalign", 1006, 1);
	truth("free", 1005, 1);
	truth("free", 4097, 1);
	truth("free", 1006, 1);
}

static void number(const char *what, unsigned long n)
{
	truth_line("N", what, 0, n);
}

/* What blocks really are, and how the heap looks: nothing of anybody else is in it. */
static void mode_heap_as_it_is(void)
{
	const struct mallinfo2 first = mallinfo2();

	number("in use at main", first.uordblks);
	number("arena at main", first.arena);
	for (size_t size = 0; size < 4000; size += 37) {
		void *const p = malloc(size), *const q = memalign(256, size);

		number("usable", malloc_usable_size(p));
		number("usable aligned", malloc_usable_size(q));
		free(p);
		free(q);
	}
	must(malloc_usable_size(NULL) == 0, "malloc_usable_size of nothing");
	must(mallopt(M_MMAP_THRESHOLD, 64 << 10) && mallopt(M_ARENA_MAX, 2) && mallopt(M_PERTURB, 0x5a), "mallopt");
	free(keep(malloc(100001)));
	number("trimmed", (unsigned long)malloc_trim(0));
	number("in use at the end", mallinfo2().uordblks);
	truth_churn(100001, 1);
}

struct machine {
	uint32_t mxcsr;
	uint16_t x87;
	int rounding, error;
};

static struct machine machine(void)
{
	struct machine m = { .rounding = fegetround(), .error = errno };

	__asm__ volatile("stmxcsr %0" : "=m"(m.mxcsr));
	__asm__ volatile("fnstcw %0" : "=m"(m.x87));
	return m;
}

static void same(const struct machine *was, const char *what)
{
	const struct machine now = machine();

	must(now.error == was->error && now.rounding == was->rounding && now.mxcsr == was->mxcsr && now.x87 == was->x87,
	     what);
}

static void *with_modes(void *unused)
{
	static const int roundings[] = { FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO, FE_TONEAREST };
	const uint32_t flush = 0x8040; /* denormals are zero, in and out */

	for (int i = 0; i < 200; i++) {
		uint32_t mxcsr;

		fesetround(roundings[i % 4]);
		__asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
		mxcsr = i % 8 < 4 ? mxcsr | flush : mxcsr & ~flush;
		__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
		errno = 1000 + i;
		const struct machine was = machine();
		void *p = keep(malloc(1001));

		same(&was, "errno and rounding after malloc");
		p = keep(realloc(p, 1002));
		same(&was, "errno and rounding after realloc");
		free(p);
		same(&was, "errno and rounding after free");
	}
	return unused;
}

/* errno, how is rounded, what the two floating-point units make of denormals: also in a thread's first hook. */
static void mode_machine(void)
{
	pthread_t t;

	for (int i = 0; i < 20; i++) {
		must(!pthread_create(&t, NULL, with_modes, NULL), "pthread_create");
		pthread_join(t, NULL);
	}
	with_modes(NULL);
	truth("malloc", 1001, 21 * 200);
	truth("realloc-old", 1001, 21 * 200);
	truth("realloc", 1002, 21 * 200);
	truth("free", 1002, 21 * 200);
}

static char *text_of(size_t bytes)
{
	static char text[4096];

	memset(text, 't', bytes);
	text[bytes] = 0;
	return text;
}

/* Blocks that the C library makes for its caller. */
static void mode_strings(void)
{
	char *line = NULL, *text;
	size_t room = 0;

	free(keep(strdup(text_of(1000))));
	free(keep(strndup(text_of(4000), 1001)));
	free(keep(wcsdup(L"0123456789")));
	truth_churn(1001, 1);
	truth_churn(1002, 1);
	truth_churn(11 * sizeof(wchar_t), 1);
	must(asprintf(&text, "%s%d", text_of(2000), 42) == 2002 && strlen(text) == 2002, "asprintf");
	free(text);
	FILE *const in = fmemopen(text_of(3000), 3000, "r");

	must(in && getline(&line, &room, in) == 3000 && strlen(line) == 3000, "getline");
	fclose(in);
	free(line);
	FILE *const out = open_memstream(&line, &room);

	must(out && fputs(text_of(3500), out) >= 0 && fclose(out) == 0 && room == 3500, "open_memstream");
	free(line);
	text = realpath("/", NULL);
	must(text && !strcmp(text, "/"), "realpath");
	free(text);
	text = getcwd(NULL, 0);
	must(text != NULL, "getcwd");
	free(text);
}

static void *hand_over[1024];

static void *give_and_take(void *seed)
{
	unsigned x = (unsigned)(uintptr_t)seed;

	for (int i = 0; i < 20000; i++) {
		x = x * 1103515245u + 12345u;
		void **const place = &hand_over[(x >> 8) % 1024];
		void *const mine = __atomic_exchange_n(place, NULL, __ATOMIC_ACQ_REL);
		/* the block grows and shrinks here, and may have been another thread's a moment ago */
		void *const other = realloc(mine, 1001 + 7 * ((x >> 20) % 3));

		free(__atomic_exchange_n(place, other, __ATOMIC_ACQ_REL));
	}
	return NULL;
}

/* realloc of blocks that other threads made, in one arena: run with MALLOC_ARENA_MAX=1. */
static void mode_handed_reallocs(void)
{
	pthread_t t[4];

	for (uintptr_t i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, give_and_take, (void *)(i + 1)), "pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	for (int i = 0; i < 1024; i++)
		free(hand_over[i]);
	truth_line("R", "realloc", 0, 80000);
	for (unsigned long size = 1001; size <= 1015; size += 7)
		truth_leaked(size, 0);
}

/* Nothing but these blocks is on the heap, so the peak is arithmetic. */
static void mode_peak(void)
{
	static void *blocks[1000];

	for (int i = 0; i < 1000; i++)
		blocks[i] = keep(malloc(1001));
	for (int i = 0; i < 500; i++)
		blocks[i] = keep(realloc(blocks[i], 2003));
	for (int i = 0; i < 1000; i++)
		free(blocks[i]);
	for (int i = 0; i < 999; i++)
		blocks[i] = keep(malloc(1505));
	truth("malloc", 1001, 1000);
	truth("realloc-old", 1001, 500);
	truth("free", 1001, 500);
	truth("realloc", 2003, 500);
	truth("free", 2003, 500);
	truth("malloc", 1505, 999);
	truth_leaked(1505, 999);
	truth_line("P", "peak", 0, 999ul * 1505 > 500ul * 2003 + 500ul * 1001 ? 999ul * 1505 : 500ul * 2003 + 500ul * 1001);
}

static const struct mode modes[] = {
	MODE(too_much), MODE(nothing), MODE(large), MODE(alignments), MODE(heap_as_it_is), MODE(machine),
	MODE(strings), MODE(handed_reallocs), MODE(peak),
};

int main(int argc, char **argv)
{
	return RUN_MODE(argc, argv, modes);
}
