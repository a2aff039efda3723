/*
 * debug_file - see debug_file.h.
 *
 * libdwfl's last resort is to ask debuginfod. For that it loads libcurl and thirty other libraries, before it looks
 * whether any server is named: 15 ms for every recording. So libdwfl is called only if there may be a file or a
 * server.
 */
#include "symbols/debug_file.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "symbols/zstd_sections.h"

#define DEBUG_ROOT "/usr/lib/debug"

static bool exists(const char *root, const char *dir, size_t dir_bytes, const char *sub, const char *link)
{
	char path[PATH_MAX];
	const int n = snprintf(path, sizeof(path), "%s%.*s%s/%s", root, (int)dir_bytes, dir, sub, link);

	return n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}

/* In the file's directory, in .debug of it, and under the root of all debug files, with or without leading directories. */
static bool exists_near(const char *file, const char *link)
{
	const char *const slash = strrchr(file, '/');
	const size_t n = slash ? (size_t)(slash - file) : 0;

	if (exists("", file, n, "", link) || exists("", file, n, "/.debug", link))
		return true;
	for (const char *dir = file; dir && dir < file + n; dir = strchr(dir + 1, '/'))
		if (exists(DEBUG_ROOT, dir, (size_t)(file + n - dir), "", link))
			return true;
	return exists(DEBUG_ROOT, "", 0, "", link);
}

bool debug_file_may_exist(const char *file, const char *link)
{
	const char *const slash = strrchr(file, '/');
	char name[NAME_MAX + 16], target[PATH_MAX];

	if (!link) {
		snprintf(name, sizeof(name), "%s.debug", slash ? slash + 1 : file);
		link = name;
	}
	return strchr(link, '/') || exists_near(file, link) || (realpath(file, target) && exists_near(target, link));
}

static int find(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *file,
		const char *link, GElf_Word crc, char **ret_path)
{
	const char *const servers = getenv("DEBUGINFOD_URLS");
	int fd;

	if (file && (!servers || !*servers)) {
		fd = dwfl_build_id_find_debuginfo(module, user, name, base, file, link, crc, ret_path);
		if (fd >= 0)
			return fd;
		if (!debug_file_may_exist(file, link)) {
			errno = 0; /* libdwfl's sign for "there is none" */
			return -1;
		}
	}
	if (servers && *servers && isatty(STDERR_FILENO))
		(void)setenv("DEBUGINFOD_PROGRESS", "1", 0); /* the library says there what it downloads, and how much */
	return dwfl_standard_find_debuginfo(module, user, name, base, file, link, crc, ret_path);
}

/* A module's user pointer holds a descriptor + 1, so that 0 is none. */
static void *pointer_of(int fd)
{
	return (void *)(intptr_t)(fd + 1);
}

int debug_file_find(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *file,
		    const char *link, GElf_Word crc, char **ret_path)
{
	int fd = (int)(intptr_t)*user - 1;

	if (fd >= 0) {
		*user = NULL;
		return fd;
	}
	fd = find(module, user, name, base, file, link, crc, ret_path);
	*user = pointer_of(fd >= 0 ? zstd_sections_copy(fd) : -1);
	return fd;
}

int debug_file_unpacked(Dwfl_Module *module)
{
	void **user;
	int fd;

	if (!dwfl_module_info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL))
		return -1;
	fd = (int)(intptr_t)*user - 1;
	*user = NULL;
	return fd;
}

void debug_file_give(Dwfl_Module *module, int fd)
{
	void **user;

	if (dwfl_module_info(module, &user, NULL, NULL, NULL, NULL, NULL, NULL))
		*user = pointer_of(fd);
	else
		close(fd);
}
