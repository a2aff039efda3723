/* proc - see proc.h. */
#include "proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define READ_BYTES (64u << 20) /* at a time: the kernel reads at most 2 GiB */

/* Reads at most room - 1 bytes of a small file and ends them with a NUL; -1: the file does not exist. */
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

int proc_open(uint32_t pid, const char *name, int flags)
{
	char path[PATH_MAX + 32];
	const int n = snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);

	if (n < (int)sizeof(path))
		return open(path, flags | O_CLOEXEC);
	errno = ENAMETOOLONG;
	return -1;
}

/* Opens the file of that name for reading by lines; NULL: errno. */
static FILE *open_lines(uint32_t pid, const char *name)
{
	const int fd = proc_open(pid, name, O_RDONLY);
	FILE *const f = fd < 0 ? NULL : fdopen(fd, "r");

	if (!f && fd >= 0)
		close(fd);
	return f;
}

uid_t proc_owner(uint32_t pid)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	return stat(path, &st) == 0 ? st.st_uid : geteuid();
}

void proc_thread_name(uint32_t pid, uint32_t tid, char name[SHM_NAME_BYTES])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task/%u/comm", pid, tid);
	if (read_file(path, name, SHM_NAME_BYTES) < 0)
		name[0] = 0;
	name[strcspn(name, "\n")] = 0;
}

bool proc_first_argument(uint32_t pid, char text[SHM_TITLE_BYTES])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/cmdline", pid);
	return read_file(path, text, SHM_TITLE_BYTES) > 0 && text[0];
}

bool proc_executable(uint32_t pid, char path[SHM_EXECUTABLE_BYTES])
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/%u/exe", pid);
	const ssize_t n = readlink(link, path, SHM_EXECUTABLE_BYTES - 1);

	path[n > 0 ? n : 0] = 0;
	return n > 0;
}

