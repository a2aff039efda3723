/* module_files - see module_files.h. */
#include "module_files.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/mix.h"

#define COPY_BYTES_MAX (64 << 20)
#define DELETED " (deleted)"

/* What /proc/PID/maps says of a mapping. */
struct mapping {
	uint64_t start, end, inode;
	char path[PATH_MAX]; /* "": none */
};

/* linux/fs.h, from Linux 6.11 on: one mapping by address, whatever the number of mappings. */
struct procmap_query {
	uint64_t size, query_flags, query_addr, vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};

#define PROCMAP_QUERY_IOCTL _IOWR('f', 17, struct procmap_query)

static bool query(int maps, uint64_t address, struct mapping *ret)
{
	struct procmap_query q = {
		.size = sizeof(q),
		.query_addr = address,
		.vma_name_size = sizeof(ret->path),
		.vma_name_addr = (uint64_t)(uintptr_t)ret->path,
	};

	ret->path[0] = 0;
	if (ioctl(maps, PROCMAP_QUERY_IOCTL, &q) < 0)
		return false;
	ret->path[sizeof(ret->path) - 1] = 0;
	ret->start = q.vma_start;
	ret->end = q.vma_end;
	ret->inode = q.inode;
	return q.inode != 0;
}

/* The kernel writes a newline in a path as \012, and nothing else in another way. */
static void unescape(char *path)
{
	char *to = path;

	for (const char *from = path; *from; to++) {
		const bool newline = !strncmp(from, "\\012", 4);

		*to = newline ? '\n' : *from;
		from += newline ? 4 : 1;
	}
	*to = 0;
}

static bool scan(int maps, uint64_t address, struct mapping *ret)
{
	const int copy = dup(maps);
	FILE *const f = copy < 0 ? NULL : fdopen(copy, "r");
	char *line = NULL;
	size_t room = 0;
	bool found = false;

	if (!f && copy >= 0)
		close(copy);
	while (f && !found && getline(&line, &room, f) > 0) {
		int at = 0;

		found = sscanf(line, "%" SCNx64 "-%" SCNx64 " %*s %*x %*x:%*x %" SCNu64 " %n", &ret->start,
			       &ret->end, &ret->inode, &at) == 3 &&
			ret->start <= address && address < ret->end;
		if (!found)
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(ret->path, sizeof(ret->path), "%s", line + at);
		unescape(ret->path);
	}
	free(line);
	if (f)
		fclose(f);
	return found && ret->inode != 0;
}

static bool find_mapping(uint32_t pid, uint64_t address, struct mapping *ret)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/maps", pid);
	const int maps = open(path, O_RDONLY | O_CLOEXEC);
	const bool found = maps >= 0 && (query(maps, address, ret) || scan(maps, address, ret));

	if (maps >= 0)
		close(maps);
	return found;
}

/* Never waits on a pipe or a device. inode: of what is wanted, 0: any. */
static int open_regular(const char *path, uint64_t inode)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (!inode || st.st_ino == inode))
		return fd;
	close(fd);
	return -1;
}

/* By what the kernel keeps of a mapping, or the program; then by name, as the process sees it and as we do. */
static int open_mapped(uint32_t pid, const struct mapping *m)
{
	static const char *const ways[] = { "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, "/proc/%u/exe" };
	char path[PATH_MAX + 32];
	int fd = -1;

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways) && fd < 0; i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(path, sizeof(path), ways[i], pid, m->start, m->end);
#pragma GCC diagnostic pop
		fd = open_regular(path, m->inode);
	}
	if (fd < 0 && m->path[0] == '/') {
		snprintf(path, sizeof(path), "/proc/%u/root%s", pid, m->path);
		fd = open_regular(path, m->inode);
	}
	return fd < 0 && m->path[0] == '/' ? open_regular(m->path, m->inode) : fd;
}

static bool is_on_root(const struct stat *file)
{
	struct stat root;

	return stat("/", &root) == 0 && root.st_dev == file->st_dev;
}

/* A copy in memory, and the file closed; or the file, when there is no room. */
static int copy_of(int fd, off_t bytes)
{
	const int copy = memfd_create("tracker-module", MFD_CLOEXEC);
	off_t at = 0;

	while (copy >= 0 && at < bytes && sendfile(copy, fd, &at, (size_t)(bytes - at)) > 0)
		;
	if (copy >= 0 && at == bytes) {
		close(fd);
		return copy;
	}
	if (copy >= 0)
		close(copy);
	return fd;
}

