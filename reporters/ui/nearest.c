/*
 * nearest - the word that was meant when somebody mistyped one.
 */
#include "ui/ui.h"

#include <string.h>

#define LETTERS_MAX 64 /* longer words are far from everything */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Letters put in, left out, replaced, or swapped with their neighbour. */
static size_t distance(const char *a, const char *b)
{
	const size_t n = strlen(a), m = strlen(b);
	size_t rows[3][LETTERS_MAX + 1];

	if (n > LETTERS_MAX || m > LETTERS_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= n; i++) {
		size_t *const row = rows[i % 3], *const above = rows[(i + 2) % 3], *const before = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

const char *ui_nearest(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t lowest = strlen(word) / 3 + 2;

	for (; *names; names++) {
		const bool begins = strlen(word) > 2 && strncmp(*names, word, strlen(word)) == 0;
		const size_t d = begins ? 1 : distance(word, *names);

		if (d < lowest && d < strlen(*names)) {
			lowest = d;
			best = *names;
		}
	}
	return best;
}

char *ui_meant(const char *word, const char *const *names, const char *before, char buf[UI_MEANT_ROOM])
{
	const char *const name = ui_nearest(word, names);

	*buf = '\0';
	if (name)
		snprintf(buf, UI_MEANT_ROOM, " (did you mean '%s%s'?)", before, name);
	return buf;
}
