/*
 * path - joins and cleans source file names; see path.h.
 */
#include "symbols/path.h"

#include <stdbool.h>
#include <string.h>

/* Removes the last component of text[0..length). False: there is none that ".." can undo. */
static bool drop_last(const char *text, size_t *length)
{
	size_t n = *length;

	while (n && text[n - 1] != '/')
		n--;
	if (*length - n == 2 && memcmp(text + n, "..", 2) == 0)
		return false;
	if (n == *length)
		return false;
	*length = n ? n - 1 : 0;
	return true;
}

/* Cleans `text` in place; the result is never longer. */
static size_t clean(char *text)
{
	const bool absolute = text[0] == '/';
	size_t out = 0;

	for (const char *p = text; *p;) {
		const size_t n = strcspn(p, "/");
		const char *const next = p + n + (p[n] == '/');

		if (n == 0 || (n == 1 && p[0] == '.')) {
			; /* nothing */
		} else if (n == 2 && memcmp(p, "..", 2) == 0 && drop_last(text, &out)) {
			; /* one level up */
		} else if (!(absolute && out == 0 && n == 2 && memcmp(p, "..", 2) == 0)) {
			if (out || absolute)
				text[out++] = '/';
			memmove(text + out, p, n);
			out += n;
		}
		p = next;
	}
	if (absolute && out == 0)
		text[out++] = '/';
	text[out] = '\0';
	return out;
}

const char *path_absolute(const char *name, const char *directory, struct arena *arena)
{
	const bool join = name[0] != '/' && directory && *directory;
	const size_t before = join ? strlen(directory) : 0, size = strlen(name);
	char *const path = arena_room(arena, before + 1 + size + 1);

	if (!path)
		return NULL;
	if (join) {
		memcpy(path, directory, before);
		path[before] = '/';
	}
	memcpy(path + before + join, name, size + 1);
	(void)clean(path);
	return path;
}

const char *path_short(const char *path)
{
	const char *const last = strrchr(path, '/');
	const char *second = last;

	while (second && second > path && second[-1] != '/')
		second--;
	return second ? second : path;
}
