/* surroundings - see surroundings.h. */
#include "surroundings.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/cgroup.h"
#include "tools/home.h"
#include "ui/ui.h"

#define OWN_BYTES (4u << 20) /* of a program's address space, about: what tracker maps into it */
#define GROUP_SMALL (256ull << 20) /* a group with less has few chunks */
#define GROUP_NONE (1ull << 60) /* what an unlimited group says */
#define DISK_SMALL (1ull << 30)
#define DISK_NONE (1ull << 20)

struct finding finding_of(enum finding_state state, const char *why, const char *advice, const char *format, ...)
{
	struct finding f = { .state = state, .why = why, .advice = advice };
	va_list ap;

	va_start(ap, format);
	vsnprintf(f.what, sizeof(f.what), format, ap);
	va_end(ap);
	return f;
}

/* The first line of a small file. False: it cannot be read. */
static bool read_line(const char *path, char *line, size_t room)
{
	FILE *const f = fopen(path, "re");
	bool there = f && fgets(line, (int)room, f);

	if (f)
		fclose(f);
	if (!there)
		*line = '\0';
	line[strcspn(line, "\n")] = '\0';
	return there;
}

struct finding surroundings_files(void)
{
	static const char *const names[] = { "libtracker.so", "tracker-record", "tracker-run" };
	char path[PATH_MAX], library[PATH_MAX] = "";

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (!home_find(names[i], path, sizeof(path)))
			return finding_of(FINDING_STOPS, "without it nothing is recorded", "install tracker again, or set TRACKER_HOME", "%s is not beside this program", names[i]);
		if (!*library)
			strcpy(library, path);
	}
	return finding_of(FINDING_GOOD, NULL, NULL, "the library is %s", library);
}

/* ---- rights ---- */

/* In a child: whether it may take this descriptor of its sibling, as the recorder does. */
static int take_descriptor(pid_t sibling, int fd)
{
	const int pidfd = (int)syscall(SYS_pidfd_open, sibling, 0);

	if (pidfd < 0)
		return errno;
	return syscall(SYS_pidfd_getfd, pidfd, fd, 0) < 0 ? errno : 0;
}

static int try_to_take(void)
{
	const int fd = eventfd(0, EFD_CLOEXEC); /* the standard ones may be closed */
	int status = 0;

	if (fd < 0)
		return errno;

	const pid_t sibling = fork();

	if (sibling == 0) {
		pause();
		_exit(0);
	}
	const pid_t taker = sibling > 0 ? fork() : -1;

	if (taker == 0)
		_exit(take_descriptor(sibling, fd));
	if (taker > 0)
		waitpid(taker, &status, 0);
	if (sibling > 0) {
		kill(sibling, SIGKILL);
		waitpid(sibling, NULL, 0);
	}
	close(fd);
	return taker > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : EAGAIN;
}

struct finding surroundings_descriptors(void)
{
	char scope[32];
	const int error = try_to_take();

	if (!read_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope)))
		strcpy(scope, "unset");
	if (!error)
		return finding_of(FINDING_GOOD, NULL, NULL, "a recorder may reach into its programs (kernel.yama.ptrace_scope is %s)", scope);
	return finding_of(FINDING_HINT,
			  "a program in another namespace or root, or whose starter gave up root, runs unrecorded; tracker says so then",
			  "if you need that: sysctl kernel.yama.ptrace_scope=0, or a container with --cap-add SYS_PTRACE",
			  "a recorder may not reach into its programs: %s (kernel.yama.ptrace_scope is %s)", strerror(error), scope);
}

static const char *container(void)
{
	static char word[64];

	if (access("/.dockerenv", F_OK) == 0)
		return "docker";
	if (access("/run/.containerenv", F_OK) == 0)
		return "podman";
	if (read_line("/run/systemd/container", word, sizeof(word)))
		return word;
	return getenv("container");
}

/* "Seccomp:	2" of /proc/self/status. */
static int filters(void)
{
	FILE *const f = fopen("/proc/self/status", "re");
	char line[256];
	int mode = 0;

	while (f && fgets(line, sizeof(line), f))
		(void)sscanf(line, "Seccomp: %d", &mode);
	if (f)
		fclose(f);
	return mode;
}

