/* run_reader - see run_reader.h. */
#include "tools/run/run_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/home.h"
#include "ui/config.h"
#include "ui/ui.h"

/* out, err: where its standard output and error go. Returns its exit status; UI_CANNOT: it could not be started, or a signal ended it. */
static int start_reader(const char *name, char **argv, int out, int err, const char *undone)
{
	posix_spawn_file_actions_t actions;
	char path[PATH_MAX];
	pid_t pid;
	int status = 0, error = posix_spawn_file_actions_init(&actions);

	setenv("TRACKER_CONFIG", "", 1);
	if (!error) {
		error = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
		if (!error)
			error = posix_spawn_file_actions_adddup2(&actions, err, STDERR_FILENO);
		if (!error)
			error = home_find(name, path, sizeof(path)) ? posix_spawn(&pid, path, &actions, NULL, argv, environ) : ENOENT;
		posix_spawn_file_actions_destroy(&actions);
	}
	if (error)
		ui_error("cannot start %s: %s; %s", name, strerror(error), undone);
	while (!error && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return error || !WIFEXITED(status) ? UI_CANNOT : WEXITSTATUS(status);
}

static int read_by(const char *name, char **argv, const char *undone)
{
	return start_reader(name, argv, STDERR_FILENO, STDERR_FILENO, undone);
}

static bool is_readable(const struct run *r, const char *option, const char *capture)
{
	if (!r->output.created)
		ui_error("argument --%s: %s keeps nothing that could be read", option, capture);
	return r->output.created;
}

/* Without a pager: what ends a pager on this terminal, ends this program, too. */
void reader_report(const struct run *r, const char *capture)
{
	char name[] = "tracker-report", no_pager[] = "--no-pager", end[] = "--";
	char *argv[] = { name, no_pager, end, (char *)capture, NULL };

	if (is_readable(r, "report", capture))
		read_by(name, argv, "nothing is reported");
}

/* tracker-split says what went wrong, and then leaves the capture as it was. */
void reader_split(const struct run *r)
{
	char name[] = "tracker-split", force[] = "-f", quiet[] = "-q", end[] = "--";
	char *argv[6] = { name }, **at = argv + 1;

	if (r->o.force)
		*at++ = force;
	if (r->o.quiet)
		*at++ = quiet;
	*at++ = end;
	*at = (char *)r->output.path;
	read_by(name, argv, "the capture was not split");
}

/* The command, with room for two words behind its options. NULL: there is no memory. */
static char **check_command(const struct run *r, size_t *ret_end)
{
	static char name[] = "tracker-check";
	char **const words = config_words(r->o.check); /* which are right: the options were checked */
	size_t n = 0;

	while (words && words[n])
		n++;
	char **const argv = words ? calloc(n + 4, sizeof(*argv)) : NULL;

	if (argv) {
		argv[0] = name;
		memcpy(argv + 1, words, n * sizeof(*argv));
		*ret_end = n + 1;
	}
	free(words);
	return argv;
}

/* What was said into that file, once more. */
static void say_again(int said)
{
	char text[4096];
	ssize_t n;

	for (off_t at = 0; (n = pread(said, text, sizeof(text), at)) > 0; at += n)
		(void)!write(STDERR_FILENO, text, (size_t)n);
}

/* The options are held against an empty file: whatever is wrong with the options is told first. */
int reader_check_options(const struct run *r)
{
	static char dashes[] = "--", empty[] = "/dev/null";
	size_t end;
	char **const argv = check_command(r, &end);
	const int said = memfd_create("tracker check", MFD_CLOEXEC);
	int status = UI_OK;

	if (argv && end == 1) {
		ui_error("argument --check: it names no budget; give some, as in --check '--max-leak 0 --max-peak 64M'");
		status = UI_USAGE;
	} else if (argv && said >= 0) {
		argv[end] = dashes;
		argv[end + 1] = empty;
		if (start_reader(argv[0], argv, said, said, "nothing is checked") == UI_USAGE) {
			say_again(said);
			status = UI_USAGE;
		}
	}
	if (said >= 0)
		close(said);
	free(argv);
	return status;
}

int reader_check(const struct run *r, const char *capture)
{
	static char dashes[] = "--";
	size_t end;
	char **const argv = check_command(r, &end);
	int status = UI_CANNOT;

	if (argv && is_readable(r, "check", capture)) {
		argv[end] = dashes;
		argv[end + 1] = (char *)capture;
		status = read_by(argv[0], argv, "nothing is checked");
	}
	free(argv);
	return status;
}
