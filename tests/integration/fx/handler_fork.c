/*
 * handler_fork fork|_Fork - forks in a signal handler, wherever the handler meets the program.
 *
 * The child returns from the handler into what was interrupted, often one of our hooks in
 * the middle of an event, goes on, allocates and ends, while its parent goes on, too. What
 * was interrupted belongs to one of them or, before it was recorded, to both: only
 * the parent's own count and what a child does later are the same every time.
 */
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "truth.h"

#define FORKS 300

static pid_t (*how)(void);
static volatile sig_atomic_t forks, in_child;

static void on_alarm(int signal)
{
	pid_t pid;

	(void)signal;
	if (forks == FORKS)
		return;
	forks++;
	pid = how();
	must(pid >= 0, "fork");
	if (pid == 0)
		in_child = 1;
}

static void one_turn(void)
{
	void *p = keep(malloc(1001));

	p = keep(realloc(p, 1003));
	free(keep(calloc(1, 1002)));
	p = keep(realloc(p, 1004));
	free(p);
}

int main(int argc, char **argv)
{
	const struct itimerval often = { { 0, 300 }, { 0, 300 } }, never = { { 0, 0 }, { 0, 0 } };
	const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	unsigned long turns = 0;
	int status;

	must(argc == 2, "usage");
	how = strcmp(argv[1], "_Fork") ? fork : _Fork;
	must(sigaction(SIGALRM, &action, NULL) == 0, "sigaction");
	must(setitimer(ITIMER_REAL, &often, NULL) == 0, "setitimer");
	for (; forks < FORKS && !in_child; turns++)
		one_turn();
	if (in_child) {
		churn(2001, 10);
		_exit(0);
	}
	setitimer(ITIMER_REAL, &never, NULL);
	for (int i = 0; i < FORKS; i++)
		must(wait(&status) > 0 && status == 0, "a child's status");
	truth("malloc", 1001, turns);
	truth("calloc", 1002, turns);
	truth("free", 1002, turns);
	truth("realloc-old", 1001, turns);
	truth("realloc", 1003, turns);
	truth("realloc-old", 1003, turns);
	truth("realloc", 1004, turns);
	truth("free", 1004, turns);
	return 0;
}
