/* alone - see alone.h. */
#include "alone.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "environment.h"
#include "hook.h"
#include "print.h"
#include "raw.h"
#include "session.h"
#include "spawn.h"
#include "start.h"
#include "symbol.h"

#define OUTPUT "TRACKER_OUTPUT"
#define QUIET "TRACKER_QUIET"

extern char **__environ;

static void say(const char *first, const char *name, const char *second)
{
	struct print p = { .fd = 2 };

	print(&p, "tracker: ");
	print(&p, first);
	print(&p, name);
	print(&p, second);
	print(&p, "\n");
	print_flush(&p);
}

/* ---- a recording ---- */

/* What tracker run needs, in memory of its own. */
struct takeover {
	char program[PATH_MAX], run[PATH_MAX];
	char **argv, **envp;
};

static bool is_same_file(const char *a, const char *b)
{
	struct stat first = { 0 }, second = { 0 };
	const int x = raw_open(a, O_PATH | O_CLOEXEC), y = raw_open(b, O_PATH | O_CLOEXEC);
	const bool same = x >= 0 && y >= 0 && raw_stat_fd(x, &first) && raw_stat_fd(y, &second) && first.st_ino == second.st_ino && first.st_dev == second.st_dev;

	if (x >= 0)
		raw_close(x);
	if (y >= 0)
		raw_close(y);
	return same;
}

/* The name by which the program is executed once more: the one that it knows itself by, if that leads to it. */
static const char *program_name(struct takeover *t, const struct session_arguments *a)
{
	const char *const names[] = { a->argv[0] && strchr(a->argv[0], '/') ? a->argv[0] : NULL, a->executed };

	for (unsigned i = 0; i < 2; i++)
		if (names[i] && is_same_file(names[i], "/proc/self/exe"))
			return names[i];
	const long n = raw_readlink("/proc/self/exe", t->program, sizeof(t->program) - 1);

	t->program[n > 0 ? n : 0] = 0;
	return n > 0 ? t->program : NULL;
}

/* The file must not be there; that tracker run finds it would end the program. A name with patterns is tracker run's. */
static bool claim(const char *output)
{
	const long fd = strchr(output, '%') ? -EEXIST : arch_syscall(SYS_openat, AT_FDCWD, (long)output, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666, 0, 0);
	struct stat st;
	int there;

	if (fd >= 0) {
		raw_close((int)fd);
		return true;
	}
	if (fd != -EEXIST) {
		say("this program is not recorded: the file of " OUTPUT " cannot be created: ", output, "");
		return false;
	}
	there = raw_open(output, O_PATH | O_CLOEXEC);
	const bool is_regular = there >= 0 && raw_stat_fd(there, &st) && S_ISREG(st.st_mode);

	if (there >= 0)
		raw_close(there);
	if (is_regular)
		say("this program is not recorded: the file of " OUTPUT " exists: ", output, "; remove it, or use a name with %p");
	return !is_regular;
}

static void fill(struct takeover *t, const struct session_arguments *a, const char *output, const char *program)
{
	char *const front[] = { (char *)"tracker-run", (char *)"--force", (char *)"--output", (char *)output, (char *)"--", (char *)program };
	const size_t n = sizeof(front) / sizeof(*front);
	char **from, **to;

	memcpy(t->argv, front, sizeof(front));
	for (int i = 1; i < a->argc; i++)
		t->argv[n + (size_t)i - 1] = a->argv[i];
	t->envp = environment_make_without(a->envp, t->argv + n + (size_t)a->argc); /* tracker run itself is not to be recorded */
	for (from = to = t->envp; *from; from++)
		if (strncmp(*from, OUTPUT "=", sizeof(OUTPUT)) != 0)
			*to++ = *from;
	*to = NULL;
}

/* Returns if it cannot. */
static void record(const char *output)
{
	struct session_arguments a;
	const char *program;
	struct takeover *t;
	size_t room;

	state.own_path = start_own_path();
	if (!state.own_path || !session_arguments(&a))
		return;
	room = sizeof(*t) + ((size_t)a.argc + 16) * sizeof(char *) + environment_room(a.envp, "");
	t = raw_map_private((room / RAW_PAGE_MOST + 1) * RAW_PAGE_MOST);
	program = t ? program_name(t, &a) : NULL;
	if (!program || !claim(output))
		return;
	t->argv = (char **)(t + 1);
	fill(t, &a, output, program);
	for (unsigned i = 0; spawn_place(i, "tracker-run", t->run); i++)
		(void)arch_syscall(SYS_execve, (long)t->run, (long)t->argv, (long)t->envp, 0, 0, 0);
	if (!strchr(output, '%'))
		(void)arch_syscall(SYS_unlinkat, AT_FDCWD, (long)output, 0, 0, 0, 0);
	say("this program is not recorded: tracker-run is not in the bin folder beside ", state.own_path, "");
}

/* ---- none ---- */

/* "TRACKER_QUIET=1", behind all other variables. */
static void mark_environment(void)
{
	static char mark[] = QUIET "=1";
	size_t count = 0;

	while (__environ && __environ[count])
		count++;

	char **const made = raw_map_private(((count + 2) * sizeof(*made) / RAW_PAGE_MOST + 1) * RAW_PAGE_MOST);

	if (!made)
		return;
	memcpy(made, __environ, count * sizeof(*made));
	made[count] = mark;
	__environ = made;
}

/* tracker.h looks for the library by this name. */
static bool uses_tracker_h(void)
{
	return symbol_program_names("dlsym") && symbol_program_holds("tracker_api_2");
}

static void say_alone(void)
{
	if (session_variable(QUIET) || uses_tracker_h())
		return;
	say("nobody records this program: ", "start it with tracker run, or set " OUTPUT " to a file",
	    " (with " QUIET "=1 libtracker does not say so)");
	mark_environment();
}

/* ---- the whole ---- */

/* tracker's own programs are not what somebody wants to record. */
static bool is_tracker(void)
{
	char path[PATH_MAX];
	const long n = raw_readlink("/proc/self/exe", path, sizeof(path) - 1);
	const char *slash;

	path[n > 0 ? n : 0] = 0;
	slash = strrchr(path, '/');
	return slash && strncmp(slash + 1, "tracker", strlen("tracker")) == 0 && (slash[8] == 0 || slash[8] == '-');
}

void alone_start(void)
{
	const char *const output = session_variable(OUTPUT), *const preload = session_variable("LD_PRELOAD");

	if (state.on || session_variable(SHM_ENV) || real_is_sanitizer())
		return;
	if (output && *output) {
		if (!is_tracker())
			record(output);
	} else if (preload && strstr(preload, "libtracker.so") && !session_variable("TRACKER_TRACE") && !is_tracker()) {
		say_alone();
	}
}
