/*
 * test_open_modules - a module without a build-id whose file was replaced after it had been closed: the file at its path has no
 * names for it. The module is this program itself.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "open_modules.h"

#define OTHERS 24u /* as many as stay open */

extern const char __executable_start[];
static char folder[] = "/tmp/tracker-open-modules-XXXXXX";

__attribute__((noinline)) static size_t names(const struct module_wanted *w)
{
	struct arena strings = { 0 };
	struct resolved_frame frame = { 0 };
	const size_t n = open_modules_lookup(w, (uint64_t)((uintptr_t)names - (uintptr_t)__executable_start), &frame, 1, &strings);
	const bool named = n && frame.function;

	if (named)
		assert_string_equal(frame.function, "names");
	arena_finish(&strings);
	return named;
}

static int opened; /* files, by what a module's path led to */

static int open_none(void *data, uint32_t number)
{
	opened++;
	return -1;
}

static void copy_program(const char *to)
{
	char bytes[1 << 16];
	FILE *const in = fopen("/proc/self/exe", "rb"), *const out = fopen(to, "wb");

	assert_true(in && out);
	for (size_t n; (n = fread(bytes, 1, sizeof(bytes), in)) > 0;)
		assert_int_equal(fwrite(bytes, 1, n, out), n);
	fclose(in);
	assert_int_equal(fclose(out), 0);
}

static void close_all(void)
{
	for (unsigned i = 0; i < OTHERS; i++) {
		char path[64];
		struct module_identity identity = { 0 };

		snprintf(path, sizeof(path), "/nonexistent/%u", i);
		names(&(struct module_wanted){ .module = &(struct trk_module){ .path = path }, .identity = &identity });
	}
}

static void a_replaced_file_names_nothing(void **state)
{
	char path[64], other[64];
	struct module_identity identity = { 0 };
	const struct trk_module record = { .path = path };
	const struct module_wanted w = { .module = &record, .identity = &identity, .open = open_none };

	snprintf(path, sizeof(path), "%s/program", folder);
	snprintf(other, sizeof(other), "%s/other", folder);
	copy_program(path);
	assert_true(names(&w));
	close_all();
	assert_true(names(&w)); /* the same file again */
	close_all();

	/* another one, which stays away as long as it does */
	copy_program(other);
	char kept[64];
	snprintf(kept, sizeof(kept), "%s/kept", folder);
	assert_int_equal(rename(path, kept), 0);
	assert_int_equal(rename(other, path), 0);
	opened = 0;
	for (int i = 0; i < 3; i++)
		assert_false(names(&w));
	assert_int_equal(opened, 1);
	close_all();
	unlink(path);
	opened = 0;
	for (int i = 0; i < 3; i++)
		assert_false(names(&w));
	assert_int_equal(opened, 1);
	assert_int_equal(rename(kept, path), 0);
	assert_true(names(&w));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_replaced_file_names_nothing),
	};

	if (!mkdtemp(folder))
		return 1;
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);

	rmdir(folder);
	return failed;
}
