/* target - see target.h. */
#include "tools/attach/target.h"

#include "format/array.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AREAS_MAX (4u << 20)

static FILE *open_of(pid_t pid, pid_t thread, const char *what)
{
	char path[96];

	if (thread)
		snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", (int)pid, (int)thread, what);
	else
		snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return fopen(path, "re");
}

void target_begin(struct target *t, pid_t pid)
{
	FILE *const f = open_of(pid, 0, "comm");

	*t = (struct target){ .pid = pid, .memory = -1 };
	if (f && fgets(t->name, sizeof(t->name), f))
		t->name[strcspn(t->name, "\n")] = 0;
	if (f)
		fclose(f);
}

void target_finish(struct target *t)
{
	if (t->memory >= 0)
		close(t->memory);
	free(t->areas);
	free(t->paths);
	t->memory = -1;
	t->areas = NULL;
	t->paths = NULL;
}

int target_open(struct target *t)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)t->pid);
	t->memory = open(path, O_RDWR | O_CLOEXEC);
	return t->memory < 0 ? errno : 0;
}

bool target_read(const struct target *t, uint64_t at, void *to, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		const ssize_t n = pread(t->memory, (char *)to + done, bytes - done, (off_t)(at + done));

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

bool target_write(const struct target *t, uint64_t at, const void *from, size_t bytes)
{
	for (size_t done = 0; done < bytes;) {
		const ssize_t n = pwrite(t->memory, (const char *)from + done, bytes - done, (off_t)(at + done));

		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

void target_read_text(const struct target *t, uint64_t at, char *to, size_t room)
{
	const ssize_t n = at ? pread(t->memory, to, room - 1, (off_t)at) : 0;

	to[n > 0 ? n : 0] = 0;
}

/* ---- maps ---- */

static char *read_all(FILE *f, size_t *ret)
{
	size_t room = 1u << 16, size = 0;
	char *text = malloc(room);

	while (text) {
		const size_t n = fread(text + size, 1, room - size - 1, f);

		size += n;
		if (!n)
			break;
		if (size == room - 1) {
			char *const more = realloc(text, room *= 2);

			if (!more)
				free(text);
			text = more;
		}
	}
	if (text)
		text[size] = 0;
	*ret = size;
	return text;
}

/* "START-END rwxp OFFSET DEVICE INODE   PATH" */
static bool parse_area(char *line, struct area *ret)
{
	char rights[5] = "";
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %*s %*s %n", &ret->start, &ret->end, rights, &ret->offset, &path) < 4 || !path)
		return false;
	ret->readable = rights[0] == 'r';
	ret->writable = rights[1] == 'w';
	ret->executable = rights[2] == 'x';
	ret->path = line + path;
	return ret->start < ret->end;
}

int target_read_areas(struct target *t)
{
	FILE *const f = open_of(t->pid, 0, "maps");
	size_t size;

	if (!f)
		return errno;
	free(t->paths);
	t->paths = read_all(f, &size);
	t->area_count = 0;
	fclose(f);
	if (!t->paths)
		return ENOMEM;
	for (char *line = t->paths, *end; *line; line = end) {
		struct area a = { 0 };

		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = 0;
		if (!parse_area(line, &a))
			continue;
		if (t->area_count == AREAS_MAX || !ARRAY_ROOM(t->areas, t->area_room, t->area_count + 1, 64))
			return ENOMEM;
		t->areas[t->area_count++] = a;
	}
	return t->area_count ? 0 : ESRCH;
}

const struct area *target_area(const struct target *t, uint64_t at)
{
	size_t low = 0, high = t->area_count;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;

		if (t->areas[middle].end <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->area_count && t->areas[low].start <= at ? &t->areas[low] : NULL;
}

/* ---- threads ---- */

bool target_status(pid_t pid, pid_t thread, const char *key, int base, uint64_t *ret)
{
	FILE *const f = open_of(pid, thread, "status");
	char line[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		*ret = strtoull(line + strlen(key), NULL, base);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* What follows the name in "PID (NAME) STATE ...": a name may hold anything. */
static char *after_name(pid_t pid, pid_t thread, char *line, int room)
{
	FILE *const f = open_of(pid, thread, "stat");
	char *at = NULL;

	if (f && fgets(line, room, f) && (at = strrchr(line, ')')))
		at++;
	if (f)
		fclose(f);
	return at;
}

char target_state(pid_t pid, pid_t thread)
{
	char line[1024];
	const char *const at = after_name(pid, thread, line, sizeof(line));

	return at && *at == ' ' ? at[1] : 0;
}

bool target_each_thread(pid_t pid, bool (*each)(pid_t thread, void *data), void *data)
{
	char path[64];
	bool stops = false;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	DIR *const d = opendir(path);

	for (const struct dirent *e; d && !stops && (e = readdir(d));)
		if (e->d_name[0] != '.')
			stops = each((pid_t)strtol(e->d_name, NULL, 10), data);
	if (d)
		closedir(d);
	return stops;
}

#define START_TIME_FIELD 20 /* behind the state */

uint64_t target_age_ns(pid_t pid)
{
	char line[1024];
	const char *at = after_name(pid, 0, line, sizeof(line));
	struct timespec now;

	for (int i = 0; at && i < START_TIME_FIELD; i++)
		if ((at = strchr(at, ' ')))
			at++;
	if (!at || clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return 0;
	const uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK), began = strtoull(at, NULL, 10) * tick_ns;
	const uint64_t now_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;

	return now_ns > began ? now_ns - began : 0;
}
