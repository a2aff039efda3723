/*
 * pager - the program that shows a long report page by page: $TRACKER_PAGER, $PAGER or less, as git does it.
 *
 * It never makes a report fail: without one the report goes to the terminal, and one that ends early has shown what its user
 * wanted to see.
 */
#include "ui/ui_private.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static FILE *stream;
static pid_t child;

FILE *ui_pager(void)
{
	return stream;
}

/* NULL: none is wanted. */
static const char *command(void)
{
	static const char *const variables[] = { "TRACKER_PAGER", "PAGER" };
	const char *text = NULL, *const term = getenv("TERM");

	for (size_t i = 0; i < sizeof(variables) / sizeof(*variables) && !text; i++)
		text = getenv(variables[i]);
	if (!text)
		text = term && strcmp(term, "dumb") == 0 ? "" : "less";
	return *text && strcmp(text, "cat") != 0 ? text : NULL;
}

static bool is_in_path(const char *word, size_t bytes)
{
	const char *path = getenv("PATH");
	char name[4096];

	for (path = path ? path : "/usr/bin:/bin"; *path;) {
		const size_t n = strcspn(path, ":");

		if (snprintf(name, sizeof(name), "%.*s/%.*s", (int)n, path, (int)bytes, word) < (int)sizeof(name) && access(name, X_OK) == 0)
			return true;
		path += n + (path[n] ? 1 : 0);
	}
	return false;
}

/* Whether its first word names a program. What needs a shell to be understood is believed. */
static bool exists(const char *text)
{
	const size_t blank = strspn(text, " \t"), n = strcspn(text + blank, " \t");
	char name[4096];

	if (strcspn(text, "|&;<>()$`\\\"'*?[#~=%\n") < blank + n)
		return true;
	if (!memchr(text + blank, '/', n))
		return is_in_path(text + blank, n);
	snprintf(name, sizeof(name), "%.*s", (int)n, text + blank);
	return access(name, X_OK) == 0;
}

static pid_t spawn(const char *text, int input)
{
	char *const argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, strdup(text), NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid = 0;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (!argv[2] || posix_spawn(&pid, "/bin/sh", &actions, NULL, argv, environ) != 0)
		pid = 0;
	posix_spawn_file_actions_destroy(&actions);
	free(argv[2]);
	return pid;
}

/* The keys that interrupt are the pager's. */
static void leave_signals(void)
{
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
}

bool ui_pager_start(void)
{
	const char *const text = command();
	int ends[2];

	if (!text || stream || !exists(text) || pipe2(ends, O_CLOEXEC) < 0)
		return false;
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	child = spawn(text, ends[0]);
	close(ends[0]);
	stream = child ? fdopen(ends[1], "w") : NULL;
	if (!stream) {
		close(ends[1]);
		return false;
	}
	leave_signals();
	atexit(ui_pager_wait);
	return true;
}

void ui_pager_wait(void)
{
	if (!stream)
		return;
	fclose(stream);
	stream = NULL;
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		continue;
}
