/* modes - a fixture of several programs: its first argument says which of them runs. */
#ifndef MODES_H
#define MODES_H

#include "truth.h"

struct mode {
	const char *name;
	void (*run)(void);
};

#define MODE(name) { #name, mode_##name }

static inline int run_mode(int argc, char **argv, const struct mode *modes, size_t count)
{
	for (size_t i = 0; argc > 1 && i < count; i++) {
		if (!strcmp(argv[1], modes[i].name)) {
			modes[i].run();
			return 0;
		}
	}
	return 2;
}

#define RUN_MODE(argc, argv, modes) run_mode(argc, argv, modes, sizeof(modes) / sizeof((modes)[0]))

#endif
