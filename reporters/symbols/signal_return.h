/*
 * signal_return - whether the kernel's way back from a signal handler begins at an address of a file.
 *
 * The C library's __restore_rt is a local symbol, which a stripped library has lost, and it stands in
 * every stack of a handler. It is nine bytes of code that nothing else can be.
 */
#ifndef SYMBOLS_SIGNAL_RETURN_H
#define SYMBOLS_SIGNAL_RETURN_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#define SIGNAL_RETURN_NAME "__restore_rt"

bool signal_return_at(Elf *elf, uint64_t address);

#endif
