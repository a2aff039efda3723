/* real_functions - see real_functions.h. */
#include "real_functions.h"

#include <link.h>
#include <string.h>

#include "state.h"
#include "symbol.h"

struct real_functions real;
bool real_known;

static struct {
	const struct link_map *allocator; /* the module whose malloc is behind the hook */
	const struct link_map *libc;
	bool sanitizer;
	const char *(*libc_version)(void);
} behind;

static bool is_sanitizer(const struct link_map *m)
{
	static const char *const libraries[] = {
		"/libasan.so",
		"/libtsan.so",
		"/libhwasan.so",
		"/liblsan.so",
		"/libclang_rt.",
	};

	for (size_t i = 0; m && m->l_name && i < sizeof(libraries) / sizeof(*libraries); i++)
		if (strstr(m->l_name, libraries[i]))
			return true;
	return false;
}

#define LOOK_UP(member, symbol, returned, parameters) \
	.member = (returned(*) parameters)symbol_next(#symbol).address,

void real_look_up(void)
{
	const struct symbol version = symbol_next("gnu_get_libc_version");
	const struct real_functions found = { REAL_FUNCTIONS(LOOK_UP) };

	real = found;
	behind.allocator = symbol_next("malloc").module;
	behind.libc = version.module;
	behind.libc_version = (const char *(*)(void))version.address;
	behind.sanitizer = is_sanitizer(behind.allocator);
}

bool real_is_libcs(void)
{
	return behind.allocator == behind.libc;
}

bool real_is_sanitizer(void)
{
	return behind.sanitizer;
}

/*
 * AddressSanitizer calls the first definition of these that it finds. It ends a program whose first library is not
 * its own, because another malloc could stand before its own. The hooks pass everything on to it.
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
