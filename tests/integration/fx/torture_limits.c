/*
 * torture_limits MODE - more than fx_limits of what programs take away from themselves, and of
 * memory that comes to an end.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "modes.h"

static void allocate(void)
{
	churn(1001, 5000);
	truth_churn(1001, 5000);
}

static void limit(int what, rlim_t value)
{
	const struct rlimit r = { value, value };

	must(setrlimit(what, &r) == 0, "setrlimit");
}

static void mode_processes(void)
{
	limit(RLIMIT_NPROC, 0);
	allocate();
}

static void *thread(void *unused)
{
	churn(1002, 100);
	return unused;
}

/* Threads get stacks of the limit's size; the first thread's may be this large from now on. */
static void mode_stack(void)
{
	pthread_t t;

	limit(RLIMIT_STACK, 256 << 10);
	allocate();
	must(!pthread_create(&t, NULL, thread, NULL), "pthread_create");
	pthread_join(t, NULL);
	truth_churn(1002, 100);
}

static void mode_data(void)
{
	free(keep(malloc(1001)));
	limit(RLIMIT_DATA, 1);
	churn(1001, 4999);
	must(malloc(1 << 24) == NULL && errno == ENOMEM, "a malloc over the limit");
	truth_churn(1001, 5000);
}

static void mode_core(void)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_MEMLOCK, 0);
	limit(RLIMIT_SIGPENDING, 0);
	limit(RLIMIT_MSGQUEUE, 0);
	allocate();
}

/* Blocks until there is no memory left, then all of them back; what fails is no event. */
static void until_exhausted(size_t size, unsigned long least)
{
	void **blocks = NULL;
	unsigned long count = 0, failed = 0;

	for (; failed < 10; count++) {
		void **const p = malloc(size);

		if (!p) {
			must(errno == ENOMEM, "ENOMEM");
			failed++;
			count--;
			continue;
		}
		*p = blocks;
		blocks = p;
	}
	must(count >= least, "blocks before the end");
	while (blocks) {
		void **const next = *blocks;

		free(blocks);
		blocks = next;
	}
}

static void mode_exhausted(void)
{
	limit(RLIMIT_AS, 300ul << 20); /* below what is mapped already when recorded: the heap grows by brk only */
	churn(1001, 100);
	if (!malloc(1ul << 30))
		truth_line("N", "refused", 0, 1);
	truth_churn(1001, 100);
}

static void mode_exhausted_data(void)
{
	limit(RLIMIT_DATA, 64ul << 20);
	until_exhausted(100001, 300);
	until_exhausted(1001, 30000);
	truth_line("E", "malloc,free", 100001, 300);
	truth_line("E", "malloc,free", 1001, 30000);
}

static void mode_removed_cwd(void)
{
	char folder[] = "/tmp/fx-removed.XXXXXX";

	must(mkdtemp(folder) && chdir(folder) == 0 && rmdir(folder) == 0, "a folder that is gone");
	allocate();
}

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* What the C library itself needs to allocate, to start threads, and to end; the rest: `verdict`. */
static void sandbox(unsigned verdict)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		ALLOW(write), ALLOW(exit), ALLOW(exit_group), ALLOW(rt_sigreturn), ALLOW(rt_sigprocmask),
		ALLOW(brk), ALLOW(getrandom), ALLOW(rt_sigaction), ALLOW(mmap), ALLOW(munmap), ALLOW(mprotect), ALLOW(madvise), ALLOW(futex),
		ALLOW(clone3), ALLOW(clone), ALLOW(rseq), ALLOW(set_robust_list), ALLOW(sched_getaffinity),
		BPF_STMT(BPF_RET | BPF_K, verdict),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");
}

static void in_sandbox(unsigned verdict)
{
	pthread_t t[4];

	sandbox(verdict);
	churn(1001, 50000);
	for (int i = 0; i < 4; i++)
		must(!pthread_create(&t[i], NULL, thread, NULL), "pthread_create");
	for (int i = 0; i < 4; i++)
		pthread_join(t[i], NULL);
	truth_churn(1001, 50000);
	truth_churn(1002, 400);
}

static void mode_seccomp_errno(void) { in_sandbox(SECCOMP_RET_ERRNO | EPERM); }
static void mode_seccomp_kill(void) { in_sandbox(SECCOMP_RET_KILL_PROCESS); }

static void on_sigsys(int signal)
{
	(void)signal;
	_exit(95);
}

/* Every system call from outside of libc is a signal, as emulators have it. */
static void mode_dispatch(void)
{
	static volatile char gate = 0; /* SYSCALL_DISPATCH_FILTER_ALLOW */

	signal(SIGSYS, on_sigsys);
	free(keep(malloc(1001))); /* grows the heap */
	if (prctl(59, 1, 0, 0, &gate) == 0) /* PR_SET_SYSCALL_USER_DISPATCH */
		gate = 1;
	churn(1001, 50000);
	gate = 0;
	truth_churn(1001, 50001);
}

/* /proc is gone, where we may do that: in a container root may not. */
static void mode_no_proc(void)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	    umount2("/proc", MNT_DETACH) == 0)
		must(access("/proc/self", F_OK) != 0, "no /proc");
	else
		without("taking /proc away");
	allocate();
	const pid_t pid = fork();

	if (pid == 0) {
		churn(2001, 10);
		_exit(0);
	}
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	truth_churn(2001, 10);
}

/* 0, 1 and 2 are the first descriptors that a program has, here they are the last: /dev/null below them. */
static void mode_low_descriptors(void)
{
	const int out = dup(1);

	closefrom(out + 1);
	for (int fd = 0; fd < 3; fd++) {
		must(close(fd) == 0 && open("/dev/null", O_RDWR) == fd, "a descriptor of our choice");
		churn(1001, 1000);
	}
	must(dup2(out, 1) == 1, "dup2");
	truth_churn(1001, 3000);
}

static void mode_locked_memory(void)
{
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
	allocate();
	const pid_t pid = fork();

	if (pid == 0) {
		churn(2001, 10);
		_exit(0);
	}
	must(waitpid(pid, NULL, 0) == pid, "waitpid");
	truth_churn(2001, 10);
}

static const char *file_name;
static uint64_t own_end; /* after so many */

/* Takes, and touches, until somebody puts an end to it; how much it got is in the file. */
static void mode_out_of_memory(void)
{
	const int fd = open(file_name, O_RDWR | O_CREAT, 0600);
	volatile uint64_t *count;

	must(fd >= 0 && ftruncate(fd, 4096) == 0, "the shared file");
	count = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(count != MAP_FAILED, "mmap");
	for (;;) {
		char *const p = keep(malloc(100001));

		if (++*count == own_end)
			kill(getpid(), SIGKILL);
		memset(p, 1, 100001);
	}
}

static const struct mode modes[] = {
	MODE(processes), MODE(stack), MODE(data), MODE(core), MODE(exhausted), MODE(exhausted_data),
	MODE(removed_cwd), MODE(seccomp_errno), MODE(seccomp_kill), MODE(dispatch), MODE(no_proc),
	MODE(low_descriptors), MODE(locked_memory), MODE(out_of_memory),
};

int main(int argc, char **argv)
{
	file_name = argc > 2 ? argv[2] : "";
	own_end = argc > 3 ? (uint64_t)atoi(argv[3]) : 0;
	return RUN_MODE(argc, argv, modes);
}
