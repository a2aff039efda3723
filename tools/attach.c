/*
 * tracker-attach - begins to record a program that runs already. One of its threads is borrowed for some milliseconds and
 * loads libtracker; all the others run on (docs/ATTACH.md).
 */
#include "format/shm.h"
#include "tools/attach/undo.h"
#include "tools/attach/inject.h"
#include "tools/attach/refusals.h"
#include "tools/home.h"
#include "tools/new_segment.h"
#include "tools/record/control.h"
#include "tools/run/capture_file.h"
#include "tools/run/launch.h"
#include "tools/run/name.h"
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NFRAME_DEFAULT 1024u
#define CHECKPOINT_MS 10000u
#define MEMORY_MS 10u
#define STARTED_NS 10000000000ull

/* ---- options ---- */

static struct {
	const char *output, *duration;
	bool force, quiet, aggregate, no_symbols, trust_seccomp, trace_python_allocators;
	uint64_t nframe, sample_bytes, duration_ns;
} given = { .nframe = NFRAME_DEFAULT };

static const struct ui_option options[] = {
	{ 'o', "output", UI_STRING, &given.output, "FILE", "write the capture to FILE (patterns as tracker run's)", 0, 0 },
	{ 'f', "force", UI_FLAG, &given.force, NULL, "overwrite FILE", 0, 0 },
	{ 'a', "aggregate", UI_FLAG, &given.aggregate, NULL, "record sums per stack instead of events: the file stays small however long the program runs", 0, 0 },
	{ 0, "sample", UI_SIZE, &given.sample_bytes, "SIZE", "record a sample of the allocations, one every SIZE bytes on average", 1, SHM_SAMPLE_BYTES_MAX },
	{ 0, "nframe", UI_UINT, &given.nframe, "N", "keep the N most recent frames of each stack (1024)", 1, 1000000 },
	{ 0, "trace-python-allocators", UI_FLAG, &given.trace_python_allocators, NULL, "record each object of a Python program instead of the arenas that objects lie in", 0, 0 },
	{ 0, "no-symbols", UI_FLAG, &given.no_symbols, NULL, "do not look up names when the recording ends (tracker symbolize does it later)", 0, 0 },
	{ 0, "duration", UI_STRING, &given.duration, "TIME", "detach after TIME (500ms, 30s, 5m); until then this goes on in the background", 0, 0 },
	{ 0, "trust-seccomp", UI_FLAG, &given.trust_seccomp, NULL, "attach although a filter of system calls forbids what the library needs, or cannot be read: it may end the program", 0, 0 },
	{ 'q', "quiet", UI_FLAG, &given.quiet, NULL, "say nothing when all is well", 0, 0 },
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-attach",
	.usage = "[options] PID",
	.summary = "begin to record a program that runs already",
	.details = "The program runs on; one of its threads stands still for some milliseconds. Blocks from before are unknown,\n"
		   "and their releases do not count. tracker detach PID ends the recording.\n"
		   "\n"
		   "Examples:\n"
		   "  tracker attach -o server.bin 4711\n"
		   "  tracker attach --duration 30s --sample 512K 4711\n"
		   "  tracker detach 4711\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

/* ---- the parts ---- */

struct attachment {
	pid_t pid;
	struct injection injection;
	char library[PATH_MAX], recorder_path[PATH_MAX];
	struct capture_file output;
	struct new_segment segment;
	int control, recorder_control, pidfd;
	pid_t recorder; /* 0: none runs */
	bool attached; /* the hooks are in */
	uint64_t began_ns, recording_ns;
	char command[SHM_COMMAND_BYTES + 1]; /* the program's arguments, each ended by a NUL */
};

static bool find_parts(struct attachment *a)
{
	const char *const missing = !home_find("libtracker.so", a->library, sizeof(a->library))		     ? "libtracker.so" :
				    !home_find("tracker-record", a->recorder_path, sizeof(a->recorder_path)) ? "tracker-record" :
													       NULL;

	if (missing)
		ui_error("cannot find %s beside this program; install tracker again or set TRACKER_HOME", missing);
	return !missing;
}

/* An exit code. */
static int open_output(struct attachment *a)
{
	const struct name_facts facts = { a->injection.target.name, (unsigned)a->pid, (long long)time(NULL) };
	char path[PATH_MAX];

	if (!name_expand(given.output ? given.output : "tracker.%e.%p.bin", &facts, path, sizeof(path))) {
		ui_error("argument -o/--output: %s", path);
		return UI_USAGE;
	}
	if (!capture_file_open(&a->output, path, given.force))
		return UI_CANNOT;
	a->output.fd = descriptor_high(a->output.fd);
	return a->output.fd >= 0 ? UI_OK : UI_CANNOT;
}

static bool open_channels(struct attachment *a)
{
	int pair[2];

	a->pidfd = descriptor_high((int)syscall(SYS_pidfd_open, a->pid, 0));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		ui_error("cannot create a socket: %s; nothing was attached to", strerror(errno));
		return false;
	}
	a->control = descriptor_high(pair[0]);
	a->recorder_control = descriptor_high(pair[1]);
	return a->control >= 0 && a->recorder_control >= 0;
}

