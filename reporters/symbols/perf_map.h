/*
 * perf_map - the file in which programs write down the functions that they make while they run, in the format of
 * perf(1): a line "START SIZE name" for each, in hexadecimal. It says where a function was, but not when.
 */
#ifndef SYMBOLS_PERF_MAP_H
#define SYMBOLS_PERF_MAP_H

#include "symbols/made_code.h"

struct perf_map {
	bool skipping; /* the rest of a line that is too long */
};

/*
 * Takes the complete lines of the next part of the file. Returns how many bytes they have. `last`: nothing follows,
 * so the end of the bytes ends the last line. `full`: the caller has no room for more of a line.
 */
size_t perf_map_read(struct perf_map *m, struct made_code *c, const char *bytes, size_t size, bool last,
		     bool full);

#endif
