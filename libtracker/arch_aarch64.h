/*
 * arch_aarch64 - 64-bit ARM, in the shape of all arch_*.h: registers, the state of
 * a hook's caller, return addresses, the kernel's signal frame, raw system calls.
 */
#ifndef ARCH_AARCH64_H
#define ARCH_AARCH64_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>

/*
 * DWARF numbers: x29 is the frame pointer, x30 (lr) the column of return addresses.
 * The pc has none; the walk keeps it behind sp.
 */
enum { REG_BP = 29,
       REG_RA = 30,
       REG_SP = 31,
       REG_PC = 32,
       REG_COUNT = 33 };

#define ARCH_REGISTER_NAMES                                                                     \
	"x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", \
		"x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24",    \
		"x25", "x26", "x27", "x28", "x29", "ra", "sp", "pc"

/*
 * Where a hook was called from: the return address, the caller's stack pointer and
 * its frame pointer. The frame record {x29, x30} may stand anywhere in the hook's
 * frame, so the compiler is asked for the CFA.
 */
struct site {
	uintptr_t pc, sp, bp;
};

#define SITE_HERE()                                                                      \
	((struct site){ .pc = arch_code_address((uintptr_t)__builtin_return_address(0)), \
			.sp = (uintptr_t)__builtin_dwarf_cfa(),                          \
			.bp = *(const uintptr_t *)__builtin_frame_address(0) })

/* A function that calls others saves lr at a place of its own choice, and its unwind information says where. */
#define ARCH_RA_BELOW_CFA 0

/* The place of a saved register, seen from the CFA: at the other end of the frame. */
typedef int32_t arch_offset;

struct arch_ra {
	arch_offset offset; /* saved at CFA + offset */
};

/*
 * The return address of a leaf function is still in lr. Only a signal stops a thread there, and the full walk knows
 * lr.
 */
static inline bool arch_ra_rule(bool at_cfa, int64_t offset, struct arch_ra *ret)
{
	if (!at_cfa || offset != (arch_offset)offset)
		return false;
	ret->offset = (arch_offset)offset;
	return true;
}

/* A rule in 20 bits (rules.h): what sp is a multiple of, how many bits the size of a frame has, and zeros at the end of each pc. */
#define ARCH_CFA_UNIT 16u
#define ARCH_CFA_BITS 10
#define ARCH_PC_ZEROS 2

/*
 * Whether such a rule says where the return address is, if bp is saved that far below the CFA: compilers save both
 * side by side.
 */
static inline bool arch_ra_packs(struct arch_ra ra, uint32_t bp_below)
{
	return bp_below && ra.offset == 8 - (arch_offset)bp_below;
}

static inline uintptr_t arch_ra_slot(struct arch_ra ra, uintptr_t cfa)
{
	return cfa + (uintptr_t)(intptr_t)ra.offset;
}

/*
 * Functions may sign their return address (pointer authentication). xpaclri takes the signature off, changes nothing
 * in an address without one, and is a nop on older processors.
 */
static inline uintptr_t arch_code_address(uintptr_t ra)
{
	register uintptr_t lr __asm__("x30") = ra;

	__asm__("hint #7"
		: "+r"(lr));
	return lr;
}

/* Frame records stand at any place of a frame, so they do not tell where the caller's sp is. So no step uses them. */
#define ARCH_FRAME_BYTES 0
#define ARCH_STACK_ALIGNMENT 16
#define ARCH_INTERPRETER_KEEPS_SP 0
#define ARCH_FRAME_SIGN 4
static inline bool arch_keeps_frame(const uint8_t *p)
{
	(void)p;
	return false;
}

/* Code that was made at run time is not searched for signs of frames, either. */
enum arch_sign { ARCH_SIGN_NONE,
		 ARCH_SIGN_USE,
		 ARCH_SIGN_FRAME,
		 ARCH_SIGN_METHOD,
		 ARCH_SIGN_SIZED };
#define ARCH_SIGN_BEFORE 4
#define ARCH_SIGN_BYTES 4
static inline enum arch_sign arch_sign_at(const uint8_t *p, int32_t *ret_size)
{
	(void)p;
	(void)ret_size;
	return ARCH_SIGN_NONE;
}