static void read_command(struct attachment *a)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)a->pid);
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? 0 : read(fd, a->command, sizeof(a->command) - 1);

	if (fd >= 0)
		close(fd);
	a->command[n > 0 ? n : 0] = 0;
	if (!a->command[0])
		snprintf(a->command, sizeof(a->command), "%s", a->injection.target.name);
}

static char **arguments_of(struct attachment *a)
{
	static char *argv[SHM_COMMAND_BYTES / 2];
	size_t count = 0;

	for (char *at = a->command; *at && count + 1 < sizeof(argv) / sizeof(*argv); at += strlen(at) + 1)
		argv[count++] = at;
	argv[count] = NULL;
	return argv;
}

static bool start_recorder(struct attachment *a)
{
	char way[64];

	a->recorder = recorder_start(&(struct recorder_options){
		.path = a->recorder_path,
		.segment = &a->segment,
		.output = a->output.fd,
		.control = a->recorder_control,
		.pidfd = a->pidfd,
		.connector = -1,
		.program = a->pid,
		.memory_interval_ms = MEMORY_MS,
		.duration_ns = given.duration_ns,
		.attached = true,
		.attached_ns = target_age_ns(a->pid),
		.no_symbols = given.no_symbols,
		.aggregate = given.aggregate,
		.file = a->output.path,
		.checkpoint_ms = CHECKPOINT_MS,
		.temporary_threshold = UINT64_MAX,
		.argv = arguments_of(a),
	});
	if (a->recorder < 0) {
		ui_error("cannot start the recorder: %s; nothing is recorded", strerror(errno));
		a->recorder = 0;
		return false;
	}
	close(a->recorder_control);
	new_segment_name(&a->segment, a->recorder, way, sizeof(way));
	new_segment_tell(&a->segment, way, a->pid);
	return true;
}

/* ---- attaching ---- */

static bool refuse(const struct attachment *a, const char *why)
{
	const char now = target_state(a->pid, 0);

	if (!now || now == 'Z' || now == 'X') /* whatever it was, it is over */
		why = now ? "has ended: nobody has waited for it yet" : "has ended, or there is none of that number";
	ui_error("pid %d%s%s%s %s", (int)a->pid, a->injection.target.name[0] ? " (" : "", a->injection.target.name,
		 a->injection.target.name[0] ? ")" : "", why);
	return false;
}

