/* limits MODE - programs that take things away from themselves: descriptors, memory, system calls. */
#include <dirent.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/seccomp.h>

#include "truth.h"

static const char *file_name;

static void allocate(void)
{
	churn(1001, 5000);
	truth_churn(1001, 5000);
}

/* Opens the user's file where a careless tool might still think that its own descriptor is. */
static void write_user_file(int times)
{
	char block[1000];
	const int fd = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct stat st;

	must(fd >= 0, "open");
	memset(block, 'u', sizeof(block));
	for (int i = 0; i < times; i++) {
		must(write(fd, block, sizeof(block)) == sizeof(block), "write");
		churn(1001, 500);
	}
	must(fstat(fd, &st) == 0 && st.st_size == times * (long)sizeof(block), "the user's file has its own bytes only");
	must(lseek(fd, 0, SEEK_SET) == 0, "lseek");
	for (int i = 0; i < times; i++) {
		must(read(fd, block, sizeof(block)) == sizeof(block), "read");
		for (size_t k = 0; k < sizeof(block); k++)
			must(block[k] == 'u', "the user's file");
	}
	truth_churn(1001, 500ul * (unsigned long)times);
}

static void mode_closefrom(void)
{
	closefrom(3);
	write_user_file(16);
}

static void mode_close_each(void)
{
	for (int fd = 3; fd < 1024; fd++)
		close(fd);
	write_user_file(16);
}

/* Started with 0, 1 and 2 closed: the first file opened is descriptor 0. */
static void mode_no_std(void)
{
	const int fd = open(file_name, O_RDWR | O_CREAT | O_TRUNC, 0600);

	if (fd != 0)
		_exit(97);
	if (dup2(fd, 1) != 1)
		_exit(96);
	churn(1001, 5000);
	truth_churn(1001, 5000);
}

static int entries(const char *path)
{
	DIR *const d = opendir(path);
	int n = 0;

	must(d != NULL, path);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Prints how many descriptors and threads it has: the harness compares with a bare run. */
static void mode_clean(void)
{
	allocate();
	truth_line("N", "descriptors", 0, (unsigned long)entries("/proc/self/fd"));
	truth_line("N", "threads", 0, (unsigned long)entries("/proc/self/task"));
}

static void limit(int what, rlim_t value)
{
	const struct rlimit r = { value, value };

	must(setrlimit(what, &r) == 0, "setrlimit");
}

static void mode_address_space(void)
{
	churn(1001, 10);
	limit(RLIMIT_AS, 1 << 20); /* less than what is mapped: nothing new can be */
	churn(1001, 4990);
	truth_churn(1001, 5000);
}

static void mode_open_files(void)
{
	limit(RLIMIT_NOFILE, 3);
	allocate();
}

static void mode_file_size(void)
{
	limit(RLIMIT_FSIZE, 0);
	churn(1001, 50000);
	truth_churn(1001, 50000);
}

static void mode_chroot(void)
{
	must(chroot("/proc/self/fdinfo") == 0 && chdir("/") == 0, "chroot");
	allocate();
}

static void mode_nobody(void)
{
	must(setgid(65534) == 0 && setuid(65534) == 0, "setuid");
	allocate();
}

static void mode_umask(void)
{
	umask(0777);
	allocate();
}

static void mode_undumpable(void)
{
	prctl(PR_SET_DUMPABLE, 0);
	allocate();
}

/* Strict mode: read, write, exit and sigreturn only. The heap is grown before. */
static void mode_seccomp(void)
{
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	free(keep(malloc(100000)));
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) == 0, "seccomp");
	churn(1001, 50000);
	truth_churn(1001, 50000);
	syscall(SYS_exit, 0);
}

#define MODE(name) { #name, mode_##name }

static const struct { const char *name; void (*run)(void); } modes[] = {
	MODE(closefrom), MODE(close_each), MODE(no_std), MODE(clean), MODE(address_space),
	MODE(open_files), MODE(file_size), MODE(chroot), MODE(nobody), MODE(umask),
	MODE(undumpable), MODE(seccomp),
};

int main(int argc, char **argv)
{
	file_name = argc > 2 ? argv[2] : "";
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(argv[1], modes[i].name)) {
			modes[i].run();
			return 0;
		}
	}
	return 2;
}
