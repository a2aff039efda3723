/*
 * traced_misuse - calls the functions of tracker.h in every wrong way: before tracing and after it, twice, with NULL and with
 * numbers out of range; in a handler, a key's destructor, two threads at once, a forked child and at exit.
 *
 * usage: traced_misuse FOLDER; each answer is a line "PLACE CALL CODE". A code below 0 without its sentence, or an errno that has
 * changed, is a line "PLACE CALL wrong".
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include "traced.h"

#define ERRNO 77

static const char *folder;
static char tracked[64];

static void answer(const char *place, const char *call, int code)
{
	const int error = errno;
	const char *const sentence = tracker_last_error();
	char line[200];
	int n;

	if (error != ERRNO || (code < 0 && (!sentence || !*sentence || tracker_last_code() != code)))
		n = snprintf(line, sizeof(line), "%s %s wrong: errno %d, code %d, last %d\n", place, call, error, code, tracker_last_code());
	else
		n = snprintf(line, sizeof(line), "%s %s %d\n", place, call, code);
	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(9);
}

#define ASK(name, call)                      \
	do {                                 \
		errno = ERRNO;               \
		answer(place, name, (call)); \
	} while (0)

static void traces(const char *place)
{
	size_t current, peak;

	ASK("start_0", tracker_start(0));
	ASK("start_65536", tracker_start(65536));
	ASK("limit", tracker_get_traceback_limit());
	ASK("memory", tracker_get_traced_memory(&current, &peak));
	ASK("memory_null", tracker_get_traced_memory(NULL, NULL));
	ASK("memory_in", tracker_get_traced_memory_in(300, NULL, NULL));
	ASK("reset_peak", tracker_reset_peak());
	ASK("track", tracker_track(300, (uintptr_t)tracked, 64));
	ASK("track_twice", tracker_track(300, (uintptr_t)tracked, 32));
	ASK("untrack", tracker_untrack(300, (uintptr_t)tracked));
	ASK("untrack_twice", tracker_untrack(300, (uintptr_t)tracked));
	ASK("untrack_range", tracker_untrack_range(300, (uintptr_t)tracked, sizeof(tracked)));
	ASK("dump_nowhere", tracker_dump_traceback(STDERR_FILENO, tracked));
	ASK("dump_null", tracker_dump_traceback(STDERR_FILENO, NULL));
	ASK("name_null", tracker_domain_name(300, NULL));
	ASK("name_empty", tracker_domain_name(300, ""));
	ASK("name_reserved", tracker_domain_name(0, "mine"));
}

static void marks(const char *place)
{
	ASK("mark_null", tracker_mark(NULL));
	ASK("mark_empty", tracker_mark(""));
	ASK("begin_null", tracker_region_begin(NULL));
	ASK("end_null", tracker_region_end(NULL));
}

static void alarms(const char *place)
{
	tracker_alarm a = TRACKER_ALARM_INIT;
	tracker_allocation_size s = TRACKER_ALLOCATION_SIZE_INIT;

	ASK("alarm_null", tracker_alarm_enter(NULL));
	ASK("alarm_exit_null", tracker_alarm_exit(NULL));
	ASK("alarm_exit_early", tracker_alarm_exit(&a));
	a.minimum_block_count = 0;
	ASK("alarm_of_0", tracker_alarm_enter(&a));
	a.minimum_block_count = (size_t)1 << 40;
	a.action = (tracker_alarm_action)99;
	ASK("alarm_action", tracker_alarm_enter(&a));
	a.action = TRACKER_ALARM_COUNT;
	ASK("alarm", tracker_alarm_enter(&a));
	ASK("alarm_twice", tracker_alarm_enter(&a));
	ASK("alarm_exit", tracker_alarm_exit(&a));
	ASK("alarm_exit_twice", tracker_alarm_exit(&a));
	ASK("sizes_null", tracker_allocation_size_enter(NULL));
	ASK("sizes_exit_early", tracker_allocation_size_exit(&s));
	ASK("sizes", tracker_allocation_size_enter(&s));
	ASK("sizes_twice", tracker_allocation_size_enter(&s));
	ASK("sizes_exit", tracker_allocation_size_exit(&s));
}

static void refused_captures(const char *place)
{
	char path[200];
	tracker_options o;

	tracker_options_init(&o);
	ASK("new_null", tracker_capture_new(NULL) ? 0 : tracker_last_code());
	ASK("new_nameless", tracker_capture_new(&o) ? 0 : tracker_last_code());
	snprintf(path, sizeof(path), "%s/none/x.bin", folder);
	o.file_name = path;
	ASK("new_nowhere", tracker_capture_new(&o) ? 0 : tracker_last_code());
	ASK("enter_null", tracker_capture_enter(NULL));
	ASK("exit_null", tracker_capture_exit(NULL));
	ASK("free_null", tracker_capture_free(NULL));
}

/* One after the other: only one capture can be active in a process. */
static void captures(const char *place)
{
	char path[200];
	tracker_options o;
	tracker_capture *c;

	tracker_options_init(&o);
	snprintf(path, sizeof(path), "%s/%s.bin", folder, place);
	o.file_name = path;
	c = tracker_capture_new(&o);
	ASK("new", c ? 0 : tracker_last_code());
	if (!c)
		return;
	ASK("exit_early", tracker_capture_exit(c));
	ASK("enter", tracker_capture_enter(c));
	ASK("enter_twice", tracker_capture_enter(c));
	ASK("exit", tracker_capture_exit(c));
	ASK("exit_twice", tracker_capture_exit(c));
	ASK("enter_again", tracker_capture_enter(c));
	ASK("free", tracker_capture_free(c));
}

static void all(const char *place)
{
	traces(place);
	marks(place);
	alarms(place);
	refused_captures(place);
}

static void in_handler(int signal)
{
	(void)signal;
	all("handler");
}

static pthread_key_t key;

static void in_destructor(void *value)
{
	(void)value;
	all("destructor");
}

static void *with_destructor(void *value)
{
	pthread_setspecific(key, value);
	return NULL;
}

static void *beside(void *place)
{
	all(place);
	return NULL;
}

static void threads(void)
{
	static char names[2][8] = { "one", "other" };
	pthread_t list[2];

	pthread_key_create(&key, in_destructor);
	pthread_create(&list[0], NULL, with_destructor, names);
	pthread_join(list[0], NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&list[i], NULL, beside, names[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(list[i], NULL);
}

static void child(void)
{
	int status = 0;

	if (fork() == 0) {
		all("child");
		captures("child");
		_exit(tracker_stop() == 0 ? 0 : 1);
	}
	wait(&status);
	if (status)
		exit(8);
}

static void at_exit(void)
{
	all("exit");
	captures("exit");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	folder = argv[1];
	all("before");
	captures("before");
	if (tracker_start(5) != 0 || tracker_start(7) != 0)
		return 3;
	all("tracing");
	captures("tracing");
	signal(SIGUSR1, in_handler);
	raise(SIGUSR1);
	threads();
	child();
	if (tracker_stop() != 0 || tracker_stop() != 0)
		return 4;
	all("stopped");
	captures("stopped");
	if (tracker_start(5) != 0)
		return 5;
	atexit(at_exit);
	return 0;
}
