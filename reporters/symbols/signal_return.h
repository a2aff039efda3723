/*
 * signal_return - whether the code at an address of a file is the kernel's way back from a signal handler.
 *
 * The C library's __restore_rt is a local symbol, which a stripped library has lost, and it is in every stack of a
 * signal handler. It consists of nine bytes of code that occur nowhere else.
 */
#ifndef SYMBOLS_SIGNAL_RETURN_H
#define SYMBOLS_SIGNAL_RETURN_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

#define SIGNAL_RETURN_NAME "__restore_rt"

bool signal_return_at(Elf *elf, uint64_t address);

#endif
