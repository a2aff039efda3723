/*
 * tracker-record - the recorder. tracker-run starts it; it writes the events of a process tree from shared memory into
 * a capture file until the last process has ended.
 *
 * It runs in a session of its own and depends on nobody: when tracker-run dies, it goes on. No signal from the
 * terminal or a full disk stops it; SIGTERM makes it finish the file.
 */
#include "recorder.h"
#include "births.h"
#include "bounds.h"
#include "deliver.h"
#include "ending.h"
#include "ends.h"
#include "finish.h"
#include "first_process.h"
#include "keyframing.h"
#include "arena_look.h"
#include "tracked_classes.h"
#include "look.h"
#include "process.h"
#include "orders.h"
#include "round.h"
#include "memory_use.h"
#include "serve.h"
#include "trim.h"
#include "thread_slot.h"
#include "titles.h"
#include "unseen.h"
#include "watch.h"

#include "control.h"
#include "arguments.h"
#include "ui/ui.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000ull
#define NO_ID UINT64_MAX
#define SLEEP_MIN_NS 500000ull
#define SLEEP_MAX_NS 10000000ull
/* While events come: events get their time once a round. */
#define SLEEP_FLOW_NS 4000000ull
#define SLEEP_LOOK_NS 500000ull /* while the memory of a program is looked at */
/* A round should read so much: a round costs 10 us by itself, and the bytes should still lie in a cache when they are read. */
#define ROUND_BYTES_WANTED (64u << 10)
/* After so much in one round the recorder does not sleep, because the targets are fast. */
#define BUSY_BYTES (512u << 10)
/* A descendant that was started and has not attached yet gets this long for it. */
#define STRANGER_NS 500000000ull
#define ORPHAN_NS 10000000000ull /* the program has started the recorder itself, and nobody waits for its end */

struct recording {
	struct recorder r;
	struct arguments o;
	struct orders orders;
	int control;
	bool program_ended, abort, leave; /* leave: tracker-run waits to hear which processes are left */
	int status; /* of the program, when it has ended and tracker-run has told it */
	bool has_status;
	uint64_t strangers_until_ns; /* 0: none seen */
	bool alone; /* before this round, which looked for new processes, there was no unknown one left */
	uint64_t sleep_ns;
};

static volatile sig_atomic_t terminated;

static void on_terminate(int signal)
{
	(void)signal;
	terminated = 1;
}

static uint64_t monotonic_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

uint64_t recorder_clock(const struct recorder *r)
{
	return monotonic_ns() - r->shm->header.start_mono_ns;
}

/* ---- start ---- */

