/* keeper - see keeper.h. */
#include "tools/run/keeper_private.h"

#include "tools/cgroup.h"
#include "tools/record/rotate.h"
#include "tools/run/hook_options.h"
#include "tools/run/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NFRAME_MAX 1000000u
#define CHECKPOINT_MS 10000
#define ASKS_MS 5 /* between two looks at what threads ask */
#define DESCENDANTS_MS 1000
#define BEGIN_MS 1000 /* so long tracker ctl waits for the first program to attach */

static volatile sig_atomic_t terminated;

static void on_terminate(int number)
{
	(void)number;
	terminated = 1;
}

/* ---- a recording ---- */

static void tell(int socket, uint32_t kind, int status)
{
	const struct control_message m = { .kind = kind, .status = status };

	if (socket >= 0)
		(void)!send(socket, &m, sizeof(m), MSG_NOSIGNAL);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static pid_t start_recorder(const struct keeper *k, const struct contact_start *s, int file, int control)
{
	return recorder_start(&(struct recorder_options){
		.path = k->o.recorder_path,
		.segment = &k->kept.segment,
		.output = file,
		.control = control,
		.pidfd = k->ended ? -1 : k->pidfd,
		.connector = -1,
		.program = k->o.program,
		.way = k->way,
		.memory_interval_ms = s->memory_interval_ms,
		.duration_ns = s->duration_ns,
		.max_bytes = s->max_bytes,
		.rotate = s->rotate,
		.packing = s->packing,
		.no_symbols = s->no_symbols,
		.aggregate = s->aggregate,
		.file = s->file,
		.checkpoint_ms = CHECKPOINT_MS,
		.temporary_threshold = UINT64_MAX,
		.attached = true,
		.attached_ns = now_ns() - k->began_ns,
		.argv = k->o.argv,
	});
}

static int begin(struct keeper *k, const struct contact_start *s, int file)
{
	struct shm_header header = new_segment_header(s->looks | (s->trace_python_allocators ? SHM_PYTHON_OBJECTS : 0), s->nframe, s->sample_bytes);
	char name[SHM_WAY_BYTES], groups[CGROUP_TEXT], pid[16];
	int pair[2], error;

	header.pointer_mask = s->pointer_mask;
	error = new_segment_create(&k->kept.segment, &header);
	if (error)
		return error;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		error = errno;
		new_segment_close(&k->kept.segment);
		return error;
	}
	k->kept.recorder = start_recorder(k, s, file, pair[1]);
	error = k->kept.recorder < 0 ? errno : 0;
	close(pair[1]);
	if (error) {
		k->kept.recorder = 0;
		close(pair[0]);
		new_segment_close(&k->kept.segment);
		return error;
	}
	k->kept.control = pair[0];
	k->kept.told = false;
	snprintf(k->kept.file, sizeof(k->kept.file), "%s", s->file);
	snprintf(pid, sizeof(pid), "%d", (int)k->o.program);
	new_segment_limit(&k->kept.segment, cgroup_of(pid, groups) ? cgroup_chunks(cgroup_memory_limit(CGROUP_ROOT, groups)) : 0);
	new_segment_name(&k->kept.segment, k->kept.recorder, name, sizeof(name));
	new_segment_tell(&k->kept.segment, k->way, k->o.program);
	keeper_page_want(k, name);
	return 0;
}

/* The recorder has ended, or was killed. */
static void end(struct keeper *k)
{
	keeper_page_want_nothing(k);
	new_segment_end(&k->kept.segment);
	new_segment_close(&k->kept.segment);
	close(k->kept.control);
	while (waitpid(k->kept.recorder, NULL, 0) < 0 && errno == EINTR)
		;
	k->kept.recorder = 0;
}

/* What the recorder says. False: it is gone. */
static bool listen_to_recorder(struct keeper *k, struct control_message *m)
{
	const ssize_t n = recv(k->kept.control, m, sizeof(*m), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
		m->kind = 0;
		return true;
	}
	return n == (ssize_t)sizeof(*m);
}

