/* wait - see wait.h. */
#include "wait.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>

enum { PASS_ON,
       IGNORE,
       DEFAULT };

static const struct {
	int number, what;
} plan[] = {
	{ SIGTERM, PASS_ON },
	{ SIGHUP, PASS_ON },
	{ SIGUSR1, PASS_ON },
	{ SIGUSR2, PASS_ON },
	/* the terminal sends these to the program as well */
	{ SIGINT, IGNORE },
	{ SIGQUIT, IGNORE },
	{ SIGPIPE, IGNORE },
	/* if it is inherited as ignored, wait(2) does not tell the program's status */
	{ SIGCHLD, DEFAULT },
};

#define PLANNED (sizeof(plan) / sizeof(*plan))

static struct sigaction before[PLANNED];
static volatile pid_t receiver;

static void pass_on(int number)
{
	const int error = errno;

	if (receiver > 0)
		kill(receiver, number);
	errno = error;
}

void wait_begin(pid_t program)
{
	receiver = program;
	for (size_t i = 0; i < PLANNED; i++) {
		struct sigaction action = { .sa_flags = SA_RESTART };

		action.sa_handler = plan[i].what == PASS_ON ? pass_on :
				    plan[i].what == IGNORE  ? SIG_IGN :
							      SIG_DFL;
		sigaction(plan[i].number, NULL, &before[i]);
		/* nohup: a signal that the user ignores stays ignored */
		if (plan[i].what != PASS_ON || before[i].sa_handler != SIG_IGN)
			sigaction(plan[i].number, &action, NULL);
	}
}

int wait_program(pid_t program, pid_t recorder, int *ret_recorder_status)
{
	int status;
	pid_t pid;

	for (;;) {
		pid = waitpid(-1, &status, 0);
		if (pid == program)
			break;
		if (pid == recorder)
			*ret_recorder_status = status;
		if (pid < 0 && errno != EINTR) {
			status = 125 << 8;
			break;
		}
	}
	receiver = 0;
	return status;
}

void wait_end(void)
{
	for (size_t i = 0; i < PLANNED; i++)
		sigaction(plan[i].number, &before[i], NULL);
}

void wait_exit_like(int status)
{
	const struct rlimit none = { 0, 0 };
	sigset_t set;

	if (WIFSIGNALED(status)) {
		/* the program has left its own core; another one would overwrite it */
		setrlimit(RLIMIT_CORE, &none);
		signal(WTERMSIG(status), SIG_DFL);
		sigemptyset(&set);
		sigaddset(&set, WTERMSIG(status));
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		raise(WTERMSIG(status));
		exit(128 + WTERMSIG(status));
	}
	exit(WEXITSTATUS(status));
}
