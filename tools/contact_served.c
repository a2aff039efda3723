/* contact_served - see contact_served.h. */
#include "contact_served.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same name with another end, by which nobody looks for it. */
static struct sockaddr_un before_it_listens(const struct sockaddr_un *address)
{
	static const char end[] = ".new";
	struct sockaddr_un ret = *address;

	memcpy(strrchr(ret.sun_path, '.'), end, sizeof(end));
	return ret;
}

/*
 * The socket gets its name when it listens. Whoever found one that does not would take it for that of a process that was killed, and
 * remove it.
 */
int contact_listen(struct sockaddr_un *ret, int clients)
{
	char folder[sizeof(ret->sun_path)];
	struct sockaddr_un first;
	int fd;

	if (!contact_folder(folder, sizeof(folder)) || !contact_address(ret, folder, getpid()))
		return -1;
	first = before_it_listens(ret);
	unlink(first.sun_path); /* of a process that had this pid and was killed */
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && bind(fd, (struct sockaddr *)&first, sizeof(first)) == 0 && chmod(first.sun_path, 0600) == 0 && listen(fd, clients) == 0 &&
	    rename(first.sun_path, ret->sun_path) == 0)
		return fd;
	unlink(first.sun_path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool is_allowed(int fd)
{
	struct ucred who;
	socklen_t room = sizeof(who);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &room) == 0 && (who.uid == geteuid() || !who.uid);
}

int contact_accept(int listener, int flags)
{
	int fd;

	while ((fd = accept4(listener, NULL, NULL, flags | SOCK_CLOEXEC)) >= 0 && !is_allowed(fd))
		close(fd);
	return fd;
}

/* Alignment leaves room for a second one, which a client may have sent, too. */
static int take_first(const struct cmsghdr *c)
{
	int first = -1;

	for (size_t at = 0; CMSG_LEN(at + sizeof(int)) <= c->cmsg_len; at += sizeof(int)) {
		int fd;

		memcpy(&fd, CMSG_DATA(c) + at, sizeof(fd));
		if (first < 0)
			first = fd;
		else
			close(fd);
	}
	return first;
}

bool contact_receive(int fd, int flags, struct contact_request *ret, int *ret_descriptor)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec text = { ret, sizeof(*ret) };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	const ssize_t n = recvmsg(fd, &m, flags | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *const c = n > 0 && m.msg_controllen >= sizeof(*c) ? CMSG_FIRSTHDR(&m) : NULL;

	*ret_descriptor = c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS ? take_first(c) : -1;
	if (n >= 0)
		errno = 0;
	return n == (ssize_t)sizeof(*ret) && ret->version == CONTACT_VERSION && ret->text_bytes <= sizeof(ret->text);
}
