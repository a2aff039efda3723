/*
 * headers - what the program headers of a loaded module say: its build-id, and where its code is.
 *
 * Everything that is read lies in what they say to be loaded.
 */
#ifndef HEADERS_H
#define HEADERS_H

#include <link.h>
#include <stdbool.h>

#include "cfi.h"

struct headers {
	const ElfW(Phdr) *first;
	unsigned count;
	uintptr_t bias;
};

/* None: the module does not begin with its ELF header. */
struct headers headers_of(const struct cfi_module *m);

/* NULL: it has none. */
const uint8_t *headers_build_id(const struct headers *h, uint32_t *ret_bytes);

/* All of these bytes are code, and can be read. */
bool headers_is_code(const struct headers *h, uintptr_t address, size_t bytes);

/* Nothing but the system call that ends a signal handler begins there. */
bool headers_is_signal_return(const struct cfi_module *m, uintptr_t pc);

#endif
