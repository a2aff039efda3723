/*
 * arch_x86_64 - everything about the processor that libtracker knows: raw
 * system calls, the state of a hook's caller, the kernel's signal frame.
 *
 * aarch64 gets a file of the same shape: site from x29/x30, return address at
 * the saved lr, its own sigcontext offsets.
 */
#ifndef ARCH_X86_64_H
#define ARCH_X86_64_H

#include <stdint.h>

/* DWARF numbers of the registers that unwinding is about. */
enum { REG_BP = 6, REG_SP = 7, REG_RA = 16, REG_COUNT = 17 };

/*
 * Where a hook was called from: the return address, the caller's stack pointer
 * after the return and its frame pointer. __builtin_frame_address(0) makes the
 * hook keep a frame of its own, so all three are plain loads.
 */
struct site {
	uintptr_t pc, sp, bp;
};

#define SITE_HERE()                                                                                \
	((struct site){ .pc = (uintptr_t)__builtin_return_address(0),                              \
			.sp = (uintptr_t)__builtin_frame_address(0) + 16,                          \
			.bp = *(const uintptr_t *)__builtin_frame_address(0) })

/*
 * The kernel's rt_sigframe as its restorer sees it: sp points at the ucontext.
 * Offset of register r (DWARF number) from sp; mcontext's gregs start at 40.
 */
static const uint8_t arch_signal_offset[REG_COUNT] = {
	[0] = 40 + 13 * 8,  [1] = 40 + 12 * 8,	[2] = 40 + 14 * 8,  [3] = 40 + 11 * 8,
	[4] = 40 + 9 * 8,   [5] = 40 + 8 * 8,	[6] = 40 + 10 * 8,  [7] = 40 + 15 * 8,
	[8] = 40 + 0 * 8,   [9] = 40 + 1 * 8,	[10] = 40 + 2 * 8,  [11] = 40 + 3 * 8,
	[12] = 40 + 4 * 8,  [13] = 40 + 5 * 8,	[14] = 40 + 6 * 8,  [15] = 40 + 7 * 8,
	[16] = 40 + 16 * 8,
};

/* The restorer's CFA as libcs write it, by which it is known: breg7+160, deref. */
static const uint8_t arch_signal_cfa[] = { 4, 0x77, 0xa0, 0x01, 0x06 };

/* The registers of this very place, for a walk that starts in our own frame. */
#define ARCH_REGISTERS_HERE(regs)                                                                  \
	__asm__ volatile("movq %%rbx, 24(%0)\n\t"                                                  \
			 "movq %%rbp, 48(%0)\n\t"                                                  \
			 "movq %%rsp, 56(%0)\n\t"                                                  \
			 "movq %%r12, 96(%0)\n\t"                                                  \
			 "movq %%r13, 104(%0)\n\t"                                                 \
			 "movq %%r14, 112(%0)\n\t"                                                 \
			 "movq %%r15, 120(%0)\n\t"                                                 \
			 "leaq 1f(%%rip), %%rax\n\t"                                               \
			 "movq %%rax, 128(%0)\n\t"                                                 \
			 "1:"                                                                      \
			 :                                                                         \
			 : "r"(regs)                                                               \
			 : "rax", "memory")

static inline void arch_pause(void)
{
	__builtin_ia32_pause();
}

/* Returns -errno on failure; never touches errno. */
static inline long arch_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;

	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#endif
