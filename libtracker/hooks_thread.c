/*
 * hooks_thread - what a thread does to itself: sets its name, and forbids itself system calls.
 */
#include <pthread.h>
#include <stdarg.h>
#include <sys/prctl.h>

#include "hook.h"
#include "thread.h"

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
	/* without no_new_privs only root may set a filter; both are inherited, so they are never taken back */
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
