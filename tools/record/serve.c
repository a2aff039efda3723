/* serve - see serve.h. */
#include "serve.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tools/new_segment.h"

#define NFRAME_LEAST 1024u

/*
 * The recorder gives up the program's standard streams: a process that reads a pipe to which the program wrote waits
 * until nobody has it open.
 */
static void let_go(void)
{
	const int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	(void)!chdir("/"); /* nor does it keep the program's folder in use */
}

static int refuse(const struct arguments *o, int error)
{
	const struct shm_hello hello = { .error = error };

	(void)!send((int)o->serve_fd, &hello, sizeof(hello), MSG_NOSIGNAL);
	return error;
}

int serve_begin(struct arguments *o)
{
	const uint32_t nframe = o->nframe > NFRAME_LEAST ? (uint32_t)o->nframe : NFRAME_LEAST;
	const struct shm_header header = new_segment_header(SHM_OWN | SHM_NO_FOLLOW_EXEC, nframe, 0);
	const int socket = descriptor_high((int)o->serve_fd);
	struct new_segment s;
	int error;

	if (socket < 0)
		return EMFILE;
	o->serve_fd = o->control_fd = (uint64_t)socket;
	let_go();
	error = new_segment_create(&s, &header);
	if (error)
		return refuse(o, error);
	if (s.fd < 0) /* System V memory has no descriptor that could be passed on */
		return refuse(o, EFBIG);
	o->shm_fd = (uint64_t)s.fd;
	const int output = descriptor_high(open("/dev/null", O_RDWR | O_CLOEXEC)), pidfd = descriptor_high((int)syscall(SYS_pidfd_open, (pid_t)o->pid, 0));

	if (output < 0)
		return refuse(o, EMFILE);
	o->out_fd = (uint64_t)output;
	o->pid_fd = pidfd < 0 ? 0 : (uint64_t)pidfd;
	o->start_after_ns = UINT64_MAX; /* no file is written until one is asked for */
	o->no_symbols = true;
	o->packing = TRK_PACK_NONE;
	return 0;
}

int serve_hello(const struct arguments *o, const struct recorder *r)
{
	const struct new_segment s = { .fd = (int)o->shm_fd, .id = -1 };
	struct shm_hello hello = { .recording = r->shm->header.recording };
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec text = { &hello, sizeof(hello) };
	const struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct cmsghdr *const c = CMSG_FIRSTHDR(&m);

	new_segment_name(&s, getpid(), hello.name, sizeof(hello.name));
	memcpy(r->shm->execs.way, hello.name, sizeof(hello.name));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &s.fd, sizeof(s.fd));
	return sendmsg((int)o->serve_fd, &m, MSG_NOSIGNAL) == (ssize_t)sizeof(hello) ? 0 : errno;
}
