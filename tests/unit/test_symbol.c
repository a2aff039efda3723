/*
 * What is read from modules' tables against what the loader says: every exported symbol of the C
 * library, libm and libstdc++, and of libraries with versions, with either table of hashes.
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cfi.h"
#include "symbol.h"

static const char *libraries[2]; /* versions.c, by DT_GNU_HASH and by DT_HASH */

bool cfi_module_at(uintptr_t pc, struct cfi_module *ret)
{
	struct link_map *l = NULL;
	Dl_info info;

	if (!dladdr1((void *)pc, &info, (void **)&l, RTLD_DL_LINKMAP))
		return false;
	ret->link_map = l;
	return true;
}

/* The symbols of a file, by its section headers, which symbol.c does not see. */
struct file {
	char *bytes;
	const ElfW(Sym) * symbols;
	size_t count;
	const char *strings;
};

static struct file read_file(const char *path)
{
	struct file f = { NULL, NULL, 0, NULL };
	FILE *const in = fopen(path, "rb");
	long size;

	assert_non_null(in);
	assert_int_equal(fseek(in, 0, SEEK_END), 0);
	size = ftell(in);
	rewind(in);
	f.bytes = malloc((size_t)size);
	assert_int_equal(fread(f.bytes, 1, (size_t)size, in), size);
	fclose(in);

	const ElfW(Ehdr) *const e = (const void *)f.bytes;
	const ElfW(Shdr) *const s = (const void *)(f.bytes + e->e_shoff);

	for (unsigned i = 0; i < e->e_shnum; i++) {
		if (s[i].sh_type != SHT_DYNSYM)
			continue;
		f.symbols = (const void *)(f.bytes + s[i].sh_offset);
		f.count = s[i].sh_size / sizeof(*f.symbols);
		f.strings = f.bytes + s[s[i].sh_link].sh_offset;
	}
	assert_non_null(f.symbols);
	return f;
}

static const struct link_map *map_of(void *handle)
{
	struct link_map *l = NULL;

	assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &l), 0);
	return l;
}

static bool is_from(const void *p, const struct link_map *module)
{
	struct cfi_module m;

	return cfi_module_at((uintptr_t)p, &m) && m.link_map == module;
}

/* The loader looks in the module's dependencies, too: what it finds there the module has no default of. */
static void check_symbol(void *handle, const struct link_map *l, const char *name)
{
	void *const want = dlsym(handle, name), *const got = symbol_in(l, name);

	if (got != want && (got || is_from(want, l)))
		fail_msg("%s of %s is at %p, read as %p", name, l->l_name, want, got);
}

static size_t check_library(void *handle)
{
	const struct link_map *const l = map_of(handle);
	const struct file f = read_file(l->l_name);
	size_t checked = 0;

	for (size_t i = 1; i < f.count; i++) {
		const ElfW(Sym) *const s = &f.symbols[i];

		if (s->st_shndx == SHN_UNDEF || s->st_shndx == SHN_ABS || ELF64_ST_TYPE(s->st_info) == STT_TLS ||
		    ELF64_ST_BIND(s->st_info) == STB_LOCAL)
			continue;
		check_symbol(handle, l, f.strings + s->st_name);
		checked++;
	}
	free(f.bytes);
	return checked;
}

static void every_symbol(void **unused)
{
	static const struct {
		const char *name;
		size_t least;
	} modules[] = { { "libc.so.6", 2000 }, { "libm.so.6", 500 }, { "libstdc++.so.6", 4000 } };

	(void)unused;
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
		void *const handle = dlopen(modules[i].name, RTLD_NOW);

		if (!handle)
			fail_msg("%s", dlerror());
		assert_true(check_library(handle) > modules[i].least);
		dlclose(handle);
	}
}

/* What stands behind the program: the same as for the loader. */
static void next_symbols(void **unused)
{
	static const char *const names[] = {
		"malloc", "free", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign", "valloc", "pvalloc",
		"malloc_usable_size", "mmap", "munmap", "mremap", "dlclose", "dlopen", "dlmopen", "prctl", "_Fork",
		"pthread_setname_np", "__libc_malloc", "__libc_free", "_Znwm", "_ZdlPv", "_ZdaPv", "free_sized",
		"gnu_get_libc_version", "memcpy", "strlen", "time", "clock_gettime", "gettimeofday", "no_such_function"
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (symbol_next(names[i]).address != dlsym(RTLD_NEXT, names[i]))
			fail_msg("the next %s", names[i]);
}

/* Our own function: the loader finds it when it looks in the program. An undefined one is no definition. */
int test_symbol_own(void);
__attribute__((visibility("default"))) int test_symbol_own(void) { return 5; }

static void before(void **unused)
{
	(void)unused;
	assert_null(symbol_before("malloc").address);
	assert_null(symbol_before("test_symbol_own").address);
	assert_null(symbol_next("test_symbol_own").address);
	assert_ptr_equal(symbol_next("__libc_malloc").module, symbol_next("gnu_get_libc_version").module);
}

static void versions(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(libraries) / sizeof(*libraries); i++) {
		void *const handle = dlopen(libraries[i], RTLD_NOW | RTLD_LOCAL);

		if (!handle)
			fail_msg("%s", dlerror());

		const struct link_map *const l = map_of(handle);
		int (*const two)(void) = (int (*)(void))symbol_in(l, "two");

		assert_non_null(two);
		assert_int_equal(two(), 2);
		assert_null(symbol_in(l, "old"));
		assert_null(symbol_in(l, "two_first"));
		assert_ptr_equal(symbol_in(l, "plain"), dlsym(handle, "plain"));
		dlclose(handle);
	}
}

static bool is_libc(const struct link_map *m)
{
	return strstr(m->l_name, "/libc.so") != NULL;
}

static bool is_nobody(const struct link_map *m)
{
	(void)m;
	return false;
}

static void bound_to(void **unused)
{
	void *const handle = dlopen("libstdc++.so.6", RTLD_NOW);

	(void)unused;
	assert_non_null(handle);
	assert_ptr_equal(symbol_bound_to(map_of(handle), is_libc), symbol_next("gnu_get_libc_version").module);
	assert_null(symbol_bound_to(map_of(handle), is_nobody));
	dlclose(handle);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		/* first, when all modules are those of the start */
		cmocka_unit_test(next_symbols), cmocka_unit_test(every_symbol), cmocka_unit_test(before),
		cmocka_unit_test(versions), cmocka_unit_test(bound_to)
	};

	if (argc != 3)
		return 2;
	libraries[0] = argv[1];
	libraries[1] = argv[2];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
