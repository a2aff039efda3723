/* inspect - see inspect.h. */
#include "inspect.h"

#include "elf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

/* The kernel follows this many interpreters of scripts. */
#define SCRIPT_DEPTH 4

static void refuse(struct inspection *r, int exit_code, const char *name, const char *why)
{
	r->exit_code = exit_code;
	snprintf(r->why, sizeof(r->why), "%s: %s", name, why);
}

static bool is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* execvp's search: the first that can be executed; one that cannot is remembered. */
static bool search(struct inspection *r, const char *name)
{
	const char *path = getenv("PATH");
	bool denied = false;

	for (path = path ? path : "/bin:/usr/bin"; path; path = *path ? path + 1 : NULL) {
		const size_t n = strcspn(path, ":");

		snprintf(r->path, sizeof(r->path), "%.*s%s%s", (int)n, path, n ? "/" : "", name);
		if (is_file(r->path) && access(r->path, X_OK) == 0)
			return true;
		denied |= is_file(r->path);
		path += n;
		if (!*path)
			break;
	}
	refuse(r, denied ? 126 : 127, name,
	       denied ? "Permission denied" : "command not found");
	return false;
}

static bool find(struct inspection *r, const char *name)
{
	struct stat st;

	if (!*name) {
		refuse(r, 127, "''", "command not found");
		return false;
	}
	if (!strchr(name, '/'))
		return search(r, name);
	/* no snprintf: a sanitizer's null checks make gcc think that name may be NULL */
	memcpy(r->path, name, strnlen(name, sizeof(r->path) - 1));
	if (stat(name, &st) < 0)
		refuse(r, errno == EACCES ? 126 : 127, name, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		refuse(r, 126, name, "Is a directory");
	else if (access(name, X_OK) < 0)
		refuse(r, 126, name, errno == EACCES ? "Permission denied; make it executable "
						       "(chmod +x) or name its interpreter" :
						       strerror(errno));
	return r->exit_code == 0;
}

/* If a program has another user's rights, the dynamic linker ignores preloaded libraries. */
static const char *privileges(const char *path)
{
	struct stat st;
	char caps[64];

	if (stat(path, &st) < 0)
		return NULL;
	if (st.st_mode & S_ISUID && st.st_uid != geteuid())
		return "runs with the rights of another user (setuid)";
	if (st.st_mode & S_ISGID && st.st_mode & S_IXGRP && st.st_gid != getegid())
		return "runs with the rights of another group (setgid)";
	if (geteuid() != 0 && getxattr(path, "security.capability", caps, sizeof(caps)) > 0)
		return "has file capabilities";
	return NULL;
}

static void blind(struct inspection *r, bool no_preload, const char *path, const char *what,
		  const char *advice)
{
	r->unrecordable = true;
	r->no_preload |= no_preload;
	snprintf(r->why, sizeof(r->why), "%s %s; %s", path, what, advice);
	snprintf(r->reason, sizeof(r->reason), "it %s; %s", what, advice);
}

static void judge(struct inspection *r, const char *path, const struct elf_facts *e)
{
	const char *const rights = privileges(path);
	char what[160];

	if (rights)
		blind(r, false, path, rights,
		      "the dynamic linker then ignores LD_PRELOAD: run it as that user");
	else if (!e->native)
		blind(r, true, path, "is built for another machine than this tracker",
		      "use a tracker that was built for that machine");
	else if (!e->dynamic && !e->loader)
		blind(r, false, path,
		      e->go ? "is a statically linked Go program" : "is statically linked",
		      e->go ? "Go's allocator cannot be recorded: use Go's own profiler (pprof)" :
			      "nothing can be preloaded into it: link it dynamically, without -static");
	else if (strstr(e->interpreter, "ld-musl"))
		blind(r, true, path, "uses the musl C library",
		      "this tracker was built for another C library: build tracker for musl");
	else if (e->sanitizer[0]) {
		snprintf(what, sizeof(what), "was built with a sanitizer (%s) that replaces malloc",
			 e->sanitizer);
		blind(r, true, path, what, "build it without -fsanitize to record it");
	} else if (e->go) {
		r->partly = true;
		snprintf(r->why, sizeof(r->why), "%s is a Go program with C parts: tracker records what the C parts allocate "
						 "and the mappings of Go's allocator; use pprof for what lies in those mappings",
			 path);
	}
}

/* The interpreter of a script: a path in `ret`, or false when there is none. */
static bool script_interpreter(const char *bytes, size_t size, char *ret, size_t room)
{
	char line[256];
	char *end;

	if (size < 3 || memcmp(bytes, "#!", 2) != 0)
		return false;
	snprintf(line, sizeof(line), "%.*s", (int)(size - 2 < 255 ? size - 2 : 255), bytes + 2);
	line[strcspn(line, "\n")] = 0;
	char *const start = line + strspn(line, " \t");

	end = start + strcspn(start, " \t");
	*end = 0;
	snprintf(ret, room, "%s", start);
	return *start != 0;
}

/* Looks into the file at `path`. True: it is a script, and `path` is its interpreter now. */
static bool look(struct inspection *r, char path[PATH_MAX])
{
	struct elf_facts facts;
	struct stat st;
	void *bytes = MAP_FAILED;
	bool script = false;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) /* it may be executed but not read: then nothing is known */
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return false;
	elf_inspect(bytes, (size_t)st.st_size, &facts);
	if (facts.is_elf)
		judge(r, path, &facts);
	else
		script = script_interpreter(bytes, (size_t)st.st_size, path, PATH_MAX);
	munmap(bytes, (size_t)st.st_size);
	return script;
}

void inspect(struct inspection *ret, const char *name)
{
	char path[PATH_MAX];

	memset(ret, 0, sizeof(*ret));
	if (!find(ret, name))
		return;
	memcpy(path, ret->path, sizeof(path));
	for (int i = 0; i < SCRIPT_DEPTH && look(ret, path); i++) {
		if (is_file(path))
			continue;
		ret->exit_code = 127;
		snprintf(ret->why, sizeof(ret->why), "%s: bad interpreter: %s: %s", name, path,
			 strerror(ENOENT));
		return;
	}
}

/* A name with a slash or without one; the second is searched for as a shell does. */
static bool locate(struct inspection *r, const char *path, char found[PATH_MAX])
{
	if (strchr(path, '/'))
		snprintf(found, PATH_MAX, "%s", path);
	else if (*path && search(r, path))
		memcpy(found, r->path, PATH_MAX);
	else
		return false;
	return true;
}

bool inspect_file(struct inspection *ret, const char *path)
{
	char file[PATH_MAX];
	struct stat st;

	memset(ret, 0, sizeof(*ret));
	if (!locate(ret, path, file))
		return false;
	for (int i = 0; i < SCRIPT_DEPTH && look(ret, file); i++)
		;
	/* it is not known which user executed it: another than this one */
	if (!ret->unrecordable && stat(file, &st) == 0 && st.st_mode & (S_ISUID | S_ISGID))
		blind(ret, false, path, st.st_mode & S_ISUID ? "runs with the rights of another user (setuid)" : "runs with the rights of another group (setgid)",
		      "the dynamic linker then ignores LD_PRELOAD: run it as that user");
	return ret->unrecordable;
}