/* Whether the recorder answers, and records that program. */
static bool is_recorded(const struct keeper *k, const struct sockaddr_un *recorder, pid_t pid)
{
	const struct contact_request q = { .version = CONTACT_VERSION, .kind = CONTACT_STATUS, .pid = (uint32_t)pid };
	static struct contact_answer a;

	return new_segment_programs(&k->kept.segment) && contact_ask(recorder, &q, -1, BEGIN_MS, &a) == 0 && a.status.knows_pid;
}

/* A program attaches with its next allocation, which may be far away. */
static int wait_for_program(struct keeper *k, pid_t pid, char *sentence, size_t room)
{
	static struct control_message m;
	char folder[sizeof(k->address.sun_path)];
	struct sockaddr_un recorder;
	bool done = false;

	if (!contact_folder(folder, sizeof(folder)) || !contact_address(&recorder, folder, k->kept.recorder))
		return 0;
	for (unsigned ms = 0; ms < BEGIN_MS; ms++) {
		const struct timespec t = { .tv_nsec = 1000000 };

		keeper_page_answer(k);
		nanosleep(&t, NULL);

		const bool gone = !listen_to_recorder(k, &m);

		done |= !gone && m.kind == CONTROL_DONE; /* --duration is short, or the program has ended */
		if (gone && done) {
			end(k);
			return 0;
		}
		if (gone || m.kind == CONTROL_FAILED) {
			snprintf(sentence, room, "the recorder could not begin: %s", !gone ? strerror((int)m.error) : "it has ended");
			end(k);
			return EIO;
		}
		if (is_recorded(k, &recorder, pid))
			return 0;
	}
	snprintf(sentence, room, "the program has not allocated or released anything yet, or is in a sandbox that may end it for a system "
				 "call of tracker: it is recorded from the moment on when it can be");
	return 0;
}

int keeper_record(struct keeper *k, const struct contact_start *s, pid_t pid, int file, char *sentence, size_t room)
{
	int error = EINVAL;

	if (s->nframe && s->nframe <= NFRAME_MAX && s->sample_bytes <= SHM_SAMPLE_BYTES_MAX && !(s->looks & ~HOOK_OPTIONS_LOOKS) &&
	    s->rotate <= ROTATE_MAX && (!s->rotate || (s->max_bytes && !s->sample_bytes && !s->aggregate)) && s->packing <= TRK_PACK_NONE) {
		const int high = descriptor_high(dup(file));

		error = high < 0 ? errno : begin(k, s, high);
		if (high >= 0)
			close(high);
	}
	if (error) {
		snprintf(sentence, room, "no recorder could be started: %s", strerror(error));
		return error;
	}
	return wait_for_program(k, pid > 0 && pid != getpid() ? pid : k->o.program, sentence, room);
}

/* ---- tracker-run ---- */

static void forget_run(struct keeper *k)
{
	if (k->o.run >= 0)
		close(k->o.run);
	k->o.run = -1;
}

/* From now on tracker-run waits for what the recorder says. */
static void program_ended(struct keeper *k, int status, bool has_status)
{
	struct control_message m = { .kind = CONTROL_FILE };

	k->ended = true;
	if (!k->kept.recorder) {
		tell(k->o.run, CONTROL_DORMANT, 0);
		forget_run(k);
		return;
	}
	snprintf(m.elsewhere, sizeof(m.elsewhere), "%s", k->kept.file);
	if (k->o.run >= 0)
		(void)!send(k->o.run, &m, sizeof(m), MSG_NOSIGNAL);
	if (has_status)
		tell(k->kept.control, CONTROL_ENDED, status);
	k->kept.told = has_status;
}

static void listen_to_run(struct keeper *k)
{
	struct control_message m;
	const ssize_t n = recv(k->o.run, &m, sizeof(m), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != (ssize_t)sizeof(m))
		forget_run(k); /* it was killed: the kernel tells when the program ends */
	else if (m.kind == CONTROL_ENDED)
		program_ended(k, m.status, true);
	else if (m.kind == CONTROL_LEAVE && k->kept.recorder)
		tell(k->kept.control, CONTROL_LEAVE, 0);
	else if (m.kind == CONTROL_ABORT)
		terminated = 1;
}

