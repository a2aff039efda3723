/* cgroup - see cgroup.h. */
#include "cgroup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/shm.h"

/* A group allows chunks in use up to its limit divided by this. */
#define SHARE 16u
#define CHUNKS_MIN 64u

/* Groups of version 2 have no controllers in their names. Beside version 1, they lie in a folder of their own. */
static const struct {
	const char *controller, *folder, *file;
} limits[] = {
	{ "", "", "memory.max" },
	{ "", "", "memory.high" },
	{ "", "/unified", "memory.max" },
	{ "", "/unified", "memory.high" },
	{ "memory", "/memory", "memory.limit_in_bytes" },
};

/* The limit in a file. A file that says "max" has none. */
static uint64_t read_limit(const char *folder, const char *file)
{
	char path[8192];
	unsigned long long bytes;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	FILE *const f = fopen(path, "re");
	const bool is_number = f && fscanf(f, "%llu", &bytes) == 1;

	if (f)
		fclose(f);
	return is_number ? bytes : UINT64_MAX;
}

/*
 * The limit of the group and those above it. In a container the root may be the group that the name means, so it is
 * asked, too.
 */
static uint64_t tightest(const char *root, const char *folder, const char *group, const char *file)
{
	char path[8000];
	const int n = snprintf(path, sizeof(path), "%s%s", root, folder);
	uint64_t least = UINT64_MAX;
	char *last;

	if (n < 0 || (size_t)n + strlen(group) >= sizeof(path))
		return least;
	strcpy(path + n, group);
	do {
		const uint64_t bytes = read_limit(path, file);

		least = bytes < least ? bytes : least;
		last = strrchr(path + n, '/');
		if (last)
			*last = 0;
	} while (last);
	return least;
}

/* Whether the controller is in a list like "cpu,memory". */
static bool among(const char *controllers, const char *one)
{
	const size_t n = strlen(one);

	for (const char *c = controllers;; c++) {
		if (strncmp(c, one, n) == 0 && (c[n] == ',' || c[n] == 0))
			return true;
		c = strchr(c, ',');
		if (!c)
			return false;
	}
}

/* Takes "4:cpu,memory:/a/b" apart, and changes the text. */
static uint64_t limit_of_line(const char *root, char *line)
{
	char *const controllers = strchr(line, ':'), *const group = controllers ? strchr(controllers + 1, ':') : NULL;
	uint64_t least = UINT64_MAX;

	if (!group)
		return least;
	*group = 0;
	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		const char *const wanted = limits[i].controller;

		if (wanted[0] ? among(controllers + 1, wanted) : !controllers[1]) {
			const uint64_t bytes = tightest(root, limits[i].folder, group + 1, limits[i].file);

			least = bytes < least ? bytes : least;
		}
	}
	return least;
}

uint64_t cgroup_memory_limit(const char *root, const char *text)
{
	char *const copy = strdup(text), *rest = copy, *line;
	uint64_t least = UINT64_MAX;

	while (copy && (line = strsep(&rest, "\n"))) {
		const uint64_t bytes = limit_of_line(root, line);

		least = bytes < least ? bytes : least;
	}
	free(copy);
	return least;
}

uint32_t cgroup_chunks(uint64_t limit)
{
	const uint64_t chunks = limit / SHARE / SHM_CHUNK_BYTES;

	if (chunks >= SHM_CHUNKS)
		return 0;
	return chunks > CHUNKS_MIN ? (uint32_t)chunks : CHUNKS_MIN;
}

bool cgroup_of(const char *process, char text[CGROUP_TEXT])
{
	char path[64];
	size_t n;

	snprintf(path, sizeof(path), "/proc/%s/cgroup", process);
	FILE *const f = fopen(path, "re");

	if (!f)
		return false;
	n = fread(text, 1, CGROUP_TEXT - 1, f);
	text[n] = 0;
	fclose(f);
	return n > 0;
}
