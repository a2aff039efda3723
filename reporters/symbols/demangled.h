/*
 * demangled - linkage names to names for people, each worked out once.
 */
#ifndef SYMBOLS_DEMANGLED_H
#define SYMBOLS_DEMANGLED_H

#include <stdbool.h>

struct name {
	const char *linkage, *full, *display; /* "" stays "" */
	const char *via; /* as display, of a string "std::string::append"; NULL: malloc, operator new and their like */
	bool allocator, runtime; /* by skip.h */
};

struct names;

int names_new(struct names **ret); /* 0, TRK_ERR_NOMEM */
void names_free(struct names *n); /* NULL-safe */

/* Never NULL: when out of memory, the empty name. Lives as long as `n`. */
const struct name *names_get(struct names *n, const char *linkage_name);

bool names_short_of_memory(const struct names *n); /* not all could be worked out */

#endif
