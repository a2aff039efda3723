/*
 * fuzz_debug_link - the names of debug files out of any bytes: what a module's .gnu_debuglink and .gnu_debugaltlink say is a
 * text that fits, or nothing, and looking whether such a file exists harms nobody.
 */
#include "fuzz.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/debug_file.h"
#include "symbols/debug_link.h"

static void altlink(int fd)
{
	Dwarf *const dwarf = dwarf_begin(fd, DWARF_C_READ);
	char text[320], again[64];

	if (!dwarf)
		return;
	MUST(strlen(debug_link_alt_trouble(dwarf, "", text, sizeof(text))) < sizeof(text));
	MUST(strncmp(debug_link_alt_trouble(dwarf, "", again, sizeof(again)), text, sizeof(again) - 1) == 0);
	dwarf_end(dwarf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz_debug_link", MFD_CLOEXEC);
	char name[NAME_MAX + 1], path[64], missing[NAME_MAX + 1];

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	const bool named = debug_link_name(fd, NULL, 0, name, sizeof(name));

	if (named) {
		MUST(name[0] && memchr(name, 0, sizeof(name)));
		MUST(memmem(data, size, name, strlen(name) + 1));
		(void)debug_file_may_exist("/nonexistent/a", name);
	}
	if (debug_link_missing(path, NULL, 0, missing, sizeof(missing)))
		MUST(named && strcmp(missing, name) == 0);
	(void)debug_link_missing(path, (const uint8_t *)"another build", 13, missing, sizeof(missing));
	altlink(fd);
	close(fd);
	return 0;
}
