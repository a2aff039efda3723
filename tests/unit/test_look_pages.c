/*
 * look_pages - which pages of memory are in memory, by both ways to ask the kernel: pages of this program, of which it has written some,
 * read some and left others alone. And the memory read in pieces, with zeros where nothing was.
 */
#include "unit.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/record/look_read.h"
#include "tools/record/look_smaps.h"

#define PAGES 64u

struct setting {
	struct look_pages pages;
	uint8_t *memory; /* between two pages that nothing may touch, so that it is a mapping of its own */
	uint64_t start, page;
	int pagemap;
};

/* Of each four pages the first is written, the second read. */
static void set_up(struct setting *s)
{
	volatile uint8_t sum = 0;

	s->page = (uint64_t)sysconf(_SC_PAGESIZE);
	s->pages = (struct look_pages){ .page_bytes = s->page };
	s->memory = mmap(NULL, (PAGES + 2) * s->page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(s->memory != MAP_FAILED);
	s->memory += s->page;
	s->start = (uintptr_t)s->memory;
	assert_int_equal(mprotect(s->memory, PAGES * s->page, PROT_READ | PROT_WRITE), 0);
	s->pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	assert_true(s->pagemap >= 0);
	assert_int_equal(madvise(s->memory, PAGES * s->page, MADV_NOHUGEPAGE), 0);
	for (unsigned i = 0; i < PAGES; i += 4) {
		memset(s->memory + i * s->page, (int)i + 1, s->page);
		sum = (uint8_t)(sum + s->memory[(i + 1) * s->page]);
	}
}

static void tear_down(struct setting *s)
{
	munmap(s->memory - s->page, (PAGES + 2) * s->page);
	close(s->pagemap);
	look_pages_finish(&s->pages);
}

static uint64_t bytes(const struct setting *s, enum memory_page state)
{
	return look_pages_bytes(&s->pages, s->start, s->start + PAGES * s->page, state, false);
}

/* Whether pages that were only read take memory the kernel decides: it counts as the kernel does. */
static void it_counts_as_the_kernel_does(void **state)
{
	struct look_smaps smaps;
	struct setting s;

	(void)state;
	set_up(&s);
	assert_true(look_smaps_read(&smaps, (uint32_t)getpid()));
	assert_non_null(look_smaps_at(&smaps, s.start));
	assert_true(look_pages_read(&s.pages, s.pagemap, s.start, s.start + PAGES * s.page, false));
	assert_int_equal(bytes(&s, MEMORY_RESIDENT) + bytes(&s, MEMORY_ZERO), PAGES / 2 * s.page);
	if (!s.pages.no_zero_pages)
		assert_int_equal(bytes(&s, MEMORY_RESIDENT), look_smaps_at(&smaps, s.start)->resident);
	look_smaps_finish(&smaps);
	assert_int_equal(look_pages_bytes(&s.pages, s.start + 10, s.start + s.page - 10, MEMORY_RESIDENT, false), s.page - 20);
	assert_int_equal(look_pages_bytes(&s.pages, s.start + 2 * s.page, s.start + 4 * s.page, MEMORY_RESIDENT, false), 0);
	tear_down(&s);
}

/* As before Linux 6.7. */
static void older_kernels_do_not_tell_them_apart(void **state)
{
	struct setting s;

	(void)state;
	set_up(&s);
	assert_true(look_pages_read(&s.pages, s.pagemap, s.start, s.start + PAGES * s.page, true));
	assert_true(s.pages.no_zero_pages);
	assert_int_equal(bytes(&s, MEMORY_RESIDENT), PAGES / 2 * s.page);
	assert_int_equal(s.pages.count, PAGES / 4);
	tear_down(&s);
}

/* What was never touched is zeros, and is not touched by reading. */
static void memory_is_read_in_pieces(void **state)
{
	struct look_read r;
	struct setting s;

	(void)state;
	set_up(&s);
	assert_true(look_pages_read(&s.pages, s.pagemap, s.start, s.start + PAGES * s.page, false));
	assert_true(look_read_begin(&r, (uint32_t)getpid(), &s.pages));
	for (uint64_t at = 0; at + 3000 <= PAGES * s.page; at += 3000) {
		const uint8_t *const got = look_read_bytes(&r, s.start + at, 3000);

		assert_non_null(got);
		for (uint64_t i = at; i < at + 3000; i++)
			assert_int_equal(got[i - at], i / s.page % 4 ? 0 : i / s.page + 1);
	}
	assert_true(r.total >= PAGES / 4 * s.page);
	assert_int_equal(look_read_word(&r, s.start + 8), 0x0101010101010101u);
	look_read_finish(&r);
	tear_down(&s);
}

static void what_cannot_be_read_is_nothing(void **state)
{
	struct look_read r;
	struct setting s;

	(void)state;
	set_up(&s);
	assert_true(look_pages_read(&s.pages, s.pagemap, s.start, s.start + PAGES * s.page, false));
	s.pages.runs[0].start = s.start - s.page; /* where nothing may be touched */
	assert_true(look_read_begin(&r, (uint32_t)getpid(), &s.pages));
	assert_null(look_read_bytes(&r, s.start - s.page, 8));
	assert_int_equal(look_read_word(&r, s.start - 16), 0);
	assert_non_null(look_read_bytes(&r, s.start, 8));
	look_read_finish(&r);
	tear_down(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_counts_as_the_kernel_does),
		cmocka_unit_test(older_kernels_do_not_tell_them_apart),
		cmocka_unit_test(memory_is_read_in_pieces),
		cmocka_unit_test(what_cannot_be_read_is_nothing),
	};

	return cmocka_run_group_tests_name("look_pages", tests, NULL, NULL);
}
