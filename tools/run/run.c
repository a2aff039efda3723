/*
 * run - `tracker run`, also as the program tracker-run: starts a program with the preloaded library and a recorder
 * beside it, stays out of its way, and says afterwards what was recorded.
 *
 * It never writes to stdout, and it ends as the program ended. If it fails itself, it exits with 125 and has started
 * and written nothing; 126 and 127 mean the same as for a shell.
 */
#include "tools/cgroup.h"
#include "tools/connector.h"
#include "format/pieces.h"
#include "format/shm.h"
#include "tools/home.h"
#include "tools/record/control.h"
#include "tools/run/inspect.h"
#include "tools/run/keeper.h"
#include "tools/run/hook_options.h"
#include "tools/run/launch.h"
#include "tools/run/name.h"
#include "tools/run/run_reader.h"
#include "tools/run/run_options.h"
#include "tools/run/capture_file.h"
#include "tools/run/run.h"
#include "tools/run/say.h"
#include "tools/run/wait.h"
#include "tools/run/with_view.h"
#include "ui/ui.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OWN_FAILURE 125

/* ---- before anything is started ---- */

static bool find_parts(struct run *r)
{
	if (!home_find("libtracker.so", r->library, sizeof(r->library))) {
		ui_error("cannot find libtracker.so beside this program; install tracker again or set "
			 "TRACKER_HOME");
		return false;
	}
	if (!home_find("tracker-record", r->recorder_path, sizeof(r->recorder_path))) {
		ui_error("cannot find tracker-record beside this program; install tracker again or set "
			 "TRACKER_HOME");
		return false;
	}
	if (strpbrk(r->library, ": ")) {
		ui_error("%s: LD_PRELOAD does not accept a path with a space or a colon; install tracker "
			 "elsewhere",
			 r->library);
		return false;
	}
	return true;
}

/* The program will begin in the control groups of this process. */
static uint32_t chunk_limit(void)
{
	char groups[CGROUP_TEXT];

	return cgroup_of("self", groups) ? cgroup_chunks(cgroup_memory_limit(CGROUP_ROOT, groups)) : 0;
}

static uint32_t look_flags(const struct run_options *o)
{
	return hook_options_looks(o->leak_check, o->look_at_marks, o->memory, o->look_contents) | (o->track_class.count || o->snapshot_ns ? SHM_LOOKS : 0);
}

static bool create_segment(struct run *r)
{
	const struct run_options *const o = &r->o;
	struct shm_header header = new_segment_header((o->no_follow_fork ? SHM_NO_FOLLOW_FORK : 0) | (o->no_follow_exec ? SHM_NO_FOLLOW_EXEC : 0) | (o->check_free ? SHM_CHECK_FREE : 0) | (o->release_stacks ? SHM_RELEASE_STACKS : 0) | (o->keeps ? SHM_KEEPS : 0) | (o->python_malloc ? SHM_PYTHON_MALLOC : 0) | look_flags(o) | o->unwind_flag, (uint32_t)o->nframe, o->sample_bytes);
	int error;

	header.asked = o->asked;
	header.pointer_mask = o->pointer_bits;
	error = new_segment_create(&r->segment, &header);
	if (error)
		ui_error("cannot create shared memory: %s; nothing was started", strerror(error));
	return !error;
}

static bool create_control(struct run *r)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		ui_error("cannot create a socket: %s; nothing was started", strerror(errno));
		return false;
	}
	r->control = descriptor_high(pair[0]);
	r->recorder_control = descriptor_high(pair[1]);
	if (r->control >= 0 && r->recorder_control >= 0)
		return true;
	ui_error("cannot duplicate a file descriptor: %s; nothing was started", strerror(errno));
	return false;
}

/* ---- start ---- */

/* The files of the processes lie side by side, so the capture must be a regular file. */
static bool can_split(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || S_ISREG(st.st_mode))
		return true;
	ui_error("argument --split-processes: not allowed because %s is not a regular file", path);
	return false;
}

