/* name - the patterns of -o: %p %e %h %t %q{VAR} %%. */
#ifndef RUN_NAME_H
#define RUN_NAME_H

#include <stdbool.h>
#include <stddef.h>

struct name_facts {
	const char *executable; /* base name */
	unsigned pid;
	long long time; /* seconds since 1970 */
};

/*
 * False: the pattern does not exist, or the variable is not set; `ret` then holds what is wrong. Slashes in values
 * become '_', so a value never names a folder.
 */
bool name_expand(const char *pattern, const struct name_facts *f, char *ret, size_t room);

#endif
