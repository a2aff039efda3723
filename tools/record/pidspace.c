/*
 * pidspace - processes of PID namespaces that are not ours. Those with a /proc of their own
 * know only the pids that they have there; /proc/PID/status of our own says both.
 */
#include "recorder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint32_t pidspace_inner(uint32_t pid)
{
	char path[64], line[256];
	uint32_t found = 0;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	FILE *const f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		const char *const last = strrchr(line, '\t');

		if (strncmp(line, "NSpid:", 6) == 0 && strchr(line, '\t') != last)
			found = (uint32_t)strtoul(last + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return found;
}

/* Who lives in our own namespace, but may not look at us, cannot know that it does. */
static bool lives_here(uint32_t pid)
{
	return unseen_segment(pid) == THERE && !pidspace_inner(pid);
}

uint32_t pidspace_find(uint32_t inner, bool (*is_it)(void *context, uint32_t pid), void *context)
{
	if (lives_here(inner) && is_it(context, inner))
		return inner;

	DIR *const all = opendir("/proc");
	struct dirent *entry;
	uint32_t found = 0;

	while (all && !found && (entry = readdir(all))) {
		const uint32_t pid = isdigit((unsigned char)entry->d_name[0]) ?
					     (uint32_t)strtoul(entry->d_name, NULL, 10) : 0;

		if (pid && pidspace_inner(pid) == inner && is_it(context, pid))
			found = pid;
	}
	if (all)
		closedir(all);
	return found;
}