static uint64_t identity_of(const struct stat *st)
{
	const uint64_t what[] = { st->st_dev, st->st_ino, (uint64_t)st->st_mtim.tv_sec,
				  (uint64_t)st->st_mtim.tv_nsec, (uint64_t)st->st_size };
	const uint64_t mixed = trk_mix_bytes(what, sizeof(what));

	return mixed ? mixed : 1;
}

static void drop_suffix(char *path)
{
	const size_t n = strlen(path), suffix = strlen(DELETED);

	if (n > suffix && !strcmp(path + n - suffix, DELETED))
		path[n - suffix] = 0;
}

/* Whether a note of these is the build-id. */
static bool notes_have(const uint8_t *notes, size_t bytes, const struct module_told *told)
{
	ElfW(Nhdr) n;

	for (size_t at = 0; bytes - at >= sizeof(n);) {
		memcpy(&n, notes + at, sizeof(n));
		const size_t name = (n.n_namesz + 3ull) & ~3ull, text = (n.n_descsz + 3ull) & ~3ull;

		if (n.n_namesz > bytes || n.n_descsz > bytes || sizeof(n) + name + text > bytes - at)
			return false;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(notes + at + sizeof(n), "GNU", 4))
			return n.n_descsz == told->build_id_bytes &&
			       !memcmp(notes + at + sizeof(n) + name, told->build_id, told->build_id_bytes);
		at += sizeof(n) + name + text;
	}
	return false;
}

static bool has_build_id(int fd, const struct module_told *told)
{
	uint8_t notes[4096];
	ElfW(Ehdr) e;
	ElfW(Phdr) h;

	if (pread(fd, &e, sizeof(e), 0) != sizeof(e) || memcmp(e.e_ident, ELFMAG, SELFMAG) || e.e_phentsize != sizeof(h))
		return false;
	for (unsigned i = 0; i < e.e_phnum; i++) {
		if (pread(fd, &h, sizeof(h), (off_t)(e.e_phoff + i * sizeof(h))) != sizeof(h))
			return false;
		if (h.p_type != PT_NOTE)
			continue;
		const ssize_t n = pread(fd, notes, h.p_filesz < sizeof(notes) ? h.p_filesz : sizeof(notes), (off_t)h.p_offset);

		if (n > 0 && notes_have(notes, (size_t)n, told))
			return true;
	}
	return false;
}

static const char *last_part(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* Without a build-id, and with another name than was told, it took the place of what was unloaded. */
static bool is_told(int fd, const char *path, const struct module_told *told)
{
	return told->build_id_bytes ? has_build_id(fd, told) : !strcmp(last_part(path), last_part(told->path));
}

static int open_told(uint32_t pid, const struct module_told *told)
{
	char path[PATH_MAX + 32];
	int fd = -1;

	if (told->path[0] != '/')
		return -1;
	snprintf(path, sizeof(path), "/proc/%u/root%s", pid, told->path);
	fd = open_regular(path, 0);
	return fd < 0 ? open_regular(told->path, 0) : fd;
}

int mapped_file_open(uint32_t pid, uint64_t start)
{
	struct mapping m = { 0 };

	return find_mapping(pid, start, &m) ? open_mapped(pid, &m) : -1;
}

void module_file_open(uint32_t pid, const struct module_told *told, struct module_file *ret)
{
	struct mapping m = { 0 };
	struct stat st;

	*ret = (struct module_file){ .fd = -1 };
	if (find_mapping(pid, told->start, &m)) {
		ret->fd = open_mapped(pid, &m);
		drop_suffix(m.path);
	}
	if (ret->fd >= 0 && is_told(ret->fd, m.path, told)) {
		if (m.path[0] == '/')
			memcpy(ret->path, m.path, sizeof(ret->path));
	} else {
		if (ret->fd >= 0)
			close(ret->fd);
		ret->fd = open_told(pid, told);
		if (ret->fd >= 0 && told->build_id_bytes && !has_build_id(ret->fd, told)) {
			close(ret->fd);
			ret->fd = -1;
		}
	}
	if (ret->fd < 0 || fstat(ret->fd, &st) < 0)
		return;
	ret->identity = identity_of(&st);
	if (st.st_size <= COPY_BYTES_MAX && !is_on_root(&st))
		ret->fd = copy_of(ret->fd, st.st_size);
}

int vdso_file_open(void)
{
	const ElfW(Ehdr) *const e = (const void *)getauxval(AT_SYSINFO_EHDR);
	const size_t bytes = e ? e->e_shoff + (size_t)e->e_shnum * e->e_shentsize : 0;
	const int fd = bytes ? memfd_create("tracker-vdso", MFD_CLOEXEC) : -1;

	if (fd < 0 || write(fd, e, bytes) == (ssize_t)bytes)
		return fd;
	close(fd);
	return -1;
}
