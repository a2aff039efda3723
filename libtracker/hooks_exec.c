/*
 * hooks_exec - the exec and posix_spawn families.
 *
 * Programs are recorded even if they are executed with a new environment. system and popen do not call these
 * functions, but pass on the environment of the process. If the program removed libtracker's variables, the hooks
 * lend the process another environment for the call.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "ended.h"
#include "execution.h"
#include "hook.h"
#include "raw.h"

extern char **__environ;

/* Makes the call `call`, in which `with` is the environment for the program instead of `asked`. */
#define EXECUTE(target, asked, call)                                                \
	do {                                                                        \
		struct execution e_;                                                \
                                                                                    \
		execution_begin(&e_, &(target), asked);                             \
		void *const room_ = e_.room ? __builtin_alloca(e_.room) : NULL;     \
		char *const *const with = execution_environment(&e_, asked, room_); \
		const int ret_ = (call);                                            \
                                                                                    \
		execution_end(&e_, 0);                                              \
		return ret_;                                                        \
	} while (0)

static int execute(const char *path, char *const *argv, char *const *environment)
{
	const struct target target = { .path = path, .fd = AT_FDCWD };

	hook_start();
	EXECUTE(target, environment, real.execve(path, argv, with));
}

static int execute_searched(const char *file, char *const *argv, char *const *environment)
{
	const struct target target = { .path = file, .fd = AT_FDCWD, .search = true };

	hook_start();
	EXECUTE(target, environment, real.execvpe(file, argv, with));
}

EXPORT int execve(const char *path, char *const argv[], char *const envp[]);
EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
	return execute(path, argv, envp);
}

EXPORT int execvpe(const char *file, char *const argv[], char *const envp[]);
EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
	return execute_searched(file, argv, envp);
}

/* With the environment of the process, the functions are called unchanged, for another library that hooks them. */
EXPORT int execv(const char *path, char *const argv[]);
EXPORT int execv(const char *path, char *const argv[])
{
	const struct target target = { .path = path, .fd = AT_FDCWD };

	hook_start();
	EXECUTE(target, __environ, with == __environ ? real.execv(path, argv) : real.execve(path, argv, with));
}

EXPORT int execvp(const char *file, char *const argv[]);
EXPORT int execvp(const char *file, char *const argv[])
{
	const struct target target = { .path = file, .fd = AT_FDCWD, .search = true };

	hook_start();
	EXECUTE(target, __environ, with == __environ ? real.execvp(file, argv) : real.execvpe(file, argv, with));
}

/* How many arguments follow the first, and where the last of them, NULL, stands. */
static size_t count_arguments(const char *first, va_list rest)
{
	size_t count = 0;

	if (first)
		for (count = 1; va_arg(rest, char *); count++)
			;
	return count;
}

/* Declares `argv` from the variable arguments behind `first`; `rest` stands behind their NULL. */
#define COLLECT(argv, rest, first)                                          \
	va_list rest;                                                       \
                                                                            \
	va_start(rest, first);                                              \
	const size_t count_ = count_arguments(first, rest);                 \
                                                                            \
	va_end(rest);                                                       \
	char **const argv = __builtin_alloca((count_ + 1) * sizeof(*argv)); \
                                                                            \
	argv[0] = (char *)first;                                            \
	va_start(rest, first);                                              \
	for (size_t i_ = 1; i_ <= count_; i_++)                             \
	argv[i_] = va_arg(rest, char *)

EXPORT int execl(const char *path, const char *first, ...);
EXPORT int execl(const char *path, const char *first, ...)
{
	COLLECT(argv, rest, first);
	va_end(rest);
	return execute(path, argv, __environ);
}

EXPORT int execlp(const char *file, const char *first, ...);
EXPORT int execlp(const char *file, const char *first, ...)
{
	COLLECT(argv, rest, first);
	va_end(rest);
	return execute_searched(file, argv, __environ);
}

