/*
 * plugin - built twice, as different libraries that the loader puts at one address
 * in turn. Their code is the same, instruction by instruction, but for the sizes of
 * their frames: an unwinder that does not notice the change goes astray.
 */
#include <stdlib.h>

#ifdef SECOND
#define FUNCTION plugin_second
#define SIZE 1002
#define FRAME_BYTES 4096
#else
#define FUNCTION plugin_first
#define SIZE 1001
#define FRAME_BYTES 512
#endif

__attribute__((noinline)) void FUNCTION(void **out, int depth);

void FUNCTION(void **out, int depth)
{
	char room[FRAME_BYTES];

	__asm__ volatile("" : : "r"(room) : "memory");
	if (depth > 0)
		FUNCTION(out, depth - 1);
	else
		*out = malloc(SIZE);
	__asm__ volatile("" : : "r"(room) : "memory");
}