static const char *refusal_of(uint64_t answer)
{
	switch (answer) {
	case LATE_OTHER_VERSION: return "has the libtracker of another version of tracker in it, which cannot be replaced: start the program anew";
	case LATE_ALREADY: return "is recorded already: tracker detach ends that";
	case LATE_AT_WORK_STILL: return "has a thread that has not come to the end of an allocation since the last recording; after 2 s it counts as gone for good: try again then";
	case LATE_BUSY: return "is being attached to, or detached from, at this moment: try again";
	case LATE_NO_ROOM: return "has no memory left for the recorder's tables";
	default: return "has pages of a size, or a malloc, that cannot be recorded";
	}
}

/* The segment lies in a file in memory that the program has made: it can be reached from both, whatever they see of files. */
static bool adopt_segment(struct attachment *a, struct shm_header *header)
{
	const int fd = inject_open(&a->injection, a->injection.segment_fd);
	const int error = fd < 0 ? errno : new_segment_adopt(&a->segment, descriptor_high(fd), header);

	if (error)
		ui_error("cannot create shared memory: %s; nothing was attached to", strerror(error));
	return !error;
}

static void say_forbidden(const struct attachment *a)
{
	char why[REFUSAL_ROOM];

	if (!refusal_find(a->pid, true, why)) /* somebody else may trace it by now */
		refusal_of_kernel(a->pid, why);
	(void)refuse(a, why);
}

/* The recorder is loaded while the thread works: the segment has room for what comes meanwhile. */
static bool inject(struct attachment *a)
{
	struct injection *const i = &a->injection;
	struct shm_header header = new_segment_header(SHM_OWN | SHM_NO_FOLLOW_EXEC | (given.trace_python_allocators ? SHM_PYTHON_OBJECTS : 0), (uint32_t)given.nframe, given.sample_bytes);
	const struct late_order order = { .version = SHM_VERSION, .what = LATE_ATTACH, .recording = header.recording, .pid = (uint32_t)a->pid };
	uint64_t answer;

	if (!inject_begin(i, a->library, true)) {
		if (!i->forbidden)
			return refuse(a, i->why);
		say_forbidden(a);
		return false;
	}
	if (!adopt_segment(a, &header)) {
		inject_cancel(i);
		return false;
	}
	if (!inject_go(i, &order))
		return refuse(a, i->why);

	const bool recorded = start_recorder(a);

	if (!inject_wait(i, &answer))
		return refuse(a, i->why);
	if (answer != LATE_DONE)
		return refuse(a, refusal_of(answer));
	a->attached = true;
	inject_note_recorder(i, a->recorder);
	a->recording_ns = i->ended_ns - a->began_ns;
	return recorded;
}

/* It was loaded meanwhile. From its first round on it can be reached. */
static bool wait_for_recorder(const struct attachment *a)
{
	const uint64_t until = borrow_now_ns() + STARTED_NS;
	struct pollfd p = { .fd = a->control, .events = POLLIN };
	struct control_message m;
	uint32_t rounds = 0;

	while (!rounds && borrow_now_ns() < until) {
		if (poll(&p, 1, 1) > 0) {
			const bool said = recv(a->control, &m, sizeof(m), 0) == sizeof(m) && m.kind == CONTROL_FAILED;

			ui_error("the recorder could not begin: %s; nothing is recorded", said ? strerror((int)m.error) : "it has ended");
			return false;
		}
		if (pread(a->segment.fd, &rounds, sizeof(rounds), offsetof(struct shm, header.progress)) < 0)
			break;
	}
	return true;
}

static void end_recorder(struct attachment *a, uint32_t kind)
{
	const struct control_message m = { .kind = kind };

	if (a->recorder) {
		(void)!send(a->control, &m, sizeof(m), MSG_NOSIGNAL);
		close(a->control);
		while (waitpid(a->recorder, NULL, 0) < 0 && errno == EINTR)
			;
	}
	capture_file_discard(&a->output);
}

