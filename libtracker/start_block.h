/* start_block - what the kernel put above the first stack frame of the program: arguments, environment, auxiliary values. */
#ifndef START_BLOCK_H
#define START_BLOCK_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct start_block {
	char **argv; /* the number of arguments stands before it, and the environment behind it */
	const ElfW(auxv_t) * auxv;
};

static inline int start_block_argc(const struct start_block *b)
{
	return (int)*(const long *)(b->argv - 1);
}

static inline char **start_block_envp(const struct start_block *b)
{
	return b->argv + start_block_argc(b) + 1;
}

/* Only glibc tells where it is. */
bool start_block_is_there(void);
struct start_block start_block_find(void);
/* An AT_ value; 0: there is none. */
uint64_t start_block_value(const struct start_block *b, uint64_t type);
/* Every process has other ones from the kernel. */
uint64_t start_block_random(const struct start_block *b);

#endif