EXPORT int execle(const char *path, const char *first, ...);
EXPORT int execle(const char *path, const char *first, ...)
{
	COLLECT(argv, rest, first);
	char *const *const envp = va_arg(rest, char *const *);

	va_end(rest);
	return execute(path, argv, envp);
}

EXPORT int fexecve(int fd, char *const argv[], char *const envp[]);
EXPORT int fexecve(int fd, char *const argv[], char *const envp[])
{
	const struct target target = { .fd = fd };

	hook_start();
	if (!envp) /* the C library refuses that */
		return real.fexecve(fd, argv, envp);
	EXECUTE(target, envp, real.fexecve(fd, argv, with));
}

EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags);
EXPORT int execveat(int fd, const char *path, char *const argv[], char *const envp[], int flags)
{
	const struct target target = { .path = path && *path ? path : NULL, .fd = fd };

	hook_start();
	if (!real.execveat) {
		errno = ENOSYS;
		return -1;
	}
	EXECUTE(target, envp, real.execveat(fd, path, argv, with, flags));
}

/* ---- in a process of its own ---- */

typedef int (*spawn_function)(pid_t *, const char *, const void *, const void *, char *const *, char *const *);

static int spawn(spawn_function function, bool search, pid_t *ret_pid, const char *path, const void *actions,
		 const void *attributes, char *const *argv, char *const *environment)
{
	const struct target target = { .path = path, .fd = AT_FDCWD, .search = search, .spawn = true };
	struct execution e;
	pid_t pid = 0;

	execution_begin(&e, &target, environment);

	void *const room = e.room ? __builtin_alloca(e.room) : NULL;
	const int error = function(&pid, path, actions, attributes, argv,
				   execution_environment(&e, environment, room));

	execution_end(&e, error ? 0 : (uint32_t)pid);
	if (!error && ret_pid)
		*ret_pid = pid;
	return error;
}

EXPORT int posix_spawn(pid_t *ret_pid, const char *path, const void *actions, const void *attributes,
		       char *const argv[], char *const envp[]);
EXPORT int posix_spawn(pid_t *ret_pid, const char *path, const void *actions, const void *attributes,
		       char *const argv[], char *const envp[])
{
	hook_start();
	return spawn(real.posix_spawn, false, ret_pid, path, actions, attributes, argv, envp);
}

EXPORT int posix_spawnp(pid_t *ret_pid, const char *path, const void *actions, const void *attributes,
			char *const argv[], char *const envp[]);
EXPORT int posix_spawnp(pid_t *ret_pid, const char *path, const void *actions, const void *attributes,
			char *const argv[], char *const envp[])
{
	hook_start();
	return spawn(real.posix_spawnp, true, ret_pid, path, actions, attributes, argv, envp);
}

/* ---- by a shell ---- */

/*
 * Makes the call `call` with the environment that is lent, and takes it back unless the program has made a new one.
 */
#define LEND(type, call)                                                               \
	do {                                                                           \
		struct execution e_;                                                   \
		const size_t bytes_ = execution_lends(&e_);                            \
		void *const room_ = bytes_ ? __builtin_alloca(bytes_) : NULL;          \
		char **const own_ = __environ;                                         \
		char **const lent_ = (char **)execution_environment(&e_, own_, room_); \
                                                                                       \
		__environ = lent_;                                                     \
		type const ret_ = (call);                                              \
                                                                                       \
		if (lent_ != own_ && __environ == lent_)                               \
			__environ = own_;                                              \
		return ret_;                                                           \
	} while (0)

static int call_system(const char *command)
{
	const int ret = real.system(command);

	ended_children();
	return ret;
}

EXPORT int system(const char *command)
{
	hook_start();
	LEND(int, call_system(command));
}

EXPORT FILE *popen(const char *command, const char *mode)
{
	hook_start();
	LEND(FILE *, real.popen(command, mode));
}

EXPORT int pclose(FILE *f)
{
	int ret;

	hook_start();
	ret = real.pclose(f);
	ended_children();
	return ret;
}
