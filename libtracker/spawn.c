/* spawn - see spawn.h. */
#include "spawn.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "environment.h"
#include "error.h"
#include "hook.h"
#include "raw.h"
#include "start.h"

extern char **__environ;

#define STACK_BYTES (256u << 10)
#define HELLO_MS 10000
#define FOLDERS 6u

/*
 * Where the recorder lies, relative to the folder of this library: in a build, in an installation, and in an
 * installation under another prefix.
 */
static const char *const folders[FOLDERS] = { "/../tools/", "/../bin/", "/../../bin/", "/", "/../libexec/tracker/", "/../../../bin/" };

/* What the children need. They share this process's memory, and may change little of it. */
struct start {
	char paths[FOLDERS][PATH_MAX];
	char *argv[12], **envp;
	char pid[16], fd[16], frames[16];
	int socket; /* the recorder's end */
	long error; /* error of the last try to execute it */
};

static char *number(char *end, uint64_t n)
{
	*--end = 0;
	do
		*--end = (char)('0' + n % 10);
	while (n /= 10);
	return end;
}

bool spawn_place(unsigned i, const char *program, char path[PATH_MAX])
{
	const char *const own = start_own_path(), *const slash = own ? strrchr(own, '/') : NULL;
	const size_t folder = slash ? (size_t)(slash - own) : 0, n = i < FOLDERS ? strlen(folders[i]) : 0;

	if (i >= FOLDERS || !slash || folder + n + strlen(program) + 1 > PATH_MAX)
		return false;
	memcpy(path, own, folder);
	memcpy(path + folder, folders[i], n);
	memcpy(path + folder + n, program, strlen(program) + 1);
	return true;
}

static bool find_paths(struct start *s)
{
	for (unsigned i = 0; i < FOLDERS; i++)
		if (!spawn_place(i, "tracker-record", s->paths[i]))
			return false;
	return true;
}

static void fill_arguments(struct start *s, uint32_t nframe)
{
	char *const argv[] = {
		(char *)"tracker-record",
		(char *)"--serve",
		number(s->fd + sizeof(s->fd), (uint64_t)s->socket),
		(char *)"--nframe",
		number(s->frames + sizeof(s->frames), nframe),
		(char *)"--pid",
		number(s->pid + sizeof(s->pid), raw_getpid()),
		(char *)"--",
		(char *)(state.executable ? state.executable : "program"),
		NULL,
	};

	memcpy(s->argv, argv, sizeof(argv));
}

/* The child of the child. Every system call here may fail; then the recorder does without its effect. */
static int execute(void *start)
{
	struct start *const s = start;

	(void)arch_syscall(SYS_setsid, 0, 0, 0, 0, 0, 0);
	(void)arch_syscall(SYS_fcntl, s->socket, F_SETFD, 0, 0, 0, 0);
	if (s->socket > 3)
		(void)arch_syscall(SYS_close_range, 3, s->socket - 1, 0, 0, 0, 0);
	(void)arch_syscall(SYS_close_range, s->socket + 1, UINT_MAX, 0, 0, 0, 0);
	for (unsigned i = 0; i < FOLDERS; i++)
		s->error = arch_syscall(SYS_execve, (long)s->paths[i], (long)s->argv, (long)s->envp, 0, 0, 0);
	return 127;
}

/* As vfork, but without a signal at its end, so a program that waits for children does not see it. */
static int run_child(int (*function)(void *), void *start, uint8_t *stack_end)
{
	return clone(function, stack_end, CLONE_VM | CLONE_VFORK, start);
}

struct parent {
	struct start *start;
	uint8_t *stack_end; /* of the child's child */
};

/* The child. It ends at once, so that the recorder's parent is init, or the process that takes orphans. */
static int be_parent(void *parent)
{
	const struct parent *const p = parent;

	return run_child(execute, p->start, p->stack_end) < 0 ? 1 : 0;
}

static bool run(struct start *s, uint8_t *stacks)
{
	struct parent p = { s, stacks + STACK_BYTES };
	const uint64_t all = UINT64_MAX;
	uint64_t before;
	int pid, status = 0;

	/* no handler of the program runs in a child that shares its memory */
	(void)arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof(all), 0, 0);
	pid = run_child(be_parent, &p, stacks + 2 * STACK_BYTES);
	while (pid > 0 && arch_syscall(SYS_wait4, pid, (long)&status, __WALL, 0, 0, 0) == -EINTR)
		;
	(void)arch_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof(before), 0, 0);
	return pid > 0 && status == 0;
}

/* The greeting, and the descriptor beside it. -1: none came. */
static int receive(int from, struct shm_hello *ret)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec text = { ret, sizeof(*ret) };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	struct pollfd p = { .fd = from, .events = POLLIN };
	const struct timespec limit = { .tv_sec = HELLO_MS / 1000 };
	const struct cmsghdr *c;
	int fd;

	ret->error = 0;
	if (arch_syscall(SYS_ppoll, (long)&p, 1, (long)&limit, 0, 0, 0) != 1 ||
	    arch_syscall(SYS_recvmsg, from, (long)&m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, 0, 0, 0) != sizeof(*ret))
		return -1;
	c = m.msg_controllen >= sizeof(*c) ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static int meet(int socket, struct inherited *ret)
{
	struct shm_hello hello;

	*ret = (struct inherited){ .fd = receive(socket, &hello) };
	if (ret->fd < 0)
		return error_set(TRACKER_EIO, "the recorder of this program did not start: tracker-record must lie in the bin folder "
					      "beside libtracker.so's, and be of the same build");
	ret->recording = hello.recording;
	return TRACKER_OK;
}

int spawn_recorder(uint32_t nframe, struct inherited *ret)
{
	size_t environment_bytes, all;
	int pair[2], code = TRACKER_ENOMEM;
	uint8_t *memory;
	struct start *s;

	state.own_path = start_own_path();
	if (!state.own_path)
		return error_set(TRACKER_EIO, "libtracker.so does not know where it lies, so it cannot find tracker-record");
	environment_bytes = environment_room(__environ, "");
	all = ((sizeof(*s) + environment_bytes) / RAW_PAGE_MOST + 1) * RAW_PAGE_MOST;
	memory = raw_map_private(all + 2 * STACK_BYTES);
	if (!memory)
		return error_set(TRACKER_ENOMEM, "there is no memory to start the recorder with");
	s = (struct start *)(memory + 2 * STACK_BYTES);
	if (find_paths(s) && arch_syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, (long)pair, 0, 0) == 0) {
		s->socket = pair[1];
		s->envp = environment_make_without(__environ, s + 1); /* the recorder must not be recorded */
		fill_arguments(s, nframe);
		code = run(s, memory) ? TRACKER_OK : error_set(TRACKER_EIO, "no process could be started for the recorder");
		raw_close(pair[1]);
		if (code == TRACKER_OK)
			code = meet(pair[0], ret);
		raw_close(pair[0]);
	} else {
		(void)error_set(code, "no socket could be made to start the recorder with");
	}
	raw_release(memory, all + 2 * STACK_BYTES);
	return code;
}
