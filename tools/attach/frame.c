/* frame - see frame.h. */
#include "tools/attach/frame.h"

#include <string.h>

#include <cpuid.h>
#include <elf.h>
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define RED_ZONE_BYTES 128u
#define FRAME_HEAD_BYTES 320u /* the return address and the kernel's struct ucontext, up to the next 64 */
#define SOFTWARE_BYTES 464u /* in the state: what it is, for the kernel */
#define MAGIC_1 0x46505853u
#define MAGIC_2 0x46505845u
#define DIRECTION_FLAG 0x400u

/* ---- the C library's code ---- */

bool frame_find_call(struct frame_code *ret, uint64_t function, const uint8_t *code, size_t bytes)
{
	static const uint8_t call[] = { 0x0f, 0x05 };
	const uint8_t *const found = memmem(code, bytes, call, sizeof(call));

	ret->call = found ? function + (uint64_t)(found - code) : 0;
	return found;
}

bool frame_find_restorer(struct frame_code *ret, uint64_t start, const uint8_t *code, size_t bytes)
{
	static const uint8_t restorer[FRAME_RESTORER_BYTES] = { 0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05 };
	const uint8_t *const found = memmem(code, bytes, restorer, sizeof(restorer));

	ret->restorer = found ? start + (uint64_t)(found - code) : 0;
	return found;
}

/* ---- registers ---- */

bool frame_save(pid_t thread, struct frame_registers *ret)
{
	struct iovec general = { &ret->general, sizeof(ret->general) }, vectors = { ret->state, sizeof(ret->state) };

	if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &general) < 0 || general.iov_len != sizeof(ret->general) ||
	    ptrace(PTRACE_GETREGSET, thread, NT_X86_XSTATE, &vectors) < 0 || ptrace(PTRACE_GETSIGMASK, thread, 8, &ret->mask) < 0)
		return false;
	ret->state_bytes = vectors.iov_len;
	return ret->state_bytes >= 576 && ret->general.cs == 0x33;
}

void frame_dwarf(const struct frame_registers *f, uintptr_t regs[REG_COUNT])
{
	const struct user_regs_struct *const r = &f->general;
	const uintptr_t all[REG_COUNT] = { r->rax, r->rdx, r->rcx, r->rbx, r->rsi, r->rdi, r->rbp, r->rsp, r->r8,
					   r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rip };

	memcpy(regs, all, sizeof(all));
}

uint64_t frame_thread_pointer(const struct frame_registers *f)
{
	return f->general.fs_base;
}

/*
 * Calls that end with EINTR and leave it to nobody to make them again, although no handler has run. What they had done
 * so far, nothing, can be done again; connect, for one, cannot.
 */
static bool may_be_made_again(uint64_t call)
{
	switch (call) {
	case SYS_epoll_wait:
	case SYS_epoll_pwait:
	case SYS_epoll_pwait2:
	case SYS_rt_sigtimedwait:
	case SYS_semop:
	case SYS_semtimedop:
	case SYS_io_getevents:
	case SYS_io_uring_enter:
	case SYS_read:
	case SYS_readv:
	case SYS_recvfrom:
	case SYS_recvmsg:
	case SYS_recvmmsg:
	case SYS_accept:
	case SYS_accept4: return true;
	default: return false;
	}
}

#define RESTART_FIRST (-512) /* the kernel's own numbers: ERESTARTSYS, ... */
#define RESTART_LAST (-516)

/* It was stopped in a system call, which would end now. */
static bool is_in_call(const struct frame_registers *f)
{
	const int64_t result = (int64_t)f->general.rax, call = (int64_t)f->general.orig_rax;

	return call >= 0 && ((result <= RESTART_FIRST && result >= RESTART_LAST) || (result == -EINTR && may_be_made_again((uint64_t)call)));
}

/* The number in mov $NUMBER,%eax; syscall, as the C library has it. */
static bool number_in(const uint8_t code[7], uint64_t *ret)
{
	uint32_t number;

	memcpy(&number, code + 1, sizeof(number));
	*ret = number;
	return code[0] == 0xb8 && code[5] == 0x0f && code[6] == 0x05 && number != SYS_restart_syscall;
}

