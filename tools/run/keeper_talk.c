/* keeper_talk - see keeper_private.h. */
#include "tools/run/keeper_private.h"

#include "tools/contact_served.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define CLIENTS 8
#define SLOW_US 200000 /* a client that says nothing for so long is dropped: they are served one by one */

void keeper_listen(struct keeper *k)
{
	k->listener = contact_listen(&k->address, CLIENTS);
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
	struct contact_answer a = { .version = CONTACT_VERSION };
	int file;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &slow, sizeof(slow));
	if (contact_receive(fd, 0, &q, &file)) {
		answer(k, &q, file, &a);
		(void)!send(fd, &a, sizeof(a), MSG_NOSIGNAL | MSG_DONTWAIT);
	}
	if (file >= 0)
		close(file);
}

void keeper_talk(struct keeper *k)
{
	const int fd = contact_accept(k->listener, 0);

	if (fd < 0)
		return;
	serve(k, fd);
	close(fd);
}
