/*
 * arch_x86_64 - x86-64, in the shape of all arch_*.h: registers, the state of a
 * hook's caller, return addresses, the kernel's signal frame, raw system calls.
 */
#ifndef ARCH_X86_64_H
#define ARCH_X86_64_H

#include <stdbool.h>
#include <stdint.h>

/*
 * DWARF numbers of the registers that unwinding is about. REG_RA: the column that
 * return addresses stand in; REG_PC: where the walk keeps the pc.
 */
enum { REG_BP = 6, REG_SP = 7, REG_RA = 16, REG_PC = 16, REG_COUNT = 17 };

#define ARCH_REGISTER_NAMES                                                                        \
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12",   \
		"r13", "r14", "r15", "ra"

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

/* The call instruction pushes the return address: it stands below the CFA, and no rule says so. */
#define ARCH_RA_BELOW_CFA 1

/* From the CFA to where a register is saved: registers are pushed, so they stand near it. */
typedef int16_t arch_offset;

struct arch_ra {
};

/* What unwind information says of the return address: saved at CFA + offset? False: it needs the full walk. */
static inline bool arch_ra_rule(bool at_cfa, int64_t offset, struct arch_ra *ret)
{
	(void)ret;
	return at_cfa && offset == -8;
}

static inline uintptr_t arch_ra_slot(struct arch_ra ra, uintptr_t cfa)
{
	(void)ra;
	return cfa - 8;
}

/* The address of code in a saved return address. */
static inline uintptr_t arch_code_address(uintptr_t ra)
{
	return ra;
}

/* Where compilers keep frame pointers: at bp stands the caller's, and above it the return address. */
#define ARCH_FRAME_BYTES 16

/* An instruction that only code with frame pointers has begins there: ARCH_FRAME_SIGN bytes can be read. */
#define ARCH_FRAME_SIGN 4
static inline bool arch_keeps_frame(const uint8_t *p)
{
	static const uint8_t signs[][ARCH_FRAME_SIGN] = {
		{ 0x55, 0x48, 0x89, 0xe5 }, { 0x55, 0x48, 0x8b, 0xec }, /* push bp; mov sp, bp: in both encodings */
		{ 0x48, 0x8d, 0x6c, 0x24 }, { 0x48, 0x8d, 0xac, 0x24 }, /* lea n(sp), bp: Go's */
	};

	for (unsigned i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (__builtin_memcmp(p, signs[i], ARCH_FRAME_SIGN) == 0)
			return true;
	/* leave; ret, and a load or store of a local below bp */
	return (p[0] == 0xc9 && p[1] == 0xc3) ||
	       ((p[0] & 0xfb) == 0x48 && (p[1] == 0x8b || p[1] == 0x89) && (p[2] & 0xc7) == 0x45 && (p[3] & 0x80));
}

/* Of call: its longest form; and whether one ends at `end`, which so many bytes of code stand before. */
#define ARCH_CALL_BYTES 7
static inline bool arch_call_ends(const uint8_t *end)
{
	static const uint8_t lengths[] = { 2, 3, 4, 6, 7 };

	if (end[-5] == 0xe8)
		return true;
	for (unsigned i = 0; i < sizeof(lengths); i++)
		if (end[-lengths[i]] == 0xff && (end[1 - lengths[i]] & 0x38) == 0x10)
			return true;
	return false;
}

/*
 * Go calls C on the stack of the thread, at the end of which runtime.asmcgocall keeps the way back: 40(sp) and 48(sp).
 * Known by the code that follows the call: mov 48(sp), di; mov 8(di), si; sub 40(sp), si.
 */
#define ARCH_GO_RETURNS "\x48\x8b\x7c\x24\x30\x48\x8b\x77\x08\x48\x2b\x74\x24\x28"
/* Before that, in a program that may be placed anywhere: mov $n, cx, or mov n(ip), cx. */
#define ARCH_GO_TLS_BYTES 7
static inline bool arch_go_finds_tls(const uint8_t *p)
{
	return p[0] == 0x48 && ((p[1] == 0xc7 && p[2] == 0xc1) || (p[1] == 0x8b && p[2] == 0x0d));
}
#define ARCH_GO_G 48
#define ARCH_GO_DEPTH 40
/* ... and where it was on that stack already: mov 40(sp), si; mov si, sp. */
#define ARCH_GO_RETURNS_HERE "\x48\x8b\x74\x24\x28\x48\x89\xf4"

#define ARCH_RA_SIGN_STATE 0 /* DW_CFA_AARCH64_negate_ra_state means nothing here */

/*
 * The kernel's rt_sigframe as its restorer sees it: sp points at the ucontext.
 * Offset of register r (DWARF number) from sp; mcontext's gregs start at 40.
 */
static const uint16_t arch_signal_offset[REG_COUNT] = {
	[0] = 40 + 13 * 8,  [1] = 40 + 12 * 8,	[2] = 40 + 14 * 8,  [3] = 40 + 11 * 8,
	[4] = 40 + 9 * 8,   [5] = 40 + 8 * 8,	[6] = 40 + 10 * 8,  [7] = 40 + 15 * 8,
	[8] = 40 + 0 * 8,   [9] = 40 + 1 * 8,	[10] = 40 + 2 * 8,  [11] = 40 + 3 * 8,
	[12] = 40 + 4 * 8,  [13] = 40 + 5 * 8,	[14] = 40 + 6 * 8,  [15] = 40 + 7 * 8,
	[16] = 40 + 16 * 8,
};

/* The restorer has unwind information, marked as a signal frame, with this CFA: breg7+160, deref. */
static const uint8_t arch_signal_cfa[] = { 4, 0x77, 0xa0, 0x01, 0x06 };
/* What it does, to be known by where it has none: mov $__NR_rt_sigreturn, %eax (or %rax, as glibc does); syscall. */
#define ARCH_SIGNAL_RETURNS { "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05", 9 }, { "\xb8\x0f\x00\x00\x00\x0f\x05", 7 }
#define ARCH_SIGNAL_WORD 0 /* no word of the frame itself tells */
#define ARCH_SIGNAL_WORD_OFFSET 0

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

/*
 * A function `name` that hands its three arguments to `asked`, and on to the function that this
 * returns, as if its caller had called that one.
 */
#define ARCH_PASS_ON(name, asked)                                                                  \
	__asm__(".pushsection .text\n\t.globl " #name "\n\t.type " #name ", @function\n" #name ":\n\t"            \
		".cfi_startproc\n\tendbr64\n\t"                                                   \
		"pushq %rdi\n\t.cfi_adjust_cfa_offset 8\n\t"                                      \
		"pushq %rsi\n\t.cfi_adjust_cfa_offset 8\n\t"                                      \
		"pushq %rdx\n\t.cfi_adjust_cfa_offset 8\n\t"                                      \
		"call " #asked "\n\t"                                                              \
		"popq %rdx\n\t.cfi_adjust_cfa_offset -8\n\t"                                      \
		"popq %rsi\n\t.cfi_adjust_cfa_offset -8\n\t"                                      \
		"popq %rdi\n\t.cfi_adjust_cfa_offset -8\n\t"                                      \
		"jmp *%rax\n\t.cfi_endproc\n\t.size " #name ", .-" #name "\n\t.popsection")

/* The function that an indirect one (STT_GNU_IFUNC) chooses. */
static inline uintptr_t arch_resolve(uintptr_t chooser)
{
	return ((uintptr_t(*)(void))chooser)();
}

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
