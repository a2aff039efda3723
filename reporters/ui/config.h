/*
 * config - the user's file of options, as git has one:
 *
 *	# ~/.config/tracker/config
 *	[run]
 *	sample = 512K
 *	[*]
 *	color = never
 *
 * A section holds options of the command of that name, or of all commands that know them.
 */
#ifndef UI_CONFIG_H
#define UI_CONFIG_H

#include <stdbool.h>

struct config_line {
	const char *where; /* "/home/u/.config/tracker/config:3" */
	const char *name; /* of an option, without dashes */
	const char *value; /* NULL: none stands there */
	bool for_all; /* it stands in [*] */
};

/*
 * Calls `each` for every line of the file that is for this command ("run"). Exits UI_USAGE with file and line if a line cannot be
 * understood. Programs with rights that their user does not have read no file.
 */
void config_read(const char *command, void (*each)(void *data, const struct config_line *line), void *data);
/* The same for every line of a file without sections. Exits UI_CANNOT if it cannot be opened. */
void config_read_file(const char *path, void (*each)(void *data, const struct config_line *line), void *data);
/*
 * Cuts a text into words as a shell does: blanks between them, quotes and backslashes around what belongs together. NULL-terminated, on
 * the heap. NULL: a quote is not closed.
 */
char **config_words(const char *text);

#endif
