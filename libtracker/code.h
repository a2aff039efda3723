/*
 * code - where a program has mapped memory that can be executed, as the hooks saw it.
 *
 * Code that is made while a program runs has no unwind information; who walks over it must know that it is code, and
 * the kernel cannot be asked in a hook. So the ranges are noted when they are made: by mmap, and by
 * mprotect. What the loader maps is not among them: that is known by its headers.
 */
#ifndef CODE_H
#define CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void code_mapped(uintptr_t start, size_t bytes);
void code_unmapped(uintptr_t start, size_t bytes);
bool code_is_mapped(uintptr_t pc);

#endif
