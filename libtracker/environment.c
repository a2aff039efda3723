/* environment - see environment.h. */
#include "environment.h"

#include <string.h>

#include "format/python_env.h"
#include "state.h"

#define PRELOAD "LD_PRELOAD"

static const char *value_of(const char *entry, const char *name)
{
	const size_t n = strlen(name);

	return strncmp(entry, name, n) == 0 && entry[n] == '=' ? entry + n + 1 : NULL;
}

char **environment_find(char *const *environment, const char *name)
{
	char *const *found = NULL;

	for (char *const *p = environment; p && *p; p++)
		if (value_of(*p, name))
			found = p;
	return (char **)found;
}

const char *environment_get(char *const *environment, const char *name)
{
	char *const *const entry = environment_find(environment, name);

	return entry ? value_of(*entry, name) : NULL;
}

static bool makes_python_malloc(void)
{
	return state.shm && state.shm->header.flags & SHM_PYTHON_MALLOC;
}

/* The program's own entry has the same name, but tracker run had found none. */
static bool is_python_malloc(const char *entry)
{
	const char *const value = makes_python_malloc() ? value_of(entry, PYTHON_ENV) : NULL;

	return value && strcmp(value, PYTHON_ENV_VALUE) == 0;
}

static void drop(char **p)
{
	do
		p[0] = p[1];
	while (*p++);
}

void environment_restore(char **environment)
{
	char **const preload = environment_find(environment, PRELOAD);
	char **entry;

	if (preload) {
		char *const value = *preload + strlen(PRELOAD "="), *const rest = strchr(value, ':');

		if (rest)
			memmove(value, rest + 1, strlen(rest + 1) + 1);
		else
			drop(preload);
	}
	entry = environment_find(environment, SHM_ENV);
	if (entry)
		drop(entry);
	entry = environment_find(environment, PYTHON_ENV);
	if (entry && is_python_malloc(*entry))
		drop(entry);
}

/* Whether `list` names libtracker. */
static bool names_library(const char *list)
{
	const size_t n = strlen(state.own_path);

	for (const char *at = list; at && *at;) {
		const char *end = at;

		while (*end && *end != ':' && *end != ' ')
			end++;
		if ((size_t)(end - at) == n && memcmp(at, state.own_path, n) == 0)
			return true;
		at = *end ? end + 1 : end;
	}
	return false;
}

bool environment_is_ours(char *const *environment, const char *way)
{
	const char *const value = environment_get(environment, SHM_ENV);

	return value && strcmp(value, way) == 0 && names_library(environment_get(environment, PRELOAD));
}

bool environment_is_others(char *const *environment, const char *way)
{
	const char *const value = environment_get(environment, SHM_ENV);

	return value && strcmp(value, way) != 0;
}

/* "LD_PRELOAD=OURS:THEIRS" and "TRACKER_SHM=SESSION". */
static size_t text_bytes(const char *theirs, const char *way)
{
	return sizeof(PRELOAD "=") + strlen(state.own_path) + 1 + (theirs ? strlen(theirs) : 0) +
	       sizeof(SHM_ENV "=") + strlen(way);
}

size_t environment_room(char *const *environment, const char *way)
{
	size_t entries = 4;

	for (char *const *p = environment; p && *p; p++)
		entries++;
	return entries * sizeof(char *) + text_bytes(environment_get(environment, PRELOAD), way);
}

static char *append(char *at, const char *text)
{
	const size_t n = strlen(text);

	memcpy(at, text, n + 1);
	return at + n;
}

static char *make_preload(char *at, const char *theirs)
{
	at = append(append(at, PRELOAD "="), names_library(theirs) ? "" : state.own_path);
	if (theirs && *theirs)
		at = append(append(at, names_library(theirs) ? "" : ":"), theirs);
	return at + 1;
}

/* LD_PRELOAD without libtracker. Returns `at` if nothing is left. */
static char *make_without(char *at, const char *theirs)
{
	const size_t n = strlen(state.own_path);
	char *to = append(at, PRELOAD "=");
	char *const begin = to;

	while (*theirs) {
		size_t m = 0;

		while (theirs[m] && theirs[m] != ':' && theirs[m] != ' ')
			m++;
		if (m && (m != n || memcmp(theirs, state.own_path, n) != 0)) {
			if (to > begin)
				*to++ = ':';
			memcpy(to, theirs, m);
			to += m;
		}
		theirs += m + (theirs[m] != 0);
	}
	*to = 0;
	return to > begin ? to + 1 : at;
}

char **environment_make_without(char *const *environment, void *room)
{
	const char *const theirs = environment_get(environment, PRELOAD);
	char **const made = room, **to = made;
	char *preload;
	size_t count = 0;
	bool left;

	for (char *const *p = environment; p && *p; p++)
		count++;
	preload = (char *)(made + count + 1);
	left = theirs && make_without(preload, theirs) > preload;
	for (char *const *p = environment; p && *p; p++) {
		const bool is_preload = value_of(*p, PRELOAD);

		if (is_preload ? left : !value_of(*p, SHM_ENV) && !is_python_malloc(*p))
			*to++ = is_preload ? preload : *p;
		left &= !is_preload;
	}
	*to = NULL;
	return made;
}

/*
 * The program's entries stay where they are. libtracker's entries replace those of the same name, or stand behind all
 * others.
 */
char **environment_make(char *const *environment, const char *way, void *room)
{
	char **const made = room, **to = made;
	static const char python[] = PYTHON_ENV "=" PYTHON_ENV_VALUE;
	char *preload, *variable;
	bool has_preload = false, has_session = false;
	size_t count = 0;

	for (char *const *p = environment; p && *p; p++)
		count++;
	preload = (char *)(made + count + 4);
	variable = make_preload(preload, environment_get(environment, PRELOAD));
	(void)append(append(variable, SHM_ENV "="), way);
	for (char *const *p = environment; p && *p; p++) {
		const bool is_preload = value_of(*p, PRELOAD), is_session = value_of(*p, SHM_ENV);

		if ((is_preload && has_preload) || (is_session && has_session))
			continue;
		*to++ = is_preload ? preload : is_session ? variable :
							    *p;
		has_preload |= is_preload;
		has_session |= is_session;
	}
	if (!has_preload)
		*to++ = preload;
	if (!has_session)
		*to++ = variable;
	if (makes_python_malloc() && !environment_find(environment, PYTHON_ENV))
		*to++ = (char *)python;
	*to = NULL;
	return made;
}
