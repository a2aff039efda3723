/*
 * hooks_end - the moment before a program ends: main returns, or exit is called. What functions of atexit and destructors release is
 * still there then, so this is when a look at the memory is taken, if one is asked for. Nothing is recorded here.
 */
#include "hook.h"
#include "looked_at.h"
#include "raw.h"

static int (*program_main)(int, char **, char **);

/* Stands in the stacks of a program at whose end a look is taken. */
static int tracker_main(int argc, char **argv, char **environment)
{
	const int status = program_main(argc, argv, environment);

	look_at_end();
	return status;
}

EXPORT int __libc_start_main(int (*function)(int, char **, char **), int argc, char **argv, void (*init)(void),
			     void (*fini)(void), void (*loader_fini)(void), void *stack_end);
EXPORT int __libc_start_main(int (*function)(int, char **, char **), int argc, char **argv, void (*init)(void),
			     void (*fini)(void), void (*loader_fini)(void), void *stack_end)
{
	hook_start();
	if (state.looks && state.shm->header.flags & SHM_LOOK_AT_END) {
		program_main = function;
		function = tracker_main;
	}
	return real.start_main(function, argc, argv, init, fini, loader_fini, stack_end);
}

/* Where the C library has no exit that can be found. */
static void end_now(int code)
{
	for (;;)
		(void)arch_syscall(SYS_exit_group, code, 0, 0, 0, 0, 0);
}

typedef void (*exit_function)(int);
__attribute__((used)) exit_function hooks_end_exit(void);
__attribute__((used)) exit_function hooks_end_exit(void)
{
	hook_start();
	look_at_end();
	return real.exit ? real.exit : end_now;
}

ARCH_PASS_ON(exit, hooks_end_exit);
