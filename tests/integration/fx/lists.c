/*
 * lists - the tracemalloc tutorial's "take two snapshots" in C. Block sizes are
 * chosen so that the tutorial's own lines come out (584 bytes more or less do
 * not show): 522 KiB in 14745 blocks at line 5, and so on.
 *
 * FILL is a macro: the malloc call itself must stand on the tutorial's line.
 */
#include <stdlib.h>

#include "libtracker/tracker.h"

/* Blocks keep their list alive through their first bytes: no other allocation. */
static void *head;

#define FILL(kib, count)                                                                           \
	do {                                                                                       \
		const unsigned long total = (kib) * 1024ul, each = total / (count);                \
		for (unsigned long i = 0; i < (count); i++) {                                      \
			void **const block = malloc(each + (i < total - each * (count)));          \
			if (!block)                                                                \
				abort();                                                           \
			*block = head;                                                             \
			head = block;                                                              \
		}                                                                                  \
	} while (0)

int main(void)
{
#line 5 "/src/tracSix.c"
	FILL(522, 14745);
	FILL(528, 14984);
	FILL(583, 14994);
	tracker_mark("one");
#line 16 "/src/tracSix.c"
	FILL(642, 14998);
	FILL(645, 14998);
	tracker_mark("two");
	return 0;
}
