/*
 * code - where a program has mapped memory that can be executed, as the hooks saw it.
 *
 * Code that is made while a program runs has no unwind information. A walk over it must know that it is code, and
 * cannot ask the kernel in a hook. So the hooks of mmap and mprotect note the ranges when they are made. What the
 * loader maps is not among them: its headers say where it is.
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
