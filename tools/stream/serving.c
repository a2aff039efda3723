/* serving - see serving.h. */
#include "tools/stream/serving.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "format/sent_report.h"
#include "tools/run/capture_file.h"
#include "tools/stream/address.h"

/* What the program gave this process and does not want to be kept: its standard streams, and its mask of signals. */
static void let_go(void)
{
	const int null = open("/dev/null", O_RDWR);
	sigset_t none;

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool tell(int owner, const struct stream_ready *ready, int file)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec text = { (void *)ready, sizeof(*ready) };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1 };

	if (file >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);

		struct cmsghdr *const c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &file, sizeof(file));
	}
	return sendmsg(owner, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(*ready);
}

/* -1: the program has gone, or wants nothing any more. It says nothing, so its socket is only ever readable at its end. */
static int wait_for_client(int listen, int owner)
{
	struct pollfd p[] = { { .fd = listen, .events = POLLIN }, { .fd = owner, .events = POLLIN } };

	for (;;) {
		const int n = poll(p, 2, -1);

		if (n > 0 && p[1].revents)
			return -1;

		const int fd = n > 0 ? accept4(listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;

		if (fd >= 0)
			return fd;
	}
}

bool serving_begin(struct serving *s, int owner, const char *address)
{
	struct stream_ready ready = { .error = EINVAL };
	char why[ADDRESS_WHY];
	struct capture_file spool;
	struct address at;

	*s = (struct serving){ .listen = -1, .client = -1, .file = -1 };
	(void)fcntl(owner, F_SETFD, FD_CLOEXEC);
	let_go();
	if (!address || !address_parse(&at, address, why)) {
		snprintf(ready.why, sizeof(ready.why), "%s", address ? why : "there is no address");
		return tell(owner, &ready, -1) && false;
	}
	if (!capture_file_open_spool(&spool)) {
		ready.error = errno;
		snprintf(ready.why, sizeof(ready.why), "Could not create %.400s, from which the capture is sent: %s; set TMPDIR", spool.path, strerror(ready.error));
		return tell(owner, &ready, -1) && false;
	}
	s->file = spool.fd;
	s->listen = address_listen(&at);
	if (s->listen < 0) {
		ready.error = errno;
		snprintf(ready.why, sizeof(ready.why), "cannot listen on %.320s: %s", at.text, strerror(ready.error));
		return tell(owner, &ready, -1) && false;
	}
	s->client = wait_for_client(s->listen, owner);
	ready.error = 0;
	if (s->client >= 0 && tell(owner, &ready, s->file))
		return true;
	address_remove(&at);
	return false;
}
