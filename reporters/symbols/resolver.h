/*
 * resolver - (module file, virtual address) -> functions, files, lines, inlined
 * frames, by libdw behind an index of our own over compilation units and
 * functions; falls back to the ELF symbol tables. Knows nothing of captures.
 *
 * Finds separate debug files (.gnu_debuglink, .build-id) as gdb does. The
 * build-id of the file must equal the recorded one, or nothing is read from it.
 */
#ifndef SYMBOLS_RESOLVER_H
#define SYMBOLS_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct resolved_frame {
	const char *function; /* linkage name, NULL unknown; lives as long as the resolver */
	const char *file; /* absolute where DW_AT_comp_dir allows, NULL unknown */
	uint32_t line;
	bool inlined; /* into the next one */
	bool placeholder; /* function is no name but where the function begins: "libfoo.so.1!0x12a0" */
};

enum resolver_module_state {
	RESOLVER_FULL, /* DWARF found */
	RESOLVER_SYMTAB, /* only a symbol table */
	RESOLVER_STRIPPED, /* only exported symbols, or none */
	RESOLVER_MISSING, /* no such file */
	RESOLVER_CHANGED, /* build-id differs: rebuilt since */
	RESOLVER_UNREADABLE, /* not an ELF file we can read */
};

struct resolver;
struct resolver_module;

int resolver_new(struct resolver **ret);
void resolver_free(struct resolver *r); /* NULL-safe */

/* The module of that file; opened lazily, kept. build_id may be NULL (then it is not checked). */
struct resolver_module *resolver_module(struct resolver *r, const char *path,
					const uint8_t *build_id, size_t build_id_bytes);
/* Before the first look-up: it is the file behind `fd`, whatever is at its path. A copy of fd is kept; -1: nothing changes. */
void resolver_module_file(struct resolver_module *m, int fd);
enum resolver_module_state resolver_module_state(struct resolver_module *m);

/* Why the module's debug information could not be read, or not all: as far as it was asked for. NULL: it was, or there is none. */
const char *resolver_module_trouble(struct resolver_module *m);

/*
 * Gives back the memory of look-ups so far, and what they returned: libdw keeps all that it ever read of a file.
 * The next look-up begins anew.
 */
void resolver_forget(struct resolver *r);

/*
 * The frames at `address` (module's own virtual addresses), innermost first,
 * at most `max`. A return address must be given minus 1 by the caller. Returns
 * how many there are; 0: nothing is known.
 */
size_t resolver_lookup(struct resolver_module *m, uint64_t address, struct resolved_frame *out,
		       size_t max);

#endif
