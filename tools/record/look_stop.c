/* look_stop - see look_stop.h. */
#include "look_stop.h"
#include "proc.h"
#include "sandbox.h"

#include "format/array.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_NS 500000000u /* so long a thread may take to stand still; a busy machine lets it run late */
#define DEEP_NS 20000000u /* ... if it is in the kernel and does not come back */
#define VECTOR_BYTES (16u << 10)
#define OPTIONS (PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACESYSGOOD)

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void rest(long ns)
{
	const struct timespec t = { .tv_nsec = ns };

	nanosleep(&t, NULL);
}

static bool fail(struct look_stop *s, const char *why)
{
	if (!s->reason[0])
		snprintf(s->reason, LOOK_REASON, "%s", why);
	return false;
}

/* ---- registers ---- */

bool look_get_registers(uint32_t tid, look_registers *ret)
{
	struct iovec v = { ret, sizeof(*ret) };

	return ptrace(PTRACE_GETREGSET, (pid_t)tid, NT_PRSTATUS, &v) == 0;
}

bool look_set_registers(uint32_t tid, look_registers *r)
{
	struct iovec v = { r, sizeof(*r) };

	return ptrace(PTRACE_SETREGSET, (pid_t)tid, NT_PRSTATUS, &v) == 0;
}

static void read_vectors(struct look_thread *t)
{
	static uint64_t bytes[VECTOR_BYTES / sizeof(uint64_t)];
	struct iovec v = { bytes, sizeof(bytes) };
	uint32_t count = 0;

	free(t->vectors);
	t->vectors = NULL;
	t->vector_count = 0;
	if (!LOOK_VECTORS || ptrace(PTRACE_GETREGSET, (pid_t)t->tid, LOOK_VECTORS, &v) != 0)
		return;
	for (size_t i = LOOK_VECTORS_FROM / sizeof(*bytes); i < v.iov_len / sizeof(*bytes); i++)
		if (bytes[i])
			bytes[count++] = bytes[i];
	t->vectors = malloc(count * sizeof(*bytes) + 1);
	if (!t->vectors)
		return;
	memcpy(t->vectors, bytes, count * sizeof(*bytes));
	t->vector_count = count;
}

void look_stop_registers(struct look_stop *s)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct look_thread *const t = &s->threads[i];

		if (!t->stopped || !look_get_registers(t->tid, &t->registers))
			continue;
		t->known = true;
		read_vectors(t);
	}
}

/* ---- stopping ---- */

static struct look_thread *find(struct look_stop *s, uint32_t tid)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->threads[i].tid == tid)
			return &s->threads[i];
	return NULL;
}

static struct look_thread *add(struct look_stop *s, uint32_t tid)
{
	if (!ARRAY_ROOM(s->threads, s->room, s->count + 1, 16)) {
		fail(s, "the recorder has no memory for it");
		return NULL;
	}
	s->threads[s->count] = (struct look_thread){ .tid = tid };
	return &s->threads[s->count++];
}

/* The letter of its state. */
static char state_of(const struct look_stop *s, uint32_t tid)
{
	char path[64], line[256];
	char letter = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/stat", s->pid, tid);
	f = fopen(path, "re");
	if (f && fgets(line, sizeof(line), f)) {
		const char *const end = strrchr(line, ')');

		letter = end && end[1] ? end[2] : '?';
	}
	if (f)
		fclose(f);
	return letter;
}

/* It has a number until somebody takes notice, or, if it is the first one, until the others have ended; nobody can trace it. */
static bool has_ended(const struct look_stop *s, uint32_t tid)
{
	const char letter = state_of(s, tid);

	return letter == 'Z' || letter == 'X' || letter == '?';
}

static bool add_gone(struct look_stop *s, uint32_t tid)
{
	struct look_thread *const t = add(s, tid);

	if (t)
		t->gone = true;
	return t != NULL;
}

/* A thread that is traced already was created by one of ours. */
static bool seize(struct look_stop *s, uint32_t tid)
{
	const int err = ptrace(PTRACE_SEIZE, (pid_t)tid, 0, OPTIONS) == 0 ? 0 : errno;

	if (err == ESRCH || (err == EPERM && has_ended(s, tid)))
		return add_gone(s, tid);
	if (err && proc_thread_status(s->pid, tid, "TracerPid:") != (int64_t)getpid()) {
		snprintf(s->reason, LOOK_REASON, "the kernel does not let the recorder trace it: %s", strerror(err));
		return false;
	}
	if (!add(s, tid))
		return false;
	(void)ptrace(PTRACE_INTERRUPT, (pid_t)tid, 0, 0);
	return true;
}

/* New entries of /proc/PID/task. *ret: how many there were. */
static bool seize_new(struct look_stop *s, uint32_t *ret)
{
	char path[48];
	struct dirent *entry;
	bool fine = true;
	DIR *d;

	*ret = 0;
	snprintf(path, sizeof(path), "/proc/%u/task", s->pid);
	d = opendir(path);
	if (!d)
		return fail(s, "it has ended");
	while (fine && (entry = readdir(d))) {
		const uint32_t tid = (uint32_t)atoi(entry->d_name);

		if (!tid || find(s, tid))
			continue;
		++*ret;
		fine = seize(s, tid);
	}
	closedir(d);
	return fine;
}

