/* request - see request.h. */
#include "request.h"
#include "pidspace.h"
#include "proc.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct asker {
	const struct recorder *r;
	int fd;
	uint64_t inode;
};

static bool has_socket(void *context, uint32_t pid)
{
	const struct asker *const a = context;

	return proc_has_socket(pid, a->fd, a->inode) && proc_segment(a->r, pid) == THERE;
}

static int fetch(uint32_t pid, const struct asker *a)
{
	int fd = proc_take_descriptor(pid, a->fd);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_ino != a->inode)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool send_segment(const struct recorder *r, int to, uint32_t pid)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec text = { &pid, sizeof(pid) };
	const struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *const c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &r->segment, sizeof(r->segment));
	return sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == sizeof(pid);
}

void request_answer(struct recorder *r, uint32_t index)
{
	struct shm_exec *const entry = &r->shm->execs.entries[index];
	uint32_t made = SHM_REQUEST_MADE;
	struct asker a = { .r = r, .fd = entry->fd, .inode = entry->inode };
	const uint32_t inner = entry->pid;
	const uint32_t pid = has_socket(&a, inner) ? inner : pidspace_find(inner, has_socket, &a);
	const int fd = pid && r->segment >= 0 ? fetch(pid, &a) : -1;
	const bool sent = fd >= 0 && send_segment(r, fd, pid);

	r->watches.asked_inner[index] = inner;
	r->watches.asked_pid[index] = pid;
	if (fd >= 0)
		close(fd);
	/* the process may have given up, and another may have asked */
	(void)atomic_compare_exchange_strong(&entry->request, &made, sent ? SHM_REQUEST_NONE : SHM_REQUEST_REFUSED);
}
