/*
 * cleared - forgets what lives, as a program does that has warmed up: 3 blocks of 1000 bytes and a mapping before, 2 of
 * 700 bytes behind it, of which the first lot is freed afterwards.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "../../../libtracker/tracker.h"

static void *before[3], *behind[2];

int main(void)
{
	void *pages;

	for (int i = 0; i < 3; i++)
		before[i] = malloc(1000);
	pages = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	tracker_mark("one");
	if (tracker_is_available() && tracker_clear_traces() != TRACKER_OK)
		return 1;
	tracker_mark("two");
	for (int i = 0; i < 2; i++)
		behind[i] = malloc(700);
	tracker_mark("three");
	for (int i = 0; i < 3; i++)
		free(before[i]);
	munmap(pages, 1 << 20);
	return behind[0] == behind[1];
}
