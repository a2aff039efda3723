/*
 * look_pages - which pages of a process's private memory are in memory. They are read from the copy that a look is made in, before
 * anything touches its pages: it has those that the process had at the moment of the look.
 */
#ifndef RECORD_LOOK_PAGES_H
#define RECORD_LOOK_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/memory_parts.h"

struct look_run {
	uint64_t start, end;
	enum memory_page state; /* never ABSENT */
	bool huge;
};

struct look_pages {
	struct look_run *runs; /* by address */
	uint32_t count, room;
	uint64_t page_bytes;
	bool no_zero_pages; /* the kernel cannot tell them apart */
	bool no_memory;
};

/* The rest of *p is kept. `plainly`: by the file that all kernels have (tests). False: it cannot be read, or there is no memory. */
bool look_pages_read(struct look_pages *p, int pagemap, uint64_t start, uint64_t end, bool plainly);
void look_pages_finish(struct look_pages *p); /* zero-safe */

/* The first run that ends behind the address; p->count: none. */
uint32_t look_pages_from(const struct look_pages *p, uint64_t address);
/* Bytes of that span in that state; huge: only of huge pages. */
uint64_t look_pages_bytes(const struct look_pages *p, uint64_t start, uint64_t end, enum memory_page state, bool huge);

#endif
