/* inject_open opens nothing but an empty file in memory, whatever a program has put in its place. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/attach/inject.h"

/* Of this process, in the program's place. */
static int open_of(int fd)
{
	const struct injection i = { .target = { .pid = getpid() } };
	const int opened = inject_open(&i, fd);

	close(fd);
	return opened;
}

static void check_refused(int fd)
{
	assert_true(fd >= 0);
	assert_int_equal(open_of(fd), -1);
	assert_int_equal(errno, EBADF);
}

/* A file that may only be read; named: it has a name while it is tried. */
static void check_file(bool named)
{
	char path[] = "tracker-inject.XXXXXX";
	const int made = mkstemp(path), fd = open(path, O_RDONLY | O_CLOEXEC);

	close(made);
	if (!named)
		unlink(path);
	check_refused(fd);
	if (named)
		unlink(path);
}

static void test_opens_a_new_memfd(void **unused)
{
	const int fd = open_of(memfd_create("new", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	(void)unused;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static void test_refuses_everything_else(void **unused)
{
	int pair[2], fd = memfd_create("full", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	(void)unused;
	assert_int_equal(write(fd, "x", 1), 1);
	check_refused(fd);
	fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), 0);
	check_refused(fd);
	check_refused(memfd_create("unsealable", MFD_CLOEXEC));
	check_file(false);
	check_file(true);
	check_refused(open("/dev/null", O_RDONLY | O_CLOEXEC));
	check_refused(open("/proc/self/maps", O_RDONLY | O_CLOEXEC));
	check_refused(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	check_refused(pair[0]);
	assert_int_equal(inject_open(&(struct injection){ .target = { .pid = getpid() } }, 1000000), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opens_a_new_memfd),
		cmocka_unit_test(test_refuses_everything_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
