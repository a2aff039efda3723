/* start_block - what the kernel put above the first stack frame of the program: arguments, environment, auxiliary values. */
#ifndef START_BLOCK_H
#define START_BLOCK_H

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>

struct start_block {
	int argc;
	char **argv, **envp;
	const ElfW(auxv_t) * auxv;
};

/* Only glibc tells where it is. */
bool start_block_is_there(void);
struct start_block start_block_find(void);
/* An AT_ value; 0: there is none. */
uint64_t start_block_value(const struct start_block *b, uint64_t type);
/* Every process has other ones from the kernel. */
uint64_t start_block_random(const struct start_block *b);

#endif
