/*
 * inspect - what kind of program is about to be started, and whether a preloaded library can see it. It only looks at
 * files, before anything is created.
 */
#ifndef RUN_INSPECT_H
#define RUN_INSPECT_H

#include <limits.h>
#include <stdbool.h>

struct inspection {
	char path[PATH_MAX]; /* of the program, as found in PATH */
	int exit_code; /* 0: can be started; 126, 127: cannot, for the reason `why` */
	bool unrecordable; /* runs, but unseen, for the reason `why` */
	bool no_preload; /* preloading would break it, or be complained about */
	bool partly; /* recorded, except for what `why` says */
	char why[PATH_MAX + 512]; /* what is the matter, and what to do */
	char reason[320]; /* the same without the name: "it is ..." */
};

/* `name` as given on the command line. */
void inspect(struct inspection *ret, const char *name);
/*
 * For a program that was started already, a path or a name to look for: whether its file is the reason why it cannot
 * be recorded.
 */
bool inspect_file(struct inspection *ret, const char *path);

#endif
