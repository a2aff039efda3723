/*
 * output - where a report goes: stdout, a pipe or device, or a file.
 *
 * A file appears only when it is whole: it is written beside its place and renamed. If a signal or an exit ends the
 * program, the unfinished file is removed.
 */
#include "ui/ui_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the signal handler removes. One output at a time has an unfinished file. */
static char unfinished[4096];
static volatile sig_atomic_t has_unfinished;

static void remove_unfinished(void)
{
	if (has_unfinished)
		unlink(unfinished);
}

static void remove_and_die(int signal_number)
{
	remove_unfinished();
	raise(signal_number); /* SA_RESETHAND: now it is the default action */
}

static void guard_unfinished(const char *path)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };

	if (strlen(path) >= sizeof(unfinished) || has_unfinished)
		return;
	strcpy(unfinished, path);
	has_unfinished = 1;
	atexit(remove_unfinished); /* a usage error found late */
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction old, mine = { .sa_handler = remove_and_die,
					       .sa_flags = (int)SA_RESETHAND };
		if (sigaction(signals[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL)
			sigaction(signals[i], &mine, NULL);
	}
}

/* "/dev/fd/3" and its other names: the descriptor, or -1. Opening them anew would truncate. */
static int descriptor_of(const char *path)
{
	static const char *const folders[] = { "/dev/fd/", "/proc/self/fd/" };

	if (strcmp(path, "/dev/stdout") == 0)
		return STDOUT_FILENO;
	if (strcmp(path, "/dev/stderr") == 0)
		return STDERR_FILENO;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		const size_t n = strlen(folders[i]);
		if (strncmp(path, folders[i], n) == 0 && path[n] >= '0' && path[n] <= '9')
			return atoi(path + n);
	}
	return -1;
}

static int cannot(struct ui_output *o, const char *what)
{
	ui_error("%s %s: %s", what, o->path, strerror(errno));
	ui_output_discard(o);
	return UI_CANNOT;
}

static int open_descriptor(struct ui_output *o, int fd)
{
	const int copy = fd < 0 ? open(o->path, O_WRONLY | O_CLOEXEC) :
				  fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (copy < 0)
		return cannot(o, "cannot write");
	o->file = fdopen(copy, "w");
	if (!o->file) {
		close(copy);
		return cannot(o, "cannot write");
	}
	return UI_OK;
}

/* ".NAME-XXXXXX" beside the file. It is short, because NAME may be as long as names can be. */
static char *name_beside(const char *path)
{
	char *const copy = strdup(path);
	char *name = NULL;

	if (copy && asprintf(&name, "%s/.tracker-XXXXXX", dirname(copy)) < 0)
		name = NULL;
	free(copy);
	return name;
}

/* `mode` 0: what a file newly made gets. */
static int open_temporary(struct ui_output *o, mode_t mode)
{
	if (mode == 0) {
		const mode_t mask = umask(0);
		umask(mask);
		mode = 0666 & ~mask;
	}
	char *const name = name_beside(o->path);
	const int fd = name ? mkostemp(name, O_CLOEXEC) : -1;
	if (fd < 0) {
		free(name);
		return cannot(o, "cannot create");
	}
	o->temporary = name;
	guard_unfinished(name);
	fchmod(fd, mode);
	o->file = fdopen(fd, "w");
	if (!o->file) {
		close(fd);
		return cannot(o, "cannot create");
	}
	return UI_OK;
}

int ui_output_open(struct ui_output *o, const char *path, bool force)
{
	struct stat st;

	*o = (struct ui_output){ .file = stdout, .replace = force };
	if (!path || strcmp(path, "-") == 0) {
		ui_needs("--force", force, "--output FILE", false);
		return UI_OK;
	}
	o->file = NULL;
	o->path = strdup(path);
	if (!o->path) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	const int fd = descriptor_of(path);
	if (fd >= 0)
		return open_descriptor(o, fd);
	if (stat(path, &st) < 0) {
		if (errno == ENOENT)
			return open_temporary(o, 0);
		return cannot(o, "cannot create");
	}
	if (S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return cannot(o, "cannot write");
	}
	if (!S_ISREG(st.st_mode))
		return open_descriptor(o, -1);
	if (!force) {
		ui_error("File already exists, will not overwrite without --force: %s", path);
		ui_output_discard(o);
		return UI_CANNOT;
	}
	/* Through a link the file it names is replaced, not the link. */
	char *const real = realpath(path, NULL);
	if (!real)
		return cannot(o, "cannot write");
	free(o->path);
	o->path = real;
	return open_temporary(o, st.st_mode & 07777);
}

/* A reader that went away (| head) has seen what it wanted: that needs no message. */
static int write_failed(struct ui_output *o, int error)
{
	if (error != EPIPE)
		ui_error("cannot write %s: %s", o->path ? o->path : "standard output",
			 strerror(error));
	ui_output_discard(o);
	return UI_CANNOT;
}

/* Without --force, a file that another program made meanwhile stays. */
static int put_in_place(const struct ui_output *o)
{
	if (!o->replace) {
		if (renameat2(AT_FDCWD, o->temporary, AT_FDCWD, o->path, RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EINVAL && errno != ENOSYS) /* a file system that cannot do that */
			return -1;
	}
	return rename(o->temporary, o->path);
}

const char *const ui_colour_choices[] = { "auto", "always", "never", NULL };

void ui_output_look(struct ui_output *o, const struct ui_look *look, bool for_people)
{
	FILE *const terminal = o->file, *const screen = ui_screen_open(terminal, for_people, !look->no_pager);

	if (screen) {
		o->terminal = terminal;
		o->file = screen;
	}
	if (for_people && ui_colour_wanted(look->colour, terminal))
		ui_colour_is(o->file);
}

/* Returns an errno. */
static int leave_screen(struct ui_output *o)
{
	if (!o->terminal)
		return 0;
	o->file = o->terminal;
	o->terminal = NULL;
	return ui_screen_close();
}

int ui_output_close(struct ui_output *o)
{
	if (!o->file)
		return UI_CANNOT;
	const int screen_error = leave_screen(o);

	if (screen_error)
		return write_failed(o, screen_error);
	errno = 0;
	/* An earlier write may have failed, and its errno is no longer known: then the error is EIO. */
	bool failed = fflush(o->file) != 0;
	int error = errno ? errno : EIO;
	failed |= ferror(o->file) != 0;
	if (o->path) {
		if (fclose(o->file) != 0 && !failed) {
			failed = true;
			error = errno;
		}
		o->file = NULL;
	}
	if (failed)
		return write_failed(o, error);
	if (o->temporary && put_in_place(o) < 0)
		return write_failed(o, errno);
	free(o->temporary);
	o->temporary = NULL;
	has_unfinished = 0;
	ui_output_discard(o);
	return UI_OK;
}

void ui_output_discard(struct ui_output *o)
{
	leave_screen(o);
	if (o->file && o->path)
		fclose(o->file);
	if (o->temporary) {
		unlink(o->temporary);
		has_unfinished = 0;
	}
	free(o->temporary);
	free(o->path);
	*o = (struct ui_output){ 0 };
}
