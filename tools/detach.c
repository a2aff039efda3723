/*
 * tracker-detach - ends the recording of a program that tracker attach has begun. The program runs on, and calls its own
 * functions again.
 */
#include "tools/attach/undo.h"
#include "tools/attach/refusals.h"
#include "ui/ui.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static bool quiet;

static const struct ui_option options[] = {
	{ 'q', "quiet", UI_FLAG, &quiet, NULL, "say nothing when all is well", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-detach",
	.usage = "[options] PID",
	.summary = "end the recording of a program that tracker attach began",
	.details = "Waits until the capture is finished. The program runs on.\n"
		   "\n"
		   "Examples:\n"
		   "  tracker attach -o server.bin 4711\n"
		   "  tracker detach 4711\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	char *end, why[REFUSAL_ROOM], size[32];
	const long pid = strtol(argv[first], &end, 10);
	struct detached d;

	if (*end || end == argv[first] || pid <= 0 || pid > INT_MAX)
		ui_usage_error("argument PID: '%s' is no process id", argv[first]);
	if (refusal_find((pid_t)pid, true, why)) {
		ui_error("pid %ld %s", pid, why);
		return UI_CANNOT;
	}
	if (!detach_program((pid_t)pid, &d)) {
		ui_error("pid %ld %s", pid, d.why);
		return UI_CANNOT;
	}
	if (!d.was_attached) {
		ui_error("pid %ld: no previous tracker attach call detected", pid);
		return UI_CANNOT;
	}
	if (quiet)
		return UI_OK;
	if (d.capture[0])
		fprintf(stderr, "tracker: PID %ld is not tracked any more; wrote %s (%s)\n", pid, d.capture, ui_size(size, sizeof(size), (int64_t)d.bytes, false));
	else
		fprintf(stderr, "tracker: PID %ld is not tracked any more; its recorder had ended before\n", pid);
	return UI_OK;
}
