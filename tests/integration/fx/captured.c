/*
 * captured - makes captures of itself (tracker_capture_*): 3 blocks of 1000 bytes before, 5 of 700 inside, of which 2 stay, 2 of 300 in another
 * thread, 4 of 90 behind.
 *
 * usage: captured MODE FILE; prints what the calls returned.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef WITH_REPLAY
#include "../../../reporters/library/tracker-replay.h"
#endif
#include "../../../libtracker/tracker.h"

static char output[1 << 14];
static const char *file;

__attribute__((noinline)) static void *block(size_t size)
{
	void *volatile p = malloc(size);

	return p;
}

static void *worker(void *data)
{
	free(block(300));
	free(block(300));
	return data;
}

static void *before[3], *behind[4];

static void *outside_before(void)
{
	for (int i = 0; i < 3; i++)
		before[i] = block(1000);
	return before;
}

static void inside(void)
{
	void *some[5];
	pthread_t t;

	for (int i = 0; i < 5; i++)
		some[i] = block(700);
	for (int i = 0; i < 3; i++) {
		free(some[i]);
		free(before[i]);
	}
	pthread_create(&t, NULL, worker, NULL);
	pthread_join(t, NULL);
}

static void outside_behind(void)
{
	for (int i = 0; i < 4; i++)
		behind[i] = block(90);
}

static tracker_capture *make(const tracker_options *o)
{
	tracker_capture *const c = tracker_capture_new(o);

	if (!c)
		printf("new: %d %s\n", tracker_last_code(), tracker_last_error());
	return c;
}

static tracker_options options(void)
{
	tracker_options o;

	tracker_options_init(&o);
	o.file_name = file;
	return o;
}

static void say(const char *what, int code)
{
	if (code == TRACKER_OK)
		printf("%s: 0\n", what);
	else
		printf("%s: %d %s\n", what, code, tracker_last_error());
}

static void record(const tracker_options *o)
{
	pthread_t t;
	tracker_capture *const c = make(o);

	if (!c)
		return;
	pthread_create(&t, NULL, worker, NULL); /* its stack is kept for the next thread */
	pthread_join(t, NULL);
	outside_before();
	printf("active: %d\n", tracker_capture_is_active());
	say("enter", tracker_capture_enter(c));
	inside();
	printf("active: %d\n", tracker_capture_is_active());
	say("exit", tracker_capture_exit(c));
	outside_behind();
	printf("active: %d\n", tracker_capture_is_active());
	say("free", tracker_capture_free(c));
}

static void plain(void)
{
	const tracker_options o = options();

	record(&o);
}

static void aggregated(void)
{
	tracker_options o = options();

	o.file_format = TRACKER_FILE_FORMAT_AGGREGATED_ALLOCATIONS;
	record(&o);
}

static void overwrite(void)
{
	const tracker_destination d = { .kind = TRACKER_DESTINATION_FILE, .path = file, .overwrite = true };
	tracker_options o = options();

	o.file_name = NULL;
	o.destination = &d;
	record(&o);
}

/* Each of the calls in a wrong order, with wrong arguments. */
static void misuse(void)
{
	tracker_destination d = { .kind = TRACKER_DESTINATION_FILE, .path = file };
	tracker_options o = options();
	tracker_capture *a, *b;

	make(NULL);
	o.struct_size = 8;
	make(&o);
	o = options();
	o.destination = &d;
	make(&o);
	o.file_name = NULL;
	o.destination = NULL;
	make(&o);
	o.destination = &d;
	d.kind = TRACKER_DESTINATION_SOCKET;
	make(&o);
	o = options();
	o.file_name = "/doesn/t/exist";
	make(&o);
	o.file_name = "/";
	make(&o);
	o = options();
	o.nframe = 70000;
	make(&o);
	say("enter nothing", tracker_capture_enter(NULL));
	say("exit nothing", tracker_capture_exit(NULL));
	say("free nothing", tracker_capture_free(NULL));
	o = options();
	a = make(&o);
	say("exit first", tracker_capture_exit(a));
	o.file_name = "/dev/null";
	b = make(&o);
	say("enter", tracker_capture_enter(a));
	say("another", tracker_capture_enter(b));
	say("twice", tracker_capture_enter(a));
	say("exit", tracker_capture_exit(a));
	say("exit again", tracker_capture_exit(a));
	say("again", tracker_capture_enter(a));
	say("the other", tracker_capture_enter(b));
	say("free it", tracker_capture_free(b));
	say("free", tracker_capture_free(a));
}

static void unused(void)
{
	const tracker_options o = options();

	say("free", tracker_capture_free(make(&o)));
	printf("there: %d\n", access(file, F_OK) == 0);
}

static void forked(bool follow)
{
	tracker_options o = options();
	tracker_capture *c;

	o.follow_fork = follow;
	c = make(&o);
	say("enter", tracker_capture_enter(c));
	block(11);
	fflush(stdout);
	const pid_t pid = fork();

	if (pid == 0) {
		const bool active = tracker_capture_is_active();

		block(22);
		block(23);
		if (!active) /* it is the parent's, and goes on there */
			_exit(tracker_capture_free(c) == TRACKER_OK && !tracker_capture_is_active() ? 1 : 3);
		_exit(tracker_capture_exit(c) == TRACKER_OK ? 0 : 2);
	}
	int status;

	waitpid(pid, &status, 0);
	printf("child: %d\n", WEXITSTATUS(status));
	block(33);
	say("exit", tracker_capture_exit(c));
	printf("pid: %d\n", (int)pid);
}

