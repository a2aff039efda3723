/* beside - see beside.h. */
#include "beside.h"

#include "libtracker/raw.h"

#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENVIRONMENT_MORE 4u
#define OWN_FAILURE 125

static struct beside *started;

static void forget_those_that_need_nothing(void)
{
	struct beside **at = &started;

	while (*at) {
		struct beside *const b = *at;

		if (__atomic_load_n(&b->needed, __ATOMIC_ACQUIRE)) {
			at = &b->next;
			continue;
		}
		*at = b->next;
		free(b->owned[0]);
		free(b->owned[1]);
		free(b);
	}
}

/* It ends a program that makes a process that is neither a thread nor a fork. */
static bool runs_in_valgrind(void)
{
	const char *const preloaded = getenv("LD_PRELOAD");

	return preloaded && strstr(preloaded, "vgpreload");
}

static int begin(void *data)
{
	struct beside *const b = data;

	b->run(b);
	(void)arch_syscall(SYS_exit_group, OWN_FAILURE, 0, 0, 0, 0, 0);
	return OWN_FAILURE;
}

pid_t beside_start(struct beside *b)
{
	pid_t pid;

	forget_those_that_need_nothing();
	b->next = started;
	started = b;
	b->needed = 1;
	pid = runs_in_valgrind() ? -1 : clone(begin, b->stack + sizeof(b->stack), CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, b, NULL, NULL, &b->needed);
	if (pid >= 0)
		return pid;
	/* an emulator (qemu, too) knows threads and forks, and nothing between them */
	b->needed = 0;
	pid = fork();
	if (pid == 0)
		begin(b);
	return pid;
}

int beside_execute(const char *path, char *const *argv, char *const *envp)
{
	return (int)-arch_syscall(SYS_execve, (long)path, (long)argv, (long)envp, 0, 0, 0);
}

void beside_dup(int fd, int as)
{
	(void)arch_syscall(SYS_dup3, fd, as, 0, 0, 0, 0);
}

char **environment_copy(void)
{
	size_t count = 0;

	while (environ[count])
		count++;
	char **const list = calloc(count + ENVIRONMENT_MORE + 1, sizeof(*list));

	if (list)
		memcpy(list, environ, count * sizeof(*list));
	return list;
}

void environment_set(char **list, char *entry)
{
	const size_t name = strcspn(entry, "=") + 1;
	size_t at = 0;

	while (list[at] && strncmp(list[at], entry, name))
		at++;
	list[at] = entry;
}
