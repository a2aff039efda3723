/*
 * package - which Debian package a file came from, and which one contains its names. It executes nothing: it reads the
 * lists of dpkg's database.
 */
#ifndef SYMBOLS_PACKAGE_H
#define SYMBOLS_PACKAGE_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Writes the name of the package with debug information of the file at `path` to `out`. `root` stands before
 * /var/lib/dpkg ("" for this machine). False: no list names the file, or there are no lists.
 */
bool package_of_names(const char *root, const char *path, char *out, size_t room);

#endif
