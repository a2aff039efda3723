/* tracker-live - what lives in a program while it runs: on the terminal, or once as text or JSON. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "live_loop.h"
#include "live_once.h"
#include "tools/home.h"
#include "ui/ui.h"

#define ROWS 20 /* that people see */
#define QUIET_MS 1500 /* recorders write once a second */
#define SETTLE_MS 15000

static bool once, json, of_run, web;
static const char *group_by, *interval, *output;
static uint64_t limit = UINT64_MAX, pid, port;

static const char *const keys[] = { "function", "lineno", "filename", "module", "thread", NULL };

static const struct ui_option options[] = {
	{ 'g', "group-by", UI_STRING, &group_by, "KEY", "one row per function (default), lineno, filename, module or thread", 0, 0, keys },
	{ 0, "pid", UI_UINT, &pid, "PID", "only this process", 1, UINT32_MAX },
	{ 0, "interval", UI_STRING, &interval, "TIME", "the time between two pictures (default 1s, with --web 2s)", 0, 0 },
	{ 0, "web", UI_FLAG, &web, NULL, "show the flame graph in a browser on this machine: print its address, and serve it", 0, 0 },
	{ 0, "port", UI_UINT, &port, "N", "with --web: listen on this port (default: any that is free)", 1, 65535 },
	{ 0, "once", UI_FLAG, &once, NULL, "print one picture and exit", 0, 0 },
	{ 'j', "json", UI_FLAG, &json, NULL, "with --once: machine-readable output", 0, 0 },
	{ 'n', "limit", UI_UINT, &limit, "N", "with --once: rows to print (default 20, in JSON all; 0: all)", 0, 0 },
	{ 'o', "output", UI_STRING, &output, "FILE", "with --once: write to FILE instead of stdout", 0, 0 },
	{ 0, "of-run", UI_FLAG, &of_run, NULL, "tracker run --live started this: Ctrl-C is for the program", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-live",
	.usage = "[options] PID|CAPTURE|PORT|SOCKET",
	.summary = "Shows what lives in a recorded program while it runs.",
	.details = "PID is that of the program, or of its recorder; CAPTURE is the file that is being written, or a\n"
		   "finished one, which is shown as it ended. PORT, HOST:PORT, or the path of a SOCKET, is where\n"
		   "tracker run --live-remote waits for a view. The program does not notice. ? shows the keys.\n"
		   "\n"
		   "Examples:\n"
		   "  tracker live 4711                   a view on this terminal\n"
		   "  tracker live --web 4711             the flame graph, in a browser\n"
		   "  tracker live --once 4711            one picture as text\n"
		   "  tracker live --once --json app.bin  ... for scripts\n"
		   "  tracker live 127.0.0.1:9999         of tracker run --live-remote --live-port 9999\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static int no_memory(void)
{
	ui_error("out of memory");
	return UI_CANNOT;
}

static int print(struct live_once *o)
{
	struct ui_output out;
	int status = ui_output_open(&out, output, false);

	if (status)
		return status;
	if (live_once_write(o, json ? EMIT_JSON : EMIT_PEOPLE, out.file) != 0) {
		ui_output_discard(&out);
		return no_memory();
	}
	return ui_output_close(&out);
}

static int print_once(struct live_source *s, const struct picture_question *q)
{
	struct live_once o = { .source = s, .question = *q, .limit = limit != UINT64_MAX ? (size_t)limit : json ? 0 :
														  ROWS };
	struct live_names *const names = live_names_new();
	struct picture *picture;
	struct trk_fault fault;
	struct capture *c;
	char why[LIVE_WHY_ROOM];
	int status;

	if (s->stream)
		live_stream_settle(s->stream, QUIET_MS, SETTLE_MS);
	if (live_source_fetch(s, &c, why) != 0) {
		ui_error("%s", why);
		return UI_CANNOT;
	}
	if (picture_new(&picture, c, names, &fault) != 0) {
		ui_error("%s", fault.why);
		return UI_CANNOT;
	}
	o.picture = picture;
	status = picture_ask(picture, q) == 0 ? print(&o) : no_memory();
	picture_free(picture);
	live_names_free(names);
	return status;
}

/* Another program, which begins later than this one because of its libraries. Returns if it cannot be executed. */
static int serve(const char *who)
{
	char path[PATH_MAX], number[16];
	const char *args[8] = { "tracker-live-web" };
	size_t n = 1;

	if (interval) {
		args[n++] = "--interval";
		args[n++] = interval;
	}
	if (port) {
		snprintf(number, sizeof(number), "%u", (unsigned)port);
		args[n++] = "--port";
		args[n++] = number;
	}
	args[n++] = "--";
	args[n] = who;
	if (home_find("tracker-live-web", path, sizeof(path)))
		execv(path, (char **)args);
	ui_error("cannot start tracker-live-web, which lies beside this program: %s; install tracker again", strerror(errno));
	return UI_CANNOT;
}

static void check_options(void)
{
	ui_exclude("--web", web, "--once", once);
	ui_exclude("--web", web, "--group-by", group_by != NULL);
	ui_exclude("--web", web, "--pid", pid != 0);
	ui_needs("--port", port != 0, "--web", web);
	ui_needs("--json", json, "--once", once);
	ui_needs("--limit", limit != UINT64_MAX, "--once", once);
	ui_needs("--output", output != NULL, "--once", once);
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct picture_question q = { .by = GROUP_FUNCTION };
	struct live_loop_options o = { .of_run = of_run };
	struct live_source source;
	int status;

	check_options();
	if (web)
		return serve(argv[first]);
	if (group_by)
		(void)group_by_parse(group_by, &q.by);
	q.pid = (uint32_t)pid;
	if (!interval)
		interval = "1s";
	if (!ui_parse_duration(interval, &o.interval_ns) || o.interval_ns < 100000000)
		ui_usage_error("argument --interval: '%s' is an invalid duration; use 100ms or more, 1s or 1m", interval);
	if (!once && !(isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
		ui_usage_error("the view needs a terminal; --once prints one picture");
	status = of_run ? live_source_await(&source, (pid_t)strtol(argv[first], NULL, 10)) : live_source_open(&source, argv[first]);
	if (status)
		return status;
	return once ? print_once(&source, &q) : live_loop(&source, &q, &o);
}