static void say_begun(const struct attachment *a)
{
	char during[64] = "";

	if (given.quiet)
		return;
	if (given.duration_ns)
		snprintf(during, sizeof(during), " for %gs", (double)given.duration_ns / 1e9);
	fprintf(stderr, "tracker: tracking PID %d (%s)%s in the background...\n", (int)a->pid, a->injection.target.name, during);
	fprintf(stderr, "tracker: Writing profile results into %s, since %.1f ms after the command; one of %s's threads stood still for %.1f ms\n",
		a->output.path, (double)a->recording_ns / 1e6, a->injection.target.name, (double)a->injection.paused_ns / 1e6);
	if (!given.duration_ns)
		fprintf(stderr, "tracker: next: tracker detach %d, tracker report %s\n", (int)a->pid, a->output.path);
}

/* ---- the time is over ---- */

static void close_pipe(int fd)
{
	struct stat st;

	/* who reads it waits until nobody has it open */
	if (fstat(fd, &st) == 0 && (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode))) {
		const int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0)
			dup2(null, fd);
	}
}

/* In a process of its own, while the command has returned. */
static void detach_later(const struct attachment *a)
{
	struct pollfd p = { .fd = a->pidfd, .events = POLLIN };
	const uint64_t until = borrow_now_ns() + given.duration_ns;
	struct detached d;

	if (fork() != 0)
		return;
	setsid();
	signal(SIGPIPE, SIG_IGN);
	for (int fd = 0; fd < 3; fd++)
		close_pipe(fd);
	for (uint64_t now = borrow_now_ns(); now < until; now = borrow_now_ns()) {
		const uint64_t left_ms = (until - now) / 1000000 + 1;

		if (poll(&p, 1, left_ms < 1000000 ? (int)left_ms : 1000000) > 0 || p.fd < 0)
			_exit(UI_OK); /* the program has ended */
	}
	if (!detach_program(a->pid, &d))
		fprintf(stderr, "tracker: PID %d %s; the recording has ended, and the hooks stay and pass calls on\n", (int)a->pid, d.why);
	else if (!given.quiet)
		fprintf(stderr, "tracker: Deactivating tracking: %g seconds have elapsed\n", (double)given.duration_ns / 1e9);
	_exit(UI_OK);
}

int main(int argc, char **argv)
{
	static struct attachment a = { .output = { .fd = -1 }, .segment = { .fd = -1, .id = -1 }, .control = -1, .recorder_control = -1 };
	const int first = ui_parse(&command, argc, argv, false);
	char *end, why[REFUSAL_ROOM];
	const long pid = strtol(argv[first], &end, 10);

	a.began_ns = borrow_now_ns();
	if (*end || end == argv[first] || pid <= 0 || pid > INT32_MAX)
		ui_usage_error("argument PID: '%s' is no process id", argv[first]);
	if (given.duration && (!ui_parse_duration(given.duration, &given.duration_ns) || !given.duration_ns))
		ui_usage_error("argument --duration: '%s' is an invalid duration; use 500ms, 30s or 5m", given.duration);
	ui_exclude("--aggregate", given.aggregate, "--sample", given.sample_bytes != 0);
	a.pid = (pid_t)pid;
	target_begin(&a.injection.target, a.pid);
	if (refusal_find(a.pid, given.trust_seccomp, why)) {
		(void)refuse(&a, why);
		return UI_CANNOT;
	}
	if (!find_parts(&a))
		return UI_CANNOT;

	const int refused = open_output(&a);

	if (refused)
		return refused;
	read_command(&a);
	if (!inject_prepare(&a.injection, a.pid) || !open_channels(&a)) {
		if (a.injection.why[0])
			(void)refuse(&a, a.injection.why);
		capture_file_discard(&a.output);
		return UI_CANNOT;
	}
	if (!inject(&a) || !wait_for_recorder(&a)) {
		struct detached d;

		end_recorder(&a, CONTROL_ABORT);
		if (a.attached)
			(void)detach_program(a.pid, &d);
		return UI_CANNOT;
	}
	capture_file_keep(&a.output);
	say_begun(&a);
	if (given.duration_ns)
		detach_later(&a);
	return UI_OK;
}
