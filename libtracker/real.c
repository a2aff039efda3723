#include "real.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <string.h>

#include "cfi.h"
#include "hook.h"

struct real_functions real;
bool real_known, real_ready;

static const char *const names[] = {
	"malloc", "free", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign",
	"valloc", "pvalloc", "malloc_usable_size", "mmap", "munmap", "mremap", "dlclose", "prctl",
	"pthread_setname_np", "reallocarray", "free_sized", "free_aligned_sized", "cfree",
	"_Fork", "dlopen", "dlmopen",
};

_Static_assert(sizeof(names) / sizeof(names[0]) == sizeof(real) / sizeof(void *), "one name each");

/* ---- before the real functions are known ---- */

#define BOOTSTRAP_BYTES (128u << 10)

static _Alignas(64) uint8_t bootstrap[BOOTSTRAP_BYTES];
static _Atomic size_t bootstrap_used;

/* Each block is preceded by its size. Never reused: a handful of blocks, bounded. */
void *bootstrap_alloc(size_t align, size_t size)
{
	size_t at;

	if (align < 16)
		align = 16;
	if (size > BOOTSTRAP_BYTES || align > 4096)
		return NULL;
	at = atomic_fetch_add(&bootstrap_used, size + align + 16);
	if (at + size + align + 16 > BOOTSTRAP_BYTES)
		return NULL;
	at = (at + 16 + align - 1) & ~(align - 1);
	memcpy(bootstrap + at - sizeof(size), &size, sizeof(size));
	return bootstrap + at;
}

bool bootstrap_owns(const void *p)
{
	return (const uint8_t *)p >= bootstrap && (const uint8_t *)p < bootstrap + BOOTSTRAP_BYTES;
}

size_t bootstrap_size(const void *p)
{
	size_t size;

	memcpy(&size, (const uint8_t *)p - sizeof(size), sizeof(size));
	return size;
}

/* ---- looking up ---- */

static void look_up(void)
{
	void *found[sizeof(names) / sizeof(names[0])];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		found[i] = dlsym(RTLD_NEXT, names[i]);
	memcpy(&real, found, sizeof(real));
	operators_start();
}

static const void *module_of(const void *code)
{
	struct cfi_module m;

	return cfi_module_at((uintptr_t)code, &m) ? m.link_map : NULL;
}

bool real_is_foreign(void)
{
	const void *const libc = dlsym(RTLD_NEXT, "gnu_get_libc_version");

	return module_of((const void *)real.malloc) != module_of(libc);
}

bool real_is_sanitizer(void)
{
	static const char *const libraries[] = { "/libasan.so", "/libtsan.so", "/libhwasan.so", "/liblsan.so",
						 "/libclang_rt." };
	const struct link_map *const m = module_of((const void *)real.malloc);

	for (size_t i = 0; m && m->l_name && i < sizeof(libraries) / sizeof(*libraries); i++)
		if (strstr(m->l_name, libraries[i]))
			return true;
	return false;
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
	const char *(*const version)(void) = (const char *(*)(void))dlsym(RTLD_NEXT, "gnu_get_libc_version");

	return version ? version() : NULL;
}

static bool probe_reached;

/* Gives nothing, so that nobody behind us sees an allocation that is not the program's. */
static void *probe_malloc(size_t size)
{
	(void)size;
	probe_reached = true;
	return NULL;
}

/*
 * An executable's address of malloc may be its own entry of a jump table that
 * leads to us, so it is called to see where it leads.
 */
bool real_is_bypassed(void)
{
	void *(*const theirs)(size_t) = (void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc");
	void (*const their_free)(void *) = (void (*)(void *))dlsym(RTLD_DEFAULT, "free");

	if (!theirs || !their_free || module_of((const void *)theirs) == module_of(&real))
		return false;

	void *(*const ours)(size_t) = real.malloc;
	void *p;

	real.malloc = probe_malloc;
	p = theirs(1);
	real.malloc = ours;
	if (p)
		their_free(p);
	return !probe_reached;
}

/*
 * The loader runs constructors before any thread is started by the program, so
 * this needs no lock; a call from inside it (dlsym allocates) finds `starting`.
 */
__attribute__((constructor(101))) void real_start(void)
{
	static bool starting;
	const int saved = errno;

	if (starting)
		return;
	starting = true;
	look_up();
	real_known = true;
	real_ready = !real_is_sanitizer();
	session_start();
	errno = saved;
}
