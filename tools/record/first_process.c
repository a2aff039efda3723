/* first_process - see first_process.h. */
#include "first_process.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "proc.h"
#include "process.h"

void first_process_machine(struct recorder *r)
{
	struct utsname u;

	if (uname(&u) < 0)
		return;
	snprintf(r->host, sizeof(r->host), "%s", u.nodename);
	snprintf(r->system, sizeof(r->system), "%s %s %s", u.sysname, u.release, u.machine);
}

static void tell_attached(const struct recorder *r, const struct process *p)
{
	char text[SHM_EXECUTABLE_BYTES + 200];

	snprintf(text, sizeof(text),
		 "%s (pid %u) had run for %.1f s when it was attached to: blocks from before are unknown, and their releases do not count",
		 p->name ? p->name : "the program", p->pid, (double)r->attached_ns / 1e9);
	writer_notice(r->writer, text);
}

int first_process(struct recorder *r, uint32_t pid, int pidfd, char **arguments)
{
	const char *const name = arguments[0], *const slash = strrchr(name, '/');
	char command[SHM_COMMAND_BYTES];
	size_t size = 0;
	uint32_t count;
	struct process *const p = process_new(r, &(struct process_start){
							 .pid = pid,
							 .ppid = proc_status(pid, "PPid:", &count),
							 .parent = NO_INDEX,
							 .origin = r->attached ? TRK_ATTACHED : TRK_STARTED,
							 .pidfd = pidfd,
						 });

	if (!p)
		return TRK_ERR_NOMEM;
	for (char **at = arguments; *at; at++) {
		const size_t bytes = strlen(*at) + 1;

		if (bytes > sizeof(command) - size)
			break;
		memcpy(command + size, *at, bytes);
		size += bytes;
	}
	process_set_program(r, p, slash ? slash + 1 : name, name, command, size);
	process_write(r, p);
	if (r->attached)
		tell_attached(r, p);
	return 0;
}
