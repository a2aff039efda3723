/* class_figures - the memory of a process at a snapshot, as the kernel has it; see tracked_classes.h. */
#include "tracked_classes.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answer.h"
#include "proc.h"

/* Lines of /proc/PID/status, in KiB. */
static const struct {
	const char *line, *key;
} lines[] = {
	{ "VmSize:", "vsz" },
	{ "VmRSS:", "rss" },
	{ "VmData:", "data" },
	{ "VmExe:", "code" },
	{ "VmStk:", "stack" },
	{ "VmPeak:", "peak" },
	{ "VmHWM:", "hwm" },
	{ "VmLck:", "lck" },
	{ "VmPTE:", "pte" },
};

struct text {
	char *bytes;
	uint32_t size, room;
};

static void put(struct text *t, const char *key, uint64_t value)
{
	const int n = snprintf(t->bytes + t->size, t->room - t->size, "%s%s %" PRIu64, t->size ? ";" : "", key, value);

	if (n > 0 && (uint32_t)n < t->room - t->size)
		t->size += (uint32_t)n;
}

/* The whole file, terminated; "": it cannot be read. */
static void read_all(uint32_t pid, const char *name, char *buf, size_t room)
{
	const int fd = proc_open(pid, name, O_RDONLY);
	ssize_t n = 0;

	if (fd >= 0) {
		n = read(fd, buf, room - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = 0;
}

static uint64_t kib_in(const char *status, const char *line, bool *ret_there)
{
	const size_t n = strlen(line);

	for (const char *at = status; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, line, n) == 0) {
			*ret_there = true;
			return strtoull(at + n, NULL, 10) * 1024;
		}
	}
	return 0;
}

/* Fields 10 and 12 of stat, behind the name, which may hold anything. */
static void put_faults(struct text *t, const char *stat)
{
	const char *at = strrchr(stat, ')');

	for (int field = 3; at && field <= 12; field++) {
		at = strchr(at + 1, ' ');
		if (at && (field == 10 || field == 12))
			put(t, field == 10 ? "minflt" : "majflt", strtoull(at + 1, NULL, 10));
	}
}

uint32_t class_figures(const struct recorder *r, const struct process *p, const uint64_t given[3], char *text, uint32_t room)
{
	static const char *const malloc_keys[] = { "inuse", "free", "mmapped" };
	struct text t = { text, 0, room };
	char file[4096];
	bool there = false;

	read_all(p->pid, "status", file, sizeof(file));
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		const uint64_t bytes = kib_in(file, lines[i].line, &there);

		if (there)
			put(&t, lines[i].key, bytes);
	}
	if (there)
		put(&t, "shared", kib_in(file, "RssFile:", &there) + kib_in(file, "RssShmem:", &there));
	read_all(p->pid, "stat", file, sizeof(file));
	put_faults(&t, file);
	if (given && (given[0] || given[1] || given[2])) {
		put(&t, "arena", given[0] + given[1]);
		for (unsigned i = 0; i < 3; i++)
			put(&t, malloc_keys[i], given[i]);
	}
	put(&t, "tracker", answer_cost(r));
	return t.size;
}
