/* proc - see proc.h. */
#include "proc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads up to room - 1 bytes of a small file and ends them with a NUL; -1: it is not there. */
static ssize_t read_file(const char *path, char *buf, size_t room)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = read(fd, buf, room - 1);
	close(fd);
	buf[n > 0 ? n : 0] = 0;
	return n;
}

void proc_thread_name(uint32_t pid, uint32_t tid, char name[SHM_NAME_BYTES])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, tid);
	if (read_file(path, name, SHM_NAME_BYTES) < 0)
		name[0] = 0;
	name[strcspn(name, "\n")] = 0;
}

bool proc_executable(uint32_t pid, char path[SHM_EXECUTABLE_BYTES])
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	const ssize_t n = readlink(link, path, SHM_EXECUTABLE_BYTES - 1);

	path[n > 0 ? n : 0] = 0;
	return n > 0;
}

uint32_t proc_status(uint32_t pid, const char *key, uint32_t *ret_count)
{
	char path[64], line[256];
	uint32_t found = 0;

	snprintf(path, sizeof(path), "/proc/%u/status", pid);
	FILE *const f = fopen(path, "re");

	*ret_count = 0;
	while (f && !*ret_count && fgets(line, sizeof(line), f)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		for (const char *at = strchr(line, '\t'); at; at = strchr(at + 1, '\t'), ++*ret_count)
			found = (uint32_t)strtoul(at + 1, NULL, 10);
	}
	if (f)
		fclose(f);
	return found;
}

bool proc_is_zombie(uint32_t pid)
{
	char path[64], text[512];
	unsigned threads = 0;
	char state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return false;
	const char *const line = fgets(text, sizeof(text), f), *const name_end = line ? strrchr(line, ')') : NULL;

	fclose(f);
	return name_end &&
	       sscanf(name_end, ") %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %u", &state, &threads) == 2 &&
	       state == 'Z' && threads <= 1;
}

enum segment_there proc_segment(const struct recorder *r, uint32_t pid)
{
	char path[64], *line = NULL;
	unsigned long long inode;
	size_t room = 0;

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	FILE *const f = fopen(path, "re");
	enum segment_there found = !f && errno == EACCES ? DENIED : NOBODY_KNOWS;

	while (f && found != THERE && getline(&line, &room, f) > 0)
		found = (strstr(line, "/memfd:tracker") || strstr(line, "/SYSV")) &&
					sscanf(line, "%*s %*s %*s %*s %llu", &inode) == 1 && inode == r->segment_inode ?
				THERE :
				NOT_THERE;
	free(line);
	if (f)
		fclose(f);
	return found;
}

bool proc_has_environment(uint32_t pid, const char *entry)
{
	static char buf[256 << 10];
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/environ", pid);
	const ssize_t n = read_file(path, buf, sizeof(buf));

	return n > 0 && memmem(buf, (size_t)n, entry, strlen(entry) + 1);
}

uint32_t proc_last_pid(void)
{
	char buf[128];
	const char *last;

	if (read_file("/proc/loadavg", buf, sizeof(buf)) <= 0)
		return 0;
	last = strrchr(buf, ' ');
	return last ? (uint32_t)strtoul(last + 1, NULL, 10) : 0;
}
