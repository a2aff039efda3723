/* test_package - which package brings a file's names, from lists as dpkg writes them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/package.h"

static char root[64];

static void write_list(const char *name, const char *lines)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/var/lib/dpkg/info/%s", root, name);
	FILE *const f = fopen(path, "w");

	assert_non_null(f);
	fputs(lines, f);
	assert_int_equal(fclose(f), 0);
}

static int set_up(void **state)
{
	static const char *const parts[] = { "/var", "/var/lib", "/var/lib/dpkg", "/var/lib/dpkg/info" };
	char path[256];

	strcpy(root, "/tmp/tracker-package.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		snprintf(path, sizeof(path), "%s%s", root, parts[i]);
		if (mkdir(path, 0700) < 0)
			return -1;
	}
	write_list("libc6:amd64.list", "/.\n/lib/x86_64-linux-gnu/libc.so.6\n/usr/share/doc/libc6\n");
	write_list("libfoo1:amd64.list", "/.\n/usr/lib/libfoo.so.1.2\n/usr/lib/libfoo.so.1\n");
	write_list("python3.11-minimal.list", "/.\n/usr/bin/python3.11\n");
	write_list("libpython3.12t64:amd64.list", "/.\n/usr/lib/libpython3.12.so.1.0\n");
	write_list("foo-doc.list", "/.\n/usr/share/usr/lib/libbar.so\n/usr/lib/libbar.so.d\n");
	write_list("foo.conffiles", "/.\n/usr/lib/libbar.so\n");
	return 0;
}

static int tear_down(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	return system(command);
}

static void check(const char *path, const char *want)
{
	char got[256] = "";

	assert_int_equal(package_of_names(root, path, got, sizeof(got)), want != NULL);
	assert_string_equal(got, want ? want : "");
}

static void debug_packages_are_named_after_those_of_the_files(void **state)
{
	check("/usr/lib/libfoo.so.1.2", "libfoo1-dbgsym");
}

static void older_packages_have_names_of_their_own(void **state)
{
	check("/lib/x86_64-linux-gnu/libc.so.6", "libc6-dbg");
	check("/usr/bin/python3.11", "python3.11-dbg");
	check("/usr/lib/libpython3.12.so.1.0", "python3.12-dbg");
}

/* The kernel's path begins with /usr where /lib and /bin are links; lists may have either. */
static void directories_that_became_links_are_both_looked_for(void **state)
{
	check("/usr/lib/x86_64-linux-gnu/libc.so.6", "libc6-dbg");
	check("/lib/libfoo.so.1.2", "libfoo1-dbgsym");
}

static void only_whole_lines_of_lists_count(void **state)
{
	check("/usr/lib/libbar.so", NULL);
	check("/usr/lib/libfoo.so", NULL);
	check("/x86_64-linux-gnu/libc.so.6", NULL);
	check("libfoo.so.1.2", NULL);
	check("/.\n/usr/lib/libfoo.so.1.2", NULL);
	check("", NULL);
}

/* Reading all lists takes long. No file is in several; here some are, to show which list comes first. */
static void lists_that_begin_as_the_file_does_come_first(void **state)
{
	static const char lines[] = "/.\n/usr/lib/LibZoo2.so.1\n/usr/lib/yak.so\n/usr/lib/libxenon.so.3\n";

	for (int i = 0; i < 40; i++) {
		char name[32];

		snprintf(name, sizeof(name), "other%d.list", i);
		write_list(name, lines);
		if (i == 10)
			write_list("libzoo-2-0:amd64.list", lines);
		if (i == 20)
			write_list("yak.list", lines);
		if (i == 30)
			write_list("libxenon3.list", lines);
	}
	check("/usr/lib/LibZoo2.so.1", "libzoo-2-0-dbgsym");
	check("/usr/lib/yak.so", "yak-dbgsym");
	check("/usr/lib/libxenon.so.3", "libxenon3-dbgsym");
}

/* A name without letters, and one that no list begins like. */
static void files_of_any_name_are_found(void **state)
{
	write_list("numbers.list", "/.\n/usr/lib/7.so\n/usr/lib/zebra.so\n");
	check("/usr/lib/7.so", "numbers-dbgsym");
	check("/usr/lib/zebra.so", "numbers-dbgsym");
}

static void without_dpkg_nothing_is_found(void **state)
{
	char got[64];

	assert_false(package_of_names("/nonexistent", "/usr/lib/libfoo.so.1.2", got, sizeof(got)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(debug_packages_are_named_after_those_of_the_files),
		cmocka_unit_test(older_packages_have_names_of_their_own),
		cmocka_unit_test(directories_that_became_links_are_both_looked_for),
		cmocka_unit_test(only_whole_lines_of_lists_count),
		cmocka_unit_test(lists_that_begin_as_the_file_does_come_first),
		cmocka_unit_test(files_of_any_name_are_found),
		cmocka_unit_test(without_dpkg_nothing_is_found),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
