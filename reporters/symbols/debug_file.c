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

/* file: NULL in the search for the file of dwz. */
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
	((struct debug_file *)*user)->far = true;
	if (servers && *servers && isatty(STDERR_FILENO))
		(void)setenv("DEBUGINFOD_PROGRESS", "1", 0); /* the library says there what it downloads, and how much */
	return dwfl_standard_find_debuginfo(module, user, name, base, file, link, crc, ret_path);
}

int debug_file_find(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *file,
		    const char *link, GElf_Word crc, char **ret_path)
{
	struct debug_file *const debug = *user;

	if (debug->given >= 0) {
		debug->found = debug->given;
		debug->given = -1;
		return debug->found;
	}
	if (debug->over || (debug->no_alt && !file)) {
		errno = 0;
		return -1;
	}
	debug->found = find(module, user, name, base, file, link, crc, ret_path);
	if (debug->found >= 0 && debug->unpacked < 0)
		debug->unpacked = zstd_sections_copy(debug->found);
	return debug->found;
}
