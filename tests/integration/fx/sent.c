/*
 * sent - sends captures of itself to a client (TRACKER_DESTINATION_SOCKET).
 *
 * usage: sent MODE ADDRESS PORT; prints what the calls returned. Within the capture it makes, for each byte of standard input, 5 blocks of 700
 * bytes, of which 2 stay, and writes the byte back; before it 3 of 1000, behind it 4 of 90.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../libtracker/tracker.h"

static tracker_destination to = { .kind = TRACKER_DESTINATION_SOCKET };

__attribute__((noinline)) static void *block(size_t size)
{
	void *volatile p = malloc(size);

	return p;
}

static void burst(void)
{
	void *some[5];

	for (int i = 0; i < 5; i++)
		some[i] = block(700);
	for (int i = 0; i < 3; i++)
		free(some[i]);
}

static void say(const char *what, int code)
{
	if (code == TRACKER_OK)
		printf("%s: 0\n", what);
	else
		printf("%s: %d %s\n", what, code, tracker_last_error());
	fflush(stdout);
}

static tracker_capture *make(void)
{
	tracker_options o;
	tracker_capture *c;

	tracker_options_init(&o);
	o.destination = &to;
	c = tracker_capture_new(&o);
	say("new", c ? TRACKER_OK : tracker_last_code());
	return c;
}

static void steps(void)
{
	char byte;

	while (read(0, &byte, 1) == 1) {
		burst();
		if (write(1, &byte, 1) != 1)
			abort();
	}
}

static void plain(void)
{
	tracker_capture *const c = make();

	for (int i = 0; c && i < 3; i++)
		block(1000);
	say("enter", tracker_capture_enter(c));
	steps();
	say("exit", tracker_capture_exit(c));
	for (int i = 0; i < 4; i++)
		block(90);
	say("free", tracker_capture_free(c));
}

/* It never leaves it: ends, or is killed. */
static void left(void)
{
	say("enter", tracker_capture_enter(make()));
	steps();
}

/* The address can be used again at once. */
static void unused(void)
{
	say("free", tracker_capture_free(make()));
	say("free", tracker_capture_free(make()));
}

static void handler(int number)
{
	(void)number;
}

/* A signal comes while it waits. */
static void interrupted(void)
{
	struct sigaction a = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(SIGUSR1, &a, NULL);
	a.sa_flags = 0;
	sigaction(SIGUSR2, &a, NULL);
	printf("waits\n");
	fflush(stdout);
	make();
	plain();
}

static void forked(void)
{
	tracker_capture *const c = make();
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(tracker_capture_free(c) == TRACKER_OK ? 0 : 1);
	waitpid(pid, &status, 0);
	say("enter", tracker_capture_enter(c));
	burst();
	pid = fork();
	if (pid == 0) {
		burst();
		_exit(tracker_capture_free(c) == TRACKER_OK && !tracker_capture_is_active() ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	printf("child: %d\n", WEXITSTATUS(status));
	say("exit", tracker_capture_exit(c));
	say("free", tracker_capture_free(c));
}

/* Its standard streams are closed, and their numbers stay free. */
static void closed(void)
{
	const int out = fcntl(1, F_DUPFD, 10);
	tracker_options o;
	tracker_capture *c;
	bool well;

	for (int i = 0; i < 3; i++)
		close(i);
	tracker_options_init(&o);
	o.destination = &to;
	c = tracker_capture_new(&o);
	well = c && fcntl(0, F_GETFD) < 0 && fcntl(1, F_GETFD) < 0 && fcntl(2, F_GETFD) < 0 && tracker_capture_enter(c) == TRACKER_OK;
	burst();
	well = well && tracker_capture_exit(c) == TRACKER_OK && tracker_capture_free(c) == TRACKER_OK;
	dprintf(out, "well: %d\n", well);
}

/* The program closes all that it does not know, and the numbers go to files of its own. */
static void taken(void)
{
	tracker_capture *const c = make();
	int pair[2];

	say("enter", tracker_capture_enter(c));
	burst();
	for (int i = 3; i < 256; i++)
		close(i);
	for (int i = 0; i < 100; i++)
		if (pipe(pair) != 0)
			abort();
	say("exit", tracker_capture_exit(c));
	say("free", tracker_capture_free(c));
	for (int i = 3; i < 203; i++)
		if (fcntl(i, F_GETFD) < 0)
			abort();
}

static void refused(void)
{
	static const unsigned ports[] = { 0, 65536, 1000000 };
	tracker_options o;

	for (size_t i = 0; i < 3; i++) {
		to.server_port = ports[i];
		make();
	}
	to.server_port = 4711;
	to.address = "";
	make();
	to.address = "1.2.3.4";
	make();
	to.address = "/nowhere/at.all";
	make();
	tracker_options_init(&o);
	o.destination = &to;
	o.follow_fork = true;
	say("follow", tracker_capture_new(&o) ? 0 : tracker_last_code());
	o.follow_fork = false;
	o.file_format = TRACKER_FILE_FORMAT_AGGREGATED_ALLOCATIONS;
	say("sums", tracker_capture_new(&o) ? 0 : tracker_last_code());
}

static const struct {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "plain", plain }, { "left", left }, { "unused", unused }, { "interrupted", interrupted }, { "forked", forked }, { "closed", closed }, { "taken", taken }, { "refused", refused }
};

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	to.address = argv[2][0] ? argv[2] : NULL;
	to.server_port = (unsigned)atol(argv[3]);
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++)
		if (!strcmp(modes[i].name, argv[1])) {
			modes[i].run();
			return 0;
		}
	return 2;
}
