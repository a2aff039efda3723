/*
 * go_names - names of Go functions from the table with which Go's runtime prints stacks (.gopclntab). Stripped
 * programs have it, too. It has the names that Go's tools print, whereas a symbol table has "runtime.memmove.abi0".
 */
#ifndef SYMBOLS_GO_NAMES_H
#define SYMBOLS_GO_NAMES_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct go_names {
	const uint8_t *table; /* of libelf; NULL: the file has no such table, or one of an unknown version */
	size_t size;
	uint32_t version;
	uint64_t text; /* address that functions are told from */
	uint64_t count, names, functions; /* number of functions; where their names and entries stand in the table */
};

void go_names_init(struct go_names *g, Elf *elf);

/* The name of the Go function at the address, valid as long as `elf`; NULL: the address is in none. */
const char *go_names_find(const struct go_names *g, uint64_t address);

#endif