static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void set_signals(void)
{
	static const int ignored[] = { SIGPIPE, SIGXFSZ, SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2,
				       SIGTSTP, SIGTTIN, SIGTTOU };
	struct sigaction action = { .sa_handler = SIG_IGN };
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++)
		sigaction(ignored[i], &action, NULL);
	action.sa_handler = SIG_DFL; /* if it were ignored, checkpoints could not be waited for */
	sigaction(SIGCHLD, &action, NULL);
	action.sa_handler = on_terminate;
	sigaction(SIGTERM, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int start(struct recording *s, char **program)
{
	struct recorder *const r = &s->r;
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	int err = arguments_map_segment(&s->o, r);

	if (err)
		return err;
	r->keyframes.events_min = s->o.aggregate ? 0 : KEYFRAME_EVENTS_MIN;
	r->memory_interval_ns = s->o.memory_interval_ms * 1000000u;
	r->no_symbols = s->o.no_symbols;
	r->bounds = (struct bounds){ .max_bytes = s->o.max_bytes };
	if (s->o.duration_ns)
		r->bounds.duration_ns = s->o.start_after_ns + s->o.duration_ns;
	r->begin_ns = s->o.start_after_ns;
	r->waiting = r->begin_ns != 0;
	r->questions.wakes = true;
	r->classes.options = s->o.track_class.items;
	r->classes.count = (uint32_t)s->o.track_class.count;
	r->classes.interval_ns = s->o.snapshot_ns;
	r->attached = s->o.attached_ns != NO_ID;
	r->attached_ns = s->o.attached_ns;
	first_process_machine(r);
	const struct recorder_setup setup = {
		.output = (int)s->o.out_fd,
		.path = s->o.path,
		.rotate = (uint32_t)s->o.rotate,
		.aggregate = s->o.aggregate,
		.temporary_threshold = (uint32_t)s->o.temporary_threshold,
		.checkpoint_ns = s->o.checkpoint_ms * 1000000u,
		.packing = (enum trk_packing)s->o.packing,
	};

	err = recorder_begin(r, &setup);
	if (!err && epoll_ctl(r->epoll, EPOLL_CTL_ADD, s->control, &event) < 0)
		err = TRK_ERR_IO;
	if (!err)
		err = first_process(r, (uint32_t)s->o.pid, s->o.pid_fd ? (int)s->o.pid_fd : -1, program);
	if (!err) /* now, because the program is being loaded, and nobody waits yet */
		process_limit_chunks(r, (uint32_t)s->o.pid);
	if (!err && s->o.connector_fd)
		births_begin(r, (int)s->o.connector_fd);
	for (size_t i = 0; !err && i < s->o.notices.count; i++)
		writer_notice(r->writer, s->o.notices.items[i]);
	return err;
}

/* ---- talking to tracker-run ---- */

static void say(struct recording *s, const struct control_message *m)
{
	(void)!send(s->control, m, sizeof(*m), MSG_NOSIGNAL);
}

static void say_failed(struct recording *s, int err)
{
	struct control_message m = { .kind = CONTROL_FAILED };

	m.error = err == TRK_ERR_NOMEM ? ENOMEM : err == TRK_ERR_VERSION ? EPROTO :
									   (uint32_t)errno;
	say(s, &m);
}

/* tracker-run says no more, because it is gone or could not tell something. It may still hear the recorder. */
static void hung_up(struct recording *s)
{
	epoll_ctl(s->r.epoll, EPOLL_CTL_DEL, s->control, NULL);
	s->program_ended = true;
}

/*
 * tracker-run wants to leave the recorder to the descendants. If no descendant is known, the end is near, or one is
 * about to attach: tracker-run is answered when it has attached.
 */
static void say_left(struct recording *s)
{
	struct control_message m = { .kind = CONTROL_LEFT };

	if (!s->leave || !s->r.live_count)
		return;
	s->leave = false;
	for (size_t i = 0; i < s->r.live_count; i++) {
		if (m.running < CONTROL_PIDS)
			m.pids[m.running] = s->r.live[i]->pid;
		m.running++;
	}
	say(s, &m);
}

static void listen_to_run(struct recording *s)
{
	struct control_message m;
	const ssize_t n = recv(s->control, &m, sizeof(m), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n != sizeof(m)) {
		hung_up(s);
		return;
	}
	if (m.kind == CONTROL_ENDED) {
		s->program_ended = s->has_status = true;
		s->status = m.status;
	} else if (m.kind == CONTROL_ABORT) {
		s->abort = true;
	} else if (m.kind == CONTROL_LEAVE) {
		s->leave = true;
	}
}

/* ---- waiting ---- */

static int wait_events(struct recording *s, struct epoll_event *events, int max, uint64_t ns)
{
	const struct timespec timeout = { .tv_nsec = (long)ns };
	const int n = epoll_pwait2(s->r.epoll, events, max, &timeout, NULL);

	if (n < 0 && errno == ENOSYS)
		return epoll_wait(s->r.epoll, events, max, (int)((ns + 999999) / 1000000));
	return n;
}

static void wait_for(struct recording *s, uint64_t ns)
{
	struct epoll_event events[64];
	const int n = wait_events(s, events, 64, ns);

	if (ends_mark(&s->r, events, n)) {
		s->orders.called = true;
		listen_to_run(s);
	}
	ends_poll(&s->r);
}

/* The time in which the wanted number of bytes comes, judged by the last round; at most half or twice the last time. */
static uint64_t sleep_for_flow(uint64_t last_ns, uint64_t bytes)
{
	uint64_t ns = last_ns * 2;

	if (bytes * 2 > ROUND_BYTES_WANTED)
		ns = last_ns * ROUND_BYTES_WANTED / bytes;
	if (ns < last_ns / 2)
		ns = last_ns / 2;
	if (ns > SLEEP_FLOW_NS)
		ns = SLEEP_FLOW_NS;
	return ns > SLEEP_MIN_NS ? ns : SLEEP_MIN_NS;
}

/* Not longer than to the moment `at_ns`. */
static uint64_t sleep_until(const struct recorder *r, uint64_t at_ns, uint64_t ns)
{
	const uint64_t now = recorder_clock(r), left = at_ns > now ? at_ns - now : 0;

	return left < ns ? left : ns;
}

/* The time to sleep: by the flow of events, long when nothing happens, and never past the next sample. */
static uint64_t sleep_time(struct recording *s, uint64_t bytes, bool more, uint64_t round_ns)
{
	const struct recorder *const r = &s->r;

	if (more || bytes >= BUSY_BYTES || s->alone) /* the last round is due at once */
		return 0;
	s->sleep_ns = bytes ? sleep_for_flow(s->sleep_ns, bytes) : s->sleep_ns * 5 / 4 + 1000;
	/* many threads make a round expensive: at most half of the time goes into rounds */
	if (s->sleep_ns < round_ns)
		s->sleep_ns = round_ns;
	if (s->sleep_ns > SLEEP_MAX_NS)
		s->sleep_ns = SLEEP_MAX_NS;
	uint64_t ns = s->sleep_ns;

	if (look_is_busy(r) && ns > SLEEP_LOOK_NS)
		ns = SLEEP_LOOK_NS;

	if (r->memory_interval_ns && r->live_count)
		ns = sleep_until(r, r->next_sample_ns, ns);
	ns = sleep_until(r, classes_next_ns(r), ns);
	if (r->bounds.duration_ns)
		ns = sleep_until(r, r->bounds.duration_ns, ns);
	if (r->waiting)
		ns = sleep_until(r, r->begin_ns, ns);
	return ns;
}

/* ---- the loop ---- */

static void note_write_error(struct recorder *r)
{
	if (r->discard || !writer_error(r->writer))
		return;
	r->discard = true;
	r->write_error = writer_error(r->writer);
	r->discard_ns = r->now_ns;
}

static void now_and_then(struct recorder *r, bool idle)
{
	memory_use_look(r);
	titles_look(r);
	arena_look_now_and_then(r);
	keyframing_write_if_due(r);
	if (r->now_ns >= r->next_flush_ns) {
		writer_flush(r->writer);
		r->next_flush_ns = r->now_ns + SECOND_NS;
	}
	note_write_error(r);
	if (r->aggregate)
		checkpoint_tick(r);
	unseen_look(r);
	if (r->now_ns >= r->next_check_ns) {
		thread_slot_find_dead(r);
		ending_ask(r);
		if (idle || atomic_load(&r->shm->header.chunk_limit))
			trim_chunks(r);
		r->next_check_ns = r->now_ns + SECOND_NS;
	}
}

/* Whether no process is left that could still publish something, now or after an exec that it is about to do. */
static bool find_everybody_ended(struct recording *s)
{
	uint32_t pids[4];

	if (!s->program_ended || s->r.live_count) {
		s->alone = false;
		return false;
	}
	if (s->alone || s->r.shm->header.flags & SHM_NO_FOLLOW_FORK)
		return true;
	if (!watch_waits(&s->r) && ((s->o.environment && births_rule_out(&s->r)) ||
				    !unseen_strangers(&s->r, s->o.environment, (uint32_t)s->o.pid, pids, 4))) {
		/*
		 * A process that attached since the last round is no unknown one any more, but not known either: one
		 * more round.
		 */
		s->alone = true;
		return false;
	}
	if (!s->strangers_until_ns)
		s->strangers_until_ns = s->r.now_ns + (s->o.environment ? STRANGER_NS : ORPHAN_NS);
	return s->r.now_ns >= s->strangers_until_ns;
}

/* Sets r->bounds.stopped_by if the recording must end although a process still runs. */
static bool find_end(struct recording *s)
{
	struct recorder *const r = &s->r;

	if (terminated || s->orders.stop)
		r->bounds.stopped_by = STOPPED_TOLD;
	else if (r->live_count)
		r->bounds.stopped_by = bounds_reached(r);
	return terminated || s->orders.stop || s->abort || r->bounds.stopped_by || (r->discard && r->write_error);
}

static void record(struct recording *s)
{
	while (!find_end(s)) {
		uint64_t bytes;
		const bool more = round_run(&s->r, &bytes);

		say_left(s);
		orders_round(&s->orders, &s->r);
		now_and_then(&s->r, !bytes);
		if (!bytes && !more && find_everybody_ended(s))
			break;
		wait_for(s, sleep_time(s, bytes, more, recorder_clock(&s->r) - s->r.now_ns));
	}
}

/* ---- the end ---- */

static void set_status(struct recording *s)
{
	struct process *const p = s->r.processes[0];

	if (!s->has_status)
		return;
	p->ended = WIFSIGNALED(s->status) ? TRK_KILLED : TRK_EXITED;
	p->code = (uint32_t)(WIFSIGNALED(s->status) ? WTERMSIG(s->status) : WEXITSTATUS(s->status));
	process_write(&s->r, p);
}

/* Everything that was published has been read. Processes that still run go on, unrecorded. */
static void cut_off(struct recording *s)
{
	struct recorder *const r = &s->r;

	wait_for(s, 0); /* processes that have ended meanwhile are seen to end */
	r->bounds.stopped_ns = recorder_clock(r);
	round_close(r);
	for (size_t i = 0; i < r->live_count; i++) {
		look_drop(r, r->live[i]);
		process_leave(r, r->live[i]);
	}
	deliver_flush(r);
	if (r->waiting && !s->o.serve_fd)
		keyframing_tell_missed(r);
	if (!r->live_count && !watch_waits(r)) /* the end of everything came first */
		r->bounds.stopped_by = STOPPED_NOT;
	if (r->bounds.stopped_by)
		bounds_notice(r);
}

static void note_unattached(struct recording *s)
{
	const struct process *const p = s->r.processes[0];
	char text[1024];

	s->r.counters.unrecorded += !p->attached;
	if (p->attached || s->o.notices.count)
		return;
	snprintf(text, sizeof(text),
		 "%s (pid %u) never attached to the recorder, so its allocations are not recorded",
		 p->name ? p->name : "the program", p->pid);
	recorder_notice(&s->r, text);
}

static void finish(struct recording *s)
{
	struct control_message done = { .kind = CONTROL_FINISHING };

	say(s, &done);
	cut_off(s);
	ending_ask(&s->r);
	set_status(s);
	note_unattached(s);
	watch_finish(&s->r);
	rotate_finish(&s->r);
	finish_file(&s->r, &done);
	orders_end(&s->orders, &s->r, &done);
	done.kind = CONTROL_DONE;
	say(s, &done);
}

int main(int argc, char **argv)
{
	struct recording *const s = calloc(1, sizeof(*s));
	int err = TRK_ERR_NOMEM;

	ui_set_program("tracker-record");
	if (!s)
		return UI_CANNOT;
	s->o.shm_id = s->o.attached_ns = NO_ID;
	s->o.temporary_threshold = 1;
	s->o.packing = TRK_PACK_BEST;
	const int first = arguments_parse(&s->o, argc, argv);

	if (s->o.serve_fd && s->o.pid && serve_begin(&s->o) != 0)
		return UI_CANNOT;
	if ((!s->o.shm_fd && s->o.shm_id == NO_ID) || !s->o.out_fd || !s->o.control_fd || !s->o.pid) {
		ui_error("tracker run starts this program: use tracker run PROGRAM");
		return UI_USAGE;
	}
	set_signals();
	raise_descriptor_limit();
	s->sleep_ns = SLEEP_MIN_NS;
	s->control = (int)s->o.control_fd;
	err = start(s, argv + first);
	if (!err && s->o.serve_fd && serve_hello(&s->o, &s->r) != 0)
		s->abort = true; /* it has not waited */
	if (err) {
		say_failed(s, err);
	} else {
		orders_begin(&s->orders, &s->r, !s->o.serve_fd); /* a program that records itself says so itself */
		record(s);
		if (!s->abort)
			finish(s);
		else
			orders_end(&s->orders, &s->r, NULL);
	}
	recorder_release(&s->r);
	free(s);
	return err ? UI_CANNOT : UI_OK;
}
