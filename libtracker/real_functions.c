#include "real.h"

#include <errno.h>
#include <link.h>
#include <string.h>

#include "cfi.h"
#include "hook.h"
#include "symbol.h"
#include "session.h"
#include "thread.h"

struct real_functions real;
bool real_known, real_ready;

static const char *const names[] = {
	"malloc", "free", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign",
	"valloc", "pvalloc", "malloc_usable_size", "mmap", "munmap", "mremap", "mprotect", "madvise",
	"dlclose", "prctl", "pthread_setname_np", "chdir", "fchdir", "unlink", "unlinkat", "remove",
	"rename", "renameat", "renameat2", "__libc_malloc", "__libc_free", "__libc_calloc",
	"__libc_realloc", "__libc_memalign", "__libc_valloc", "__libc_pvalloc", "free_sized",
	"free_aligned_sized", "pkey_mprotect", "_Fork", "dlopen", "dlmopen", "execve", "execv", "execvp",
	"execvpe", "fexecve", "execveat", "posix_spawn", "posix_spawnp", "system", "popen", "pclose",
	"wait", "waitpid", "wait3", "wait4", "waitid", "_exit", "quick_exit"
};

_Static_assert(sizeof(names) / sizeof(names[0]) == sizeof(real) / sizeof(void *), "one name each");

static struct {
	const struct link_map *allocator; /* whose malloc is behind us, ... */
	const struct link_map *libc;
	bool bypassed, sanitizer;
	const char *(*libc_version)(void);
} behind;

/* ---- looking up ---- */

static bool is_sanitizer(const struct link_map *m)
{
	static const char *const libraries[] = { "/libasan.so", "/libtsan.so", "/libhwasan.so", "/liblsan.so",
						 "/libclang_rt." };

	for (size_t i = 0; m && m->l_name && i < sizeof(libraries) / sizeof(*libraries); i++)
		if (strstr(m->l_name, libraries[i]))
			return true;
	return false;
}

/* Takes no lock and changes nothing, so whoever comes meanwhile (a thread, a handler) does the same. */
static void look_up(void)
{
	const struct symbol version = symbol_next("gnu_get_libc_version");
	void *found[sizeof(names) / sizeof(names[0])];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		found[i] = symbol_next(names[i]).address;
	memcpy(&real, found, sizeof(real));
	behind.allocator = symbol_next("malloc").module;
	behind.libc = version.module;
	behind.libc_version = (const char *(*)(void))version.address;
	behind.sanitizer = is_sanitizer(behind.allocator);
	operators_start();
	atomic_thread_fence(memory_order_seq_cst);
	real_known = true;
}

bool real_is_foreign(void)
{
	return behind.bypassed || behind.allocator != behind.libc;
}

bool real_is_sanitizer(void)
{
	return behind.sanitizer;
}

/*
 * AddressSanitizer asks the first one of these that there is. It ends a program whose first
 * library is not its own, lest somebody's malloc stand before it; ours passes everything on.
 */
EXPORT const char *__asan_default_options(void);
EXPORT const char *__asan_default_options(void)
{
	return "verify_asan_link_order=0";
}

const char *real_libc_version(void)
{
	return behind.libc_version ? behind.libc_version() : NULL;
}

bool real_is_bypassed(void)
{
	return behind.bypassed;
}

const char *real_own_path(void)
{
	const struct link_map *m;
	struct cfi_module own;

	if (!cfi_module_at((uintptr_t)&real, &own))
		return NULL;
	m = own.link_map;
	return m && m->l_name && m->l_name[0] == '/' ? m->l_name : NULL;
}

/* ---- starting ---- */

/* By whoever calls first. Others go on, unrecorded, meanwhile. */
void real_start(void)
{
	static atomic_flag started = ATOMIC_FLAG_INIT;
	const int saved = errno;

	if (!real_known)
		look_up();
	if (!atomic_flag_test_and_set(&started)) {
		behind.bypassed = symbol_before("malloc").address != NULL;
		real_ready = !behind.bypassed && !behind.sanitizer;
		session_start();
	}
	errno = saved;
}

__attribute__((constructor)) static void loaded(void)
{
	real_start();
	thread_watch_forks();
}

bool real_records(void)
{
	real_start();
	return !behind.sanitizer;
}

/*
 * A program's own malloc may be one that only counts, or checks, and then calls the next: that it
 * came here shows. It is not called to see that; it may hold its lock, and count us.
 */
bool real_reached(void)
{
	real_start();
	if (behind.sanitizer)
		return false;
	behind.bypassed = false;
	real_ready = true;
	session_reached();
	return true;
}
