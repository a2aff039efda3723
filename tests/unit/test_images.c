/*
 * Modules of a running program (tools/attach/images.c): what they define, against what the loader says; and modules whose headers and tables
 * are at random, which a program that is not trusted may have.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/attach/ground.h"

#define ROUNDS 300u

static uint64_t state = 88172645463325252ull;

static uint32_t number(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)(state >> 16) % below;
}

/* A child that stands still. What it maps, it has from its parent. */
static pid_t program(void)
{
	const pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void open_target(struct target *t, pid_t pid)
{
	target_begin(t, pid);
	assert_int_equal(target_open(t), 0);
	assert_int_equal(target_read_areas(t), 0);
}

static void check_ground(const struct images *all, const struct target *t, const struct image *libc)
{
	static const char *const forbidden[] = { "malloc", "free", "fork", "dlopen", "exit", "on_exit", "__cxa_atexit", "pthread_create" };
	static const char *const allowed[] = { "printf", "poll", "qsort", "getenv", "read", "pthread_mutex_lock", "strlen" };
	const struct image elsewhere = { .path = "" };
	struct ground g = { 0 };

	ground_survey(&g, all, t, &elsewhere, libc);
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++)
		assert_non_null(ground_forbids(&g, image_symbol(libc, forbidden[i])));
	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++)
		assert_null(ground_forbids(&g, image_symbol(libc, allowed[i])));
	assert_non_null(ground_forbids(&g, image_symbol(libc, "__cxa_atexit") - 1)); /* what it calls with the lock held stands before it */
}

static void test_names(void **unused)
{
	static const char *const names[] = { "malloc", "free", "calloc", "aligned_alloc", "fork", "open_memstream", "getaddrinfo", "printf" };
	struct images all = { 0 };
	const pid_t pid = program();
	struct target t;
	struct image *m;

	(void)unused;
	open_target(&t, pid);
	assert_int_equal(images_read(&all, &t), 0);
	m = images_find(&all, &t, "libc", "libc.so");
	assert_non_null(m);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		Dl_info info;

		/* a sanitizer's comes first */
		if (!dladdr(dlvsym(RTLD_NEXT, names[i], "GLIBC_2.2.5") ? dlvsym(RTLD_NEXT, names[i], "GLIBC_2.2.5") : dlsym(RTLD_NEXT, names[i]), &info) ||
		    !strstr(info.dli_fname, "libc.so"))
			continue;
		assert_true(image_defines(m, &t, names[i]));
		assert_true(image_symbol(m, names[i]) == (uint64_t)(uintptr_t)info.dli_saddr);
	}
	assert_false(image_defines(m, &t, "no_such_function"));
	assert_true(images_at(&all, image_symbol(m, "malloc")) == m);
	check_ground(&all, &t, m);
	image_copy(m, &t);
	assert_non_null(m->copy);
	images_finish(&all);
	target_finish(&t);
	end(pid);
}

/* ---- at random ---- */

static uint8_t *library; /* a file's bytes, mapped so that they can be changed, as a program could */
static size_t library_bytes;

static void map_library(void)
{
	Dl_info info;
	int fd;

	assert_true(dladdr((const void *)(uintptr_t)&cmocka_set_message_output, &info));
	fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	library_bytes = (size_t)lseek(fd, 0, SEEK_END);
	library = mmap(NULL, library_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	assert_true(library != MAP_FAILED);
	close(fd);
}

/* What the readers look at: the header of the file, those of its segments, the dynamic section and the tables that it names. */
static void spoil(const uint8_t *good)
{
	const Elf64_Ehdr *const e = (const Elf64_Ehdr *)good;
	const size_t headers = (size_t)e->e_phoff + e->e_phnum * sizeof(Elf64_Phdr);
	static const uint64_t values[] = { 0, 1, 7, 4096, 0x7fffffff, 0xffffffff, UINT64_MAX, UINT64_MAX - 4095, 1ull << 33, 1ull << 47 };

	memcpy(library, good, library_bytes);
	for (uint32_t n = 1 + number(6); n; n--) {
		const size_t at = number(3) ? number((uint32_t)headers - 8) : number((uint32_t)library_bytes - 8);
		const uint64_t value = number(2) ? values[number(sizeof(values) / sizeof(*values))] : (uint64_t)number(UINT32_MAX) << 32 | number(UINT32_MAX);

		if (at < 20) /* mostly it stays an ELF file */
			continue;
		memcpy(library + at, &value, number(2) ? 8 : 1 + number(4));
	}
}

static void ask(struct target *t)
{
	struct images all = { 0 };

	assert_int_equal(images_read(&all, t), 0);
	(void)images_find(&all, t, "cmocka", "libcmocka.so");
	for (size_t i = 0; i < all.count; i++) {
		struct image *const m = &all.list[i];

		if (m->start != (uint64_t)(uintptr_t)library)
			continue;
		(void)image_defines(m, t, "cmocka_set_message_output");
		(void)image_symbol(m, "cmocka_set_message_output");
		image_copy(m, t);
		assert_true(!m->copy || images_at(&all, m->start) != NULL);
	}
	images_finish(&all);
}

static void test_hostile(void **unused)
{
	uint8_t *good;

	(void)unused;
	map_library();
	good = malloc(library_bytes);
	assert_non_null(good);
	memcpy(good, library, library_bytes);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct target t;
		pid_t pid;

		spoil(good);
		pid = program();
		open_target(&t, pid);
		ask(&t);
		target_finish(&t);
		end(pid);
	}
	free(good);
	munmap(library, library_bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
