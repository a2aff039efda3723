/*
 * raw - libtracker's own mappings in a program's address space.
 *
 * A write past the program's own blocks shall have the same effect as without libtracker, which is mostly to kill the
 * program. So libtracker's mappings lie where the kernel puts nothing by itself, far from everything that the program
 * maps, and an inaccessible guard stands before and after each. The place is near 36 TiB. Below it are the arenas of
 * allocators and collectors that choose addresses; above it are executables and libraries, from the top down or from
 * a third of the address space up. A program that chooses an address itself (MAP_FIXED would replace a mapping of
 * libtracker) takes a round one, and no multiple of 1 TiB is near.
 */
#include "raw.h"

#include <signal.h>

#include <stdatomic.h>

#define GUARD ((size_t)64 << 10)
#define PLACE ((uintptr_t)0x23d75c9b7000)
#define PLACE_RANDOM (((uintptr_t)1 << 36) - RAW_PAGE_LEAST)

size_t raw_page_bytes = RAW_PAGE_LEAST;

static uintptr_t first;
static _Atomic uintptr_t next; /* address; 0: any */

void raw_start(uint64_t random)
{
	next = first = PLACE + (random & PLACE_RANDOM);
}

uintptr_t raw_first(void)
{
	return first;
}

static size_t with_guards(size_t bytes)
{
	return raw_page_of(bytes + raw_page_bytes - 1) + 2 * GUARD;
}

void *raw_reserve(size_t bytes)
{
	const uintptr_t at = next ? atomic_fetch_add(&next, with_guards(bytes)) : 0;
	const long p = arch_syscall(SYS_mmap, (long)at, (long)with_guards(bytes), PROT_NONE,
				    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return raw_is_error(p) ? NULL : (uint8_t *)p + GUARD;
}

void raw_release(void *p, size_t bytes)
{
	raw_munmap((uint8_t *)p - GUARD, with_guards(bytes));
}

void *raw_map_private(size_t bytes)
{
	void *const p = raw_reserve(bytes);

	if (!p || arch_syscall(SYS_mprotect, (long)p, (long)bytes, PROT_READ | PROT_WRITE, 0, 0, 0) == 0)
		return p;
	raw_release(p, bytes);
	return NULL;
}

_Noreturn void raw_abort(void)
{
	struct { /* the kernel's */
		void *handler;
		unsigned long flags, restorer, mask;
	} action = { 0 };
	const uint64_t mask = 1ull << (SIGABRT - 1);

	(void)arch_syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, (long)&mask, 0, sizeof(mask), 0, 0);
	raw_send_signal(SIGABRT);
	(void)arch_syscall(SYS_rt_sigaction, SIGABRT, (long)&action, 0, sizeof(mask), 0, 0);
	for (;;)
		raw_send_signal(SIGABRT);
}