struct finding surroundings_sandbox(void)
{
	const char *const in = container();

	if (!filters())
		return finding_of(FINDING_GOOD, NULL, NULL, "no filter for system calls is active%s%s", in ? "; this is a container: " : "", in ? in : "");
	return finding_of(FINDING_GOOD, NULL, NULL, "a filter for system calls (seccomp) is active%s%s; the trial shows whether it lets a recording pass",
			  in ? " in this container: " : "", in ? in : "");
}

struct finding surroundings_setuid(void)
{
	if (geteuid() == 0)
		return finding_of(FINDING_HINT, "the loader takes every preloaded library away from them", "record them as that user or group, or a copy without the bit",
				  "you are root: programs that are setuid root are recorded, but those that are setuid or setgid to another user or group (chage) are not");
	return finding_of(FINDING_HINT, "the loader takes every preloaded library away from them", "record them as root, or a copy without the bit",
			  "setuid programs (sudo, ping) run unrecorded when you start them");
}

struct finding surroundings_security(void)
{
	char enforcing[8], profile[128];

	if (read_line("/sys/fs/selinux/enforce", enforcing, sizeof(enforcing)) && enforcing[0] == '1')
		return finding_of(FINDING_HINT, "a program that changes its domain when it starts loses the preloaded library", "if a program runs unrecorded: setenforce 0, or a policy without that change",
				  "SELinux is enforcing");
	if (read_line("/proc/self/attr/apparmor/current", profile, sizeof(profile)) && strcmp(profile, "unconfined") != 0 && *profile)
		return finding_of(FINDING_HINT, "a program with a profile must be allowed to map libtracker.so", "if a program runs unrecorded: aa-complain its profile",
				  "AppArmor confines this program: %s", profile);
	return finding_of(FINDING_GOOD, NULL, NULL, "neither SELinux nor AppArmor confines programs that you start here");
}

/* ---- memory ---- */

struct finding surroundings_shared_memory(void)
{
	signal(SIGXFSZ, SIG_IGN); /* a limit on file sizes counts for memfds, too */

	const int fd = memfd_create("tracker doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const bool grows = fd >= 0 && ftruncate(fd, 64 << 20) == 0;
	const int error = errno;
	void *const p = grows ? mmap(NULL, 64 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (p != MAP_FAILED)
		munmap(p, 64 << 20);
	if (fd >= 0)
		close(fd);
	if (grows)
		return finding_of(FINDING_GOOD, NULL, NULL, "shared memory can be made (memfd; /dev/shm is not used)");
	return finding_of(FINDING_LIMITS, "recordings use System V shared memory then, and programs cannot start recorders of their own",
			  "lift the limit on file sizes (ulimit -f unlimited), or allow memfd_create", "shared memory (memfd) cannot be made: %s", strerror(error));
}

struct finding surroundings_group(void)
{
	char text[CGROUP_TEXT], limit[32];
	const uint64_t bytes = cgroup_of("self", text) ? cgroup_memory_limit(CGROUP_ROOT, text) : UINT64_MAX;

	if (bytes > GROUP_NONE)
		return finding_of(FINDING_GOOD, NULL, NULL, "no control group limits memory");
	ui_size(limit, sizeof(limit), (int64_t)bytes, false);
	if (bytes >= GROUP_SMALL)
		return finding_of(FINDING_GOOD, NULL, NULL, "the control group has %s of memory", limit);
	return finding_of(FINDING_LIMITS, "a recording takes up to a sixteenth of it, and loses events when that is too little", "give the group (the container) more memory, or record with --sample",
			  "the control group has only %s of memory", limit);
}

struct finding surroundings_locked(void)
{
	struct rlimit limit = { 0 };
	char bytes[32];

	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (limit.rlim_cur == RLIM_INFINITY || geteuid() == 0)
		return finding_of(FINDING_GOOD, NULL, NULL, "any amount of memory may be locked");
	ui_size(bytes, sizeof(bytes), (int64_t)limit.rlim_cur, false);
	if (limit.rlim_cur >= 2 * OWN_BYTES)
		return finding_of(FINDING_GOOD, NULL, NULL, "%s of memory may be locked; tracker locks none", bytes);
	return finding_of(FINDING_HINT, "a program that locks all its memory (mlockall) locks about 4 MiB of tracker's, too, and may fail", "if yours does: ulimit -l with 4 MiB more",
			  "only %s of memory may be locked", bytes);
}

struct finding surroundings_limits(void)
{
	static const struct {
		int resource;
		const char *name, *option;
		rlim_t enough;
	} limits[] = {
		{ RLIMIT_FSIZE, "the size of files", "-f", RLIM_INFINITY },
		{ RLIMIT_AS, "address space", "-v", RLIM_INFINITY },
		{ RLIMIT_NOFILE, "open files", "-n", 64 },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++) {
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit) == 0 && limit.rlim_cur < limits[i].enough)
			return finding_of(FINDING_LIMITS, "a capture ends there, or a program has less than without tracker", "lift it with ulimit, or record less (--sample, --aggregate, --max-size)",
					  "ulimit %s limits %s to %" PRIu64, limits[i].option, limits[i].name, (uint64_t)limit.rlim_cur);
	}
	return finding_of(FINDING_GOOD, NULL, NULL, "no limit (ulimit) stands in the way");
}

