/* look_smaps - see look_smaps.h. */
#include "look_smaps.h"

#include "format/array.h"
#include "proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "KEY:   12 kB" */
static bool take(const char *line, const char *key, uint64_t *ret)
{
	const size_t n = strlen(key);

	if (strncmp(line, key, n) != 0)
		return false;
	*ret = strtoull(line + n, NULL, 10) * 1024;
	return true;
}

static bool add(struct look_smaps *s, const char *line)
{
	unsigned long long start, end;
	struct look_smap *const last = s->count ? &s->list[s->count - 1] : NULL;

	if (last && (take(line, "Rss:", &last->resident) || take(line, "Swap:", &last->swapped) || take(line, "AnonHugePages:", &last->huge)))
		return true;
	if (sscanf(line, "%llx-%llx ", &start, &end) != 2)
		return true;
	if (!ARRAY_ROOM(s->list, s->room, s->count + 1, 64))
		return false;
	s->list[s->count++] = (struct look_smap){ .start = start, .end = end };
	return true;
}

bool look_smaps_read(struct look_smaps *s, uint32_t pid)
{
	char path[48], *line = NULL;
	bool fine = true;
	size_t room = 0;
	FILE *f;

	*s = (struct look_smaps){ 0 };
	snprintf(path, sizeof(path), "/proc/%u/smaps", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (fine && getline(&line, &room, f) >= 0)
		fine = add(s, line);
	free(line);
	fclose(f);
	return fine && s->count;
}

void look_smaps_finish(struct look_smaps *s)
{
	free(s->list);
	*s = (struct look_smaps){ 0 };
}

const struct look_smap *look_smaps_at(const struct look_smaps *s, uint64_t start)
{
	uint32_t low = 0, high = s->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (s->list[middle].start < start)
			low = middle + 1;
		else
			high = middle;
	}
	return low < s->count && s->list[low].start == start ? &s->list[low] : NULL;
}

static uint64_t value_of(const char *text, const char *key)
{
	const char *const at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

void look_use_read(struct look_use *u, uint32_t pid)
{
	char text[4096];
	const int fd = proc_open(pid, "status", O_RDONLY);
	const ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	text[n > 0 ? n : 0] = 0;
	if (fd >= 0)
		close(fd);
	*u = (struct look_use){
		.resident = value_of(text, "\nVmRSS:"),
		.anonymous = value_of(text, "\nRssAnon:"),
		.files = value_of(text, "\nRssFile:"),
		.shared = value_of(text, "\nRssShmem:"),
		.swapped = value_of(text, "\nVmSwap:"),
	};
}