/* An exit code. */
static int open_output(struct run *r)
{
	const char *const slash = strrchr(r->argv[0], '/');
	const struct name_facts facts = { slash ? slash + 1 : r->argv[0],
					  (unsigned)r->program.pid, (long long)time(NULL) };
	char path[PATH_MAX];

	if (!streaming_begin(&r->stream, &r->o, r->program.pid))
		return OWN_FAILURE;
	if (r->stream.is_on && !r->o.output) {
		if (!capture_file_open_spool(&r->output))
			return UI_CANNOT;
		r->output.fd = descriptor_high(r->output.fd);
		return r->output.fd >= 0 ? UI_OK : UI_CANNOT;
	}
	if (!name_expand(r->o.output ? r->o.output : "tracker.%e.%p.bin", &facts, path,
			 sizeof(path))) {
		ui_error("argument -o/--output: %s", path);
		return UI_CANNOT;
	}
	if (r->o.split && !can_split(path))
		return UI_USAGE;
	if (!(r->o.rotate ? capture_file_open_pieces : capture_file_open)(&r->output, path, r->o.force))
		return UI_CANNOT;
	r->output.fd = descriptor_high(r->output.fd);
	if (r->output.fd < 0)
		ui_error("cannot duplicate the file descriptor of %s: %s; nothing was started", path, strerror(errno));
	return r->output.fd >= 0 ? UI_OK : UI_CANNOT;
}

static bool start_recorder(struct run *r)
{
	r->pidfd = descriptor_high((int)syscall(SYS_pidfd_open, r->program.pid, 0));
	/* from before the program begins, because it may start others at once */
	const int connector = r->o.no_follow_fork || r->o.no_follow_exec ? -1 : descriptor_high(connector_open());

	r->recorder = recorder_start(&(struct recorder_options){
		.path = r->recorder_path,
		.segment = &r->segment,
		.output = r->output.fd,
		.control = r->recorder_control,
		.pidfd = r->pidfd,
		.connector = connector,
		.program = r->program.pid,
		.memory_interval_ms = r->o.memory_interval_ms,
		.start_after_ns = r->o.start_after_ns,
		.duration_ns = r->o.duration_ns,
		.max_bytes = r->o.max_bytes,
		.rotate = r->o.rotate,
		.track_class = r->o.track_class.items,
		.track_class_count = r->o.track_class.count,
		.snapshot_ns = r->o.snapshot_ns,
		.packing = r->o.packing,
		.no_symbols = r->o.no_symbols,
		.aggregate = r->o.aggregate,
		.file = r->o.rotate ? r->output.pieces : r->output.path,
		.checkpoint_ms = (r->o.checkpoint_ns + 999999) / 1000000,
		.temporary_threshold = r->o.temporary_threshold,
		.notice = r->found.unrecordable || r->found.partly ? r->found.why : NULL,
		.argv = r->argv,
	});
	if (r->recorder < 0)
		ui_error("cannot start the recorder: %s; nothing was started", strerror(errno));
	close(r->recorder_control);
	if (r->pidfd >= 0)
		close(r->pidfd);
	if (connector >= 0)
		close(connector);
	return r->recorder > 0;
}

static void tell_recorder(const struct run *r, uint32_t kind, int status)
{
	const struct control_message m = { .kind = kind, .status = status };

	/* if the recorder cannot be told, the connection is closed, which says that the program has ended */
	if (send(r->control, &m, sizeof(m), MSG_NOSIGNAL) < 0)
		shutdown(r->control, SHUT_WR);
}

/* The program could not be executed: removes everything that was made. */
static int fail_exec(struct run *r, int error)
{
	streaming_cancel(&r->stream);
	tell_recorder(r, CONTROL_ABORT, 0);
	close(r->control);
	while (waitpid(r->recorder, NULL, 0) < 0 && errno == EINTR)
		;
	capture_file_discard(&r->output);
	ui_error("%s: %s", r->argv[0], strerror(error));
	return error == ENOENT ? 127 : 126;
}

/* Nothing was started. */
static int give_up(struct run *r, int code)
{
	program_cancel(&r->program);
	streaming_cancel(&r->stream);
	capture_file_discard(&r->output);
	return code;
}

