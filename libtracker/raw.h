/*
 * raw - system calls that leave errno alone and bypass every hook.
 */
#ifndef RAW_H
#define RAW_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include "arch.h"

static inline int raw_open(const char *path, int flags)
{
	return (int)arch_syscall(SYS_openat, AT_FDCWD, (long)path, flags, 0, 0, 0);
}

static inline long raw_read(int fd, void *buffer, size_t room)
{
	return arch_syscall(SYS_read, fd, (long)buffer, (long)room, 0, 0, 0);
}

static inline bool raw_stat_fd(int fd, struct stat *ret)
{
	return arch_syscall(SYS_fstat, fd, (long)ret, 0, 0, 0, 0) == 0;
}

static inline void raw_close(int fd)
{
	(void)arch_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
}

/* Moves it above the standard streams, which the program may have closed, and may print to. Close-on-exec. -1: there is no number left. */
static inline int raw_high(int fd)
{
	const long high = fd < 0 || fd > 2 ? fd : arch_syscall(SYS_fcntl, fd, F_DUPFD_CLOEXEC, 3, 0, 0, 0);

	if (high != fd)
		raw_close(fd);
	return high < 0 ? -1 : (int)high;
}

static inline long raw_readlink(const char *path, char *buf, size_t room)
{
	return arch_syscall(SYS_readlinkat, AT_FDCWD, (long)path, (long)buf, (long)room, 0, 0);
}

/*
 * Bytes of a page: the kernel tells each process (AT_PAGESZ; session.c sets it). The two others are the smallest and
 * the largest page of any processor: memory that can be read can be read at least to the end of its smallest page.
 */
#define RAW_PAGE_LEAST ((size_t)4096)
#define RAW_PAGE_MOST ((size_t)65536)
extern size_t raw_page_bytes;

static inline uintptr_t raw_page_of(uintptr_t address)
{
	return address & ~(uintptr_t)(raw_page_bytes - 1);
}

/* Whether a system call that returns an address failed: the kernel's numbers of errors end at 4095. */
static inline bool raw_is_error(long given)
{
	return given < 0 && given > -4096;
}

static inline void raw_munmap(void *p, size_t bytes)
{
	(void)arch_syscall(SYS_munmap, (long)p, (long)bytes, 0, 0, 0, 0);
}

/* ---- raw.c: mappings of our own. They have guards, and lie far from the program's ---- */

/*
 * The place where the mappings shall lie. Before it is chosen, or if something else is there, they lie where the
 * kernel puts them.
 */
void raw_start(uint64_t random);
uintptr_t raw_first(void); /* where the first of them was to lie; 0: anywhere */
/* Address space for `bytes`; nothing in it can be touched yet. NULL when refused. */
void *raw_reserve(size_t bytes);
/* Unmaps memory that raw_reserve or raw_map_private gave, whatever was mapped there since. */
void raw_release(void *p, size_t bytes);
/* Zeros. NULL when refused. */
void *raw_map_private(size_t bytes);

/* ---- mappings in the place of what is there ---- */

static inline bool raw_map_file_at(void *at, size_t bytes, int fd, size_t offset)
{
	return arch_syscall(SYS_mmap, (long)at, (long)bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			    (long)offset) == (long)at;
}

/*
 * Maps the shared memory that begins there once more, at another address, perhaps more of it than is mapped there.
 * NULL when refused.
 */
static inline void *raw_map_again(void *shared, size_t bytes)
{
	const long p = arch_syscall(SYS_mremap, (long)shared, 0, (long)bytes, MREMAP_MAYMOVE, 0, 0);

	return raw_is_error(p) ? NULL : (void *)p;
}

/* ... in the place of what is mapped `at`. */
static inline bool raw_map_again_at(void *shared, size_t bytes, void *at)
{
	return arch_syscall(SYS_mremap, (long)shared, 0, (long)bytes, MREMAP_MAYMOVE | MREMAP_FIXED, (long)at,
			    0) == (long)at;
}

static inline bool raw_map_private_at(void *at, size_t bytes)
{
	return arch_syscall(SYS_mmap, (long)at, (long)bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == (long)at;
}

static inline int raw_madvise(void *p, size_t bytes, int advice)
{
	return (int)arch_syscall(SYS_madvise, (long)p, (long)bytes, advice, 0, 0, 0);
}

static inline uint32_t raw_getpid(void)
{
	return (uint32_t)arch_syscall(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

/* Reads the process's own memory, which need not be mapped: then it reads fewer bytes, or returns -EFAULT. */
static inline long raw_read_memory(uintptr_t from, void *to, size_t bytes)
{
	const struct iovec target = { to, bytes }, source = { (void *)from, bytes };

	return arch_syscall(SYS_process_vm_readv, raw_getpid(), (long)&target, 1, (long)&source, 1, 0);
}

/* Whether eight bytes can be read there. The kernel reads them as a set of signals, and then refuses to do anything with it. */
static inline bool raw_is_readable(uintptr_t address)
{
	return arch_syscall(SYS_rt_sigprocmask, -1, (long)address, 0, 8, 0, 0) != -EFAULT;
}

static inline uint32_t raw_getppid(void)
{
	return (uint32_t)arch_syscall(SYS_getppid, 0, 0, 0, 0, 0, 0);
}

static inline uint32_t raw_gettid(void)
{
	return (uint32_t)arch_syscall(SYS_gettid, 0, 0, 0, 0, 0, 0);
}

/* The number at the end of the name that a /proc link points to; 0: there is none. */
static inline uint32_t raw_link_number(const char *link)
{
	char target[64];
	const long n = raw_readlink(link, target, sizeof(target));
	uint32_t number = 0;
	long i = n;

	while (i > 0 && target[i - 1] >= '0' && target[i - 1] <= '9')
		i--;
	for (; i >= 0 && i < n; i++)
		number = number * 10 + (uint32_t)(target[i] - '0');
	return number;
}

/*
 * The process's pid in the mounted /proc. In a new PID namespace getpid is 1, and the recorder, which stayed outside,
 * would watch another process.
 */
static inline uint32_t raw_outer_pid(void)
{
	const uint32_t pid = raw_link_number("/proc/self");

	return pid ? pid : raw_getpid();
}

static inline uint32_t raw_outer_tid(void)
{
	const uint32_t tid = raw_link_number("/proc/thread-self");

	return tid ? tid : raw_gettid();
}

/* Waits while *word == value, at most timeout_ns. */
static inline void raw_futex_wait(_Atomic uint32_t *word, uint32_t value, long timeout_ns)
{
	const struct timespec t = { .tv_nsec = timeout_ns };

	(void)arch_syscall(SYS_futex, (long)word, FUTEX_WAIT, value, (long)&t, 0, 0);
}

/* To the calling thread. */
static inline void raw_send_signal(int number)
{
	(void)arch_syscall(SYS_tgkill, raw_getpid(), raw_gettid(), number, 0, 0, 0);
}

/* What abort() is, whose lock and streams a hook must not touch: a handler may run; nobody outlives it. raw.c */
_Noreturn void raw_abort(void);

#endif
