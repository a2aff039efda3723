/* package - see package.h. */
#include "symbols/package.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LISTS "/var/lib/dpkg/info"
#define SUFFIX ".list"
/* Far more than the lists of any machine: a file that grows without end must not be read for ever. */
#define BYTES_MAX (256ull << 20)
#define USR "/usr"

/* The file as a line of a list, under both of its names, because /bin, /lib and others may be links into /usr. */
struct lines {
	char text[2][PATH_MAX + 8];
};

static void make_lines(struct lines *l, const char *path)
{
	const size_t usr = strlen(USR);
	const bool below = strncmp(path, USR "/", usr + 1) == 0;

	snprintf(l->text[0], sizeof(l->text[0]), "\n%s\n", path);
	snprintf(l->text[1], sizeof(l->text[1]), "\n%s%s\n", below ? "" : USR, below ? path + usr : path);
}

/* *ret_bytes: how many the list has. */
static bool list_has(int directory, const char *name, const struct lines *l, uint64_t *ret_bytes)
{
	const int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	bool has = false;

	*ret_bytes = 0;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && (uint64_t)st.st_size <= BYTES_MAX) {
		const size_t bytes = (size_t)st.st_size;
		char *const text = malloc(bytes);
		const bool whole = text && pread(fd, text, bytes, 0) == (ssize_t)bytes;

		for (size_t i = 0; whole && !has && i < 2; i++)
			has = memmem(text, bytes, l->text[i], strlen(l->text[i])) != NULL;
		free(text);
		*ret_bytes = bytes;
	}
	close(fd);
	return has;
}

static bool is_list(const char *name)
{
	const size_t n = strlen(name), suffix = strlen(SUFFIX);

	return n > suffix && strcmp(name + n - suffix, SUFFIX) == 0;
}

/* "libc6:amd64.list" -> "libc6" */
static void package_of_list(const char *name, char *out, size_t room)
{
	snprintf(out, room, "%.*s", (int)strcspn(name, ":"), name);
	if (is_list(out))
		out[strlen(out) - strlen(SUFFIX)] = 0;
}

/* How many letters the file's name begins with: "libxml" of libxml2.so.2. */
static size_t letters_of(const char *name)
{
	size_t n = 0;

	while ((name[n] | 32) >= 'a' && (name[n] | 32) <= 'z')
		n++;
	return n;
}

struct search {
	struct lines lines;
	const char *name; /* of the file */
	size_t letters;
	uint64_t bytes; /* that were read */
};

/* Looks into the lists that begin as the file does (alike), or into the others. */
static bool find_among(struct search *s, DIR *lists, bool alike, char *out, size_t room)
{
	uint64_t bytes;
	bool found = false;

	rewinddir(lists);
	for (struct dirent *e; !found && s->bytes <= BYTES_MAX && (e = readdir(lists)); s->bytes += bytes) {
		bytes = 0;
		found = is_list(e->d_name) && (strncasecmp(e->d_name, s->name, s->letters) == 0) == alike &&
			list_has(dirfd(lists), e->d_name, &s->lines, &bytes);
		if (found)
			package_of_list(e->d_name, out, room);
	}
	return found;
}

/*
 * A machine has thousands of lists, and reading them all takes longer than most reports. A library's package nearly
 * always begins as the library does (libxml2.so.2 is in libxml2), so the lists that do are read first.
 */
static bool find_package(const char *root, const char *path, char *out, size_t room)
{
	char folder[PATH_MAX];
	struct search s = { .name = strrchr(path, '/') + 1 };

	snprintf(folder, sizeof(folder), "%s" LISTS, root);
	make_lines(&s.lines, path);
	s.letters = letters_of(s.name);
	DIR *const lists = opendir(folder);
	const bool found = lists && (find_among(&s, lists, true, out, room) || find_among(&s, lists, false, out, room));

	if (lists)
		closedir(lists);
	return found;
}

/* "python3.11" from "libpython3.11-minimal"; 0: the package is not Python's. */
static size_t python_version(const char *package, const char **ret_begin)
{
	const char *const begin = strncmp(package, "lib", 3) ? package : package + 3;
	const size_t name = strlen("python3.");
	const size_t digits = strncmp(begin, "python3.", name) ? 0 : strspn(begin + name, "0123456789");

	*ret_begin = begin;
	return digits ? name + digits : 0;
}

/* Packages of debug information have names of one form, except those that are older than that rule. */
static void debug_package(const char *package, char *out, size_t room)
{
	const char *begin;
	const size_t python = python_version(package, &begin);

	if (python)
		snprintf(out, room, "%.*s-dbg", (int)python, begin);
	else
		snprintf(out, room, "%s%s", package, strcmp(package, "libc6") ? "-dbgsym" : "-dbg");
}

bool package_of_names(const char *root, const char *path, char *out, size_t room)
{
	char package[NAME_MAX + 1];
	const int error = errno;
	const bool found = path[0] == '/' && !strchr(path, '\n') && strlen(path) < PATH_MAX &&
			   find_package(root, path, package, sizeof(package));

	if (found)
		debug_package(package, out, room);
	errno = error;
	return found;
}
