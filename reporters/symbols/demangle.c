/*
 * demangle - linkage names to the names people wrote, by libiberty: C++
 * (Itanium), Rust legacy and v0, D.
 */
#include <libiberty/demangle.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/stack.h"

/* Longer names are left alone: demangling may take quadratic time. */
#define LINKAGE_NAME_MAX 65536

/* "_D3app4make..." and "_Dmain"; C has functions that begin with _D, too. */
static bool is_dlang(const char *name)
{
	return strncmp(name, "_D", 2) == 0 && ((name[2] >= '1' && name[2] <= '9') || strcmp(name, "_Dmain") == 0);
}

/* GNAT's body of a task: "pkg__workerTB". */
static size_t without_task(const char *name)
{
	const size_t n = strlen(name), suffix = n > 3 && strcmp(name + n - 3, "TKB") == 0 ? 3 : 2;

	return n > suffix && name[n - 2] != '_' && strcmp(name + n - 2, suffix == 3 ? "KB" : "TB") == 0 ? n - suffix : n;
}

char *symbols_demangle_ada(const char *linkage_name)
{
	const bool main_program = strncmp(linkage_name, "_ada_", 5) == 0;
	char *name, *result;

	if (strnlen(linkage_name, LINKAGE_NAME_MAX) == LINKAGE_NAME_MAX || (!main_program && !strstr(linkage_name, "__")))
		return NULL;
	name = strndup(linkage_name, without_task(linkage_name));
	result = name ? ada_demangle(name, 0) : NULL;
	free(name);
	if (!result || *result != '<') /* libiberty's sign for a name that it does not know */
		return result;
	free(result);
	return NULL;
}

char *symbols_demangle(const char *linkage_name)
{
	const bool dlang = is_dlang(linkage_name);

	if (strncmp(linkage_name, "_Z", 2) != 0 && strncmp(linkage_name, "_R", 2) != 0 &&
	    strncmp(linkage_name, "___Z", 4) != 0 && !dlang)
		return NULL;
	if (strnlen(linkage_name, LINKAGE_NAME_MAX) == LINKAGE_NAME_MAX)
		return NULL;
	if (dlang)
		return dlang_demangle(linkage_name, DMGL_PARAMS);
	return cplus_demangle(linkage_name, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI);
}