/*
 * Takes one change of its state, if there is one. A signal is delivered at once; the thread then stands still before the first
 * instruction of the handler.
 */
static bool take_change(struct look_stop *s, struct look_thread *t)
{
	int status;
	const pid_t got = waitpid((pid_t)t->tid, &status, __WALL | WNOHANG);
	unsigned long child;

	if (got == 0)
		return false;
	if (got < 0 || !WIFSTOPPED(status)) {
		t->gone = true;
		return true;
	}
	if (status >> 16 == PTRACE_EVENT_STOP) {
		t->stopped = true;
		return true;
	}
	if (status >> 16 && ptrace(PTRACE_GETEVENTMSG, (pid_t)got, 0, &child) == 0 && !find(s, (uint32_t)child)) {
		const bool is_thread = proc_thread_status(s->pid, (uint32_t)child, "Pid:") == (int64_t)child;
		struct look_thread *const made = is_thread ? add(s, (uint32_t)child) : NULL;

		if (!made && waitpid((pid_t)child, &status, __WALL) == (pid_t)child) /* a process of its own, which begins with a stop */
			(void)ptrace(PTRACE_DETACH, (pid_t)child, 0, 0);
		status = 0;
	}
	(void)ptrace(PTRACE_CONT, (pid_t)got, 0, status >> 16 || !status || WSTOPSIG(status) == (SIGTRAP | 0x80) ? 0 : WSTOPSIG(status));
	return true;
}

static bool is_late(struct look_stop *s, const struct look_thread *t, uint64_t waited_ns)
{
	if (waited_ns >= STOP_NS)
		return !fail(s, "a thread does not stop: the machine is too busy");
	if (waited_ns < DEEP_NS || state_of(s, t->tid) != 'D')
		return false;
	return !fail(s, "a thread does not stop: it is in the kernel, perhaps in vfork or in a read from a disk or network that does not answer");
}

static bool wait_all(struct look_stop *s)
{
	const uint64_t begin_ns = now_ns();

	for (;;) {
		const struct look_thread *late = NULL;
		bool changed = false;

		for (uint32_t i = 0; i < s->count; i++) {
			if (s->threads[i].stopped || s->threads[i].gone)
				continue;
			late = &s->threads[i];
			changed |= take_change(s, &s->threads[i]);
		}
		if (!late)
			return true;
		if (!changed && is_late(s, late, now_ns() - begin_ns))
			return false;
		if (!changed)
			rest(30000);
	}
}

bool look_stop(struct look_stop *s, uint32_t pid, char reason[LOOK_REASON])
{
	uint32_t new = 0;

	*s = (struct look_stop){ .pid = pid, .reason = reason };
	reason[0] = 0;
	do {
		if (!seize_new(s, &new) || !wait_all(s)) {
			look_stop_resume(s);
			return false;
		}
	} while (new);
	return true;
}

bool look_stop_run(struct look_stop *s, uint32_t tid, unsigned us)
{
	for (uint32_t i = 0; i < s->count; i++) {
		struct look_thread *const t = &s->threads[i];

		if (!t->stopped || (tid && t->tid != tid))
			continue;
		t->stopped = false;
		(void)ptrace(PTRACE_CONT, (pid_t)t->tid, 0, 0);
	}
	rest((long)us * 1000);
	for (uint32_t i = 0; i < s->count; i++)
		if (!s->threads[i].stopped && !s->threads[i].gone)
			(void)ptrace(PTRACE_INTERRUPT, (pid_t)s->threads[i].tid, 0, 0);
	return wait_all(s);
}

/* ---- going on ---- */

static uint64_t status_mask(const struct look_stop *s, uint32_t tid, const char *key)
{
	char path[64], line[256];
	uint64_t mask = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/task/%u/status", s->pid, tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)))
			mask = strtoull(line + strlen(key), NULL, 16);
	if (f)
		fclose(f);
	return mask;
}

/* A signal of the program's own has interrupted the call: then EINTR is right. */
static bool has_signal(const struct look_stop *s, uint32_t tid)
{
	return ((status_mask(s, tid, "SigPnd:") | status_mask(s, tid, "ShdPnd:")) & ~status_mask(s, tid, "SigBlk:")) != 0;
}

/*
 * Threads that were asked to stop and have not done so yet. Only a thread that stands still can be left alone, so they are left when
 * they do.
 */
static struct {
	uint32_t *tids;
	size_t count, room;
} late;

static bool leave(uint32_t tid)
{
	int status;
	const pid_t got = waitpid((pid_t)tid, &status, __WALL | WNOHANG);

	if (got == 0)
		return false;
	if (got > 0 && WIFSTOPPED(status))
		(void)ptrace(PTRACE_DETACH, got, 0, status >> 16 ? 0 : WSTOPSIG(status) & 0x7f);
	return true;
}

