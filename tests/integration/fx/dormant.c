/*
 * dormant - a server that does what it is told, for dormant.py.
 *
 * A thread allocates 7 bytes each millisecond, as a server that has something to do. Each line of standard input is one command, answered by
 * "done": "work N SIZE" makes and releases N blocks; "fork N SIZE" and "exec N SIZE" do it in a child; "child" starts one that reads
 * further commands behind "tell"; "sandbox" forbids to open files, on pain of death, without the C library's knowledge; "end N" exits.
 *
 * usage: fx_dormant [N SIZE]
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static int child_in[2], child_out[2];

static void *tick(void *unused)
{
	for (;;) {
		const struct timespec t = { .tv_nsec = 1000000 };

		free(malloc(7));
		nanosleep(&t, NULL);
	}
	return unused;
}

static void work(unsigned long n, size_t size)
{
	while (n--) {
		void *volatile p = malloc(size);

		free(p);
	}
}

static void in_child(const char *self, unsigned long n, size_t size)
{
	const pid_t pid = fork();

	if (pid == 0 && self) {
		char count[24], bytes[24];

		snprintf(count, sizeof(count), "%lu", n);
		snprintf(bytes, sizeof(bytes), "%zu", size);
		execl(self, self, count, bytes, NULL);
		_exit(1);
	}
	if (pid == 0) {
		work(n, size);
		_exit(0);
	}
	if (waitpid(pid, NULL, 0) != pid)
		exit(1);
}

static void sandbox(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(*filter), filter };

	/* by the numbers: the hooks see nothing of it */
	if (syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) != 0)
		exit(1);
}

static void serve(const char *self);

static void start_child(const char *self)
{
	if (pipe(child_in) != 0 || pipe(child_out) != 0)
		exit(1);
	if (fork() == 0) {
		dup2(child_in[0], 0);
		dup2(child_out[1], 1);
		close(child_in[1]);
		serve(self);
	}
}

static void tell(const char *line)
{
	char answer[16];

	if (write(child_in[1], line, strlen(line)) < 0 || write(child_in[1], "\n", 1) < 0 || read(child_out[0], answer, sizeof(answer)) <= 0)
		exit(1);
}

/* Without the C library's buffers: nothing of it allocates. */
static int read_line(char *line, size_t room)
{
	size_t n = 0;

	while (n + 1 < room && read(0, line + n, 1) == 1)
		if (line[n++] == '\n') {
			line[n - 1] = 0;
			return 1;
		}
	return 0;
}

static void obey(const char *self, char *line)
{
	unsigned long n = 0;
	size_t size = 0;

	if (sscanf(line, "work %lu %zu", &n, &size) == 2)
		work(n, size);
	else if (sscanf(line, "fork %lu %zu", &n, &size) == 2)
		in_child(NULL, n, size);
	else if (sscanf(line, "exec %lu %zu", &n, &size) == 2)
		in_child(self, n, size);
	else if (strcmp(line, "child") == 0)
		start_child(self);
	else if (strncmp(line, "tell ", 5) == 0)
		tell(line + 5);
	else if (strcmp(line, "sandbox") == 0)
		sandbox();
	else if (sscanf(line, "end %lu", &n) == 1)
		exit((int)n);
}

static void serve(const char *self)
{
	char line[128];
	pthread_t thread;

	if (pthread_create(&thread, NULL, tick, NULL) != 0)
		exit(1);
	while (read_line(line, sizeof(line))) {
		obey(self, line);
		if (write(1, "done\n", 5) != 5)
			exit(1);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		work(strtoul(argv[1], NULL, 10), strtoul(argv[2], NULL, 10));
	else
		serve(argv[0]);
	return 0;
}
