/* trial - see trial.h. */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "replay/capture.h"
#include "tools/home.h"
#include "ui/ui.h"

extern char **environ;

/* A shell that starts another program: two processes, and allocations. */
#define SHELL "/bin/sh"
#define SCRIPT "/bin/true; exit 0"
#define PROCESSES 2u
#define PROGRAM "/bin/true, started by a shell,"

/* The trial says what is so here, not what the user's options make of it. */
static void forget_options(void)
{
	unsetenv("TRACKER_OPTIONS");
	unsetenv("TRACKER_OUTPUT");
	setenv("TRACKER_CONFIG", "", 1);
}

/* Runs tracker-run; its messages go into the file. Returns its exit code; -1: it could not be started, or was killed. */
static int run(const char *capture, const char *messages)
{
	char path[PATH_MAX];
	char *const argv[] = { (char[]){ "tracker-run" }, (char[]){ "--force" }, (char[]){ "-o" }, strdup(capture),
			       (char[]){ "--" }, (char[]){ SHELL }, (char[]){ "-c" }, (char[]){ SCRIPT }, NULL };
	posix_spawn_file_actions_t actions;
	int status = -1;
	pid_t pid = 0;

	if (!argv[3] || !home_find("tracker-run", path, sizeof(path)))
		return -1;
	forget_options();
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (posix_spawn(&pid, path, &actions, NULL, argv, environ) == 0)
		waitpid(pid, &status, 0);
	posix_spawn_file_actions_destroy(&actions);
	free(argv[3]);
	return pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The first line that it said. */
static void first_line(const char *messages, char *line, size_t room)
{
	FILE *const f = fopen(messages, "r");

	*line = '\0';
	if (f && fgets(line, (int)room, f))
		line[strcspn(line, "\n")] = '\0';
	if (f)
		fclose(f);
}

static struct finding judge_capture(const char *path)
{
	struct trk_fault fault = { 0 };
	struct capture *c = NULL;
	struct finding f;
	char bytes[32];

	if (capture_open(&c, path, &fault) != 0)
		return finding_of(FINDING_STOPS, "no recording can be read here", "report this as a fault of tracker, with this line",
				  PROGRAM " was recorded, but the capture cannot be read: %s", fault.why);
	if (!c->complete || c->process_count < PROCESSES || !c->event_count)
		f = finding_of(FINDING_STOPS, "recordings lack events or ends", "look at the other findings, and run the doctor again",
			       PROGRAM " was recorded, but the capture is not whole: %" PRIu32 " processes, %" PRIu64 " events%s%s", c->process_count, c->event_count,
			       c->damage.why[0] ? ": " : "", c->damage.why);
	else if (c->notice_count)
		f = finding_of(FINDING_LIMITS, "other recordings will lack the same", "look at the other findings", PROGRAM " was recorded, with a notice: %s", c->notices[0]);
	else
		f = finding_of(FINDING_GOOD, NULL, NULL, PROGRAM " was recorded and read back: %" PRIu32 " processes, %" PRIu64 " events in %s", c->process_count, c->event_count,
			       ui_size(bytes, sizeof(bytes), (int64_t)c->file_bytes, false));
	capture_close(c);
	return f;
}

static struct finding record_into(const char *folder)
{
	char capture[PATH_MAX + 16], messages[PATH_MAX + 16], line[240];
	int code;

	snprintf(capture, sizeof(capture), "%s/true.bin", folder);
	snprintf(messages, sizeof(messages), "%s/messages", folder);
	code = run(capture, messages);
	first_line(messages, line, sizeof(line));
	struct finding f = code ? finding_of(FINDING_STOPS, "no program can be recorded here", "mend what this line says, or what the other findings say",
					     "tracker run could not record /bin/true%s%s", *line ? ": " : "", line) :
				  judge_capture(capture);

	unlink(capture);
	unlink(messages);
	return f;
}

struct finding trial_record(void)
{
	const char *const base = getenv("TMPDIR");
	char folder[PATH_MAX];

	snprintf(folder, sizeof(folder), "%s/tracker-doctor-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(folder))
		return finding_of(FINDING_STOPS, "the trial needs a folder", "set TMPDIR to a folder that can be written", "cannot make a folder in %s: %s",
				  base && *base ? base : "/tmp", strerror(errno));
	struct finding f = record_into(folder);

	rmdir(folder);
	return f;
}