/* As proc_status, in a file of such lines. */
static uint32_t read_status(FILE *f, const char *key, uint32_t *ret_count)
{
	char line[256];
	uint32_t found = 0;

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

uint32_t proc_status(uint32_t pid, const char *key, uint32_t *ret_count)
{
	return read_status(open_lines(pid, "status"), key, ret_count);
}

int64_t proc_thread_status(uint32_t pid, uint32_t tid, const char *key)
{
	char name[64];
	uint32_t count;

	snprintf(name, sizeof(name), "task/%u/status", tid);
	const uint32_t found = read_status(open_lines(pid, name), key, &count);

	return count ? (int64_t)found : -1;
}

int64_t proc_own_status(const char *key)
{
	uint32_t count;
	const uint32_t found = read_status(fopen("/proc/self/status", "re"), key, &count);

	return count ? (int64_t)found : -1;
}

bool proc_is_zombie(uint32_t pid)
{
	FILE *const f = open_lines(pid, "stat");
	char text[512];
	unsigned threads = 0;
	char state = 0;

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
	FILE *const f = open_lines(pid, "maps");
	unsigned long long inode;
	char *line = NULL;
	size_t room = 0;
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

/* linux/fs.h, from Linux 6.11 on: one mapping by address, whatever the number of mappings. */
struct procmap_query {
	uint64_t size, query_flags, query_addr, vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
	uint32_t dev_major, dev_minor, vma_name_size, build_id_size;
	uint64_t vma_name_addr, build_id_addr;
};

#define PROCMAP_QUERY_IOCTL _IOWR('f', 17, struct procmap_query)

static bool query(int maps, uint64_t address, struct proc_mapping *ret)
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

/* The kernel writes a newline in a path as \012, and escapes no other character. */
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

static bool scan(int maps, uint64_t address, struct proc_mapping *ret)
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

bool proc_mapping_at(uint32_t pid, uint64_t address, struct proc_mapping *ret)
{
	const int maps = proc_open(pid, "maps", O_RDONLY);
	const bool found = maps >= 0 && (query(maps, address, ret) || scan(maps, address, ret));

	if (maps >= 0)
		close(maps);
	return found;
}

void proc_mappings_of(uint32_t pid, const char *ending, bool (*is_it)(void *context, uint64_t start), void *context)
{
	FILE *const f = open_lines(pid, "maps");
	const size_t bytes = strlen(ending);
	char *line = NULL;
	size_t room = 0;
	bool stop = false;
	uint64_t start;
	ssize_t n;

	while (f && !stop && (n = getline(&line, &room, f)) > 0) {
		n -= line[n - 1] == '\n';
		if ((size_t)n > bytes && !memcmp(line + (size_t)n - bytes, ending, bytes) && sscanf(line, "%" SCNx64, &start) == 1)
			stop = is_it(context, start);
	}
	free(line);
	if (f)
		fclose(f);
}

size_t proc_read(uint32_t pid, uint64_t from, void *to, size_t bytes)
{
	size_t at = 0;

	while (at < bytes) {
		const size_t most = bytes - at < READ_BYTES ? bytes - at : READ_BYTES;
		const struct iovec target = { (uint8_t *)to + at, most }, source = { (void *)(uintptr_t)(from + at), most };
		const ssize_t n = process_vm_readv((pid_t)pid, &target, 1, &source, 1, 0);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	return at;
}

uint64_t proc_word(uint32_t pid, uint64_t from)
{
	uint64_t word = 0;

	return proc_read(pid, from, &word, sizeof(word)) == sizeof(word) ? word : 0;
}

size_t proc_pages(int pagemap, uint64_t page, uint64_t *entries, size_t count)
{
	const ssize_t n = pread(pagemap, entries, count * sizeof(*entries), (off_t)(page * sizeof(*entries)));

	return n > 0 ? (size_t)n / sizeof(*entries) : 0;
}

uint64_t proc_resident_pages(uint32_t pid, int *statm)
{
	unsigned long long size, resident;
	char buf[128];
	ssize_t n;

	if (*statm < 0)
		*statm = proc_open(pid, "statm", O_RDONLY);
	n = *statm < 0 ? -1 : pread(*statm, buf, sizeof(buf) - 1, 0);
	buf[n > 0 ? n : 0] = 0;
	return sscanf(buf, "%llu %llu", &size, &resident) == 2 ? resident : 0;
}

bool proc_has_socket(uint32_t pid, int fd, uint64_t inode)
{
	char path[64], link[64], want[64];

	snprintf(path, sizeof(path), "/proc/%u/fd/%d", pid, fd);
	snprintf(want, sizeof(want), "socket:[%llu]", (unsigned long long)inode);
	const ssize_t n = readlink(path, link, sizeof(link) - 1);

	link[n > 0 ? n : 0] = 0;
	return strcmp(link, want) == 0;
}

void proc_own_file(int fd, char path[PATH_MAX])
{
	char link[64];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	const ssize_t n = readlink(link, path, PATH_MAX - 1);

	path[n > 0 ? n : 0] = 0;
}

/* The next entry of a folder whose name is a number; 0: there is none. */
static uint32_t next_number(DIR *folder)
{
	struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			return (uint32_t)strtoul(entry->d_name, NULL, 10);
	return 0;
}

uint32_t proc_find(bool (*is_it)(void *context, uint32_t pid), void *context)
{
	DIR *const all = opendir("/proc");
	uint32_t pid;

	while ((pid = next_number(all)) && !is_it(context, pid))
		;
	if (all)
		closedir(all);
	return pid;
}

static void thread_children(uint32_t pid, uint32_t tid, void (*tell)(void *context, uint32_t child), void *context)
{
	char name[64];
	uint32_t child;

	snprintf(name, sizeof(name), "task/%u/children", tid);
	FILE *const f = open_lines(pid, name);

	while (f && fscanf(f, "%" SCNu32, &child) == 1)
		tell(context, child);
	if (f)
		fclose(f);
}

void proc_children(uint32_t pid, uint32_t *threads, void (*tell)(void *context, uint32_t child), void *context)
{
	char path[64];
	uint32_t tid;

	snprintf(path, sizeof(path), "/proc/%u/task", pid);
	DIR *const tasks = opendir(path);

	while (*threads && (tid = next_number(tasks))) {
		thread_children(pid, tid, tell, context);
		--*threads;
	}
	if (tasks)
		closedir(tasks);
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

int proc_take_descriptor(uint32_t pid, int fd)
{
	const int pidfd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
	int taken, error;

	if (pidfd < 0)
		return -1;
	taken = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	error = errno;
	close(pidfd);
	errno = error;
	return taken;
}

/* What stands behind the key; the caller frees it. NULL: there is no such line. */
static char *status_text(uint32_t pid, const char *key)
{
	FILE *const f = open_lines(pid, "status");
	char *line = NULL, *found = NULL;
	size_t room = 0;

	while (f && !found && getline(&line, &room, f) > 0)
		if (strncmp(line, key, strlen(key)) == 0)
			found = strdup(line + strlen(key));
	free(line);
	if (f)
		fclose(f);
	return found;
}

/* The ids by which it accesses files stand last. */
static bool is_ours(uint32_t pid, const char *ids)
{
	uint32_t count, own_count;
	const uint32_t id = proc_status(pid, ids, &count), own = proc_status((uint32_t)getpid(), ids, &own_count);

	return count && own_count && id == own;
}

static bool has_our_groups(uint32_t pid)
{
	char *const its = status_text(pid, "Groups:"), *const own = status_text((uint32_t)getpid(), "Groups:");
	const bool same = its && own && strcmp(its, own) == 0;

	free(its);
	free(own);
	return same;
}

/* Root may have given up what makes it root. */
static bool has_our_capabilities(uint32_t pid)
{
	char *const its = status_text(pid, "CapEff:"), *const own = status_text((uint32_t)getpid(), "CapEff:");
	const bool all = its && own && !(strtoull(own, NULL, 16) & ~strtoull(its, NULL, 16));

	free(its);
	free(own);
	return all;
}

/* Capabilities are those of a user namespace. */
static bool is_in_our_user_namespace(uint32_t pid)
{
	char path[64];
	struct stat its, own;

	snprintf(path, sizeof(path), "/proc/%u/ns/user", pid);
	if (stat("/proc/self/ns/user", &own) != 0)
		return errno == ENOENT; /* this kernel has none */
	return stat(path, &its) == 0 && its.st_dev == own.st_dev && its.st_ino == own.st_ino;
}

bool proc_has_our_rights(uint32_t pid)
{
	return is_ours(pid, "Uid:") && is_ours(pid, "Gid:") && has_our_groups(pid) && has_our_capabilities(pid) && is_in_our_user_namespace(pid);
}