/* An exit code, or -1: the program runs. */
static int start(struct run *r)
{
	struct program_options program = {
		.path = r->found.path,
		.argv = r->argv,
		.preload = r->found.no_preload ? NULL : r->library,
		.trace = r->o.trace,
		.python_malloc = r->o.python_malloc,
	};
	char way[64];

	if (!find_parts(r) || !create_segment(r) || !create_control(r))
		return OWN_FAILURE;
	if (r->o.live && !with_view_prepare(&r->view, r->o.output, &program))
		return UI_USAGE;
	if (!program_fork(&r->program, &program)) {
		ui_error("cannot start a process: %s", strerror(errno));
		return OWN_FAILURE;
	}
	/* a FIFO without a reader blocks here: until then a signal ends this program like any other */
	const int refused = open_output(r);

	if (refused)
		return give_up(r, refused);
	if (!streaming_wait(&r->stream, &r->o))
		return give_up(r, UI_OK);
	wait_begin(r->program.pid);
	if (!start_recorder(r))
		return give_up(r, OWN_FAILURE);
	if (!streaming_start(&r->stream, &r->output, r->recorder)) {
		tell_recorder(r, CONTROL_ABORT, 0);
		return give_up(r, OWN_FAILURE);
	}
	if (r->found.unrecordable)
		ui_warn("%s; it runs unrecorded", r->found.why);
	else if (r->found.partly)
		ui_warn("%s", r->found.why);
	/* while the recorder is being loaded, and before the program may touch a chunk: the recorder may come too late, or stand still */
	new_segment_limit(&r->segment, chunk_limit());
	new_segment_name(&r->segment, r->recorder, way, sizeof(way));
	new_segment_tell(&r->segment, way, r->program.pid);
	program_go(&r->program, way);
	const int error = program_begun(&r->program);

	if (error)
		return fail_exec(r, error);
	capture_file_keep(&r->output);
	if (r->o.live)
		with_view_name(&r->view, &r->output, r->o.force);
	new_segment_close(&r->segment);
	close(r->output.fd);
	return -1;
}

/* The same for a program of which nothing is recorded until somebody wants it. */
static int start_dormant(struct run *r)
{
	char way[64];

	if (!find_parts(r) || !create_control(r))
		return OWN_FAILURE;
	if (program_fork(&r->program, &(struct program_options){ .path = r->found.path, .argv = r->argv, .preload = r->found.no_preload ? NULL : r->library, .trace = r->o.trace, .python_malloc = r->o.python_malloc })) {
		const struct keeper_options o = { .recorder_path = r->recorder_path, .program = r->program.pid, .argv = r->argv, .run = r->recorder_control };

		r->recorder = keeper_start(&o, way, sizeof(way));
		if (r->recorder < 0)
			program_cancel(&r->program);
	}
	if (r->program.pid < 0 || r->recorder < 0) {
		ui_error("cannot start a process: %s; nothing was started", strerror(errno));
		return OWN_FAILURE;
	}
	close(r->recorder_control);
	wait_begin(r->program.pid);
	if (r->found.unrecordable || r->found.partly)
		ui_warn("%s", r->found.why);

	program_go(&r->program, way);
	const int error = program_begun(&r->program);

	if (error)
		return fail_exec(r, error);
	if (!r->o.quiet)
		fprintf(stderr, "tracker: nothing is recorded yet: tracker ctl %d start begins a recording\n", (int)r->program.pid);
	return -1;
}

/* ---- after the program ---- */

