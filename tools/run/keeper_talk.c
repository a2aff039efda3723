/* keeper_talk - see keeper_private.h. */
#include "tools/run/keeper_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define CLIENTS 8
#define SLOW_US 200000 /* a client that says nothing for so long is dropped: they are served one by one */

void keeper_listen(struct keeper *k)
{
	char folder[sizeof(k->address.sun_path)];

	k->listener = -1;
	if (!contact_folder(folder, sizeof(folder)) || !contact_address(&k->address, folder, getpid()))
		return;
	unlink(k->address.sun_path); /* of a process that had this pid and was killed */
	k->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (k->listener >= 0 && bind(k->listener, (struct sockaddr *)&k->address, sizeof(k->address)) == 0 &&
	    chmod(k->address.sun_path, 0600) == 0 && listen(k->listener, CLIENTS) == 0)
		return;
	if (k->listener >= 0)
		close(k->listener);
	k->listener = -1;
}

/* The same user, or root. */
static bool is_allowed(int fd)
{
	struct ucred who;
	socklen_t room = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &room) == 0 && (who.uid == geteuid() || !who.uid);
}

static void put_status(const struct keeper *k, uint32_t pid, struct contact_status *s)
{
	size_t at = 0;

	*s = (struct contact_status){
		.state = CONTACT_DORMANT,
		.recorder = (uint32_t)getpid(),
		.uid = geteuid(),
		.program = (uint32_t)k->o.program,
		.running = k->ended ? 0 : 1,
		.pids = { (uint32_t)k->o.program },
		.knows_pid = pid && keeper_knows(k, (pid_t)pid),
		.began_unix_ns = k->began_unix_ns,
	};
	for (char **a = k->o.argv; *a && at < sizeof(s->command) - 1; a++)
		at += (size_t)snprintf(s->command + at, sizeof(s->command) - at, "%s%s", at ? " " : "", *a);
}

static void start(struct keeper *k, const struct contact_request *q, int file, struct contact_answer *a)
{
	struct contact_start s;

	a->error = EINVAL;
	if (q->text_bytes != sizeof(s) || file < 0) {
		snprintf(a->sentence, sizeof(a->sentence), "no options or no file came with the request");
		return;
	}
	memcpy(&s, q->text, sizeof(s));
	s.file[sizeof(s.file) - 1] = 0;
	a->error = keeper_record(k, &s, (pid_t)q->pid, file, a->sentence, sizeof(a->sentence));
}

static void answer(struct keeper *k, const struct contact_request *q, int file, struct contact_answer *a)
{
	const bool records = k->kept.recorder != 0;

	if (records) { /* its recorder answers everything; this is how tracker list and tracker ctl see only one of the two */
		a->error = EBUSY;
		snprintf(a->sentence, sizeof(a->sentence), "it is being recorded, by pid %d", (int)k->kept.recorder);
	} else if (q->kind == CONTACT_START) {
		start(k, q, file, a);
	} else if (q->kind != CONTACT_STATUS) {
		a->error = EAGAIN;
		snprintf(a->sentence, sizeof(a->sentence), "nothing is being recorded; tracker ctl %d start begins a recording", (int)k->o.program);
	}
	put_status(k, q->pid, &a->status);
}

static void serve(struct keeper *k, int fd)
{
	const struct timeval slow = { .tv_usec = SLOW_US };
	static struct contact_request q;
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec text = { &q, sizeof(q) };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct contact_answer a = { .version = CONTACT_VERSION };
	int file = -1;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slow, sizeof(slow));

	const ssize_t n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC);
	const struct cmsghdr *const c = n > 0 && m.msg_controllen >= sizeof(*c) ? CMSG_FIRSTHDR(&m) : NULL;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&file, CMSG_DATA(c), sizeof(int));
	if (n == (ssize_t)sizeof(q) && q.version == CONTACT_VERSION && q.text_bytes <= sizeof(q.text)) {
		answer(k, &q, file, &a);
		(void)!send(fd, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	if (file >= 0)
		close(file);
}

void keeper_talk(struct keeper *k)
{
	const int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	if (is_allowed(fd))
		serve(k, fd);
	close(fd);
}
