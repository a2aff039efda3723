/* module_files - see module_files.h. */
#include "module_files.h"
#include "proc.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/mix.h"

#define COPY_BYTES_MAX (64 << 20)
#define DELETED " (deleted)"

/* Never waits on a pipe or a device. */
#define FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

/* The file. If it is no regular file, or has another inode (0: any inode will do), it is closed: -1. */
static int regular(int fd, uint64_t inode)
{
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (!inode || st.st_ino == inode))
		return fd;
	close(fd);
	return -1;
}

/* The path as the process sees it, then as the recorder sees it. */
static int open_by_path(uint32_t pid, const char *path, uint64_t inode)
{
	char name[PATH_MAX + 8];
	int fd;

	if (path[0] != '/')
		return -1;
	snprintf(name, sizeof(name), "root%s", path);
	fd = regular(proc_open(pid, name, FLAGS), inode);
	return fd < 0 ? regular(open(path, FLAGS), inode) : fd;
}

/* First by the kernel's links to a mapping or to the program, then by name. */
static int open_mapped(uint32_t pid, const struct proc_mapping *m)
{
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "map_files/%" PRIx64 "-%" PRIx64, m->start, m->end);
	fd = regular(proc_open(pid, name, FLAGS), m->inode);
	if (fd < 0)
		fd = regular(proc_open(pid, "exe", FLAGS), m->inode);
	return fd < 0 ? open_by_path(pid, m->path, m->inode) : fd;
}

static bool is_on_root(const struct stat *file)
{
	struct stat root;

	return stat("/", &root) == 0 && root.st_dev == file->st_dev;
}

/* A copy in memory (the file is then closed), or the file itself if there is no room. */
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

/* Whether one of these notes is the build-id. */
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

/* The mapped file has no build-id and another name than was told: it has replaced a file that was unloaded. */
static bool is_told(int fd, const char *path, const struct module_told *told)
{
	return told->build_id_bytes ? has_build_id(fd, told) : !strcmp(last_part(path), last_part(told->path));
}

int mapped_file_open(uint32_t pid, uint64_t start)
{
	struct proc_mapping m = { 0 };

	return proc_mapping_at(pid, start, &m) ? open_mapped(pid, &m) : -1;
}

void module_file_open(uint32_t pid, const struct module_told *told, struct module_file *ret)
{
	struct proc_mapping m = { 0 };
	struct stat st;

	*ret = (struct module_file){ .fd = -1 };
	if (proc_mapping_at(pid, told->start, &m)) {
		ret->fd = open_mapped(pid, &m);
		drop_suffix(m.path);
	}
	if (ret->fd >= 0 && is_told(ret->fd, m.path, told)) {
		if (m.path[0] == '/')
			memcpy(ret->path, m.path, sizeof(ret->path));
	} else {
		if (ret->fd >= 0)
			close(ret->fd);
		ret->fd = open_by_path(pid, told->path, 0);
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
