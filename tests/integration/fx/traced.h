/*
 * traced - what programs that ask tracker.h share: they allocate blocks of known sizes at known places themselves. What comes from
 * outside (the C library's own blocks) is subtracted by asking before and after.
 */
#ifndef FX_TRACED_H
#define FX_TRACED_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../../libtracker/tracker.h"

#define MIB ((size_t)1 << 20)

static char output[1 << 14]; /* stdout's: it allocates nothing */

struct traced_mode {
	const char *name;
	void (*run)(void);
};

static inline size_t now(void)
{
	size_t current;

	tracker_get_traced_memory(&current, NULL);
	return current;
}

static inline size_t peak(void)
{
	size_t most;

	tracker_get_traced_memory(NULL, &most);
	return most;
}

__attribute__((noinline, unused)) static void *block(size_t size)
{
	void *volatile p = malloc(size);

	return p;
}

__attribute__((noinline, unused)) static void *deep(int frames, size_t size)
{
	void *volatile p = frames > 1 ? deep(frames - 1, size) : block(size);

	return p;
}

/* The frames of a dumped traceback; -1: there is none. */
static inline int dumped(const void *p)
{
	char text[8192];
	int ends[2], frames = 0;
	ssize_t n;

	if (pipe(ends) != 0)
		return -2;
	if (tracker_dump_traceback(ends[1], p) != TRACKER_OK) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	close(ends[0]);
	text[n > 0 ? n : 0] = 0;
	if (strncmp(text, "Memory block allocated at (most recent call first):\n", 52) != 0)
		return -3;
	for (const char *at = strchr(text, '\n') + 1; *at; at = strchr(at, '\n') + 1) {
		if (strncmp(at, "  File \"", 8) != 0)
			return -4;
		frames++;
	}
	return frames;
}

/* The same by an address that means nothing any more. */
static inline int dumped_at(uintptr_t address)
{
	return dumped((const void *)address);
}

static inline int start(int nframe)
{
	const int code = tracker_start(nframe);

	if (code != TRACKER_OK)
		printf("start: %d %s\n", code, tracker_last_error());
	return code;
}

/* Runs the mode that is named; 2: there is none of that name. */
static inline int run_mode(const struct traced_mode *modes, const char *name)
{
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	for (; modes->name; modes++)
		if (strcmp(modes->name, name) == 0) {
			modes->run();
			return 0;
		}
	return 2;
}

#endif