static void pass_on(struct keeper *k)
{
	static struct control_message m;

	if (!listen_to_recorder(k, &m)) {
		end(k);
		if (k->ended)
			forget_run(k);
	} else if (m.kind && k->ended && k->o.run >= 0) {
		(void)!send(k->o.run, &m, sizeof(m), MSG_NOSIGNAL);
	}
}

/* ---- the loop ---- */

/* The program is a child of tracker-run, which tells how it ended, if it still can. */
static void look_at_program(struct keeper *k, bool gone)
{
	if (gone && !k->ended && k->o.run < 0)
		program_ended(k, 0, false);
	if (!k->ended || keeper_has_descendants(k))
		return;
	if (k->kept.recorder && !k->kept.told)
		tell(k->kept.control, CONTROL_ENDED, 0);
	k->kept.told = true;
	if (!k->kept.recorder)
		terminated = 1;
}

static void keep(struct keeper *k)
{
	while (!terminated) {
		struct pollfd p[] = {
			{ .fd = k->o.run, .events = POLLIN },
			{ .fd = k->ended ? -1 : k->pidfd, .events = POLLIN },
			{ .fd = k->listener, .events = POLLIN },
			{ .fd = k->kept.recorder ? k->kept.control : -1, .events = POLLIN },
		};
		const int timeout = k->kept.recorder ? ASKS_MS : k->ended || k->o.run < 0 ? DESCENDANTS_MS :
											    -1;
		static unsigned rounds;

		if (p[1].fd >= 0 && k->o.run >= 0)
			p[1].fd = -1; /* tracker-run tells, with the status */
		if (poll(p, sizeof(p) / sizeof(*p), timeout) < 0 && errno != EINTR)
			break;
		if (p[0].revents)
			listen_to_run(k);
		if (p[2].revents)
			keeper_talk(k);
		if (p[3].revents && k->kept.recorder)
			pass_on(k);
		if (k->kept.recorder)
			keeper_page_answer(k);
		if (p[1].revents || (k->ended && (!k->kept.recorder || ++rounds % (DESCENDANTS_MS / ASKS_MS) == 0)))
			look_at_program(k, p[1].revents != 0);
	}
}

static void set_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGTSTP, SIGTTIN, SIGTTOU };
	struct sigaction action = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		sigaction(ignored[i], &action, NULL);
	action.sa_handler = SIG_DFL;
	sigaction(SIGCHLD, &action, NULL);
	action.sa_handler = on_terminate;
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void run(struct keeper *k, int ready)
{
	int kept[] = { k->page_fd, k->o.run, k->pidfd, ready };
	const char done = 1;
	struct timespec now;

	launch_alone(kept, sizeof(kept) / sizeof(*kept));
	set_signals();
	prctl(PR_SET_NAME, "tracker-keeper");
	k->began_ns = now_ns();
	clock_gettime(CLOCK_REALTIME, &now);
	k->began_unix_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	snprintf(k->way, sizeof(k->way), SHM_DORMANT "/proc/%d/fd/%d", (int)getpid(), k->page_fd);
	keeper_listen(k);
	(void)!write(ready, &done, 1);
	close(ready);
	keep(k);
	if (k->listener >= 0)
		unlink(k->address.sun_path);
	_exit(0);
}

pid_t keeper_start(const struct keeper_options *o, char *way, size_t room)
{
	struct keeper k = { .o = *o, .page_fd = -1, .listener = -1 };
	int ready[2] = { -1, -1 }, error;
	char done;
	pid_t pid = -1;

	k.pidfd = descriptor_high((int)syscall(SYS_pidfd_open, o->program, 0));
	if (keeper_page_make(&k) && pipe2(ready, O_CLOEXEC) == 0)
		pid = fork();
	if (pid == 0)
		run(&k, descriptor_high(ready[1]));
	error = errno;
	close(ready[1]);
	if (pid > 0) {
		(void)!read(ready[0], &done, 1); /* it listens from now on */
		snprintf(way, room, SHM_DORMANT "/proc/%d/fd/%d", (int)pid, k.page_fd);
	}
	close(ready[0]);
	close(k.page_fd);
	close(k.pidfd);
	errno = error;
	return pid;
}
