/* dwarf_variables - what pointers that a function declares point to: `struct node *n = malloc(sizeof *n);` says that it allocates a struct node. */
#ifndef SYMBOLS_DWARF_VARIABLES_H
#define SYMBOLS_DWARF_VARIABLES_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Of a function of a C program, or what was inlined into it: the type to which the pointers point that are declared on that line of that file, and its size. False:
 * there is no such pointer, or pointers to several types, or to no object.
 */
bool dwarf_variables_pointee(Dwarf_Die *function, const char *file, uint32_t line, char *buf, size_t room, uint64_t *ret_size);

#endif
