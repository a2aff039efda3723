/*
 * hooks_fork - the fork for signal handlers, which runs no function of pthread_atfork.
 */
#include <errno.h>
#include <unistd.h>

#include "forking.h"
#include "hook.h"
#include "session.h"

EXPORT pid_t _Fork(void);
EXPORT pid_t _Fork(void)
{
	pid_t pid;

	hook_start();
	if (!real.bare_fork) {
		errno = ENOSYS;
		return -1;
	}
	forking_begin();
	pid = real.bare_fork();
	if (pid == 0)
		session_in_child();
	else
		forking_end(pid < 0);
	return pid;
}
