/*
 * module_files - the files that recorded programs have mapped, opened while the program still lives.
 *
 * A path is only a name: the file may be deleted, replaced, renamed, in memory only, or in a mount namespace that ends
 * with the program. So the recorder opens each module's file through the process that has it mapped, and looks up
 * names in the opened file. The program waits for that only at its very end, and only if its files cannot be found by
 * their paths (libtracker/linger.c).
 */
#ifndef RECORD_MODULE_FILES_H
#define RECORD_MODULE_FILES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module_file {
	int fd; /* -1: none could be opened */
	uint64_t identity; /* of the mapped file: tells builds apart that have one path; 0: unknown */
	char path[PATH_MAX]; /* as the kernel has it; "": unknown */
};

struct module_told {
	uint64_t start; /* address where it is mapped */
	const char *path;
	const uint8_t *build_id;
	size_t build_id_bytes; /* 0: it has none */
};

/*
 * The file of a module that process `pid` has told of. If another file is mapped there by now, or the process is
 * gone, it is looked for by its path. The descriptor is the caller's. A small file on another file system than the
 * root is copied into memory, because an open file would keep that file system from being unmounted.
 */
void module_file_open(uint32_t pid, const struct module_told *told, struct module_file *ret);

/* The file itself that `pid` has mapped at `start`, and which may still grow. -1: it could not be opened. */
int mapped_file_open(uint32_t pid, uint64_t start);

/*
 * The code that the kernel puts into every program, and that is in no file. The recorder's is the same as the
 * program's. -1: there is none.
 */
int vdso_file_open(void);

#endif
