/*
 * arch_x86_64 - x86-64, in the shape of all arch_*.h: registers, the state of a
 * hook's caller, return addresses, the kernel's signal frame, raw system calls.
 */
#ifndef ARCH_X86_64_H
#define ARCH_X86_64_H

#include <stdbool.h>
#include <stdint.h>

/*
 * DWARF numbers of the registers that unwinding needs. REG_RA is the column of the return address; in REG_PC the walk
 * keeps the pc.
 */
enum { REG_BP = 6,
       REG_SP = 7,
       REG_RA = 16,
       REG_PC = 16,
       REG_COUNT = 17 };

#define ARCH_REGISTER_NAMES                                                                      \
	"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp", "r8", "r9", "r10", "r11", "r12", \
		"r13", "r14", "r15", "ra"

/*
 * Where a hook was called from: the return address, the caller's stack pointer
 * after the return and its frame pointer. __builtin_frame_address(0) makes the
 * hook keep a frame of its own, so all three are plain loads.
 */
struct site {
	uintptr_t pc, sp, bp;
};

#define SITE_HERE()                                                       \
	((struct site){ .pc = (uintptr_t)__builtin_return_address(0),     \
			.sp = (uintptr_t)__builtin_frame_address(0) + 16, \
			.bp = *(const uintptr_t *)__builtin_frame_address(0) })

/* The call instruction pushes the return address, so it stands below the CFA, and no rule says so. */
#define ARCH_RA_BELOW_CFA 1

/* The place of a saved register, seen from the CFA: registers are pushed, so they stand near it. */
typedef int16_t arch_offset;

struct arch_ra {
};

/*
 * Whether unwind information says that the return address is saved at CFA + offset. False: the frame needs the full
 * walk.
 */
static inline bool arch_ra_rule(bool at_cfa, int64_t offset, struct arch_ra *ret)
{
	(void)ret;
	return at_cfa && offset == -8;
}

/* A rule in 20 bits (rules.h): what sp is a multiple of, how many bits the size of a frame has, and zeros at the end of each pc. */
#define ARCH_CFA_UNIT 8u
#define ARCH_CFA_BITS 13
#define ARCH_PC_ZEROS 0

