/* refusals - see refusals.h. */
#include "tools/attach/refusals.h"

#include "tools/attach/filters.h"
#include "tools/attach/target.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAN_PTRACE (1ull << 19) /* CAP_SYS_PTRACE */
#define MACHINE EM_X86_64

static bool say(char why[REFUSAL_ROOM], const char *text)
{
	snprintf(why, REFUSAL_ROOM, "%s", text);
	return true;
}

/* ---- what it does ---- */

static bool is_over_or_stopped(pid_t pid, char why[REFUSAL_ROOM])
{
	switch (target_state(pid, 0)) {
	case 0: return say(why, "is no process: there is none of that number");
	case 'Z':
	case 'X': return say(why, "has ended: nobody has waited for it yet");
	case 'T':
		snprintf(why, REFUSAL_ROOM, "is stopped, and would do nothing: kill -CONT %d first", (int)pid);
		return true;
	default: return false;
	}
}

static bool is_traced(pid_t pid, char why[REFUSAL_ROOM])
{
	uint64_t tracer = 0;
	struct target t;

	if (!target_status(pid, 0, "TracerPid:", 10, &tracer) || !tracer)
		return false;
	target_begin(&t, (pid_t)tracer);
	snprintf(why, REFUSAL_ROOM, "is traced by %s (pid %d): detach that first", t.name, (int)tracer);
	return true;
}

/* ---- what it is ---- */

static bool is_other_kind(pid_t pid, char why[REFUSAL_ROOM])
{
	char path[64], file[8];
	unsigned char head[20] = { 0 };
	uint16_t machine;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (readlink(path, file, sizeof(file)) < 0)
		return errno == ENOENT && say(why, "is a thread of the kernel");
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	const bool read_it = read(fd, head, sizeof(head)) == sizeof(head);

	close(fd);
	memcpy(&machine, head + 18, sizeof(machine));
	if (!read_it || memcmp(head, ELFMAG, SELFMAG) != 0)
		return false;
	if (head[EI_CLASS] != ELFCLASS64)
		return say(why, "is a 32-bit program: only 64-bit programs can be recorded");
	return machine != MACHINE && say(why, "is a program of another processor, and runs in an emulator");
}

static bool has_path(const struct target *t, const char *part, const char **ret)
{
	for (size_t i = 0; i < t->area_count; i++)
		if (strstr(t->areas[i].path, part)) {
			*ret = t->areas[i].path;
			return true;
		}
	return false;
}

