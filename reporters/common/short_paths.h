/*
 * short_paths - the files of a report as people read them: of each only so many of its last parts as tell it from all others that the
 * report shows. "server.cpp"; "a/util.c" and "b/util.c" if both are there.
 */
#ifndef REPORTERS_SHORT_PATHS_H
#define REPORTERS_SHORT_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "format/idmap.h"

struct short_paths {
	bool whole; /* the user's wish (--full-paths): they are printed as they are */
	struct short_path {
		char *path;
		const char *end; /* what is printed: in it */
	} * items;
	size_t count, room;
	struct idmap by_path; /* places in `items`, from 1; until short_paths_settle */
	bool settled; /* items are sorted, from their ends on */
};

#define SHORT_PATHS_OPTION(p) UI_OPTION(0, "full-paths", UI_FLAG, &(p).whole, NULL, "print files with all of their folders", 0, 0)

/* A file that the report shows. TRK_ERR_NOMEM. */
int short_paths_add(struct short_paths *p, const char *path);
/* When all are there. */
void short_paths_settle(struct short_paths *p);
/* As it is printed; what was not added stays as it is. Lives as long as p, or as long as path. */
const char *short_paths_of(const struct short_paths *p, const char *path);
void short_paths_finish(struct short_paths *p); /* zero-safe */

#endif
