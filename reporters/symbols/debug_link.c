/* debug_link - see debug_link.h. */
#include "symbols/debug_link.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/debug_file.h"
#include "symbols/package.h"

static bool is_build(Elf *elf, const uint8_t *id, size_t id_bytes)
{
	const void *its;
	const ssize_t n = id && id_bytes ? dwelf_elf_gnu_build_id(elf, &its) : 0;

	return !id || !id_bytes || (n == (ssize_t)id_bytes && memcmp(its, id, id_bytes) == 0);
}

bool debug_link_name(int fd, const uint8_t *id, size_t id_bytes, char *out, size_t room)
{
	elf_version(EV_CURRENT);

	Elf *const elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	const bool usable = elf && elf_kind(elf) == ELF_K_ELF && is_build(elf, id, id_bytes);
	GElf_Word crc;
	const char *const name = usable ? dwelf_elf_gnu_debuglink(elf, &crc) : NULL;
	const bool fits = name && *name && strlen(name) < room;

	if (fits)
		memcpy(out, name, strlen(name) + 1);
	elf_end(elf);
	return fits;
}

/* By its build-id: gdb's other place. */
static bool exists_by_id(const uint8_t *id, size_t id_bytes)
{
	char path[sizeof("/usr/lib/debug/.build-id//.debug") + 2 * 64] = "/usr/lib/debug/.build-id/";
	size_t at = strlen(path);

	if (!id || id_bytes < 2 || id_bytes > 64)
		return false;
	for (size_t i = 0; i < id_bytes; i++)
		at += (size_t)snprintf(path + at, sizeof(path) - at, i ? "%02x" : "%02x/", id[i]);
	snprintf(path + at, sizeof(path) - at, ".debug");
	return access(path, F_OK) == 0;
}

bool debug_link_missing(const char *path, const uint8_t *id, size_t id_bytes, char *out, size_t room)
{
	const int fd = path[0] == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	struct stat st;

	if (fd < 0)
		return false;
	const bool named = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && debug_link_name(fd, id, id_bytes, out, room);

	close(fd);
	return named && !exists_by_id(id, id_bytes) && !debug_file_may_exist(path, out);
}

char *debug_link_alt_trouble(Dwarf *dwarf, const char *path, char *out, size_t room)
{
	const char *name = NULL;
	const void *id;
	char package[NAME_MAX + 1], brings[NAME_MAX + 32] = "";

	if (dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) < 0)
		name = NULL;
	if (package_of_names("", path, package, sizeof(package)))
		snprintf(brings, sizeof(brings), "; install %s", package);
	snprintf(out, room, "the file into which dwz moved parts of it (.gnu_debugaltlink) is missing: %.200s%s", name && *name ? name : "it has no name",
		 brings);
	return out;
}
