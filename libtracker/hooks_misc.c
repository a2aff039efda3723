/*
 * hooks_misc - what changes the meaning of stacks and names: code that is
 * unloaded, threads that are named. And the fork for signal handlers, which runs
 * no function of pthread_atfork.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "hook.h"
#include "modules_fallback.h"
#include "session.h"
#include "thread.h"
#include "unwind.h"

EXPORT int dlclose(void *handle)
{
	int ret;

	hook_start();
	ret = real.dlclose(handle);
	modules_fallback_forget_unloaded();
	operators_unloaded();
	if (state.on)
		unwind_code_unloaded();
	return ret;
}

/*
 * Loading: new code needs nothing from us, but what looks for its malloc elsewhere than the
 * program is to be told of. The loader finds libraries by its caller's address, so that
 * function is not called but jumped to.
 */
static void *nothing_loaded(void)
{
	return NULL;
}

static void *pass_on(void *function, bool other_scope)
{
	if (!function)
		return (void *)nothing_loaded;
	if (other_scope && state.on)
		atomic_fetch_or(&state.process->notices, SHM_NOTICE_OTHER_SCOPE);
	return function;
}

__attribute__((used)) static void *ask_dlopen(const char *file, int flags)
{
	(void)file;
	hook_start();
	return pass_on((void *)real.dlopen, flags & RTLD_DEEPBIND);
}

__attribute__((used)) static void *ask_dlmopen(long namespace, const char *file, int flags)
{
	(void)file;
	hook_start();
	return pass_on((void *)real.dlmopen, namespace != LM_ID_BASE || flags & RTLD_DEEPBIND);
}

ARCH_PASS_ON(dlopen, ask_dlopen);
ARCH_PASS_ON(dlmopen, ask_dlmopen);

EXPORT int prctl(int option, ...)
{
	unsigned long a[4];
	va_list rest;

	va_start(rest, option);
	for (unsigned i = 0; i < 4; i++)
		a[i] = va_arg(rest, unsigned long);
	va_end(rest);
	hook_start();

	const int ret = real.prctl(option, a[0], a[1], a[2], a[3]);

	if (option == PR_SET_NAME && ret == 0)
		thread_set_name((const char *)a[0]);
	/* without the first a filter is for root alone; both are inherited, so never taken back */
	if ((option == PR_SET_NO_NEW_PRIVS || option == PR_SET_SECCOMP) && ret == 0)
		state.sandboxed = true;
	return ret;
}

EXPORT int pthread_setname_np(pthread_t thread, const char *name)
{
	int ret;

	hook_start();
	ret = real.pthread_setname_np(thread, name);
	if (ret == 0 && pthread_equal(thread, pthread_self()))
		thread_set_name(name);
	return ret;
}

EXPORT pid_t _Fork(void);
EXPORT pid_t _Fork(void)
{
	pid_t pid;

	hook_start();
	if (!real.bare_fork) {
		errno = ENOSYS;
		return -1;
	}
	pid = real.bare_fork();
	if (pid == 0)
		session_in_child();
	return pid;
}
