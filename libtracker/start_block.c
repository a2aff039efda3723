/* start_block - see start_block.h. */
#include "start_block.h"

#include <string.h>

/*
 * Only glibc has it. If a program with another C library (musl's) inherits libtracker from a recorded program, it
 * must start all the same. So functions that this C library may lack are weak.
 */
extern void *__libc_stack_end __attribute__((weak));

bool start_block_is_there(void)
{
	return &__libc_stack_end != NULL;
}

struct start_block start_block_find(void)
{
	struct start_block b = { .argv = (char **)__libc_stack_end + 1 };
	char **p;

	for (p = start_block_envp(&b); *p; p++)
		;
	b.auxv = (const void *)(p + 1);
	return b;
}

uint64_t start_block_value(const struct start_block *b, uint64_t type)
{
	for (const ElfW(auxv_t) *a = b->auxv; a->a_type != AT_NULL; a++)
		if (a->a_type == type)
			return a->a_un.a_val;
	return 0;
}

uint64_t start_block_random(const struct start_block *b)
{
	const void *const random = (const void *)start_block_value(b, AT_RANDOM);
	uint64_t bytes = 0;

	if (random)
		memcpy(&bytes, random, sizeof(bytes));
	return bytes;
}
