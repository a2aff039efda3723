/* config - see config.h. */
#include "ui/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ui/ui_private.h"

struct reading {
	const char *path;
	unsigned line;
	bool ours, for_all; /* of the section that is open */
	const char *command; /* whose sections are ours; NULL: the file has none, and all is */
};

/* False: there is none. *ret_named: the user names it. */
static bool find_file(char *path, size_t room, bool *ret_named)
{
	const char *const named = secure_getenv("TRACKER_CONFIG"), *const folder = secure_getenv("XDG_CONFIG_HOME"), *const home = secure_getenv("HOME");
	int n = 0;

	*ret_named = named != NULL;
	if (named && strcmp(named, "/dev/null") == 0)
		return false;
	if (named)
		n = snprintf(path, room, "%s", named);
	else if (folder && *folder == '/')
		n = snprintf(path, room, "%s/tracker/config", folder);
	else if (home && *home)
		n = snprintf(path, room, "%s/.config/tracker/config", home);
	return n > 0 && (size_t)n < room;
}

static char *strip(char *s)
{
	size_t n = strlen(s);

	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static void refuse(const struct reading *r, const char *why)
{
	ui_error("%s:%u: %s", r->path, r->line, why);
	exit(UI_USAGE);
}

/* "[run]" */
static void open_section(struct reading *r, char *text)
{
	const size_t n = strlen(text);

	if (!r->command)
		refuse(r, "this file has no sections; write NAME = VALUE with the long name of an option");
	if (text[n - 1] != ']')
		refuse(r, "a section is [COMMAND], for example [run], or [*] for all commands");
	text[n - 1] = '\0';

	const char *const name = strip(text + 1);

	r->for_all = strcmp(name, "*") == 0;
	r->ours = r->for_all || strcmp(name, r->command) == 0;
}

/* "value" or value; what stands behind a # or ; after a blank is a comment. */
static char *read_value(const struct reading *r, char *text)
{
	if (*text == '"') {
		char *const end = strrchr(text + 1, '"');

		if (!end)
			refuse(r, "the quote is not closed");
		*end = '\0';
		return text + 1;
	}
	for (char *c = text; *c; c++)
		if ((*c == '#' || *c == ';') && (c == text || isspace((unsigned char)c[-1])))
			*c = '\0';
	return strip(text);
}

/* "name = value", or "name". */
static void read_setting(const struct reading *r, char *text, void (*each)(void *data, const struct config_line *line), void *data)
{
	char where[PATH_MAX + 16];
	char *const equals = strchr(text, '=');

	if (equals)
		*equals = '\0';

	const char *const name = strip(text);

	if (!*name || strpbrk(name, " \t"))
		refuse(r, "this is no setting; write NAME = VALUE with the long name of an option");
	if (!r->ours)
		return;
	snprintf(where, sizeof(where), "%s:%u", r->path, r->line);

	const struct config_line line = { where, name, equals ? read_value(r, equals + 1 + strspn(equals + 1, " \t")) : NULL, r->for_all };

	each(data, &line);
}

/* Values live as long as the program does: options keep them. */
struct kept {
	struct kept *next;
	char text[];
};
static struct kept *all_kept;

static char *keep(const char *text)
{
	const size_t bytes = strlen(text) + 1;
	struct kept *const k = malloc(sizeof(*k) + bytes);

	if (!k) {
		ui_error("out of memory");
		exit(UI_CANNOT);
	}
	memcpy(k->text, text, bytes);
	k->next = all_kept;
	all_kept = k;
	return k->text;
}

static void warn_unread(const char *path, const char *why)
{
	ui_warn("cannot read %s: %s", path, why);
}

/* NULL: it has no options. The usual file may be missing, or another user's. */
static FILE *open_file(const char *path, bool named)
{
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* no waiting for the writer of a FIFO */
	struct stat st;
	FILE *f;

	if (fd < 0) {
		if (named || (errno != ENOENT && errno != ENOTDIR && errno != EACCES))
			warn_unread(path, strerror(errno));
		return NULL;
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		warn_unread(path, "it is no regular file");
		close(fd);
		return NULL;
	}
	f = fdopen(fd, "r");
	if (!f) {
		warn_unread(path, strerror(errno));
		close(fd);
	}
	return f;
}

/* Closes the file. */
static void read_lines(struct reading *r, FILE *f, void (*each)(void *data, const struct config_line *line), void *data)
{
	char *line = NULL;
	size_t room = 0;

	while (getline(&line, &room, f) > 0) {
		char *const text = strip(keep(line));

		r->line++;
		if (!*text || *text == '#' || *text == ';')
			continue;
		if (*text == '[')
			open_section(r, text);
		else
			read_setting(r, text, each, data);
	}
	if (ferror(f))
		warn_unread(r->path, strerror(errno));
	free(line);
	fclose(f);
}

void config_read(const char *command, void (*each)(void *data, const struct config_line *line), void *data)
{
	char path[PATH_MAX];
	struct reading r = { .path = path, .command = command };
	bool named;
	FILE *f;

	if (!find_file(path, sizeof(path), &named))
		return;
	f = open_file(path, named);
	if (f)
		read_lines(&r, f, each, data);
}

void config_read_file(const char *path, void (*each)(void *data, const struct config_line *line), void *data)
{
	struct reading r = { .path = path, .ours = true };
	FILE *const f = open_file(path, true);

	if (!f)
		exit(UI_CANNOT); /* it has been said why */
	read_lines(&r, f, each, data);
}

/* ---- words ---- */

/* The next word goes to `to`, which has room for it. Returns what is behind it; NULL: a quote is not closed. */
static const char *next_word(const char *at, char *to)
{
	char quote = '\0';

	for (; *at && (quote || !isspace((unsigned char)*at)); at++) {
		if (quote ? *at == quote : (*at == '"' || *at == '\''))
			quote = quote ? '\0' : *at;
		else if (*at == '\\' && quote != '\'' && at[1])
			*to++ = *++at;
		else
			*to++ = *at;
	}
	*to = '\0';
	return quote ? NULL : at;
}

char **config_words(const char *text)
{
	const size_t n = strlen(text);
	char **const words = calloc(n / 2 + 2, sizeof(*words));
	char *to = memset(keep(text), 0, n + 1);
	size_t count = 0;

	if (!words) {
		ui_error("out of memory");
		exit(UI_CANNOT);
	}
	for (const char *at = text; at;) {
		while (isspace((unsigned char)*at))
			at++;
		if (!*at)
			return words;
		words[count++] = to;
		at = next_word(at, to);
		to += strlen(to) + 1;
	}
	free(words);
	return NULL;
}
