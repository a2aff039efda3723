/*
 * usage - preloaded by bench/run: when a program ends, appends a line of JSON to
 * $USAGE_FILE: its name, CPU time of the process and wall time since it began,
 * in ns, private memory and largest resident set, in KiB. bench/run looks for
 * the program it measures.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static long status_value(const char *text, const char *key)
{
	const char *const at = strstr(text, key);

	return at ? strtol(at + strlen(key), NULL, 10) : 0;
}

static long long now_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (long long)t.tv_sec * 1000000000 + t.tv_nsec;
}

static long long start_ns;

__attribute__((constructor)) static void begin(void)
{
	start_ns = now_ns(CLOCK_MONOTONIC);
}

/* Without stdio streams: nothing here may allocate. */
__attribute__((destructor)) static void report(void)
{
	const char *const path = getenv("USAGE_FILE");
	char text[4096] = "", line[512];
	const int in = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	const ssize_t got = in < 0 ? -1 : read(in, text, sizeof(text) - 1);

	if (in >= 0)
		close(in);
	if (!path || got < 0)
		return;
	const int n = snprintf(line, sizeof(line),
			       "{\"name\": \"%s\", \"cpu\": %lld, \"wall\": %lld, \"private\": %ld, \"peak\": %ld}\n",
			       program_invocation_short_name, now_ns(CLOCK_PROCESS_CPUTIME_ID),
			       now_ns(CLOCK_MONOTONIC) - start_ns, status_value(text, "RssAnon:"),
			       status_value(text, "VmHWM:"));
	const int out = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (out >= 0) {
		if (write(out, line, (size_t)n) != n)
			unlink(path);
		close(out);
	}
}