bool frame_name_call(struct frame_registers *f, const uint8_t code[FRAME_CALL_BYTES])
{
	uint64_t *unknown = NULL;
	const uint8_t *at = code;

	if (is_in_call(f) && f->general.orig_rax == SYS_restart_syscall) {
		unknown = (uint64_t *)&f->general.orig_rax;
	} else if (f->general.rax == SYS_restart_syscall && code[7] == 0x0f && code[8] == 0x05) {
		unknown = (uint64_t *)&f->general.rax;
		at = code + 2;
	}
	return !unknown || number_in(at, unknown);
}

/* ---- the frame ---- */

/*
 * Of the state, only what the thread has: the kernel takes no more than it would have written. Components that a thread
 * must ask for (AMX) are in the kernel's format also if it has not asked.
 */
static size_t state_bytes(const struct frame_registers *f, uint64_t *ret_features)
{
	const uint64_t asked_for = 3ull << 17;
	uint64_t features, used;
	size_t size = 576;

	memcpy(&features, f->state + SOFTWARE_BYTES, sizeof(features));
	memcpy(&used, f->state + 512, sizeof(used));
	features &= ~asked_for | used;
	for (unsigned i = 2; i < 63; i++) {
		unsigned bytes, offset, c, d;

		if (features >> i & 1 && __get_cpuid_count(13, i, &bytes, &offset, &c, &d) && offset + bytes > size)
			size = offset + bytes;
	}
	*ret_features = features;
	return size < f->state_bytes ? size : f->state_bytes;
}

uint64_t frame_place(const struct frame_registers *f, size_t *ret_bytes)
{
	uint64_t features;

	*ret_bytes = FRAME_HEAD_BYTES + state_bytes(f, &features) + sizeof(uint32_t);
	return (f->general.rsp - RED_ZONE_BYTES - *ret_bytes) & ~63ull;
}

void frame_make(const struct frame_registers *f, const struct frame_code *code, uint64_t place, uint8_t *to)
{
	const struct user_regs_struct *const r = &f->general;
	const bool again = is_in_call(f);
	uint64_t features, head[FRAME_HEAD_BYTES / 8] = { code->restorer, 7 /* flags: there is such a state, and ss counts */ };
	const size_t size = state_bytes(f, &features);
	const uint64_t registers[] = { r->r8, r->r9, r->r10, r->r11, r->r12, r->r13, r->r14, r->r15, r->rdi, r->rsi, r->rbp, r->rbx, r->rdx,
				       again ? r->orig_rax : r->rax, r->rcx, r->rsp, again ? r->rip - 2 : r->rip, r->eflags, r->cs | r->ss << 48 };
	const uint32_t software[12] = { MAGIC_1, (uint32_t)size + 4, (uint32_t)features, (uint32_t)(features >> 32), (uint32_t)size }, end = MAGIC_2;

	memcpy(head + 6, registers, sizeof(registers)); /* behind flags, link and the alternate stack, which stays as it is */
	head[6 + 23] = place + FRAME_HEAD_BYTES;
	head[6 + 32] = f->mask;
	memcpy(to, head, sizeof(head));
	memcpy(to + FRAME_HEAD_BYTES, f->state, size);
	memcpy(to + FRAME_HEAD_BYTES + SOFTWARE_BYTES, software, sizeof(software));
	memcpy(to + FRAME_HEAD_BYTES + size, &end, sizeof(end));
}

/* ---- ways to go ---- */

static bool set(pid_t thread, struct user_regs_struct *r)
{
	struct iovec general = { r, sizeof(*r) };

	r->orig_rax = ~0ull; /* it is in no system call */
	r->eflags &= ~(uint64_t)DIRECTION_FLAG;
	return ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &general) == 0;
}

bool frame_go_back(pid_t thread, const struct frame_registers *f, const struct frame_code *code, uint64_t place)
{
	struct user_regs_struct r = f->general;

	r.rip = code->restorer;
	r.rsp = place + 8; /* the return address has been taken off */
	return set(thread, &r);
}

