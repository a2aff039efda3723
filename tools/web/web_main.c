/* tracker-live-web - tracker live --web: the flame graph of what lives now, in a browser on this machine. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "ui/ui.h"
#include "web_page.h"

static const char *interval = "2s";
static uint64_t port;

static const struct ui_option options[] = {
	{ 0, "interval", UI_STRING, &interval, "TIME", "the time between two pictures (default 2s)", 0, 0 },
	{ 0, "port", UI_UINT, &port, "N", "listen on this port (default: any that is free)", 1, 65535 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-live-web",
	.usage = "[options] PID|CAPTURE|PORT|SOCKET",
	.summary = "Serves the flame graph of what lives in a recorded program, on 127.0.0.1: tracker live --web starts it.",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static int serve(struct web_page *page)
{
	struct web_server *server;
	sigset_t ends;
	int number;

	/* before the server's thread begins, which inherits it */
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGHUP);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	if (!web_server_start(&server, (uint16_t)port, web_page_make, page))
		return UI_CANNOT;
	printf("%s\n", web_server_address(server));
	fflush(stdout);
	fprintf(stderr, "tracker: open this address in a browser on this machine; Ctrl-C ends the view, and the program runs on\n");
	while (sigwait(&ends, &number) != 0)
		;
	web_server_stop(server);
	return UI_OK;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct live_source source;
	struct web_page *page;
	uint64_t interval_ns;
	int status;

	if (!ui_parse_duration(interval, &interval_ns) || interval_ns < 200000000)
		ui_usage_error("argument --interval: '%s' is an invalid duration; use 200ms or more, 2s or 1m", interval);
	status = live_source_open(&source, argv[first]);
	if (status)
		return status;
	page = web_page_new(&source, interval_ns / 1000000u);
	if (!page) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	status = serve(page);
	web_page_free(page);
	return status;
}