/* Whether such a rule says where the return address is, if bp is saved that far below the CFA. */
static inline bool arch_ra_packs(struct arch_ra ra, uint32_t bp_below)
{
	return true;
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

/*
 * The places where compilers keep frame pointers: bp points at the caller's bp, and the return address stands above
 * it.
 */
#define ARCH_FRAME_BYTES 16
#define ARCH_STACK_ALIGNMENT 16 /* of sp at a call */
/* Java's interpreter keeps the sp of its caller below bp. */
#define ARCH_INTERPRETER_KEEPS_SP (-8)

/* Whether an instruction begins there that only code with frame pointers has. ARCH_FRAME_SIGN bytes can be read. */
#define ARCH_FRAME_SIGN 4
static inline bool arch_begins_frame(const uint8_t *p)
{
	/* push bp; mov sp, bp: in both encodings */
	return p[0] == 0x55 && p[1] == 0x48 && ((p[2] == 0x89 && p[3] == 0xe5) || (p[2] == 0x8b && p[3] == 0xec));
}

static inline bool arch_keeps_frame(const uint8_t *p)
{
	/* lea n(sp), bp: Go's */
	if (arch_begins_frame(p) || (p[0] == 0x48 && p[1] == 0x8d && (p[2] == 0x6c || p[2] == 0xac) && p[3] == 0x24))
		return true;
	/* leave; ret, and a load or store of a local below bp */
	return (p[0] == 0xc9 && p[1] == 0xc3) ||
	       ((p[0] & 0xfb) == 0x48 && (p[1] == 0x8b || p[1] == 0x89) && (p[2] & 0xc7) == 0x45 && (p[3] & 0x80));
}

/* What code that was made at run time tells about frames, by the instruction that begins at a byte of it. */
enum arch_sign {
	ARCH_SIGN_NONE,
	ARCH_SIGN_USE, /* arch_keeps_frame, and nothing else */
	ARCH_SIGN_FRAME, /* a function that keeps one */
	ARCH_SIGN_METHOD, /* a function of HotSpot that keeps a frame pointer */
	ARCH_SIGN_SIZED, /* a function of HotSpot with a frame of a fixed size, and bp saved below the return address */
};

#define ARCH_METHOD_BYTES (1 << 20) /* the largest frame of a method */
#define ARCH_SIGN_BEFORE 7
#define ARCH_SIGN_BYTES 15 /* so many bytes can be read on both sides */

static inline int32_t arch_signed_32(const uint8_t *p)
{
	return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

/* The length of the instruction if it is sub n, sp in one of its two encodings. 0: it is another instruction. */
static inline unsigned arch_sub_sp(const uint8_t *p, int32_t *ret)
{
	if (p[0] != 0x48 || (p[1] != 0x83 && p[1] != 0x81) || p[2] != 0xec)
		return 0;
	*ret = p[1] == 0x83 ? (int8_t)p[3] : arch_signed_32(p + 3);
	return p[1] == 0x83 ? 4 : 7;
}

/* mov bp, n(sp) in its three encodings. */
static inline bool arch_saves_bp(const uint8_t *p, int32_t *ret)
{
	if (p[0] != 0x48 || p[1] != 0x89 || p[3] != 0x24 || (p[2] != 0x2c && p[2] != 0x6c && p[2] != 0xac))
		return false;
	*ret = p[2] == 0x2c ? 0 : p[2] == 0x6c ? (int8_t)p[4] :
						 arch_signed_32(p + 4);
	return true;
}

/*
 * A method that C1 or C2 compiled begins with mov ax, -n(sp), some pages down, so that the stack overflows there or
 * not at all. Then follow push bp and sub n, sp, with mov sp, bp in between if the method keeps frame pointers. A
 * method that calls no method begins with sub n, sp; mov bp, n-8(sp). In a method that is not to be entered any more,
 * a jump has replaced the first five bytes. Returns the bytes below the saved bp; -1: p is at no such push or mov.
 */
static inline int32_t arch_method_size(const uint8_t *p)
{
	const bool left = p[-7] == 0xe9; /* a jump; two bytes of the old instruction stand behind it */
	const bool probes = p[-7] == 0x89 && p[-6] == 0x84 && p[-5] == 0x24 && arch_signed_32(p - 4) < 0 && arch_signed_32(p - 4) % 4096 == 0;
	int32_t size = 0, n = 0;

	if (p[0] == 0x55) {
		const bool subtracts = arch_sub_sp(p + (arch_begins_frame(p) ? 4 : 1), &size);

		return probes || (left && p[-1] == 0xff && p[-2] >= 0xf0 && subtracts) ? size : -1;
	}
	if (!arch_saves_bp(p, &size) || size < 0 || size >= ARCH_METHOD_BYTES)
		return -1;
	if ((left && p[-2] == (uint8_t)((size + 8) >> 16) && p[-1] == 0) || (arch_sub_sp(p - 7, &n) == 7 && n == size + 8) ||
	    (arch_sub_sp(p - 4, &n) == 4 && n == size + 8))
		return size;
	return -1;
}

static inline enum arch_sign arch_sign_at(const uint8_t *p, int32_t *ret_size)
{
	const bool frame = arch_begins_frame(p);
	const int32_t size = p[0] == 0x55 || p[0] == 0x48 ? arch_method_size(p) : -1;

	if (frame)
		return size >= 0 ? ARCH_SIGN_METHOD : ARCH_SIGN_FRAME;
	if (size < 0 || size >= ARCH_METHOD_BYTES || size % ARCH_STACK_ALIGNMENT)
		return arch_keeps_frame(p) ? ARCH_SIGN_USE : ARCH_SIGN_NONE;
	*ret_size = size + ARCH_FRAME_BYTES;
	return ARCH_SIGN_SIZED;
}

/*
 * Code that gives its frame back and returns as soon as it is returned to shows where that frame ends: add n, sp; ret. The size of
 * the frame with the return address; 0: p is at other code. ARCH_LEAVE_BYTES can be read. bp is as the caller has it.
 */
#define ARCH_LEAVE_BYTES 5
#define ARCH_LEAVE_BP RULE_BP_SAME
static inline int32_t arch_left_size(const uint8_t *p)
{
	const bool leaves = p[0] == 0x48 && p[1] == 0x83 && p[2] == 0xc4 && p[4] == 0xc3 && p[3] < 0x80 && p[3] % 8 == 0;

	return leaves ? p[3] + 8 : 0;
}

/* The longest form of a call; and whether a call ends at `end`, if `end` has that many bytes of code before it. */
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
 * Go calls C on the stack of the thread. At the end of that stack runtime.asmcgocall keeps the way back: 40(sp) and
 * 48(sp). It is recognised by the code that follows the call: mov 48(sp), di; mov 8(di), si; sub 40(sp), si.
 */
#define ARCH_GO_RETURNS "\x48\x8b\x7c\x24\x30\x48\x8b\x77\x08\x48\x2b\x74\x24\x28"
/* In a position-independent program, mov $n, cx or mov n(ip), cx stands before that code. */
#define ARCH_GO_TLS_BYTES 7
static inline bool arch_go_finds_tls(const uint8_t *p)
{
	return p[0] == 0x48 && ((p[1] == 0xc7 && p[2] == 0xc1) || (p[1] == 0x8b && p[2] == 0x0d));
}
#define ARCH_GO_G 48
#define ARCH_GO_DEPTH 40
/* ... and the code for a caller that was on that stack already: mov 40(sp), si; mov si, sp. */
#define ARCH_GO_RETURNS_HERE "\x48\x8b\x74\x24\x28\x48\x89\xf4"

/* Relocations that make a place hold a function's address: of a jump table, of the global offset table, and of any data. */
#define ARCH_RELOCATION_JUMP R_X86_64_JUMP_SLOT
#define ARCH_RELOCATION_ADDRESS R_X86_64_GLOB_DAT
#define ARCH_RELOCATION_WORD R_X86_64_64

#define ARCH_RA_SIGN_STATE 0 /* DW_CFA_AARCH64_negate_ra_state means nothing here */

/*
 * The kernel's rt_sigframe as its restorer sees it: sp points at the ucontext.
 * Offset of register r (DWARF number) from sp; mcontext's gregs start at 40.
 */
static const uint16_t arch_signal_offset[REG_COUNT] = {
	[0] = 40 + 13 * 8,
	[1] = 40 + 12 * 8,
	[2] = 40 + 14 * 8,
	[3] = 40 + 11 * 8,
	[4] = 40 + 9 * 8,
	[5] = 40 + 8 * 8,
	[6] = 40 + 10 * 8,
	[7] = 40 + 15 * 8,
	[8] = 40 + 0 * 8,
	[9] = 40 + 1 * 8,
	[10] = 40 + 2 * 8,
	[11] = 40 + 3 * 8,
	[12] = 40 + 4 * 8,
	[13] = 40 + 5 * 8,
	[14] = 40 + 6 * 8,
	[15] = 40 + 7 * 8,
	[16] = 40 + 16 * 8,
};

/* The restorer has unwind information, marked as a signal frame, with this CFA: breg7+160, deref. */
static const uint8_t arch_signal_cfa[] = { 4, 0x77, 0xa0, 0x01, 0x06 };
/*
 * The code of the restorer, by which it is recognised where it has no unwind information: mov $__NR_rt_sigreturn,
 * %eax (or %rax, as glibc has it); syscall.
 */
#define ARCH_SIGNAL_RETURNS \
	{ "\x48\xc7\xc0\x0f\x00\x00\x00\x0f\x05", 9 }, { "\xb8\x0f\x00\x00\x00\x0f\x05", 7 }
#define ARCH_SIGNAL_WORD 0 /* no word of the frame itself tells */
#define ARCH_SIGNAL_WORD_OFFSET 0

/* The registers at this very place, for a walk that starts in libtracker's own frame. */
#define ARCH_REGISTERS_HERE(regs)                    \
	__asm__ volatile("movq %%rbx, 24(%0)\n\t"    \
			 "movq %%rbp, 48(%0)\n\t"    \
			 "movq %%rsp, 56(%0)\n\t"    \
			 "movq %%r12, 96(%0)\n\t"    \
			 "movq %%r13, 104(%0)\n\t"   \
			 "movq %%r14, 112(%0)\n\t"   \
			 "movq %%r15, 120(%0)\n\t"   \
			 "leaq 1f(%%rip), %%rax\n\t" \
			 "movq %%rax, 128(%0)\n\t"   \
			 "1:"                        \
			 :                           \
			 : "r"(regs)                 \
			 : "rax", "memory")

/*
 * A function `name` that passes its three arguments to `asked`, and then on to the function that `asked` returns, as
 * if its own caller had called that function.
 */
#define ARCH_PASS_ON(name, asked)                                                                      \
	__asm__(".pushsection .text\n\t.globl " #name "\n\t.type " #name ", @function\n" #name ":\n\t" \
		".cfi_startproc\n\tendbr64\n\t"                                                        \
		"pushq %rdi\n\t.cfi_adjust_cfa_offset 8\n\t"                                           \
		"pushq %rsi\n\t.cfi_adjust_cfa_offset 8\n\t"                                           \
		"pushq %rdx\n\t.cfi_adjust_cfa_offset 8\n\t"                                           \
		"call " #asked "\n\t"                                                                  \
		"popq %rdx\n\t.cfi_adjust_cfa_offset -8\n\t"                                           \
		"popq %rsi\n\t.cfi_adjust_cfa_offset -8\n\t"                                           \
		"popq %rdi\n\t.cfi_adjust_cfa_offset -8\n\t"                                           \
		"jmp *%rax\n\t.cfi_endproc\n\t.size " #name ", .-" #name "\n\t.popsection")

/*
 * For looks (looked_at.c): a system call that the recorder makes a stopped thread execute, as a text of assembler; and what stops the
 * child when it has finished.
 */
#define ARCH_SYSTEM_CALL "syscall"
#define ARCH_BREAK "int3"

/* The function that an indirect function (STT_GNU_IFUNC) chooses. */
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