/* The other calls that were stopped are made again by the kernel, which knows how much of a timeout is left. */
void frame_go_on(pid_t thread, const struct frame_registers *f)
{
	struct user_regs_struct r = f->general;
	struct iovec general = { &r, sizeof(r) };

	if (!is_in_call(f) || (int64_t)r.rax != -EINTR)
		return;
	r.rip -= 2;
	r.rax = r.orig_rax;
	r.orig_rax = ~0ull;
	(void)ptrace(PTRACE_SETREGSET, thread, NT_PRSTATUS, &general);
}

bool frame_go_call(pid_t thread, const struct frame_registers *f, const struct frame_code *code, uint64_t place, long number, const uint64_t a[6])
{
	struct user_regs_struct r = f->general;

	r.rip = code->call;
	r.rsp = place;
	r.rax = (uint64_t)number;
	r.rdi = a[0];
	r.rsi = a[1];
	r.rdx = a[2];
	r.r10 = a[3];
	r.r8 = a[4];
	r.r9 = a[5];
	return set(thread, &r);
}

bool frame_returned(pid_t thread, long *ret)
{
	struct user_regs_struct r;
	struct iovec general = { &r, sizeof(r) };

	if (ptrace(PTRACE_GETREGSET, thread, NT_PRSTATUS, &general) < 0)
		return false;
	*ret = (long)r.rax;
	return true;
}

bool frame_go_work(pid_t thread, const struct frame_registers *f, uint64_t room)
{
	struct user_regs_struct r = f->general;

	r.rip = room + LATE_ROOM_BYTES - LATE_CODE_BYTES;
	r.rsp = r.rip;
	r.rbp = 0;
	r.r15 = room;
	return set(thread, &r);
}

/* ---- the code ---- */

_Static_assert(offsetof(struct frame_work, order) == 96 && offsetof(struct frame_work, path) == 128 && offsetof(struct frame_work, name) == 192,
	       "the numbers in the code below");

extern const uint8_t attach_work[], attach_work_end[];
__asm__(".pushsection .rodata\n"
	"attach_work:\n"
	"	fninit\n"
	"	ldmxcsr 80(%r15)\n"
	"	call *24(%r15)\n" /* errno is put back at the end */
	"	mov %rax, %r14\n"
	"	mov (%rax), %r13d\n"
	"	mov 32(%r15), %rax\n"
	"	test %rax, %rax\n"
	"	jnz 1f\n"
	"	lea 128(%r15), %rdi\n"
	"	mov $2, %esi\n" /* RTLD_NOW */
	"	call *(%r15)\n"
	"	test %rax, %rax\n"
	"	jz 2f\n"
	"	mov %rax, %rdi\n"
	"	lea 192(%r15), %rsi\n"
	"	call *8(%r15)\n"
	"	test %rax, %rax\n"
	"	jz 2f\n"
	"1:	lea 96(%r15), %rdi\n"
	"	call *%rax\n"
	"	mov %eax, %eax\n"
	"	mov %rax, 64(%r15)\n"
	"	jmp 3f\n"
	"2:	call *16(%r15)\n"
	"	mov %rax, 72(%r15)\n"
	"3:	mov 48(%r15), %rdi\n"
	"	test %rdi, %rdi\n"
	"	js 4f\n"
	"	mov $3, %eax\n" /* close */
	"	syscall\n"
	"4:	mov %r13d, (%r14)\n"
	"	movq $1, 56(%r15)\n"
	"	mov 40(%r15), %rsp\n"
	"	mov $15, %eax\n" /* rt_sigreturn */
	"	syscall\n"
	"	hlt\n"
	"attach_work_end:\n"
	"	.popsection\n");

const uint8_t *frame_work_code(size_t *ret_bytes)
{
	*ret_bytes = (size_t)(attach_work_end - attach_work);
	return attach_work;
}

void frame_work_begin(struct frame_work *w, uint64_t place)
{
	w->back = place + 8;
	w->vectors = 0x1f80; /* MXCSR: no exception, round to nearest */
}
