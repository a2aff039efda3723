/* skip - tables of functions that never answer the question "who allocated?"; see skip.h. */
#include "symbols/skip.h"

#include <fnmatch.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Sorted by strcmp. */
static const char *const ALLOCATORS[] = {
	"__asprintf", "__asprintf_chk", "__getdelim", "__gnat_malloc", "__gnat_realloc", "__libc_calloc", "__libc_free",
	"__libc_malloc", "__libc_memalign", "__libc_pvalloc", "__libc_realloc",
	"__libc_reallocarray", "__libc_valloc", "__posix_memalign", "__strdup", "__strndup",
	"__vasprintf", "__vasprintf_chk", "__vasprintf_internal", "_int_malloc",
	"aligned_alloc", "asprintf", "calloc", "canonicalize_file_name", "cfree", "free",
	"free_aligned_sized", "free_sized", "g_aligned_alloc", "g_aligned_alloc0", "g_malloc",
	"g_malloc0", "g_malloc0_n", "g_malloc_n", "g_memdup", "g_memdup2", "g_realloc",
	"g_realloc_n", "g_slice_alloc", "g_slice_alloc0", "g_slice_copy", "g_strconcat",
	"g_strdup", "g_strdup_printf", "g_strdup_vprintf", "g_strdupv", "g_strjoin",
	"g_strjoinv", "g_strndup", "g_try_malloc", "g_try_malloc0", "g_try_malloc0_n",
	"g_try_malloc_n", "g_try_realloc", "g_try_realloc_n", "g_vasprintf", "getdelim",
	"getline", "malloc", "memalign", "mmap", "mmap64", "mremap", "munmap",
	"operator delete", "operator delete[]", "operator new", "operator new[]",
	"posix_memalign", "pvalloc", "realloc", "reallocarray", "realpath", "strdup",
	"strndup", "system.memory.alloc", "system.memory.realloc", "tracker_track", "valloc", "vasprintf", "wcsdup"
};

/* Sorted by strcmp. */
static const char *const KINDS[] = {
	"__gnat_malloc", "__gnat_realloc", "__libc_calloc", "__libc_free", "__libc_malloc", "__libc_memalign", "__libc_pvalloc", "__libc_realloc", "__libc_reallocarray",
	"__libc_valloc", "__posix_memalign", "_int_malloc", "aligned_alloc", "calloc", "cfree", "free", "free_aligned_sized",
	"free_sized", "malloc", "memalign", "mmap", "mmap64", "mremap", "munmap", "operator delete", "operator delete[]",
	"operator new", "operator new[]", "posix_memalign", "pvalloc", "realloc", "reallocarray",
	"system.memory.alloc", "system.memory.realloc", "valloc"
};

static const char *const RUNTIME[] = {
	"__clone", "__clone3", "__libc_csu_init", "__libc_start_call_main",
	"__libc_start_main", "__libc_start_main_impl", "_dl_init", "_dl_start",
	"_dl_start_final", "_dl_start_user", "_dl_sysdep_start", "_start", "call_init",
	"clone", "clone3", "start_thread", "tracker_main"
};

static int compare(const void *key, const void *item)
{
	return strcmp(key, *(const char *const *)item);
}

#define IN_TABLE(name, table) \
	(bsearch(name, table, sizeof(table) / sizeof(*(table)), sizeof(*(table)), compare) != NULL)

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

bool skip_is_allocator(const char *function)
{
	return starts(function, "std::") || starts(function, "__gnu_cxx::") ||
	       IN_TABLE(function, ALLOCATORS);
}

bool skip_is_kind(const char *function)
{
	return IN_TABLE(function, KINDS);
}

bool skip_matches(const char *function, const char *const *patterns)
{
	for (; patterns && *patterns; patterns++) {
		if (fnmatch(*patterns, function, 0) == 0)
			return true;
	}
	return false;
}

bool skip_is_runtime(const char *function)
{
	return IN_TABLE(function, RUNTIME);
}

bool skip_is_runtime_module(const char *path)
{
	const char *const slash = strrchr(path, '/');
	const char *const name = slash ? slash + 1 : path;

	return starts(name, "libc.so") || starts(name, "libc-2.") || starts(name, "libpthread") ||
	       starts(name, "ld-linux") || starts(name, "ld-musl");
}
