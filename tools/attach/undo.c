/* undo - see undo.h. */
#include "tools/attach/undo.h"

#include "format/shm.h"
#include "tools/attach/inject.h"
#include "tools/contact.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FINISH_MS 600000
#define ASK_AGAIN_MS 100

/* ---- the recorder ---- */

struct sought {
	struct contact found;
	bool any;
};

/* Whether tracker attach has started it, and not tracker run. */
static bool is_of_attach(pid_t recorder)
{
	static const char option[] = "--attached-ns";
	char path[64], line[8192];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)recorder);
	FILE *const f = fopen(path, "re");
	const size_t n = f ? fread(line, 1, sizeof(line), f) : 0;

	if (f)
		fclose(f);
	return memmem(line, n, option, sizeof(option)) != NULL;
}

static void consider(void *data, const struct contact *c)
{
	struct sought *const s = data;

	if (!c->answer.status.knows_pid || s->any || !is_of_attach((pid_t)c->answer.status.recorder))
		return;
	s->found = *c;
	s->any = true;
}

/* Its answer comes when the capture is finished. False: there is none. */
static bool end_recorder(pid_t pid, struct detached *ret)
{
	const struct contact_request q = { .version = CONTACT_VERSION, .kind = CONTACT_STOP, .pid = (uint32_t)pid };
	static struct sought s;
	static struct contact_answer answer;

	s.any = false;
	(void)contact_each(pid, consider, &s);
	if (!s.any || contact_ask(&s.found.address, &q, -1, -1, &answer) != 0)
		return false;
	memcpy(ret->capture, answer.status.file, strnlen(answer.status.file, sizeof(ret->capture) - 1));
	ret->bytes = answer.status.file_bytes;
	return true;
}

/*
 * A recorder that nobody finds has no ear: not yet, because it is still being loaded, or not any more, because it finishes its file
 * by itself (the program has no hooks, or the time is over). So it is asked again until it is gone.
 */
static bool end_recorder_or_wait(pid_t pid, pid_t recorder, struct detached *ret)
{
	struct target t;
	struct pollfd p = { .fd = recorder ? (int)syscall(SYS_pidfd_open, recorder, 0) : -1, .events = POLLIN };
	bool ended = end_recorder(pid, ret), is_one = false;

	if (p.fd >= 0) {
		target_begin(&t, recorder);
		is_one = strcmp(t.name, "tracker-record") == 0;
	}
	for (unsigned i = 0; !ended && is_one && i < FINISH_MS / ASK_AGAIN_MS && poll(&p, 1, ASK_AGAIN_MS) <= 0; i++)
		ended = end_recorder(pid, ret);
	if (p.fd >= 0)
		close(p.fd);
	return ended || is_one;
}

/* ---- the program ---- */

static bool take_hooks_away(struct injection *i, struct detached *ret)
{
	const struct late_order order = { .version = SHM_VERSION, .what = LATE_DETACH };
	uint64_t answer;

	if (!inject_begin(i, NULL, false) || !inject_go(i, &order) || !inject_wait(i, &answer))
		return false;
	ret->was_attached = answer == LATE_DONE;
	if (answer == LATE_BUSY)
		snprintf(i->why, sizeof(i->why), "is being attached to, or detached from, at this moment: try again");
	return answer != LATE_BUSY;
}

bool detach_program(pid_t pid, struct detached *ret)
{
	struct injection i;
	bool done = inject_prepare(&i, pid);

	*ret = (struct detached){ 0 };
	if (done && i.library && strstr(i.library->path, "memfd:")) {
		/* the recorder may have ended by itself, but not the hooks */
		done = take_hooks_away(&i, ret);
		if (done)
			ret->was_attached |= end_recorder_or_wait(pid, (pid_t)i.seen.recorder, ret);
	} else if (done) {
		/* the program has executed another one since, or the hooks never came: only a recorder may be left */
		ret->was_attached = end_recorder(pid, ret);
	}
	snprintf(ret->why, sizeof(ret->why), "%s", i.why);
	inject_finish(&i);
	return done;
}
