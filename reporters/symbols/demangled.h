/*
 * demangled - linkage names to names for people, each worked out once.
 */
#ifndef SYMBOLS_DEMANGLED_H
#define SYMBOLS_DEMANGLED_H

#include <stdbool.h>

struct demangled_name {
	const char *linkage, *full, *display; /* "" stays "" */
	const char *via; /* as display, of a string "std::string::append"; NULL: malloc, operator new and their like */
	bool allocator, runtime; /* by skip.h */
};

struct demangled;

int demangled_new(struct demangled **ret); /* 0, TRK_ERR_NOMEM */
void demangled_free(struct demangled *n); /* NULL-safe */

/* Never NULL: when out of memory, the empty name. Lives as long as `n`. */
const struct demangled_name *demangled_get(struct demangled *n, const char *linkage_name);

bool demangled_short_of_memory(const struct demangled *n); /* not all could be worked out */

#endif
