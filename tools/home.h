/*
 * home - where the other files of this tracker are: installed side by side, or
 * in the folders of a build that was never installed.
 */
#ifndef TOOLS_HOME_H
#define TOOLS_HOME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The path of the program or library `name` ("tracker-stats", "libtracker.so"). Looks in TRACKER_HOME first if it is
 * set, then near this program's own file. False: it is not there.
 */
bool home_find(const char *name, char *ret, size_t room);

#endif
