/*
 * fuzz_names - linkage names out of any bytes: demangled, shortened, sorted into allocators and runtime; and
 * paths made absolute.
 */
#include "fuzz.h"

#include "symbols/arena.h"
#include "symbols/demangled.h"
#include "symbols/path.h"
#include "symbols/stack.h"

#define TEXT_MAX 600u /* libiberty takes quadratic time and more */

static void shorten(const char *text)
{
	const size_t size = strlen(text);

	for (size_t room = 1; room <= size + 64; room += size + 16) {
		char *const out = malloc(room);

		MUST(out && symbols_shorten(text, out, room) == out);
		MUST(strlen(out) < room && strlen(out) <= 2 * size + 8);
		MUST(room == 1 || !size || *out); /* a name never becomes none */
		free(out);
	}
}

static void demangle(const char *text)
{
	char *const name = symbols_demangle(text);

	char *const ada = symbols_demangle_ada(text);

	if (name)
		shorten(name);
	if (ada)
		shorten(ada);
	free(name);
	free(ada);
}

static void keep(const char *text)
{
	struct demangled *n = NULL;

	MUST(demangled_new(&n) == 0);
	const struct demangled_name *const name = demangled_get(n, text);

	MUST(strcmp(name->linkage, text) == 0 && demangled_get(n, text) == name);
	MUST(!*text || (*name->full && *name->display));
	demangled_free(n);
}

static void as_path(const char *text)
{
	struct arena a = { 0 };
	const char *const path = path_absolute(text, "/dir", &a);
	const char *const again = path ? path_absolute(path, "/dir", &a) : NULL;

	MUST(path && again && strcmp(path, again) == 0);
	MUST(!strstr(path, "/./") && (path[0] != '/' || !strstr(path + 1, "//")));
	arena_finish(&a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 1] = "";

	if (size > TEXT_MAX)
		size = TEXT_MAX;
	if (size)
		memcpy(text, data, size);
	shorten(text);
	demangle(text);
	keep(text);
	as_path(text);
	return 0;
}
