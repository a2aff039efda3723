/*
 * hooks_wait - the ends of other processes, as the program learns of them, and its own end.
 *
 * Nothing is recorded here. What the program learns goes into the slot of the process that has ended (ended.c), and
 * everything that the program does from then on comes after it. The real functions are cancellation points, so
 * nothing is held across them.
 */
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ended.h"
#include "hook.h"

/* The status stands where the program wants it; if the program wants none, in a variable of the hook. */
static pid_t waited(pid_t pid, const int *status)
{
	if (pid > 0 && (WIFEXITED(*status) || WIFSIGNALED(*status)))
		ended_child((uint32_t)pid, *status);
	if (pid < 0 && errno == ECHILD) /* the kernel removes such children itself */
		ended_children();
	return pid;
}

static long early(long returned)
{
	if (returned >= 0)
		return returned;
	errno = (int)-returned;
	return -1;
}

/* The status goes to the program's variable or to the hook's. `call` is the real function, if there is one. */
#define WAIT(function, pid, options, usage, call)                                               \
	do {                                                                                    \
		int own = 0;                                                                    \
                                                                                                \
		hook_start();                                                                   \
		if (!real.function)                                                             \
			return (pid_t)early(arch_syscall(SYS_wait4, pid, (long)status, options, \
							 (long)(usage), 0, 0));                 \
		if (!status)                                                                    \
			status = &own;                                                          \
		return waited(call, status);                                                    \
	} while (0)

EXPORT pid_t wait(int *status)
{
	WAIT(wait, -1, 0, NULL, real.wait(status));
}

EXPORT pid_t waitpid(pid_t pid, int *status, int options)
{
	WAIT(waitpid, pid, options, NULL, real.waitpid(pid, status, options));
}

EXPORT pid_t wait3(int *status, int options, struct rusage *usage)
{
	WAIT(wait3, -1, options, usage, real.wait3(status, options, usage));
}

EXPORT pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
	WAIT(wait4, pid, options, usage, real.wait4(pid, status, options, usage));
}

/* The status that waitpid would give. False: the process has not ended. */
static bool status_of(const siginfo_t *info, int *ret)
{
	if (info->si_code == CLD_EXITED)
		*ret = (info->si_status & 0xff) << 8;
	else if (info->si_code == CLD_KILLED || info->si_code == CLD_DUMPED)
		*ret = info->si_status & 0x7f;
	else
		return false;
	return true;
}

EXPORT int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	int ret, status;

	hook_start();
	if (!real.waitid)
		return (int)early(arch_syscall(SYS_waitid, type, id, (long)info, options, 0, 0));
	ret = real.waitid((int)type, id, info, options);
	/* with WNOHANG it also returns 0 if no child has ended: the pid says which */
	if (ret == 0 && info && info->si_pid > 0 && status_of(info, &status))
		ended_child((uint32_t)info->si_pid, status);
	return ret;
}

EXPORT _Noreturn void _exit(int code)
{
	hook_start();
	ended_self(code, true);
	if (real.exit_now)
		real.exit_now(code);
	for (;;)
		(void)arch_syscall(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

EXPORT _Noreturn void _Exit(int code)
{
	_exit(code);
}

/* Functions of at_quick_exit are still to run. */
EXPORT _Noreturn void quick_exit(int code)
{
	hook_start();
	ended_self(code, false);
	if (real.quick_exit)
		real.quick_exit(code);
	_exit(code);
}