/* ---- the rest ---- */

struct finding surroundings_disk(void)
{
	struct statvfs disk;
	char room[32];

	if (access(".", W_OK) < 0)
		return finding_of(FINDING_LIMITS, "tracker run writes its capture here unless -o says otherwise", "go to another folder, or use -o", "the current folder cannot be written: %s", strerror(errno));
	if (statvfs(".", &disk) < 0)
		return finding_of(FINDING_HINT, NULL, NULL, "it is not known how much room the current folder has: %s", strerror(errno));

	const uint64_t bytes = (uint64_t)disk.f_bavail * disk.f_frsize;

	ui_size(room, sizeof(room), (int64_t)bytes, false);
	if (bytes >= DISK_SMALL)
		return finding_of(FINDING_GOOD, NULL, NULL, "the current folder has room for %s", room);
	return finding_of(bytes < DISK_NONE ? FINDING_STOPS : FINDING_LIMITS, "an event takes a few bytes, so long recordings fill that; a full disk ends the capture, not the program",
			  "make room, or use -o, --max-size with --rotate, or --aggregate", "the current folder has only room for %s", room);
}

struct finding surroundings_preload(void)
{
	const char *const own = getenv("LD_PRELOAD");
	char system[256];

	if (read_line("/etc/ld.so.preload", system, sizeof(system)) && *system)
		return finding_of(FINDING_HINT, "a library there that has a malloc of its own stands before or behind tracker's", "if figures look wrong, try without it", "/etc/ld.so.preload loads %s into every program", system);
	if (own && *own)
		return finding_of(FINDING_HINT, "a library there that has a malloc of its own stands behind tracker's", "if figures look wrong, unset it", "LD_PRELOAD is set: %s", own);
	return finding_of(FINDING_GOOD, NULL, NULL, "no other library is preloaded");
}

struct finding surroundings_perf(void)
{
	char level[32];

	if (!read_line("/proc/sys/kernel/perf_event_paranoid", level, sizeof(level)))
		strcpy(level, "unset");
	return finding_of(FINDING_GOOD, NULL, NULL, "tracker uses no perf events, so kernel.perf_event_paranoid (%s) does not matter", level);
}

struct finding surroundings_debuginfod(void)
{
	const char *const urls = getenv("DEBUGINFOD_URLS");

	if (urls && *urls)
		return finding_of(FINDING_GOOD, NULL, NULL, "debug information comes from %s", urls);
	return finding_of(FINDING_HINT, "functions of stripped libraries stay without names, unless their debug packages are installed", "export DEBUGINFOD_URLS=https://debuginfod.elfutils.org (or that of your distribution)",
			  "DEBUGINFOD_URLS is not set");
}
