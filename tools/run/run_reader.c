/* run_reader - see run_reader.h. */
#include "tools/run/run_reader.h"

#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/home.h"
#include "ui/ui.h"

void reader_run(const char *name, char **argv, const char *undone)
{
	posix_spawn_file_actions_t actions;
	char path[PATH_MAX];
	pid_t pid;
	int error = posix_spawn_file_actions_init(&actions);

	setenv("TRACKER_CONFIG", "", 1);
	if (!error) {
		error = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
		if (!error)
			error = home_find(name, path, sizeof(path)) ? posix_spawn(&pid, path, &actions, NULL, argv, environ) : ENOENT;
		posix_spawn_file_actions_destroy(&actions);
	}
	if (error)
		ui_error("cannot start %s: %s; %s", name, strerror(error), undone);
	while (!error && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}