static inline uint32_t arch_word(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/*
 * Code that gives its frame back and returns as soon as it is returned to: ldp x29, x30, [sp], 16; ret, and a check of a signed
 * address in between. The size of the frame; 0: p is at other code.
 */
#define ARCH_LEAVE_BYTES 12
#define ARCH_LEAVE_BP RULE_BP_AT_CFA
static inline int32_t arch_left_size(const uint8_t *p)
{
	const uint8_t *const returns = arch_word(p + 4) == 0xd50323bf ? p + 8 : p + 4;

	return arch_word(p) == 0xa8c17bfd && arch_word(returns) == 0xd65f03c0 ? 16 : 0;
}

/* bl, blr, and blr that authenticates. */
#define ARCH_CALL_BYTES 4
static inline bool arch_call_ends(const uint8_t *end)
{
	const uint32_t word = arch_word(end - 4);

	return word >> 26 == 0x25 || (word & 0xfffffc1f) == 0xd63f0000 || (word & 0xfefff800) == 0xd63f0800;
}

/* On this processor, Go's way back from C is not known. */
#define ARCH_GO_RETURNS ""
#define ARCH_GO_TLS_BYTES 0
static inline bool arch_go_finds_tls(const uint8_t *p)
{
	return false;
}
#define ARCH_GO_G 0
#define ARCH_GO_DEPTH 0
#define ARCH_GO_RETURNS_HERE ""

#define ARCH_RA_SIGN_STATE 1 /* DW_CFA_AARCH64_negate_ra_state is understood: arch_code_address does not need it */

/*
 * The kernel's rt_sigframe: siginfo (128 bytes), then ucontext with its registers from 312 on. Its trampoline lies in
 * the vdso and has no unwind information. The frame is recognised by the head of the record of vector registers,
 * which always comes first: FPSIMD_MAGIC and its size.
 */
#define ARCH_SIGNAL_WORD 0x0000021046508001u
#define ARCH_SIGNAL_WORD_OFFSET 592

#define ARCH_X(n) [n] = 312 + (n)*8
static const uint16_t arch_signal_offset[REG_COUNT] = {
	ARCH_X(0), ARCH_X(1), ARCH_X(2), ARCH_X(3), ARCH_X(4), ARCH_X(5), ARCH_X(6),
	ARCH_X(7), ARCH_X(8), ARCH_X(9), ARCH_X(10), ARCH_X(11), ARCH_X(12), ARCH_X(13),
	ARCH_X(14), ARCH_X(15), ARCH_X(16), ARCH_X(17), ARCH_X(18), ARCH_X(19), ARCH_X(20),
	ARCH_X(21), ARCH_X(22), ARCH_X(23), ARCH_X(24), ARCH_X(25), ARCH_X(26), ARCH_X(27),
	ARCH_X(28), ARCH_X(29), ARCH_X(30), ARCH_X(31), ARCH_X(32)
};
#undef ARCH_X

/* mov x8, #__NR_rt_sigreturn; svc #0 */
#define ARCH_SIGNAL_RETURNS                           \
	{                                             \
		"\x68\x11\x80\xd2\x01\x00\x00\xd4", 8 \
	}

/* No unwind information describes a kernel's frame: an empty expression. */
static const uint8_t arch_signal_cfa[] = { 0 };

/* The registers at this very place that calls preserve, for a walk that starts in libtracker's own frame. */
#define ARCH_REGISTERS_HERE(regs)                       \
	__asm__ volatile("stp x19, x20, [%0, #152]\n\t" \
			 "stp x21, x22, [%0, #168]\n\t" \
			 "stp x23, x24, [%0, #184]\n\t" \
			 "stp x25, x26, [%0, #200]\n\t" \
			 "stp x27, x28, [%0, #216]\n\t" \
			 "stp x29, x30, [%0, #232]\n\t" \
			 "mov x9, sp\n\t"               \
			 "adr x10, 1f\n\t"              \
			 "stp x9, x10, [%0, #248]\n\t"  \
			 "1:"                           \
			 :                              \
			 : "r"(regs)                    \
			 : "x9", "x10", "memory")

/*
 * A function `name` that passes its three arguments to `asked`, and then on to the function that `asked` returns, as
 * if its own caller had called that function.
 */
#define ARCH_PASS_ON(name, asked)                                                                      \
	__asm__(".pushsection .text\n\t.globl " #name "\n\t.type " #name ", %function\n" #name ":\n\t" \
		".cfi_startproc\n\thint #34\n\t"                                                       \
		"stp x0, x1, [sp, #-32]!\n\t.cfi_def_cfa_offset 32\n\t"                                \
		"stp x2, x30, [sp, #16]\n\t.cfi_offset 30, -8\n\t"                                     \
		"bl " #asked "\n\t"                                                                    \
		"mov x16, x0\n\t"                                                                      \
		"ldp x2, x30, [sp, #16]\n\t.cfi_restore 30\n\t"                                        \
		"ldp x0, x1, [sp], #32\n\t.cfi_def_cfa_offset 0\n\t"                                   \
		"br x16\n\t.cfi_endproc\n\t.size " #name ", .-" #name "\n\t.popsection")

/* As in arch_x86_64.h. */
#define ARCH_RELOCATION_JUMP R_AARCH64_JUMP_SLOT
#define ARCH_RELOCATION_ADDRESS R_AARCH64_GLOB_DAT
#define ARCH_RELOCATION_WORD R_AARCH64_ABS64
#define ARCH_SYSTEM_CALL "svc #0"
#define ARCH_BREAK "brk #0"

/* The function that an indirect function (STT_GNU_IFUNC) chooses, by what the processor can do. */
static inline uintptr_t arch_resolve(uintptr_t chooser)
{
	const struct {
		unsigned long size, hwcap, hwcap2;
	} can = { sizeof(can), getauxval(AT_HWCAP), getauxval(AT_HWCAP2) };
	const uint64_t more_follows = 1ull << 62;

	return ((uintptr_t(*)(uint64_t, const void *))chooser)(can.hwcap | more_follows, &can);
}

static inline void arch_pause(void)
{
	__asm__ volatile("yield");
}

/* Returns -errno on failure; never touches errno. */
static inline long arch_syscall(long nr, long a, long b, long c, long d, long e, long f)
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;
	register long x4 __asm__("x4") = e;
	register long x5 __asm__("x5") = f;

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory");
	return x0;
}

#endif
