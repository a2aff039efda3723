/*
 * test_cgroup - what control groups leave a process, of trees made by hand: the tightest limit on
 * the way up, in either version of the hierarchy, in a container and beside one another.
 */
#include "unit.h"

#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/shm.h"
#include "tools/cgroup.h"

#define MIB (1ull << 20)

static char root[] = "/tmp/test_cgroup.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int make_root(void **state)
{
	(void)state;
	strcpy(root + sizeof(root) - 7, "XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
	(void)state;
	return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* A file below the root, with the folders on the way. */
static void put(const char *path, const char *text)
{
	char whole[512];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	for (char *p = whole + sizeof(root); (p = strchr(p, '/')); *p++ = '/') {
		*p = 0;
		(void)mkdir(whole, 0700);
	}
	f = fopen(whole, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void the_tightest_on_the_way_up(void **state)
{
	(void)state;
	put("cgroup.controllers", "memory\n");
	put("a/memory.max", "67108864\n");
	put("a/b/memory.max", "max\n");
	put("a/b/c/memory.max", "134217728\n");
	put("a/other/memory.max", "4096\n");
	assert_int_equal(cgroup_memory_limit(root, "0::/a/b/c\n"), 64 * MIB);
	assert_int_equal(cgroup_memory_limit(root, "0::/a/b\n"), 64 * MIB);
	assert_int_equal(cgroup_memory_limit(root, "0::/a/other\n"), 4096);
	assert_int_equal(cgroup_memory_limit(root, "0::/\n"), UINT64_MAX);
}

/* What slows a group down counts as what kills it. */
static void a_high_mark_is_a_limit(void **state)
{
	(void)state;
	put("a/memory.max", "67108864\n");
	put("a/memory.high", "33554432\n");
	assert_int_equal(cgroup_memory_limit(root, "0::/a\n"), 32 * MIB);
}

static void the_first_version(void **state)
{
	(void)state;
	put("memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("memory/x/memory.limit_in_bytes", "25165824\n");
	put("memory/x/y/memory.limit_in_bytes", "9223372036854771712\n");
	put("cpu/z/memory.limit_in_bytes", "4096\n");
	assert_int_equal(cgroup_memory_limit(root, "5:cpu,cpuacct:/z\n4:memory:/x/y\n0::/\n"), 24 * MIB);
	assert_int_equal(cgroup_memory_limit(root, "3:hugetlb,memory:/x\n"), 24 * MIB);
	assert_int_equal(cgroup_memory_limit(root, "3:memory_not:/x\n0::/\n"), UINT64_MAX);
	assert_int_equal(cgroup_chunks(cgroup_memory_limit(root, "4:memory:/\n")), 0);
}

static void both_versions(void **state)
{
	(void)state;
	put("memory/x/memory.limit_in_bytes", "50331648\n");
	put("unified/u/memory.max", "25165824\n");
	assert_int_equal(cgroup_memory_limit(root, "4:memory:/x\n0::/u\n"), 24 * MIB);
	assert_int_equal(cgroup_memory_limit(root, "4:memory:/x\n0::/\n"), 48 * MIB);
}

/* Its own group is the root of what it sees, whatever the kernel calls it. */
static void a_container(void **state)
{
	(void)state;
	put("memory.max", "16777216\n");
	assert_int_equal(cgroup_memory_limit(root, "0::/\n"), 16 * MIB);
	assert_int_equal(cgroup_memory_limit(root, "0::/../../docker/abc\n"), 16 * MIB);
	assert_int_equal(cgroup_memory_limit(root, "0::/not/there"), 16 * MIB);
}

static void nothing_sensible(void **state)
{
	char longest[20000] = "0::";

	(void)state;
	memset(longest + 3, '/', sizeof(longest) - 4);
	put("memory.max", "no number\n");
	put("a/memory.max", "");
	assert_int_equal(cgroup_memory_limit(root, ""), UINT64_MAX);
	assert_int_equal(cgroup_memory_limit(root, "\n:\n::\n0:\n0::"), UINT64_MAX);
	assert_int_equal(cgroup_memory_limit(root, "0::/a\n"), UINT64_MAX);
	assert_int_equal(cgroup_memory_limit(root, longest), UINT64_MAX);
}

static void a_sixteenth_is_for_chunks(void **state)
{
	(void)state;
	assert_int_equal(cgroup_chunks(24 * MIB) * (uint64_t)SHM_CHUNK_BYTES, 24 * MIB / 16);
	assert_int_equal(cgroup_chunks(0), 64);
	assert_int_equal(cgroup_chunks(MIB), 64);
	assert_int_equal(cgroup_chunks(1024 * MIB - 1), SHM_CHUNKS - 1);
	assert_int_equal(cgroup_chunks(1024 * MIB), 0);
	assert_int_equal(cgroup_chunks(UINT64_MAX), 0);
}

static void of_a_process(void **state)
{
	char own[CGROUP_TEXT], same[CGROUP_TEXT], number[16];

	(void)state;
	snprintf(number, sizeof(number), "%d", (int)getpid());
	assert_true(cgroup_of("self", own) && cgroup_of(number, same));
	assert_string_equal(own, same);
	assert_non_null(strchr(own, ':'));
	assert_false(cgroup_of("0", own));
}

#define IN_A_TREE(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_A_TREE(the_tightest_on_the_way_up),
		IN_A_TREE(a_high_mark_is_a_limit),
		IN_A_TREE(the_first_version),
		IN_A_TREE(both_versions),
		IN_A_TREE(a_container),
		IN_A_TREE(nothing_sensible),
		cmocka_unit_test(a_sixteenth_is_for_chunks),
		cmocka_unit_test(of_a_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
