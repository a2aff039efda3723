/*
 * slow - a program that stands still for some seconds before any library's constructor has run.
 *
 *   slow stopped	a child is stopped by its tracer as it executes the program
 *   slow waits	a function of the program's own .preinit_array takes so long
 *
 * What it allocates afterwards is all there.
 */
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "truth.h"

#define STILL_US 3500000u

static void first(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc == 3 && !strcmp(argv[2], "waits"))
		usleep(STILL_US);
}

__attribute__((section(".preinit_array"), used)) static void (*const before)(int, char **, char **) = first;

int main(int argc, char **argv)
{
	const char *const how = argc > 1 ? argv[1] : "";
	int status;

	if (argc == 3) {
		for (int i = 0; i < 1000; i++)
			*(char *volatile *)malloc(1001) = NULL;
		truth("malloc", 1001, 1000);
		truth_line("L", NULL, 1001, 1000);
		return 0;
	}

	const pid_t pid = fork();

	if (pid == 0) {
		if (!strcmp(how, "stopped"))
			ptrace(PTRACE_TRACEME, 0, 0, 0);
		execl("/proc/self/exe", argv[0], "child", how, (char *)NULL);
		_exit(9);
	}
	if (!strcmp(how, "stopped")) {
		waitpid(pid, &status, 0);
		usleep(STILL_US);
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
	return waitpid(pid, &status, 0) == pid ? WEXITSTATUS(status) : 1;
}
