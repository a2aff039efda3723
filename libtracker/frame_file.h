/*
 * frame_file - the bytes of .debug_frame in a file, read by system calls.
 *
 * It also unpacks zlib, in both forms that linkers write. It does not read what another method (zstd) compressed; the
 * recorder says so.
 */
#ifndef FRAME_FILE_H
#define FRAME_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An ELF file, or one that a program made in its memory. That memory may be gone. */
struct frame_file {
	int fd;
	uintptr_t memory; /* 0: it is in fd */
	size_t bytes; /* of memory */
};

bool frame_file_read_at(const struct frame_file *f, void *to, size_t bytes, uint64_t offset);

/* The bytes, in a mapping of their own. False: there are none, or they cannot be read. */
bool frame_file_read(const struct frame_file *f, const uint8_t **ret_bytes, size_t *ret_size);

#endif
