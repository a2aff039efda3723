/* program - see program.h. */
#include "program.h"

#include <string.h>

#include "maps.h"
#include "raw.h"
#include "real_functions.h"
#include "state.h"

struct program {
	char name[SHM_PROGRAM_BYTES], executable[SHM_EXECUTABLE_BYTES], command[SHM_COMMAND_BYTES];
	char libc[SHM_LIBC_BYTES];
	uint32_t command_bytes;
	char named[SHM_NAME_BYTES];
	/*
	 * Programs write a title over their arguments, where ps and /proc look for it. It may reach beyond the last argument, over the
	 * environment, but not to the end, where the kernel put the path that was executed.
	 */
	const char *first_argument, *arguments_end;
};

_Static_assert(sizeof(struct program) <= RAW_PAGE_LEAST, "it is kept in a page");

static struct program *program;

static void set_name(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;

	memcpy(program->name, name, strnlen(name, sizeof(program->name) - 1));
}

static void set_command(int argc, char **argv)
{
	const size_t room = sizeof(program->command);
	size_t at = 0;

	for (int i = 0; i < argc && argv[i]; i++) {
		const size_t left = room - at, size = strlen(argv[i]) + 1;

		memcpy(program->command + at, argv[i], size < left ? size : left);
		at += size < left ? size : left;
	}
	if (at == room)
		program->command[at - 1] = '\0';
	program->command_bytes = (uint32_t)at;
}

static void set_title_place(const char *started_as, int argc, char **argv)
{
	const char *const first = argc > 0 ? argv[0] : NULL;

	if (!first)
		return;
	program->first_argument = first;
	program->arguments_end = (uintptr_t)started_as > (uintptr_t)first ? started_as : first + strlen(first) + 1;
}

static void set_libc(void)
{
	static const char glibc[] = "glibc ";
	const char *const version = real_libc_version();
	const size_t at = sizeof(glibc) - 1;

	if (!version)
		return;
	memcpy(program->libc, glibc, at);
	memcpy(program->libc + at, version, strnlen(version, sizeof(program->libc) - 1 - at));
}

/*
 * The loader was started, and the program is its argument. Then the program's file is the one that holds its program
 * headers.
 */
static bool find_by_headers(void)
{
	return maps_path_at((uintptr_t)state.program_headers, program->executable, sizeof(program->executable));
}

void program_find(const char *started_as, bool by_loader, int argc, char **argv, void *page)
{
	const size_t room = sizeof(program->executable) - 1;

	program = page;
	set_title_place(started_as, argc, argv);
	if (by_loader && find_by_headers())
		started_as = program->executable;
	else if (raw_readlink("/proc/self/exe", program->executable, room) <= 0 && started_as)
		memcpy(program->executable, started_as, strnlen(started_as, room));
	set_name(started_as ? started_as : program->executable);
	set_command(argc, argv);
	set_libc();
	state.executable = program->executable;
}

void program_tell(struct shm_process *p)
{
	memcpy(p->libc, program->libc, sizeof(p->libc));
	memcpy(p->program, program->name, sizeof(p->program));
	memcpy(p->executable, program->executable, sizeof(p->executable));
	memcpy(p->command, program->command, program->command_bytes);
	p->command_bytes = program->command_bytes;
	memcpy(p->named, program->named, sizeof(p->named));
	memset(p->title, 0, sizeof(p->title));
}

void program_named(const char *name)
{
	if (!program)
		return;
	memset(program->named, 0, sizeof(program->named));
	memcpy(program->named, name, strnlen(name, sizeof(program->named) - 1));
	if (*state.fork_page)
		memcpy(state.process->named, program->named, sizeof(program->named));
}

void program_tell_title(struct shm_process *p)
{
	const char *const first = program ? program->first_argument : NULL;
	size_t room = sizeof(p->title) - 1;

	if (!first)
		return;
	if ((size_t)(program->arguments_end - first) < room)
		room = (size_t)(program->arguments_end - first);
	memcpy(p->title, first, strnlen(first, room));
}
