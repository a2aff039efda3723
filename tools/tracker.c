/*
 * tracker - the dispatcher: `tracker X` runs the program tracker-X that lies beside it, and `tracker CAPTURE` tracker-report. It
 * knows no command except from the table below, which is for --help, and `tracker run`, which starts faster here than in a program
 * of its own.
 */
#include "completion.h"
#include "format/block.h"
#include "home.h"
#include "run/run.h"
#include "ui/ui.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct tracker_command commands[] = {
	{ "run", "run a program and record every allocation of it and its descendants" },
	{ "list", "show what is being recorded on this machine" },
	{ "ctl", "control a recording: set a mark, take a snapshot, stop it" },
	{ "live", "show what lives in a recorded program while it runs" },
	{ "receive", "write the capture of a program that runs elsewhere" },
	{ "report", "show on one screen what happened, who holds memory and what leaked" },
	{ "summary", "show on one screen the functions that hold most memory" },
	{ "stats", "show totals, a histogram of sizes and the top locations" },
	{ "table", "show the live blocks at one point, grouped by line, file, function, ..." },
	{ "tree", "show the allocating stacks as a tree" },
	{ "flamegraph", "make a flame graph: an HTML page, JSON or folded stacks" },
	{ "export", "write a file of another program: pprof, speedscope, DHAT, folded stacks" },
	{ "temporary", "show where short-lived blocks are allocated" },
	{ "leaks", "show what was never freed" },
	{ "check", "hold a capture against budgets, for tests" },
	{ "types", "show what the live blocks hold, by type" },
	{ "lint", "show what programs did wrong with the allocator" },
	{ "memory", "show what the resident memory consists of, after tracker run --memory" },
	{ "growth", "show what holds more and more memory while the program runs" },
	{ "diff", "compare two captures, or two points of one" },
	{ "dump", "print every event, one per line" },
	{ "info", "show what a capture holds: processes, modules, health" },
	{ "aggregate", "turn a capture of events into a small capture of sums" },
	{ "split", "divide the capture of a process tree into one per process" },
	{ "symbolize", "add names to a capture recorded with --no-symbols" },
	{ "attach", "begin to record a program that runs already" },
	{ "detach", "end the recording of a program that tracker attach began" },
	{ "doctor", "say what would stop or limit a recording here" },
	{ "completion", "print what bash, zsh or fish need to complete command lines" },
	{ "version", "show the version, the commit and the libraries" },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void print_short(FILE *f)
{
	fputs("usage: tracker COMMAND [arguments]\n"
	      "\n"
	      "  tracker run ./app               record a program\n"
	      "  tracker report app.bin          what happened, on one screen\n"
	      "  tracker flamegraph app.bin      where the memory went, as a page\n"
	      "  tracker leaks app.bin           what was never freed\n"
	      "\n"
	      "tracker --help lists all commands.\n",
	      f);
}

static int print_help(void)
{
	puts("usage: tracker COMMAND [arguments]\n"
	     "       tracker CAPTURE\n"
	     "\n"
	     "Records every heap allocation of a native program with its call stack, and reports on it.\n"
	     "\n"
	     "Commands:");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-12s %s\n", commands[i].name, commands[i].summary);
	puts("\n"
	     "Options:\n"
	     "  -h, --help       show this and exit\n"
	     "  -V, --version    show the version and exit\n"
	     "  --no-pager       print a long report without a pager\n"
	     "  --print-preload  show the path of the preloaded library and exit\n"
	     "\n"
	     "tracker help COMMAND, or tracker COMMAND --help, describes one command.\n"
	     "\n"
	     "Examples:\n"
	     "  tracker run -o out.bin ./app\n"
	     "  tracker report out.bin\n"
	     "  tracker flamegraph out.bin\n"
	     "  tracker diff before.bin after.bin");
	return fflush(stdout) == 0 ? UI_OK : UI_CANNOT;
}

/* The command that may have been meant, or NULL. */
static const char *nearest(const char *word)
{
	const char *names[COMMANDS + 1] = { NULL };

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	return ui_nearest(word, names);
}

static bool is_program(const char *word)
{
	struct stat st;

	return strchr(word, '/') ||
	       (stat(word, &st) == 0 && S_ISREG(st.st_mode) && access(word, X_OK) == 0);
}

static bool is_named_as_capture(const char *word)
{
	const size_t n = strlen(word);

	return n > 4 && strcmp(word + n - 4, ".bin") == 0;
}