bool look_stop_late(void)
{
	for (size_t i = 0; i < late.count;)
		if (leave(late.tids[i]))
			late.tids[i] = late.tids[--late.count];
		else
			i++;
	return late.count != 0;
}

static void resume(struct look_stop *s, struct look_thread *t)
{
	look_registers r;

	if (!t->stopped) {
		if (!t->gone && !leave(t->tid) && ARRAY_ROOM(late.tids, late.room, late.count + 1, 64))
			late.tids[late.count++] = t->tid;
		t->gone = true;
		return;
	}
	if (look_get_registers(t->tid, &r)) {
		const bool restarted = look_restart(&r, look_is_interrupted(&r) && !has_signal(s, t->tid));

		if (restarted)
			(void)look_set_registers(t->tid, &r);
	}
	(void)ptrace(PTRACE_DETACH, (pid_t)t->tid, 0, 0);
	t->stopped = false;
	t->gone = true; /* to the recorder */
}

void look_stop_resume(struct look_stop *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		resume(s, &s->threads[i]);
	for (uint32_t i = 0; i < s->count; i++)
		s->threads[i].stopped = false;
}

void look_stop_finish(struct look_stop *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		free(s->threads[i].vectors);
	free(s->threads);
	s->threads = NULL;
	s->count = s->room = 0;
}

/* ---- system calls ---- */

bool look_call(uint32_t tid, uint64_t call, long number, const uint64_t given[6], int64_t *ret, uint32_t *ret_child)
{
	look_registers r;
	int status, stops = 0;

	if (!look_get_registers(tid, &r))
		return false;
	look_set_call(&r, call, number, given);
	if (!look_set_registers(tid, &r))
		return false;
	while (stops < 2) {
		unsigned long message = 0;

		if (ptrace(PTRACE_SYSCALL, (pid_t)tid, 0, 0) != 0 || waitpid((pid_t)tid, &status, __WALL) != (pid_t)tid ||
		    !WIFSTOPPED(status))
			return false;
		if (WSTOPSIG(status) == (SIGTRAP | 0x80))
			stops++;
		else if (status >> 16 && status >> 16 != PTRACE_EVENT_STOP && ret_child &&
			 ptrace(PTRACE_GETEVENTMSG, (pid_t)tid, 0, &message) == 0)
			*ret_child = (uint32_t)message;
		else if (!(status >> 16))
			return false; /* no signal but one for a fault can come: the address of the call is wrong */
	}
	if (!look_get_registers(tid, &r))
		return false;
	*ret = look_result(&r);
	return true;
}

/* A thread that no filter kills for a call. */
static struct look_thread *usable(const struct look_stop *s)
{
	for (uint32_t i = 0; i < s->count; i++)
		if (s->threads[i].stopped && sandbox_may_call(s->pid, s->threads[i].tid))
			return &s->threads[i];
	return NULL;
}

/* A call in a thread of the program, which is as it was afterwards. */
static bool call_in(struct look_thread *t, uint64_t call, long number, const uint64_t given[6], int64_t *ret, uint32_t *ret_child)
{
	const uint64_t all = ~0ull;
	look_registers before;
	uint64_t mask;
	bool done;

	if (!look_get_registers(t->tid, &before) || ptrace(PTRACE_GETSIGMASK, (pid_t)t->tid, sizeof(mask), &mask) != 0 ||
	    ptrace(PTRACE_SETSIGMASK, (pid_t)t->tid, sizeof(all), &all) != 0)
		return false;
	done = look_call(t->tid, call, number, given, ret, ret_child);
	(void)look_set_registers(t->tid, &before);
	(void)ptrace(PTRACE_SETSIGMASK, (pid_t)t->tid, sizeof(mask), &mask);
	return done;
}

uint32_t look_stop_fork(struct look_stop *s, uint64_t call, uint32_t *ret_inner)
{
	static const uint64_t no_signal_at_its_end[6]; /* flags 0: no SIGCHLD, and wait without __WALL does not see it */
	struct look_thread *const t = usable(s);
	uint32_t child = 0;
	int64_t result = 0;
	int status;

	if (!t || !call_in(t, call, SYS_clone, no_signal_at_its_end, &result, &child)) {
		fail(s, "a thread could not be made to fork");
		return 0;
	}
	if (result <= 0 || !child) {
		snprintf(s->reason, LOOK_REASON, "the kernel refuses to fork it: %s", strerror((int)-result));
		return 0;
	}
	if (waitpid((pid_t)child, &status, __WALL) != (pid_t)child || !WIFSTOPPED(status)) {
		fail(s, "its copy has ended at once");
		return 0;
	}
	*ret_inner = (uint32_t)result;
	return child;
}

void look_stop_reap(struct look_stop *s, uint64_t call, uint32_t inner)
{
	const uint64_t given[6] = { inner, 0, __WCLONE | WNOHANG, 0 }; /* it has ended, and no other child is one of that kind */
	struct look_thread *const t = usable(s);
	int64_t result;

	if (t)
		(void)call_in(t, call, SYS_wait4, given, &result, NULL);
}
