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
	char fd[16];
	int socket; /* its end */
};

char *spawn_number(char *end, uint64_t n)
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

static bool find_paths(struct start *s, const char *program)
{
	for (unsigned i = 0; i < FOLDERS; i++)
		if (!spawn_place(i, program, s->paths[i]))
			return false;
	return true;
}

/* more: ends with NULL. */
static void fill_arguments(struct start *s, const char *program, char *const *more)
{
	size_t n = 0;

	s->argv[n++] = (char *)program;
	s->argv[n++] = (char *)"--serve";
	s->argv[n++] = spawn_number(s->fd + sizeof(s->fd), (uint64_t)s->socket);
	while (*more && n < sizeof(s->argv) / sizeof(*s->argv) - 1)
		s->argv[n++] = *more++;
	s->argv[n] = NULL;
}

/* The child of the child. Every system call here may fail; then the program does without its effect. */
static int execute(void *start)
{
	struct start *const s = start;

	(void)arch_syscall(SYS_setsid, 0, 0, 0, 0, 0, 0);
	(void)arch_syscall(SYS_fcntl, s->socket, F_SETFD, 0, 0, 0, 0);
	if (s->socket > 3)
		(void)arch_syscall(SYS_close_range, 3, s->socket - 1, 0, 0, 0, 0);
	(void)arch_syscall(SYS_close_range, s->socket + 1, UINT_MAX, 0, 0, 0, 0);
	for (unsigned i = 0; i < FOLDERS; i++)
		(void)arch_syscall(SYS_execve, (long)s->paths[i], (long)s->argv, (long)s->envp, 0, 0, 0);
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

long spawn_receive(int from, void *ret, size_t bytes, int flags, int *ret_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec text = { ret, bytes };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;
	const long n = arch_syscall(SYS_recvmsg, from, (long)&m, flags | MSG_CMSG_CLOEXEC, 0, 0, 0);

	*ret_fd = -1;
	c = n >= 0 && m.msg_controllen >= sizeof(*c) ? CMSG_FIRSTHDR(&m) : NULL;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
	*ret_fd = raw_high(*ret_fd);
	return n;
}

/* What starts it, and the socket to it. */
static int start_on(struct start *s, uint8_t *stacks, const char *program, char *const *more, int *ret)
{
	int pair[2];

	if (!find_paths(s, program) || arch_syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, (long)pair, 0, 0) != 0)
		return error_set(TRACKER_ENOMEM, "no socket could be made to start tracker's own process with");
	pair[0] = raw_high(pair[0]);
	s->socket = pair[1] = raw_high(pair[1]);
	s->envp = environment_make_without(__environ, s + 1); /* it must not be recorded */
	fill_arguments(s, program, more);
	if (pair[0] >= 0 && pair[1] >= 0 && run(s, stacks)) {
		raw_close(pair[1]);
		*ret = pair[0];
		return TRACKER_OK;
	}
	raw_close(pair[1]);
	raw_close(pair[0]);
	return error_set(TRACKER_EIO, "no process of tracker's own could be started");
}

int spawn_program(const char *program, char *const *more, int *ret)
{
	size_t all;
	uint8_t *memory;
	int code;

	state.own_path = start_own_path();
	if (!state.own_path)
		return error_set(TRACKER_EIO, "libtracker.so does not know where it lies, so it cannot find the programs that lie beside it");
	all = ((sizeof(struct start) + environment_room(__environ, "")) / RAW_PAGE_MOST + 1) * RAW_PAGE_MOST;
	memory = raw_map_private(all + 2 * STACK_BYTES);
	if (!memory)
		return error_set(TRACKER_ENOMEM, "there is no memory to start tracker's own process with");
	code = start_on((struct start *)(memory + 2 * STACK_BYTES), memory, program, more, ret);
	raw_release(memory, all + 2 * STACK_BYTES);
	return code;
}

static int meet(int socket, struct inherited *ret)
{
	const struct timespec limit = { .tv_sec = HELLO_MS / 1000 };
	struct pollfd p = { .fd = socket, .events = POLLIN };
	struct shm_hello hello = { .error = 0 };

	*ret = (struct inherited){ .fd = -1 };
	if (arch_syscall(SYS_ppoll, (long)&p, 1, (long)&limit, 0, 0, 0) != 1 ||
	    spawn_receive(socket, &hello, sizeof(hello), MSG_DONTWAIT, &ret->fd) != sizeof(hello) || ret->fd < 0)
		return error_set(TRACKER_EIO, "the recorder of this program did not start: tracker-record must lie in the bin folder "
					      "beside libtracker.so's, and be of the same build");
	ret->recording = hello.recording;
	return TRACKER_OK;
}

int spawn_recorder(uint32_t nframe, struct inherited *ret)
{
	char frames[16], pid[16];
	char *const more[] = {
		(char *)"--nframe",
		spawn_number(frames + sizeof(frames), nframe),
		(char *)"--pid",
		spawn_number(pid + sizeof(pid), raw_getpid()),
		(char *)"--",
		(char *)(state.executable ? state.executable : "program"),
		NULL,
	};
	int socket, code = spawn_program("tracker-record", more, &socket);

	if (code != TRACKER_OK)
		return code;
	code = meet(socket, ret);
	raw_close(socket);
	return code;
}
