/*
 * elf - the few facts of an ELF file that decide whether a preloaded library can see the program. It trusts nothing
 * in the file.
 */
#ifndef RUN_ELF_H
#define RUN_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_facts {
	bool is_elf;
	bool native; /* 64 bit, little-endian, this machine */
	bool dynamic; /* has a program interpreter */
	bool loader; /* the C library's dynamic linker, run as a program */
	bool go;
	char interpreter[PATH_MAX];
	char sanitizer[64]; /* run-time library it needs, "" none */
};

/* Fills `ret` from bytes[0..size). A damaged file, or one that was cut short, is read as far as possible. */
void elf_inspect(const uint8_t *bytes, size_t size, struct elf_facts *ret);

#endif
