/* modules_fallback - which module covers a pc, found without the C library: compared with what the C library says. */
#include "unit.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "libtracker/modules_fallback.h"

struct tracker_state state;

static unsigned compared;

static const char *base_name(const char *path)
{
	const char *const slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The loader's names are links, maybe: the files are the same. */
static bool same_file(const char *a, const char *b)
{
	char *const x = realpath(a, NULL), *const y = realpath(b, NULL);
	const bool same = x && y ? strcmp(x, y) == 0 : strcmp(base_name(a), base_name(b)) == 0;

	free(x);
	free(y);
	return same;
}

static void compare_at(uintptr_t pc)
{
	struct dl_find_object theirs;
	struct cfi_module ours;

	assert_int_equal(_dl_find_object((void *)pc, &theirs), 0);
	assert_true(modules_fallback_find(pc, &ours));
	const struct link_map *const a = theirs.dlfo_link_map, *const b = ours.link_map;

	assert_ptr_equal(ours.start, theirs.dlfo_map_start);
	assert_ptr_equal(ours.end, theirs.dlfo_map_end);
	assert_ptr_equal(ours.eh_frame_hdr, theirs.dlfo_eh_frame);
	assert_int_equal(b->l_addr, a->l_addr);
	assert_ptr_equal(b->l_ld, a->l_ld);
	assert_true(same_file(a->l_name, b->l_name));
	compared++;
}

static int compare_module(struct dl_phdr_info *m, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (unsigned i = 0; i < m->dlpi_phnum; i++) {
		const ElfW(Phdr) *const p = &m->dlpi_phdr[i];

		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		compare_at(m->dlpi_addr + p->p_vaddr);
		compare_at(m->dlpi_addr + p->p_vaddr + p->p_memsz / 2);
		compare_at(m->dlpi_addr + p->p_vaddr + p->p_memsz - 1);
	}
	return 0;
}

static void every_module_is_as_the_loader_says(void **unused)
{
	void *const handle = dlopen("libdw.so.1", RTLD_NOW); /* brings others along */

	assert_non_null(handle);
	compared = 0;
	dl_iterate_phdr(compare_module, NULL);
	assert_true(compared >= 3 * 6);
	dl_iterate_phdr(compare_module, NULL); /* from the table now */
	dlclose(handle);
	modules_fallback_forget_unloaded();
	dl_iterate_phdr(compare_module, NULL);
}

static void what_is_no_code_has_no_module(void **unused)
{
	struct cfi_module m;
	void *const heap = malloc(100);

	assert_false(modules_fallback_find((uintptr_t)&m, &m));
	assert_false(modules_fallback_find((uintptr_t)heap, &m));
	assert_false(modules_fallback_find(0, &m));
	assert_false(modules_fallback_find(UINTPTR_MAX, &m));
	free(heap);
}

/* What is loaded in the place of another is that, and nothing is there when both are gone. */
static void unloaded_modules_are_forgotten(void **unused)
{
	static const char *const libraries[] = { "libdw.so.1", "libelf.so.1", "liblz4.so.1" };
	struct cfi_module m;

	for (int i = 0; i < 30; i++) {
		void *const handle = dlopen(libraries[i % 3], RTLD_NOW);
		struct link_map *l;

		assert_non_null(handle);
		assert_int_equal(dlinfo(handle, RTLD_DI_LINKMAP, &l), 0);
		const uintptr_t dynamic = (uintptr_t)l->l_ld;

		dl_iterate_phdr(compare_module, NULL);
		dlclose(handle);
		modules_fallback_forget_unloaded();
		dl_iterate_phdr(compare_module, NULL);
		if (dlopen(libraries[i % 3], RTLD_NOW | RTLD_NOLOAD) == NULL)
			assert_false(modules_fallback_find(dynamic, &m));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_module_is_as_the_loader_says),
		cmocka_unit_test(what_is_no_code_has_no_module),
		cmocka_unit_test(unloaded_modules_are_forgotten),
	};

	state.program_headers = (const void *)getauxval(AT_PHDR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
