/* proc: what it says of this process and a child, against what the calls of the system say. */
#include "unit.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/record/proc.h"

static void a_mapping_is_found_by_an_address_in_it(void **state)
{
	struct proc_mapping m = { 0 };
	char self[PATH_MAX];
	struct stat st;

	self[readlink("/proc/self/exe", self, sizeof(self) - 1)] = 0;
	assert_true(proc_mapping_at((uint32_t)getpid(), (uintptr_t)&a_mapping_is_found_by_an_address_in_it, &m));
	assert_string_equal(m.path, self);
	assert_int_equal(stat(self, &st), 0);
	assert_int_equal(m.inode, st.st_ino);
	assert_true(m.start <= (uintptr_t)&a_mapping_is_found_by_an_address_in_it && (uintptr_t)&a_mapping_is_found_by_an_address_in_it < m.end);
	assert_false(proc_mapping_at((uint32_t)getpid(), (uintptr_t)&m, &m)); /* the stack is no file */
}

static bool count_starts(void *count, uint64_t start)
{
	assert_true(start != 0);
	return ++*(unsigned *)count == 2;
}

static void mappings_are_found_by_the_end_of_their_path(void **state)
{
	unsigned count = 0;
	const int fd = memfd_create("newline\n-here", 0);
	struct proc_mapping m = { 0 };
	char *const at = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	assert_true(at != MAP_FAILED);
	proc_mappings_of((uint32_t)getpid(), "/memfd:newline\\012-here (deleted)", count_starts, &count);
	assert_int_equal(count, 1);
	assert_true(proc_mapping_at((uint32_t)getpid(), (uintptr_t)at, &m));
	assert_string_equal(m.path, "/memfd:newline\n-here (deleted)");
	count = 0;
	proc_mappings_of((uint32_t)getpid(), "/test_proc", count_starts, &count); /* it has several, and stops */
	assert_int_equal(count, 2);
	munmap(at, 4096);
	close(fd);
}

static void pages_tell_which_were_touched(void **state)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *const at = mmap(NULL, 3 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const int fd = proc_open((uint32_t)getpid(), "pagemap", O_RDONLY);
	uint64_t entries[3];

	assert_true(at != MAP_FAILED && fd >= 0);
	madvise(at, 3 * page, MADV_NOHUGEPAGE);
	at[page] = 1;
	assert_int_equal(proc_pages(fd, (uintptr_t)at / page, entries, 3), 3);
	assert_false(entries[0] & PROC_PAGE_TOUCHED);
	assert_true(entries[1] & PROC_PAGE_TOUCHED);
	assert_false(entries[2] & PROC_PAGE_TOUCHED);
	close(fd);
	munmap(at, 3 * page);
}

static void numbers_of_status_are_the_systems(void **state)
{
	const uint32_t pid = (uint32_t)getpid();
	int statm = -1;
	uint32_t count;

	assert_int_equal(proc_status(pid, "PPid:", &count), getppid());
	assert_int_equal(count, 1);
	proc_status(pid, "Nothing:", &count);
	assert_int_equal(count, 0);
	assert_int_equal(proc_thread_status(pid, pid, "Pid:"), pid);
	assert_int_equal(proc_thread_status(pid, pid, "Nothing:"), -1);
	assert_int_equal(proc_own_status("PPid:"), getppid());
	assert_int_equal(proc_owner(pid), geteuid());
	assert_true(proc_resident_pages(pid, &statm) > 10 && statm >= 0);
	close(statm);
}

static void descriptors_are_told_apart(void **state)
{
	char path[PATH_MAX];
	struct stat st;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(fstat(ends[0], &st), 0);
	assert_true(proc_has_socket((uint32_t)getpid(), ends[0], st.st_ino));
	assert_false(proc_has_socket((uint32_t)getpid(), ends[1], st.st_ino));
	close(ends[0]);
	close(ends[1]);
	assert_false(proc_has_socket((uint32_t)getpid(), ends[0], st.st_ino));
	ends[0] = open("/", O_RDONLY);
	proc_own_file(ends[0], path);
	assert_string_equal(path, "/");
	close(ends[0]);
	proc_own_file(ends[0], path);
	assert_string_equal(path, "");
}

struct wanted {
	uint32_t pid, found;
};

static bool is_wanted(void *wanted, uint32_t pid)
{
	return pid == ((struct wanted *)wanted)->pid;
}

static void see_child(void *wanted, uint32_t pid)
{
	((struct wanted *)wanted)->found += pid == ((struct wanted *)wanted)->pid;
}

static void processes_and_children_are_found(void **state)
{
	const uint32_t self = (uint32_t)getpid();
	uint32_t threads = 5;
	char name[64];
	const pid_t child = fork();

	if (child == 0) {
		pause();
		_exit(0);
	}

	struct wanted w = { .pid = (uint32_t)child };

	proc_children(self, &threads, see_child, &w);
	assert_int_equal(threads, 4);
	snprintf(name, sizeof(name), "/proc/self/task/%u/children", self);
	assert_int_equal(w.found, access(name, F_OK) == 0); /* a kernel may be built without it */
	assert_int_equal(proc_find(is_wanted, &w), child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_int_equal(proc_find(is_wanted, &w), 0);
	threads = 0;
	w.found = 0;
	proc_children(self, &threads, see_child, &w);
	assert_int_equal(w.found, 0);
}

static void nothing(void)
{
}

static void become_another_user_for_files(void)
{
	setfsuid(12345);
}

static void become_another_user_but_for_files(void)
{
	if (setresuid(12345, 0, 12345) != 0)
		_exit(1);
}

static void leave_its_groups(void)
{
	const gid_t other = 12345;

	if (setgroups(1, &other) != 0)
		_exit(1);
}

static void give_up_capabilities(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct all[2];

	if (syscall(SYS_capget, &head, all) != 0)
		_exit(1);
	all[0].effective &= ~(1u << CAP_DAC_OVERRIDE);
	if (syscall(SYS_capset, &head, all) != 0)
		_exit(1);
}

static bool a_child_has_our_rights(void (*become)(void))
{
	int ready[2];
	char byte = 0;
	pid_t child;
	bool ret;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		become();
		(void)!write(ready[1], &byte, 1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	ret = proc_has_our_rights((uint32_t)child);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(ready[0]);
	assert_false(proc_has_our_rights((uint32_t)child));
	return ret;
}

/* Those by which it accesses files. Only root can give some of them up. */
static void rights_are_those_to_files(void **state)
{
	assert_true(proc_has_our_rights((uint32_t)getpid()));
	assert_true(a_child_has_our_rights(nothing));
	if (geteuid() != 0)
		return;
	assert_true(a_child_has_our_rights(become_another_user_but_for_files));
	assert_false(a_child_has_our_rights(become_another_user_for_files));
	assert_false(a_child_has_our_rights(leave_its_groups));
	assert_false(a_child_has_our_rights(give_up_capabilities));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mapping_is_found_by_an_address_in_it),
		cmocka_unit_test(mappings_are_found_by_the_end_of_their_path),
		cmocka_unit_test(pages_tell_which_were_touched),
		cmocka_unit_test(numbers_of_status_are_the_systems),
		cmocka_unit_test(descriptors_are_told_apart),
		cmocka_unit_test(rights_are_those_to_files),
		cmocka_unit_test(processes_and_children_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
