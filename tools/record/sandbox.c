/* sandbox - see sandbox.h. */
#include "sandbox.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The number behind `name` in a thread's status; -1: it is not there. */
static long status_number(const char *path, const char *name)
{
	char text[4096];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = 0;
	line = strstr(text, name);
	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

/* All that the library calls where it asks before. */
static void call_all(void)
{
	static const struct rlimit none = { 0, 0 };
	char there[16], here[16] = "";
	const struct iovec to = { there, sizeof(there) }, from = { here, sizeof(here) };
	struct stat st;
	void *p = (void *)syscall(SYS_mmap, NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	uint32_t word = 0;

	setrlimit(RLIMIT_CORE, &none);
	syscall(SYS_mprotect, p, 4096, PROT_READ);
	p = (void *)syscall(SYS_mremap, p, 4096, 8192, MREMAP_MAYMOVE);
	syscall(SYS_munmap, p, 8192);
	syscall(SYS_futex, &word, FUTEX_WAIT, 1, NULL);
	syscall(SYS_pread64, fd, there, sizeof(there), 0);
	syscall(SYS_fstat, fd, &st);
	syscall(SYS_process_vm_readv, getpid(), &to, 1, &from, 1, 0);
	close(fd);
}

static bool are_calls_survived(void)
{
	static int known; /* 1: yes, -1: no */
	int status = -1;
	pid_t child;

	if (known)
		return known > 0;
	child = fork();
	if (child == 0) {
		call_all();
		_exit(0);
	}
	known = child > 0 && waitpid(child, &status, 0) == child && status == 0 ? 1 : -1;
	return known > 0;
}

uint32_t sandbox_of(uint32_t pid, uint32_t tid)
{
	char path[64];
	long mode, filters;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/status", pid, tid);
	mode = status_number(path, "\nSeccomp:");
	if (mode == 0 || (mode < 0 && status_number(path, "\nPid:") >= 0))
		return SHM_SANDBOX_NONE;
	filters = status_number(path, "\nSeccomp_filters:");
	if (filters <= 0 || filters != status_number("/proc/self/status", "\nSeccomp_filters:"))
		return SHM_SANDBOX_CLOSED;
	return are_calls_survived() ? SHM_SANDBOX_NONE : SHM_SANDBOX_CLOSED;
}
