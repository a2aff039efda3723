/* home - see home.h. */
#include "home.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Relative to a bin folder, or to the tools folder of a build. */
static const char *const places[] = {
	"",
	"../tools/",
	"../reporters/",
	"../libtracker/",
	"../" TRACKER_LIBDIR "/",
	"../lib/",
	"../lib64/",
};
/* Relative to TRACKER_HOME: a build folder or an installation's prefix. */
static const char *const home_places[] = {
	"", "tools/", "reporters/", "libtracker/", "bin/", TRACKER_LIBDIR "/", "lib/", "lib64/"
};

static bool find_in(const char *folder, const char *const *list, size_t count, const char *name,
		    char *ret, size_t room)
{
	for (size_t i = 0; i < count; i++) {
		const int n = snprintf(ret, room, "%s/%s%s", folder, list[i], name);

		if (n > 0 && (size_t)n < room && access(ret, R_OK) == 0)
			return true;
	}
	return false;
}

static bool own_folder(char *ret, size_t room)
{
	const ssize_t n = readlink("/proc/self/exe", ret, room - 1);
	char *slash;

	if (n <= 0)
		return false;
	ret[n] = 0;
	slash = strrchr(ret, '/');
	if (!slash)
		return false;
	*slash = 0;
	return true;
}

bool home_find(const char *name, char *ret, size_t room)
{
	const char *const home = getenv("TRACKER_HOME");
	char folder[PATH_MAX], found[PATH_MAX + 256];
	char real[PATH_MAX];

	if (!(home && *home &&
	      find_in(home, home_places, sizeof(home_places) / sizeof(*home_places), name, found,
		      sizeof(found))) &&
	    !(own_folder(folder, sizeof(folder)) &&
	      find_in(folder, places, sizeof(places) / sizeof(*places), name, found,
		      sizeof(found))))
		return false;
	/* absolute and without "..": the program may change its directory */
	if (!realpath(found, real) || strlen(real) >= room)
		return false;
	strcpy(ret, real);
	return true;
}
