/*
 * resolver - (module file, virtual address) -> functions, files, lines, inlined frames, by libdw behind the project's
 * own index of compilation units and functions. Falls back to the ELF symbol tables. Knows nothing of
 * captures.
 *
 * It finds separate debug files (.gnu_debuglink, .build-id) as gdb does. The build-id of the file must equal the
 * recorded one, or nothing is read from the file.
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
	bool placeholder; /* function is no name: it says where the function begins, "libfoo.so.1!0x12a0" */
};

enum resolver_module_state {
	RESOLVER_FULL, /* DWARF found */
	RESOLVER_SYMTAB, /* only a symbol table */
	RESOLVER_STRIPPED, /* only exported symbols, or none */
	RESOLVER_MISSING, /* no such file */
	RESOLVER_CHANGED, /* build-id differs: rebuilt since */
	RESOLVER_UNREADABLE, /* not an ELF file that can be read */
};

struct resolver;
struct resolver_module;

int resolver_new(struct resolver **ret);
void resolver_free(struct resolver *r); /* NULL-safe */

/*
 * For a library in somebody else's program: modules are opened at once, and no descriptor stays open. Files stay mapped. Such a
 * resolver cannot forget.
 */
void resolver_keep_no_descriptors(struct resolver *r);

/* The module of that file; opened lazily, kept. build_id may be NULL (then it is not checked). */
struct resolver_module *resolver_module(struct resolver *r, const char *path,
					const uint8_t *build_id, size_t build_id_bytes);
/*
 * Called before the first look-up: the module's file is the one behind `fd`, whatever is at its path. A copy of fd is
 * kept. -1: changes nothing.
 */
void resolver_module_file(struct resolver_module *m, int fd);
enum resolver_module_state resolver_module_state(struct resolver_module *m);

/*
 * Why the module's debug information could not be read completely, as far as it was asked for. NULL: it could, or
 * there is none.
 */
const char *resolver_module_trouble(struct resolver_module *m);

/* Whether `is` holds for the linkage name of a function of the module, also of one that is only inlined. */
bool resolver_module_any_name(struct resolver_module *m, bool (*is)(void *data, const char *name), void *data);

/* How many bytes of debug information its look-ups have read so far: memory grows with them. */
uint64_t resolver_module_read_bytes(const struct resolver_module *m);
/* The path of its separate debug file, where that was opened; or NULL. */
const char *resolver_module_debug_file(const struct resolver_module *m);

/*
 * Frees the memory of look-ups so far, and the strings that they returned, because libdw keeps everything that it
 * ever read of a file. The next look-up begins anew.
 */
void resolver_forget(struct resolver *r);

/*
 * The frames at `address` (module's own virtual addresses), innermost first,
 * at most `max`. A return address must be given minus 1 by the caller. Returns
 * how many there are; 0: nothing is known.
 */
size_t resolver_lookup(struct resolver_module *m, uint64_t address, struct resolved_frame *out,
		       size_t max);

/*
 * Where a line of a C program declares a pointer and the code at the address stands there: the type to which it points ("struct node"), and its size. False: it is
 * not unambiguous, or not known.
 */
bool resolver_pointee(struct resolver_module *m, uint64_t address, const char *file, uint32_t line, char *buf, size_t room, uint64_t *ret_size);

#endif