static bool is_capture_at(const char *path)
{
	uint8_t header[TRK_HEADER_BYTES];
	struct trk_header decoded;
	struct trk_fault fault;
	FILE *const f = fopen(path, "re");
	const size_t n = f ? fread(header, 1, sizeof(header), f) : 0;

	if (f)
		fclose(f);
	return n && trk_header_decode(header, n, &decoded, &fault) != TRK_ERR_MAGIC;
}

/* "CAPTURE" or "CAPTURE@POINT"; a regular file: reading anything else takes something away from it. */
static bool is_capture(const char *word)
{
	char path[PATH_MAX];
	struct stat st;
	char *at;

	if (strlen(word) >= sizeof(path))
		return false;
	strcpy(path, word);
	at = strrchr(path, '@');
	if (stat(path, &st) < 0 && at)
		*at = '\0';
	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && is_capture_at(path);
}

static bool is_command(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(word, commands[i].name))
			return true;
	return false;
}

static int unknown(const char *word)
{
	const char *const near = nearest(word);

	if (is_command(word)) {
		ui_error("cannot find tracker-%s beside this program; install tracker again or set "
			 "TRACKER_HOME",
			 word);
		return UI_CANNOT;
	}
	if (is_named_as_capture(word))
		ui_error("'%s' is no command of tracker, and there is no such capture. Did you mean 'tracker report %s'?", word, word);
	else if (is_program(word))
		ui_error("'%s' is no command of tracker. Did you mean 'tracker run %s'?", word, word);
	else if (near)
		ui_error("'%s' is no command of tracker. Did you mean '%s'?", word, near);
	else
		ui_error("'%s' is no command of tracker. 'tracker --help' lists its commands", word);
	return UI_USAGE;
}

static int execute(const char *word, char **argv)
{
	char name[NAME_MAX], path[PATH_MAX];

	if (strchr(word, '/') || strlen(word) > 64)
		return unknown(word);
	snprintf(name, sizeof(name), "tracker-%s", word);
	if (!home_find(name, path, sizeof(path)))
		return unknown(word);
	argv[0] = name;
	execv(path, argv);
	ui_error("cannot execute %s: %s; install tracker again", path, strerror(errno));
	return UI_CANNOT;
}

static int print_preload(void)
{
	char path[PATH_MAX];

	if (!home_find("libtracker.so", path, sizeof(path))) {
		ui_error("cannot find libtracker.so beside this program; install tracker again or set "
			 "TRACKER_HOME");
		return UI_CANNOT;
	}
	puts(path);
	return fflush(stdout) == 0 ? UI_OK : UI_CANNOT;
}

static int version(void)
{
	char *argv[] = { NULL, NULL };

	return execute("version", argv);
}

static int help(const char *word)
{
	char option[] = "--help";
	char *argv[] = { NULL, option, NULL };

	return word ? execute(word, argv) : print_help();
}

/* For shells. */
static int list_commands(void)
{
	for (size_t i = 0; i < COMMANDS; i++)
		puts(commands[i].name);
	return fflush(stdout) == 0 ? UI_OK : UI_CANNOT;
}

int main(int argc, char **argv)
{
	ui_set_program("tracker");
	if (argc > 1 && !strcmp(argv[1], "--no-pager")) {
		setenv("TRACKER_PAGER", "cat", 1);
		argc--;
		argv++;
	}

	const char *const word = argc > 1 ? argv[1] : NULL;

	if (!word) {
		print_short(stderr);
		return UI_USAGE;
	}
	if (!strcmp(word, "-h") || !strcmp(word, "--help"))
		return print_help();
	if (!strcmp(word, "help"))
		return help(argv[2]);
	if (!strcmp(word, "--list-commands"))
		return list_commands();
	if (!strcmp(word, "--version") || !strcmp(word, "-V"))
		return version();
	if (!strcmp(word, "completion"))
		return completion_print(argv[2], commands, COMMANDS);
	if (!strcmp(word, "--print-preload"))
		return print_preload();
	if (*word == '-') {
		ui_error("unknown option %s; tracker --help lists commands and options", word);
		return UI_USAGE;
	}
	if (!strcmp(word, "run") && !getenv("TRACKER_HOME")) /* the file there belongs to another build */
		return run_program(argc - 1, argv + 1);
	if (!is_command(word) && is_capture(word))
		return execute("report", argv);
	return execute(strcmp(word, "transform") ? word : "export", argv + 1); /* memray's word for it */
}
