/* with_view - see with_view.h. */
#include "tools/run/with_view.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/home.h"
#include "tools/new_segment.h"
#include "ui/ui.h"

#define SUFFIX ".out"

/* A name in the folder of the capture, which is on the same file system; its own name is not known yet. */
static bool make_file(struct with_view *v, const char *capture)
{
	const char *const slash = capture ? strrchr(capture, '/') : NULL;
	const size_t folder = slash && !memchr(capture, '%', (size_t)(slash - capture)) ? (size_t)(slash + 1 - capture) : 0;

	if ((size_t)snprintf(v->path, sizeof(v->path), "%.*stracker.XXXXXX" SUFFIX, (int)folder, capture ? capture : "") >= sizeof(v->path))
		return false;
	v->output = descriptor_high(mkostemps(v->path, (int)strlen(SUFFIX), O_CLOEXEC | O_APPEND));
	return v->output >= 0;
}

bool with_view_prepare(struct with_view *v, const char *capture, struct program_options *program)
{
	v->output = -1;
	v->terminal = descriptor_high(open("/dev/tty", O_RDWR | O_CLOEXEC));
	if (v->terminal < 0) {
		ui_error("argument --live: there is no terminal for the view; record without it, and look with tracker live --once");
		return false;
	}
	program->no_input = isatty(STDIN_FILENO);
	program->to_file[0] = isatty(STDOUT_FILENO);
	program->to_file[1] = isatty(STDERR_FILENO);
	if ((program->to_file[0] || program->to_file[1]) && !make_file(v, capture)) {
		ui_error("argument --live: the file for what the program prints cannot be made: %s", strerror(errno));
		return false;
	}
	program->output = v->output;
	return true;
}

void with_view_name(struct with_view *v, const struct capture_file *capture, bool force)
{
	char path[PATH_MAX];

	if (v->output < 0 || !capture->created || (size_t)snprintf(path, sizeof(path), "%s" SUFFIX, capture->path) >= sizeof(path))
		return;
	/* if somebody's file has that name, ours keeps its first one */
	if (renameat2(AT_FDCWD, v->path, AT_FDCWD, path, force ? 0 : RENAME_NOREPLACE) == 0)
		strcpy(v->path, path);
}

void with_view_start(struct with_view *v, pid_t recorder, const char *program)
{
	char name[] = "tracker-live", of_run[] = "--of-run", pid[16];
	char *argv[] = { name, of_run, pid, NULL };
	posix_spawn_file_actions_t actions;
	char path[PATH_MAX];
	int error = posix_spawn_file_actions_init(&actions);

	if (v->output >= 0)
		fprintf(stderr, "tracker: what %s prints goes to %s while the view is shown\n", program, v->path);
	snprintf(pid, sizeof(pid), "%d", (int)recorder);
	if (!error) {
		error = posix_spawn_file_actions_adddup2(&actions, v->terminal, STDIN_FILENO);
		if (!error)
			error = posix_spawn_file_actions_adddup2(&actions, v->terminal, STDOUT_FILENO);
		if (!error)
			error = home_find(name, path, sizeof(path)) ? posix_spawn(&v->view, path, &actions, NULL, argv, environ) : ENOENT;
		posix_spawn_file_actions_destroy(&actions);
	}
	if (error) {
		v->view = 0;
		ui_error("cannot start tracker-live: %s; the program runs without a view", strerror(error));
	}
	close(v->terminal);
}

void with_view_end(struct with_view *v, const char *program)
{
	struct stat st;

	while (v->view > 0 && waitpid(v->view, NULL, 0) < 0 && errno == EINTR)
		;
	if (v->output < 0)
		return;
	if (fstat(v->output, &st) == 0 && !st.st_size)
		unlink(v->path);
	else
		fprintf(stderr, "tracker: what %s printed is in %s\n", program, v->path);
	close(v->output);
}

void with_view_discard(struct with_view *v)
{
	if (v->output >= 0)
		unlink(v->path);
}
