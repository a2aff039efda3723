/*
 * help - what --help, --version and --list-options print of a command: all of it stands in its table of options.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ui/fit.h"
#include "ui/ui_private.h"

const struct ui_option ui_help_option = { 'h', "help", UI_FLAG, NULL, NULL,
					  "show this help and exit", 0, 0 };
const struct ui_option ui_version_option = { 0, "version", UI_FLAG, NULL, NULL,
					     "show the version and exit", 0, 0 };

static int left_column(const struct ui_option *o, char *buf, size_t room)
{
	const bool is_optional = o->type == UI_OPTIONAL_INT;
	char dash[8] = "    ";

	if (o->short_name)
		snprintf(dash, sizeof(dash), "-%c, ", o->short_name);
	if (!o->argument)
		return snprintf(buf, room, "  %s--%s", dash, o->long_name);
	return snprintf(buf, room, is_optional ? "  %s--%s[=%s]" : "  %s--%s %s", dash, o->long_name, o->argument);
}

/* On a terminal, a long help goes on below itself. */
static void print_option(FILE *f, const struct ui_option *o, int width)
{
	const char hang[] = { ui_screen_width(f) ? FIT_HANG : '\0', '\0' };
	char left[128];

	left_column(o, left, sizeof(left));
	fprintf(f, "%-*s  %s%s\n", width, left, hang, o->help);
}

static void finish_stdout(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ui_error("cannot write standard output: %s", strerror(errno));
		exit(UI_CANNOT);
	}
	exit(UI_OK);
}

void ui_print_help(const struct ui_command *c)
{
	char words[128], left[128];
	FILE *const screen = ui_screen_open(stdout, true, false), *const f = screen ? screen : stdout;
	int width = left_column(&ui_version_option, left, sizeof(left));

	for (const struct ui_option *o = c->options; o->long_name; o++) {
		const int n = left_column(o, left, sizeof(left));
		width = n > width ? n : width;
	}
	fprintf(f, "Usage: %s %s\n%s\n\nOptions:\n", ui_command_words(c->name, words, sizeof(words)),
		c->usage, c->summary);
	for (const struct ui_option *o = c->options; o->long_name; o++)
		print_option(f, o, width);
	print_option(f, &ui_help_option, width);
	print_option(f, &ui_version_option, width);
	if (c->details)
		fprintf(f, "\n%s%s", c->details,
			*c->details && c->details[strlen(c->details) - 1] == '\n' ? "" : "\n");
	if (screen)
		ui_screen_close();
	finish_stdout();
}

/* From the table, or from an argument like "zstd|lz4|none". */
static void list_choices(const struct ui_option *o)
{
	const char *const *choices = o->choices ? o->choices : o->offers;
	const char *const text = o->argument && strchr(o->argument, '|') ? o->argument : "";

	for (size_t i = 0; choices && choices[i]; i++)
		printf("%s%s", i ? " " : "", choices[i]);
	for (const char *at = text; *at && !choices;) {
		const size_t whole = strcspn(at, "|"), n = strcspn(at, "[|");

		printf("%.*s%s", (int)n, at, at[whole] ? " " : "");
		at += whole + (at[whole] ? 1 : 0);
	}
}

/* For the completion of shells: letter, name, argument, its choices, help, with tabs between them. */
static void list_option(const struct ui_option *o)
{
	printf("%.*s\t%s\t", o->short_name ? 1 : 0, &o->short_name, o->long_name);
	printf(o->type == UI_OPTIONAL_INT ? "[%s]\t" : "%s\t", o->argument ? o->argument : "");
	list_choices(o);
	printf("\t%s\n", o->help);
}

void ui_list_options(const struct ui_command *c)
{
	for (const struct ui_option *o = c->options; o->long_name; o++)
		list_option(o);
	list_option(&ui_help_option);
	list_option(&ui_version_option);
	finish_stdout();
}

void ui_print_version(void)
{
	printf("tracker %s\n%s\n", TRACKER_VERSION, TRACKER_LIBRARIES);
	finish_stdout();
}
