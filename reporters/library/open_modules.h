/*
 * open_modules - files of modules that stay open between the questions of a program about itself, so that only the first question
 * about a module reads its debug information.
 *
 * A bounded number of them, and a bounded part of their debug information: the one that was asked for longest ago is closed. They
 * stay mapped, so they may be deleted; the program's descriptors stay its own. What was changed in its place is opened anew.
 */
#ifndef LIBRARY_OPEN_MODULES_H
#define LIBRARY_OPEN_MODULES_H

#include <sys/stat.h>

#include "format/trk.h"
#include "symbols/arena.h"
#include "symbols/resolver.h"

/* Of a module without a build-id: which file it is. Zeroed: it is not known yet. */
struct module_identity {
	dev_t device;
	ino_t inode;
	off_t bytes;
	struct timespec changed;
};

struct module_wanted {
	const struct trk_module *module;
	struct module_identity *identity; /* lives as long as its module's number means the same */
	/* A descriptor of the file that the program has mapped, for the caller to close; -1: the one at its path is opened. */
	int (*open)(void *data, uint32_t number);
	void *data;
	uint32_t number;
};

/* As resolver_lookup. What it returns lives in `strings`. Any thread. */
size_t open_modules_lookup(const struct module_wanted *w, uint64_t address, struct resolved_frame *out, size_t max, struct arena *strings);

#endif