/* The next message. False: none came in time, or the recorder is gone (*ret_gone). */
static bool receive(const struct run *r, struct control_message *m, uint64_t timeout_ns,
		    bool *ret_gone)
{
	struct pollfd p = { .fd = r->control, .events = POLLIN };
	const int ms = timeout_ns == UINT64_MAX ? -1 : (int)(timeout_ns / 1000000);
	int n;

	*ret_gone = false;
	do
		n = poll(&p, 1, ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return false;
	/*
	 * What the recorder said before it went is still there. But if it did not read everything that was sent to
	 * it, the first read reports that instead, once.
	 */
	for (int tries = 0; tries < 2; tries++) {
		if (recv(r->control, m, sizeof(*m), 0) == sizeof(*m))
			return true;
		if (errno != ECONNRESET)
			break;
	}
	*ret_gone = true;
	return false;
}

/* The recorder holds the file until it is gone. */
static void wait_recorder(const struct run *r)
{
	while (waitpid(r->recorder, NULL, 0) < 0 && errno == EINTR)
		;
}

/* The file that readers are given; elsewhere: where the recorder has left it, or NULL. */
static const char *capture_of(const struct run *r, const char *elsewhere)
{
	if (elsewhere && elsewhere[0])
		return elsewhere;
	return r->output.pieces[0] ? r->output.pieces : r->output.path;
}

/* Before the capture is divided, because what is reported is the whole. */
static void read_capture(struct run *r, const struct control_message *m)
{
	const char *const capture = capture_of(r, m->elsewhere);

	if (m->error || !m->processes || (!r->o.report && !r->o.check && !r->o.split))
		return;
	wait_recorder(r);
	if (r->o.report)
		reader_report(r, capture);
	if (r->o.check)
		r->checked = reader_check(r, capture);
	if (r->o.split && !m->elsewhere[0])
		reader_split(r);
}

/* Waits for the recorder's figures, or leaves the recorder to descendants that still run. */
static void conclude(struct run *r, int recorder_status)
{
	struct control_message m;
	uint64_t timeout_ns = r->o.wait_ns;
	bool gone = false, left = false;

	while (!gone) {
		if (!receive(r, &m, timeout_ns, &gone)) {
			if (gone || left)
				break;
			tell_recorder(r, CONTROL_LEAVE, 0);
			left = true;
			timeout_ns = UINT64_MAX;
			continue;
		}
		if (m.kind == CONTROL_DORMANT)
			return;
		if (m.kind == CONTROL_FILE) {
			snprintf(r->output.path, sizeof(r->output.path), "%.*s", (int)sizeof(r->output.path) - 1, m.elsewhere);
			r->output.created = true;
		}
		if (m.kind == CONTROL_FINISHING)
			timeout_ns = UINT64_MAX;
		if (m.kind == CONTROL_LEFT && m.running) {
			if (!r->o.quiet)
				say_left(r, &m);
			if (r->o.report)
				reader_report(r, capture_of(r, NULL));
			if (r->o.check)
				ui_error("argument --check: nothing is checked, because the recording goes on; --wait inf waits for its end");
			streaming_leave(&r->stream);
			return;
		}
		if (m.kind == CONTROL_DONE) {
			say_done(r, &m);
			streaming_finish(&r->stream, &r->output, r->o.quiet);
			read_capture(r, &m);
			return;
		}
		if (m.kind == CONTROL_FAILED) {
			fprintf(stderr, "tracker: the recorder could not begin: %s; the program ran, "
					"but nothing was recorded\n",
				m.error == EPROTO ? "tracker-record is of another version of tracker than tracker-run (is one of them "
						    "an older installation, or TRACKER_HOME set?)" :
						    strerror((int)m.error));
			streaming_leave(&r->stream);
			capture_file_remove_unbegun(&r->output);
			return;
		}
	}
	/* it may have died after the program, which was waited for */
	while (gone && !recorder_status && waitpid(r->recorder, &recorder_status, 0) < 0 && errno == EINTR)
		;
	if (r->o.dormant)
		fputs("tracker: the keeper of the program died; a recording that went on holds the events up to that moment or later\n", stderr);
	else
		say_recorder_died(r, recorder_status);
	streaming_finish(&r->stream, &r->output, r->o.quiet);
}

int run_program(int argc, char **argv)
{
	struct run r = { .output = { .fd = -1 }, .view = { .output = -1 }, .stream = { .listen = -1, .client = -1, .report = -1 } };
	int recorder_status = 0;

	ui_set_program("tracker-run");
	r.argv = argv + run_options_parse(&r.o, argc, argv);
	if (!run_options_check(&r.o))
		return UI_USAGE;
	inspect(&r.found, r.argv[0]);
	if (r.found.exit_code) {
		ui_error("%s", r.found.why);
		return r.found.exit_code;
	}
	if (r.o.check) {
		const int wrong = reader_check_options(&r);

		if (wrong)
			return wrong;
	}
	const int failed = r.o.dormant ? start_dormant(&r) : start(&r);

	if (failed >= 0) {
		with_view_discard(&r.view);
		return failed;
	}
	if (r.o.live)
		with_view_start(&r.view, r.recorder, r.argv[0]);
	const int status = wait_program(r.program.pid, r.recorder, &recorder_status);

	if (!r.o.live)
		wait_end();
	tell_recorder(&r, CONTROL_ENDED, status);
	if (r.o.live) {
		with_view_end(&r.view, r.argv[0]);
		wait_end();
	}
	if (r.o.check)
		r.checked = UI_CANNOT; /* until there is a capture that passes */
	conclude(&r, recorder_status);
	if (r.checked && WIFEXITED(status) && !WEXITSTATUS(status))
		return r.checked;
	wait_exit_like(status);
}
