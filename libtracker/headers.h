/*
 * headers - what the program headers of a loaded module say: its build-id, and where its code is.
 *
 * It reads only memory that the headers say is loaded.
 */
#ifndef HEADERS_H
#define HEADERS_H

#include <link.h>
#include <stdbool.h>

#include "cfi.h"

struct headers {
	const ElfW(Phdr) * first;
	unsigned count;
	uintptr_t bias;
};

/* None: the module does not begin with its ELF header. */
struct headers headers_of(const struct cfi_module *m);

/* NULL: it has none. */
const uint8_t *headers_build_id(const struct headers *h, uint32_t *ret_bytes);

/* Whether all of these bytes are code and can be read. */
bool headers_is_code(const struct headers *h, uintptr_t address, size_t bytes);

/* Whether these bytes stand there and are code. */
bool headers_code_is(const struct headers *h, uintptr_t address, const char *bytes, size_t count);

/* Whether the code before pc is a call. */
bool headers_call_ends(const struct headers *h, uintptr_t pc);

/* Whether exactly the system call that ends a signal handler begins there. */
bool headers_is_signal_return(const struct cfi_module *m, uintptr_t pc);

#endif
