/*
 * go_names - names of Go's functions by the table that its runtime prints stacks with (.gopclntab): it is there
 * in stripped programs, too, and has the names that Go's tools print, where a symbol table has "runtime.memmove.abi0".
 */
#ifndef SYMBOLS_GO_NAMES_H
#define SYMBOLS_GO_NAMES_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_names {
	const uint8_t *table; /* of libelf; NULL: the file has none, or one of a version that is not known here */
	size_t size;
	uint32_t version;
	uint64_t text; /* address that functions are told from */
	uint64_t count, names, functions; /* functions; where in the table their names and entries stand */
};

void go_names_init(struct go_names *g, Elf *elf);

/* Name of the Go function at the address, as long as `elf` lives; NULL: it lies in none. */
const char *go_names_find(const struct go_names *g, uint64_t address);

#endif
