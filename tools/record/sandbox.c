/* sandbox - see sandbox.h. */
#include "sandbox.h"
#include "proc.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* All system calls that the library makes only after asking. */
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
	const int64_t mode = proc_thread_status(pid, tid, "Seccomp:");

	if (mode == 0 || (mode < 0 && proc_thread_status(pid, tid, "Pid:") >= 0))
		return SHM_SANDBOX_NONE;

	const int64_t filters = proc_thread_status(pid, tid, "Seccomp_filters:");

	if (filters <= 0 || filters != proc_own_status("Seccomp_filters:"))
		return SHM_SANDBOX_CLOSED;
	return are_calls_survived() ? SHM_SANDBOX_NONE : SHM_SANDBOX_CLOSED;
}

bool sandbox_may_call(uint32_t pid, uint32_t tid)
{
	const int64_t mode = proc_thread_status(pid, tid, "Seccomp:"), filters = proc_thread_status(pid, tid, "Seccomp_filters:");

	if (mode <= 0) /* none; or a kernel without */
		return true;
	return mode == SECCOMP_MODE_FILTER && filters > 0 && filters <= proc_own_status("Seccomp_filters:");
}
