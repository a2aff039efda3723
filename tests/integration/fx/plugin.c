/*
 * plugin - built twice, as different libraries that the loader puts at one address
 * in turn. Their code is the same, instruction by instruction, but for the sizes of
 * their frames: an unwinder that does not notice the change goes astray. The two frames of plugin_split are as large
 * together in both, so that only what lies between them differs, and it is called from elsewhere.
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

#define BOTH_BYTES 4608

typedef void filler(void *room, size_t bytes, void *caller);

__attribute__((noinline)) void FUNCTION(void **out, int depth);
__attribute__((noinline)) void plugin_split(void **out, filler *fill, int other);

static __attribute__((noinline)) void inner(void **out, filler *fill)
{
	char room[FRAME_BYTES];

	fill(room, sizeof(room), __builtin_return_address(0));
	*out = malloc(SIZE + 10);
	__asm__ volatile("" : : "r"(room) : "memory");
}

void plugin_split(void **out, filler *fill, int other)
{
	char room[BOTH_BYTES - FRAME_BYTES];

	__asm__ volatile("" : : "r"(room) : "memory");
	if (other) {
		inner(out, fill);
		__asm__ volatile("" : : "r"(room) : "memory");
	} else {
		inner(out, fill);
		__asm__ volatile("nop" : : "r"(room) : "memory");
	}
}

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
