/*
 * maps - what is mapped in this process, as the kernel says, line by line.
 *
 * Inside the target: no heap. A descriptor is open while a list is, so this is only for the start of a program, and
 * for C libraries that cannot say which module covers a pc.
 */
#ifndef MAPS_H
#define MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAPS_PATH_BYTES 768u

struct maps {
	int fd;
	uint32_t at, size;
	char buffer[512];
};

struct maps_line {
	uintptr_t start, end;
	uint64_t offset, device, inode;
	bool readable, executable;
	char path[MAPS_PATH_BYTES]; /* "" when it does not fit */
};

/* False: there is no /proc, and nothing to close. */
bool maps_open(struct maps *m);
bool maps_next(struct maps *m, struct maps_line *ret);
void maps_close(struct maps *m);

/* The kernel's path of the file that is mapped at `address`. False: there is none, or it does not fit. */
bool maps_path_at(uintptr_t address, char *ret, size_t room);

#endif