/* The folder in which the file of a child would be is gone; the file itself has another name by now. */
static void gone(void)
{
	const char *const asked = file;
	char folder[1024], within[1100];

	snprintf(folder, sizeof(folder), "%s.folder", asked);
	snprintf(within, sizeof(within), "%s/own.bin", folder);
	if (mkdir(folder, 0700) != 0)
		abort();
	tracker_options o = options();
	tracker_capture *c;

	o.follow_fork = true;
	o.file_name = within;
	c = make(&o);
	say("enter", tracker_capture_enter(c));
	if (link(within, asked) != 0 || unlink(within) != 0 || rmdir(folder) != 0)
		abort();
	fflush(stdout);
	const pid_t pid = fork();
	int status;

	if (pid == 0) {
		block(22);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	printf("child: %d\n", WEXITSTATUS(status));
	say("exit", tracker_capture_exit(c));
	printf("pid: %d\n", (int)pid);
}

/* What decides is whether it was active at the fork. The child is held until its parent has ended it, or entered it. */
static void held(bool entered)
{
	tracker_options o = options();
	tracker_capture *c;
	int ends[2], status;
	char unused;

	o.follow_fork = true;
	c = make(&o);
	if (pipe(ends) != 0 || (entered && tracker_capture_enter(c) != TRACKER_OK))
		abort();
	block(11);
	fflush(stdout);
	const pid_t pid = fork();

	if (pid == 0) {
		close(ends[1]);
		(void)!read(ends[0], &unused, 1);
		const bool active = tracker_capture_is_active();

		block(22);
		_exit(active != entered || (entered && tracker_capture_exit(c) != TRACKER_OK));
	}
	if (entered)
		say("exit", tracker_capture_exit(c));
	else
		say("enter", tracker_capture_enter(c));
	block(33);
	close(ends[1]);
	waitpid(pid, &status, 0);
	tracker_capture_free(c);
	printf("child: %d\npid: %d\n", WEXITSTATUS(status), (int)pid);
}

/* It is entered, and the program ends: by itself, or killed. */
static void left(bool killed)
{
	const tracker_options o = options();

	say("enter", tracker_capture_enter(make(&o)));
	fflush(stdout);
	for (int i = 0; i < 1000; i++)
		block(64);
	if (killed)
		kill(getpid(), SIGKILL);
}

/* While it is traced, and recorded besides: neither knows of the other. */
static void both(void)
{
	const tracker_options o = options();
	tracker_capture *const c = make(&o);
	size_t now;

	say("start", tracker_start(3));
	outside_before();
	say("enter", tracker_capture_enter(c));
	block(700);
	say("stop", tracker_stop());
	block(700);
	say("start", tracker_start(3));
	block(700);
	say("exit", tracker_capture_exit(c));
	block(50);
	tracker_get_traced_memory(&now, NULL);
	printf("traced: %zu\n", now);
}

#ifdef WITH_REPLAY
static void count(const tracker_trace *trace, void *user)
{
	size_t *const sums = user;

	if (trace->size == 700) {
		sums[0]++;
		sums[1] += trace->size;
		sums[2] += tracker_traceback_len(trace->traceback) > 1;
	}
}

/* Of the five blocks two are left, whatever becomes of them later. */
static void surviving(void)
{
	size_t sums[3] = { 0, 0, 0 };
	tracker_options o = options();
	tracker_capture *c;

	o.file_name = "/dev/null";
	c = make(&o);
	printf("without: %d\n", tracker_capture_surviving(c, count, sums));
	tracker_capture_free(c);
	o.file_name = file;
	o.track_object_lifetimes = true;
	c = make(&o);
	outside_before();
	printf("too early: %d\n", tracker_capture_surviving(c, count, sums));
	say("enter", tracker_capture_enter(c));
	inside();
	say("exit", tracker_capture_exit(c));
	block(700); /* behind it */
	printf("surviving: %d ", tracker_capture_surviving(c, count, sums));
	printf("%zu %zu %zu\n", sums[0], sums[1], sums[2]);
	say("free", tracker_capture_free(c));
}
#endif

int main(int argc, char **argv)
{
	const char *const mode = argc > 2 ? argv[1] : "";

	file = argc > 2 ? argv[2] : NULL;
	setvbuf(stdout, output, _IOFBF, sizeof(output));
	if (strcmp(mode, "plain") == 0)
		plain();
	else if (strcmp(mode, "aggregated") == 0)
		aggregated();
	else if (strcmp(mode, "overwrite") == 0)
		overwrite();
	else if (strcmp(mode, "misuse") == 0)
		misuse();
	else if (strcmp(mode, "unused") == 0)
		unused();
	else if (strcmp(mode, "fork") == 0)
		forked(false);
	else if (strcmp(mode, "gone") == 0)
		gone();
	else if (strcmp(mode, "follow") == 0)
		forked(true);
	else if (strcmp(mode, "held") == 0)
		held(true);
	else if (strcmp(mode, "held_before") == 0)
		held(false);
	else if (strcmp(mode, "left") == 0)
		left(false);
	else if (strcmp(mode, "killed") == 0)
		left(true);
	else if (strcmp(mode, "both") == 0)
		both();
#ifdef WITH_REPLAY
	else if (strcmp(mode, "surviving") == 0)
		surviving();
#endif
	return 0;
}
