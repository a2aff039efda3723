/*
 * look_arch - what a look must know about the processor: the registers of a stopped thread, and how it makes a system call.
 *
 * Where LOOK_ARCH is 0, no thread is stopped: looks are refused.
 */
#ifndef RECORD_LOOK_ARCH_H
#define RECORD_LOOK_ARCH_H

#include <elf.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/user.h>

#if defined(__x86_64__)

#define LOOK_ARCH 1
#define LOOK_VECTORS NT_X86_XSTATE
#define LOOK_VECTORS_FROM 160u /* the bytes before it are the floating point unit's */
#define LOOK_SYSTEM_CALL_BYTES 2u

typedef struct user_regs_struct look_registers;

static inline uint64_t look_sp(const look_registers *r)
{
	return r->rsp;
}

static inline uint64_t look_thread_pointer(const look_registers *r)
{
	return r->fs_base;
}

static inline int64_t look_result(const look_registers *r)
{
	return (int64_t)r->rax;
}

static inline void look_set_call(look_registers *r, uint64_t at, long number, const uint64_t given[6])
{
	r->rip = at;
	r->rax = (unsigned long long)number;
	r->orig_rax = UINT64_MAX; /* no system call is to be restarted */
	r->rdi = given[0];
	r->rsi = given[1];
	r->rdx = given[2];
	r->r10 = given[3];
	r->r8 = given[4];
	r->r9 = given[5];
}

static inline void look_set_function(look_registers *r, uint64_t at, uint64_t stack, uint64_t given)
{
	r->rip = at;
	r->rsp = stack - 8; /* as after a call */
	r->rdi = given;
	r->orig_rax = UINT64_MAX;
	r->eflags &= ~0x400ull; /* the direction of string instructions */
}

static inline bool look_is_interrupted(const look_registers *r)
{
	return (int64_t)r->orig_rax >= 0 && (int64_t)r->rax == -4;
}

/*
 * A thread that was stopped in a system call makes it once more. The kernel does so itself, but not for a thread that has executed
 * something else meanwhile, nor where the call returns EINTR (`interrupted`: no signal of the program's own is the reason).
 */
static inline bool look_restart(look_registers *r, bool interrupted)
{
	const int64_t result = (int64_t)r->rax;

	if ((int64_t)r->orig_rax < 0)
		return false;
	if ((result == -4 && interrupted) || result == -512 || result == -513 || result == -514)
		r->rax = r->orig_rax;
	else if (result == -516)
		r->rax = SYS_restart_syscall;
	else
		return false;
	r->rip -= LOOK_SYSTEM_CALL_BYTES;
	r->orig_rax = UINT64_MAX;
	return true;
}

#else

#define LOOK_ARCH 0
#define LOOK_VECTORS 0
#define LOOK_VECTORS_FROM 0u

typedef struct {
	uint64_t none;
} look_registers;

static inline uint64_t look_sp(const look_registers *r)
{
	return r->none;
}

static inline uint64_t look_thread_pointer(const look_registers *r)
{
	return r->none;
}

static inline int64_t look_result(const look_registers *r)
{
	return (int64_t)r->none;
}

static inline void look_set_call(look_registers *r, uint64_t at, long number, const uint64_t given[6])
{
	(void)r, (void)at, (void)number, (void)given;
}

static inline void look_set_function(look_registers *r, uint64_t at, uint64_t stack, uint64_t given)
{
	(void)r, (void)at, (void)stack, (void)given;
}

static inline bool look_is_interrupted(const look_registers *r)
{
	(void)r;
	return false;
}

static inline bool look_restart(look_registers *r, bool interrupted)
{
	(void)r, (void)interrupted;
	return false;
}

#endif

#endif
