/* way - see way.h. */
#include "way.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/socket.h>

#include "format/control_page.h"
#include "patience.h"
#include "raw.h"
#include "state.h"

/* A live recorder looks every 10 ms. */
#define SLICE_MS 5u

void way_name(char name[SHM_WAY_BYTES])
{
	memcpy(name, state.shm->execs.way, SHM_WAY_BYTES);
	name[SHM_WAY_BYTES - 1] = 0;
}

static bool system_v_is_open(const char *number)
{
	struct shmid_ds d;
	long id = 0;

	for (; *number >= '0' && *number <= '9'; number++)
		id = id * 10 + *number - '0';
	return arch_syscall(SYS_shmctl, id, IPC_STAT, (long)&d, 0, 0, 0) >= 0;
}

bool way_is_open(const char *name)
{
	const bool dormant = strncmp(name, SHM_DORMANT, strlen(SHM_DORMANT)) == 0;
	struct stat st;
	bool found;
	int fd;

	if (dormant)
		name += strlen(SHM_DORMANT);
	if (strncmp(name, SHM_SYSTEM_V, strlen(SHM_SYSTEM_V)) == 0)
		return system_v_is_open(name + strlen(SHM_SYSTEM_V));
	fd = raw_open(name, O_RDWR | O_CLOEXEC);
	if (fd == -EMFILE || fd == -ENFILE) /* it is there: only this process has no descriptor left */
		return true;
	if (fd < 0)
		return false;
	found = !raw_stat_fd(fd, &st) || (dormant ? st.st_size == sizeof(struct shm_control) : st.st_ino == state.segment_inode); /* a kernel that says nothing of it gives no reason to doubt */
	raw_close(fd);
	return found;
}

struct answer {
	uint32_t pid; /* the number of this process, as the recorder sees it */
	int fd;
};

static bool receive(int from, struct answer *ret)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec text = { &ret->pid, sizeof(ret->pid) };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;

	if (arch_syscall(SYS_recvmsg, from, (long)&m, MSG_DONTWAIT, 0, 0, 0) != sizeof(ret->pid))
		return false;
	c = m.msg_controllen >= sizeof(*c) ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return false;
	memcpy(&ret->fd, CMSG_DATA(c), sizeof(ret->fd));
	return true;
}

static bool wait_for_answer(const struct shm_exec *entry, int from, struct answer *ret)
{
	struct patience patience = patience_begin();

	do {
		const struct timespec slice = { .tv_nsec = SLICE_MS * 1000000l };
		struct pollfd p = { .fd = from, .events = POLLIN };

		if (arch_syscall(SYS_ppoll, (long)&p, 1, (long)&slice, 0, 0, 0) > 0)
			return receive(from, ret);
	} while (atomic_load(&entry->request) != SHM_REQUEST_REFUSED && patience_lasts(&patience, SLICE_MS));
	return false;
}

static char *append_number(char *at, uint64_t number, unsigned base, unsigned digits)
{
	char reversed[24];
	unsigned n = 0;

	for (; number || n < digits; number /= base)
		reversed[n++] = "0123456789abcdef"[number % base];
	while (n)
		*at++ = reversed[--n];
	return at;
}

static void write_way(char *at, int fd, uint32_t pid)
{
	memcpy(at, SHM_DESCRIPTOR, sizeof(SHM_DESCRIPTOR));
	at = append_number(at + strlen(SHM_DESCRIPTOR), (uint64_t)fd, 10, 1);
	*at++ = ':';
	at = append_number(at, state.shm->header.recording, 16, 16);
	*at++ = ':';
	at = append_number(at, pid, 10, 1);
	*at = 0;
}

static bool make_request(struct shm_exec *entry, int fd)
{
	struct stat st;

	if (!raw_stat_fd(fd, &st))
		return false;
	entry->fd = fd;
	entry->inode = st.st_ino;
	atomic_store_explicit(&entry->request, SHM_REQUEST_MADE, memory_order_release);
	return true;
}

int way_ask(struct shm_exec *entry, bool keeps_pid, char way[SHM_WAY_BYTES])
{
	struct answer answer = { .fd = -1 };
	int pair[2];

	if (!state.segment_inode || patience_is_over() ||
	    arch_syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, (long)pair, 0, 0) < 0)
		return -1;
	if (!make_request(entry, pair[1]) || !wait_for_answer(entry, pair[0], &answer))
		answer.fd = -1;
	atomic_store(&entry->request, SHM_REQUEST_NONE);
	raw_close(pair[0]);
	raw_close(pair[1]);
	if (answer.fd >= 0)
		write_way(way, answer.fd, keeps_pid ? answer.pid : 0);
	return answer.fd;
}

static uint64_t read_number(const char **text, unsigned base)
{
	uint64_t number = 0;

	for (;; ++*text) {
		const char c = **text;

		if (c >= '0' && c <= '9')
			number = number * base + (uint64_t)(c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			number = number * base + (uint64_t)(c - 'a' + 10);
		else
			break;
	}
	*text += **text == ':';
	return number;
}

bool way_read(const char *name, struct inherited *ret)
{
	if (strncmp(name, SHM_DESCRIPTOR, strlen(SHM_DESCRIPTOR)) != 0)
		return false;
	name += strlen(SHM_DESCRIPTOR);
	ret->fd = (int)read_number(&name, 10);
	ret->recording = read_number(&name, 16);
	ret->pid = (uint32_t)read_number(&name, 10);
	return true;
}