static const char *last_part(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_other_library(const struct target *t, char why[REFUSAL_ROOM])
{
	static const char *const sanitizers[] = { "/libasan.so", "/libtsan.so", "/libhwasan.so", "/liblsan.so", "/libclang_rt." };
	const char *path;

	if (has_path(t, "/ld-musl-", &path))
		return say(why, "uses musl's C library: programs can be attached to with glibc only");
	if (!has_path(t, "/ld-linux", &path) && !has_path(t, "/ld-2.", &path))
		return say(why, "is statically linked: its calls of malloc cannot be seen");
	for (size_t i = 0; i < sizeof(sanitizers) / sizeof(*sanitizers); i++)
		if (has_path(t, sanitizers[i], &path)) {
			snprintf(why, REFUSAL_ROOM, "was built with a sanitizer (%s), whose malloc cannot be recorded: build it without -fsanitize", last_part(path));
			return true;
		}
	if (has_path(t, "/libtracker.so", &path) && !has_path(t, "/memfd:libtracker.so", &path)) {
		snprintf(why, REFUSAL_ROOM, "was started with tracker run, or with libtracker preloaded: it is recorded already, or waits for tracker ctl");
		return true;
	}
	return false;
}

/* ---- what is allowed ---- */

static bool has_capability(const char *key)
{
	uint64_t set = 0;

	return target_status(getpid(), 0, key, 16, &set) && set & CAN_PTRACE;
}

static int ptrace_scope(void)
{
	FILE *const f = fopen("/proc/sys/kernel/yama/ptrace_scope", "re");
	int scope = 0;

	if (f && fscanf(f, "%d", &scope) != 1)
		scope = 0;
	if (f)
		fclose(f);
	return scope;
}

static uid_t owner(pid_t pid)
{
	uint64_t uid = (uint64_t)-1;

	(void)target_status(pid, 0, "Uid:", 10, &uid);
	return (uid_t)uid;
}

void refusal_of_kernel(pid_t pid, char why[REFUSAL_ROOM])
{
	const uid_t uid = owner(pid);
	const struct passwd *const user = getpwuid(uid);
	char path[64], number[24];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	(void)stat(path, &st);
	snprintf(number, sizeof(number), "uid %u", (unsigned)uid);
	if (!has_capability("CapEff:") && uid != geteuid())
		snprintf(why, REFUSAL_ROOM, "belongs to %s: run tracker attach as that user, or with sudo", user ? user->pw_name : number);
	else if (ptrace_scope() == 3)
		say(why, "may not be traced by anybody until the machine is started anew (kernel.yama.ptrace_scope is 3): start it with tracker run");
	else if (!has_capability("CapBnd:"))
		say(why, "may not be traced in this container: give it --cap-add SYS_PTRACE, or run tracker attach on the host");
	else if (!has_capability("CapEff:") && ptrace_scope() == 2)
		say(why, "may be traced with CAP_SYS_PTRACE only (kernel.yama.ptrace_scope is 2): use sudo");
	else if (!has_capability("CapEff:") && st.st_uid != uid)
		say(why, "has forbidden to be looked at (it is not dumpable): use sudo");
	else if (ptrace_scope() == 1)
		say(why, "may be traced by its parents only (kernel.yama.ptrace_scope is 1): use sudo, or sysctl kernel.yama.ptrace_scope=0");
	else
		say(why, "may not be traced, which a rule of this system (SELinux, AppArmor, a container) forbids: run tracker attach outside of it");
}

/* With a shadow stack a thread can return only to where it was called from. */
static bool has_shadow_stack(pid_t pid, char why[REFUSAL_ROOM])
{
	char path[64], line[256];
	bool has = false;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *const f = fopen(path, "re");

	while (f && !has && fgets(line, sizeof(line), f))
		has = strncmp(line, "x86_Thread_features:", 20) == 0 && strstr(line, "shstk");
	if (f)
		fclose(f);
	return has && say(why, "has a shadow stack, past which its threads cannot be borrowed: start it with tracker run");
}

static bool is_sandboxed(pid_t pid, bool trust, char why[REFUSAL_ROOM])
{
	uint64_t mode = 0;

	(void)target_status(pid, 0, "Seccomp:", 10, &mode);
	if (mode == 1)
		return say(why, "has forbidden itself all system calls but read and write (strict seccomp): the kernel would kill it");
	if (mode != 2 || trust)
		return false;

	const char *call;
	const enum filters_answer answer = filters_ask(pid, &call);

	if (answer == FILTERS_FORBID)
		snprintf(why, REFUSAL_ROOM, "has forbidden itself the system call %s (seccomp), which the library makes: --trust-seccomp attaches all the same", call);
	else if (answer == FILTERS_UNKNOWN)
		say(why, "has forbidden itself system calls (seccomp), and only root can find out whether the library makes one of these: use sudo, or "
			 "--trust-seccomp if it is the filter of a container");
	return answer != FILTERS_ALLOW;
}

bool refusal_find(pid_t pid, bool trust_seccomp, char why[REFUSAL_ROOM])
{
	struct target t;
	bool refused;

	if (is_over_or_stopped(pid, why) || is_traced(pid, why) || is_other_kind(pid, why))
		return true;
	target_begin(&t, pid);
	if (target_read_areas(&t) != 0 || target_open(&t) != 0) {
		refusal_of_kernel(pid, why);
		refused = true;
	} else {
		refused = is_other_library(&t, why) || has_shadow_stack(pid, why) || is_sandboxed(pid, trust_seccomp, why);
	}
	target_finish(&t);
	return refused;
}
