/*
 * home - where the other files of this tracker are: installed side by side, or
 * in the folders of a build that was never installed.
 */
#ifndef TOOLS_HOME_H
#define TOOLS_HOME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Path of the program or library `name` ("tracker-stats", "libtracker.so"):
 * TRACKER_HOME first when it is set, then our own binary's surroundings.
 * False: it is nowhere there.
 */
bool home_find(const char *name, char *ret, size_t room);

#endif
