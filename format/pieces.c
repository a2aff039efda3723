/* pieces - see pieces.h. */
#include "format/array.h"
#include "format/pieces.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/trk.h"

int pieces_name(const char *path, uint32_t number, char *ret, size_t room)
{
	const int n = snprintf(ret, room, "%s.%0*u", path, PIECES_DIGITS, number);

	return n >= 0 && (size_t)n < room ? 0 : TRK_ERR_ARG;
}

/* The number behind "NAME.". 0: it is no name of a piece. */
static uint32_t number_of(const char *entry, const char *name, size_t name_bytes)
{
	const char *const digits = entry + name_bytes + 1;
	uint64_t number = 0;
	size_t n = 0;

	if (strncmp(entry, name, name_bytes) || entry[name_bytes] != '.')
		return 0;
	for (; digits[n] >= '0' && digits[n] <= '9' && number <= UINT32_MAX; n++)
		number = number * 10 + (uint64_t)(digits[n] - '0');
	/* written as pieces_name writes it: no second name leads to the same number */
	if (digits[n] || n < PIECES_DIGITS || (n > PIECES_DIGITS && *digits == '0'))
		return 0;
	return number <= UINT32_MAX ? (uint32_t)number : 0;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static int collect(DIR *folder, const char *name, uint32_t **ret, size_t *ret_count)
{
	const struct dirent *entry;
	size_t room = 0;

	while ((entry = readdir(folder))) {
		const uint32_t number = number_of(entry->d_name, name, strlen(name));

		if (!number)
			continue;
		if (!ARRAY_ROOM(*ret, room, *ret_count + 1, 16))
			return TRK_ERR_NOMEM;
		(*ret)[(*ret_count)++] = number;
	}
	return 0;
}

int pieces_find(const char *path, uint32_t **ret, size_t *ret_count)
{
	const char *const slash = strrchr(path, '/');
	char *const parent = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	DIR *folder;
	int err = 0;

	*ret = NULL;
	*ret_count = 0;
	if (!parent)
		return TRK_ERR_NOMEM;
	folder = opendir(parent);
	free(parent);
	if (!folder)
		return 0;
	err = collect(folder, slash ? slash + 1 : path, ret, ret_count);
	closedir(folder);
	if (err) {
		free(*ret);
		*ret = NULL;
		*ret_count = 0;
	} else if (*ret_count) {
		qsort(*ret, *ret_count, sizeof(**ret), by_number);
	}
	return err;
}
