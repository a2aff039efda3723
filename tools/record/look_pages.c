/* look_pages - see look_pages.h. */
#include "look_pages.h"

#include "format/array.h"
#include "proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* PAGEMAP_SCAN of Linux 6.7 and later, which the headers of older systems lack. */
struct scan_region {
	uint64_t start, end, categories;
};

struct scan {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages, category_inverted, category_mask, category_anyof_mask, return_mask;
};

#define SCAN _IOWR('f', 16, struct scan)
#define SCAN_PRESENT (1ull << 3)
#define SCAN_SWAPPED (1ull << 4)
#define SCAN_ZERO (1ull << 5)
#define SCAN_HUGE (1ull << 6)
#define REGIONS 512u
#define ENTRIES 4096u

static bool add(struct look_pages *p, const struct look_run *run)
{
	struct look_run *const last = p->count ? &p->runs[p->count - 1] : NULL;

	if (last && last->end == run->start && last->state == run->state && last->huge == run->huge) {
		last->end = run->end;
		return true;
	}
	if (!ARRAY_ROOM(p->runs, p->room, p->count + 1, 256))
		return !(p->no_memory = true);
	p->runs[p->count++] = *run;
	return true;
}

static struct look_run run_of(const struct scan_region *r)
{
	return (struct look_run){
		.start = r->start,
		.end = r->end,
		.state = r->categories & SCAN_SWAPPED ? MEMORY_SWAPPED :
			 r->categories & SCAN_ZERO    ? MEMORY_ZERO :
							MEMORY_RESIDENT,
		.huge = r->categories & SCAN_HUGE,
	};
}

/* *ret_known: false: the kernel has no such call. */
static bool scan(struct look_pages *p, int pagemap, uint64_t start, uint64_t end, bool *ret_known)
{
	static struct scan_region regions[REGIONS];
	struct scan s = {
		.size = sizeof(s),
		.start = start,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = REGIONS,
		.category_anyof_mask = SCAN_PRESENT | SCAN_SWAPPED,
		.return_mask = SCAN_PRESENT | SCAN_SWAPPED | SCAN_ZERO | SCAN_HUGE,
	};

	*ret_known = true;
	while (s.start < end) {
		const int n = ioctl(pagemap, SCAN, &s);

		if (n < 0) {
			*ret_known = s.start != start || (errno != ENOTTY && errno != EINVAL);
			return false;
		}
		for (int i = 0; i < n; i++) {
			const struct look_run run = run_of(&regions[i]);

			if (!add(p, &run))
				return false;
		}
		if (s.walk_end <= s.start)
			return true;
		s.start = s.walk_end;
	}
	return true;
}

static bool read_plainly(struct look_pages *p, int pagemap, uint64_t start, uint64_t end)
{
	static uint64_t entries[ENTRIES];
	const uint64_t bytes = p->page_bytes;

	p->no_zero_pages = true;
	while (start < end) {
		const uint64_t pages = (end - start) / bytes;
		const size_t n = proc_pages(pagemap, start / bytes, entries, pages < ENTRIES ? (size_t)pages : ENTRIES);

		if (!n)
			return false;
		for (size_t i = 0; i < n; i++, start += bytes) {
			const struct look_run run = { start, start + bytes, entries[i] >> 63 ? MEMORY_RESIDENT : MEMORY_SWAPPED, false };

			if (entries[i] & PROC_PAGE_TOUCHED && !add(p, &run))
				return false;
		}
	}
	return true;
}

bool look_pages_read(struct look_pages *p, int pagemap, uint64_t start, uint64_t end, bool plainly)
{
	bool known = false;

	if (!plainly && !p->no_zero_pages) {
		const bool fine = scan(p, pagemap, start, end, &known);

		if (fine || known)
			return fine;
	}
	return read_plainly(p, pagemap, start, end);
}

void look_pages_finish(struct look_pages *p)
{
	free(p->runs);
	*p = (struct look_pages){ 0 };
}

uint32_t look_pages_from(const struct look_pages *p, uint64_t address)
{
	uint32_t low = 0, high = p->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (p->runs[middle].end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t look_pages_bytes(const struct look_pages *p, uint64_t start, uint64_t end, enum memory_page state, bool huge)
{
	uint64_t sum = 0;

	for (uint32_t i = look_pages_from(p, start); i < p->count && p->runs[i].start < end; i++) {
		const struct look_run *const r = &p->runs[i];
		const uint64_t from = r->start > start ? r->start : start, to = r->end < end ? r->end : end;

		if (r->state == state && (!huge || r->huge))
			sum += to - from;
	}
	return sum;
}
