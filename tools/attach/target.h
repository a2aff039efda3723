/*
 * target - a running program, seen from outside: what /proc says of it, and its memory.
 *
 * Nothing here changes the program. Everything that is read may change while it is read, and is checked as if it came
 * from a file.
 */
#ifndef ATTACH_TARGET_H
#define ATTACH_TARGET_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A line of /proc/PID/maps. */
struct area {
	uint64_t start, end, offset;
	bool readable, writable, executable;
	const char *path; /* "": none */
};

struct target {
	pid_t pid;
	int memory; /* /proc/PID/mem; -1: not open */
	char name[32]; /* as ps shows it */
	struct area *areas;
	size_t area_count, area_room;
	char *paths;
};

void target_begin(struct target *t, pid_t pid);
void target_finish(struct target *t);

/* Opens its memory. 0, or an errno. */
int target_open(struct target *t);
/* Whether all of it was there. */
bool target_read(const struct target *t, uint64_t at, void *to, size_t bytes);
/* ... even where the program itself may not write. */
bool target_write(const struct target *t, uint64_t at, const void *from, size_t bytes);
/* A text of at most `room` - 1 bytes. */
void target_read_text(const struct target *t, uint64_t at, char *to, size_t room);

/* Reads its maps anew. 0, or an errno. */
int target_read_areas(struct target *t);
/* NULL: nothing is there. */
const struct area *target_area(const struct target *t, uint64_t at);

/* The number, hexadecimal if `base` is 16, that stands behind the key in a status file of /proc, as "SigBlk:". */
bool target_status(pid_t pid, pid_t thread, const char *key, int base, uint64_t *ret);
/* The letter of its state, as 'S'; 0: there is no such thread. */
char target_state(pid_t pid, pid_t thread);
/* Calls `each` for every thread, until it returns true. Returns that. */
bool target_each_thread(pid_t pid, bool (*each)(pid_t thread, void *data), void *data);
/* How long it has run. */
uint64_t target_age_ns(pid_t pid);

#endif
