/*
 * options - a command's options, described once: parsing, --help and the
 * messages about mistakes all follow from the table.
 */
#include "ui/ui.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ui/ui_private.h"

enum {
	VAL_HELP = 1000,
	VAL_VERSION,
	VAL_FIRST,
};

static const struct ui_option help_option = { 'h', "help", UI_FLAG, NULL, NULL,
					      "show this help and exit", 0, 0 };
static const struct ui_option version_option = { 0, "version", UI_FLAG, NULL, NULL,
						 "show the version and exit", 0, 0 };

static void *need(void *p)
{
	if (!p) {
		ui_error("out of memory");
		exit(UI_CANNOT);
	}
	return p;
}

static size_t count_options(const struct ui_command *c)
{
	size_t n = 0;

	while (c->options[n].long_name)
		n++;
	return n;
}

/* ---- --help and --version ---- */

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

static void print_option(const struct ui_option *o, int width)
{
	char left[128];

	left_column(o, left, sizeof(left));
	printf("%-*s  %s\n", width, left, o->help);
}

static void finish_stdout(void)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		ui_error("cannot write standard output: %s", strerror(errno));
		exit(UI_CANNOT);
	}
	exit(UI_OK);
}

static void print_help(const struct ui_command *c)
{
	char words[128], left[128];
	int width = left_column(&version_option, left, sizeof(left));

	for (const struct ui_option *o = c->options; o->long_name; o++) {
		const int n = left_column(o, left, sizeof(left));
		width = n > width ? n : width;
	}
	printf("Usage: %s %s\n%s\n\nOptions:\n", ui_command_words(c->name, words, sizeof(words)),
	       c->usage, c->summary);
	for (const struct ui_option *o = c->options; o->long_name; o++)
		print_option(o, width);
	print_option(&help_option, width);
	print_option(&version_option, width);
	if (c->details)
		printf("\n%s%s", c->details,
		       *c->details && c->details[strlen(c->details) - 1] == '\n' ? "" : "\n");
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

static void list_options(const struct ui_command *c)
{
	for (const struct ui_option *o = c->options; o->long_name; o++)
		list_option(o);
	list_option(&help_option);
	list_option(&version_option);
	finish_stdout();
}

static void print_version(void)
{
	printf("tracker %s\n%s\n", TRACKER_VERSION, TRACKER_LIBRARIES);
	finish_stdout();
}

/* ---- values ---- */

static const char *shown_name(const struct ui_option *o, char *buf, size_t room)
{
	if (o->short_name)
		snprintf(buf, room, "-%c/--%s", o->short_name, o->long_name);
	else
		snprintf(buf, room, "--%s", o->long_name);
	return buf;
}

static bool parse_uint(const char *text, uint64_t *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, 10);
	return *end == 0 && errno == 0;
}

/* A limit of an option. It is not in exact bytes, which nobody wants to count. */
static const char *shown_limit(const struct ui_option *o, uint64_t value, char *buf, size_t room)
{
	if (o->type == UI_SIZE)
		return ui_size(buf, room, (int64_t)value, false);
	snprintf(buf, room, "%" PRIu64, value);
	return buf;
}

static uint64_t number_of(const struct ui_option *o, const char *text)
{
	char name[128], least[32], most[32];
	uint64_t value = 0;
	const bool is_size = o->type == UI_SIZE;

	if (is_size && !ui_parse_size(text, &value))
		ui_usage_error("argument %s: %s is an invalid size; use 4096, 64KiB or 1.5g",
			       shown_name(o, name, sizeof(name)), text);
	if (!is_size && (!parse_uint(text, &value) || (value == 0 && o->min == 1)))
		ui_usage_error("argument %s: %s is an invalid %s int value",
			       shown_name(o, name, sizeof(name)), text,
			       o->min ? "positive" : "non-negative");
	if (value < o->min || (o->max && value > o->max)) {
		if (o->max)
			ui_usage_error("argument %s: %s is outside the range %s to %s",
				       shown_name(o, name, sizeof(name)), text, shown_limit(o, o->min, least, sizeof(least)),
				       shown_limit(o, o->max, most, sizeof(most)));
		ui_usage_error("argument %s: %s is less than %s",
			       shown_name(o, name, sizeof(name)), text, shown_limit(o, o->min, least, sizeof(least)));
	}
	return value;
}

/* "auto, always or never" */
static const char *shown_choices(const char *const *choices, char *buf, size_t room)
{
	size_t used = 0;

	*buf = '\0';
	for (size_t i = 0; choices[i]; i++) {
		const char *const before = i == 0 ? "" : choices[i + 1] ? ", " :
									  " or ";

		used += (size_t)snprintf(buf + used, used < room ? room - used : 0, "%s%s", before, choices[i]);
	}
	return buf;
}

static void check_choice(const struct ui_option *o, const char *text)
{
	char name[128], all[256], meant[UI_MEANT_ROOM];

	for (size_t i = 0; o->choices && o->choices[i]; i++)
		if (strcmp(text, o->choices[i]) == 0)
			return;
	if (o->choices)
		ui_usage_error("argument %s: invalid choice '%s'; use %s%s", shown_name(o, name, sizeof(name)), text,
			       shown_choices(o->choices, all, sizeof(all)), ui_meant(text, o->choices, "", meant));
}

/* Grows one by one, because nobody types many. */
static void append(struct ui_list *list, const char *item)
{
	list->items = need(realloc(list->items, (list->count + 2) * sizeof(*list->items)));
	list->items[list->count++] = item;
	list->items[list->count] = NULL;
}

static void take(const struct ui_option *o, const char *text)
{
	switch (o->type) {
	case UI_FLAG:
		*(bool *)o->value = true;
		break;
	case UI_STRING:
		check_choice(o, text);
		*(const char **)o->value = text;
		break;
	case UI_UINT:
	case UI_SIZE:
		*(uint64_t *)o->value = number_of(o, text);
		break;
	case UI_LIST:
		append(o->value, text);
		break;
	case UI_OPTIONAL_INT:
		*(const char **)o->value = text ? text : "";
		break;
	}
}

/* ---- parsing ---- */

struct parser {
	struct option *longs;
	char *shorts;
};

static void add(struct parser *p, size_t i, const struct ui_option *o, int val)
{
	static const char *const colons[] = { "", ":", "::" };
	const int argument = o->type == UI_FLAG		? no_argument :
			     o->type == UI_OPTIONAL_INT ? optional_argument :
							  required_argument;
	char *const end = p->shorts + strlen(p->shorts);

	p->longs[i] = (struct option){ o->long_name, argument, NULL, val };
	if (o->short_name)
		sprintf(end, "%c%s", o->short_name, colons[argument]);
}

static struct parser parser_of(const struct ui_command *c, bool stop_at_operand)
{
	const size_t n = count_options(c);
	struct parser p = { need(calloc(n + 3, sizeof(*p.longs))), need(calloc(n + 4, 3)) };

	strcpy(p.shorts, stop_at_operand ? "+:" : ":");
	for (size_t i = 0; i < n; i++)
		add(&p, i, &c->options[i], VAL_FIRST + (int)i);
	add(&p, n, &help_option, VAL_HELP);
	add(&p, n + 1, &version_option, VAL_VERSION);
	return p;
}

static const struct ui_option *option_of(const struct ui_command *c, int val)
{
	if (val >= VAL_FIRST)
		return &c->options[val - VAL_FIRST];
	for (const struct ui_option *o = c->options; o->long_name; o++)
		if (o->short_name == val)
			return o;
	return NULL;
}

/* word: "--limti=5", of which no option begins so, or several do. */
static void refuse_word(const struct ui_command *c, const char *word)
{
	const char **const names = need(calloc(count_options(c) + 3, sizeof(*names)));
	const size_t dashes = strspn(word, "-"), bytes = strcspn(word + dashes, "=");
	char name[128], meant[UI_MEANT_ROOM];
	size_t n = 0;

	for (const struct ui_option *o = c->options; o->long_name; o++)
		names[n++] = o->long_name;
	names[n++] = help_option.long_name;
	names[n++] = version_option.long_name;
	snprintf(name, sizeof(name), "%.*s", (int)bytes, word + dashes);
	ui_usage_error("unknown option %s%s", word, ui_meant(name, names, "--", meant));
}

/* `word`: the argument getopt stumbled over; `val`: what it says about it in optopt. */
static void refuse(const struct ui_command *c, int result, int val, const char *word)
{
	char name[128];
	const struct ui_option *const o = val ? option_of(c, val) : NULL;

	if (result == ':' && o)
		ui_usage_error("argument %s: expected one argument",
			       shown_name(o, name, sizeof(name)));
	if (val >= VAL_HELP)
		ui_usage_error("option %.*s takes no argument", (int)strcspn(word, "="), word);
	if (val)
		ui_usage_error("unknown option -%c", val);
	refuse_word(c, word);
}

static bool is_int(const char *word)
{
	if (!word)
		return false;
	word += *word == '-';
	return *word && !word[strspn(word, "0123456789")];
}

/* "-@50%", a point of standard input, looks like options: it gets the longer name. */
static void name_standard_input(char **argv)
{
	for (; *argv && strcmp(*argv, "--") != 0; argv++) {
		char *name;

		if (strncmp(*argv, "-@", 2) != 0)
			continue;
		if (asprintf(&name, "/dev/stdin%s", *argv + 1) < 0)
			name = NULL;
		*argv = need(name);
	}
}

int ui_parse(const struct ui_command *c, int argc, char **argv, bool stop_at_operand)
{
	char words[128];
	int val;

	ui_set_program(c->name);
	if (argc == 2 && strcmp(argv[1], "--list-options") == 0)
		list_options(c);
	if (!stop_at_operand)
		name_standard_input(argv);
	struct parser p = parser_of(c, stop_at_operand);
	opterr = 0;
	optind = 0; /* glibc: start anew, also in a second call */
	for (;;) {
		val = getopt_long(argc, argv, p.shorts, p.longs, NULL);
		if (val < 0)
			break;
		if (val == ':' || val == '?')
			refuse(c, val, optopt, argv[optind - 1]);
		if (val == VAL_HELP || val == 'h')
			print_help(c);
		if (val == VAL_VERSION)
			print_version();
		const struct ui_option *const o = option_of(c, val);
		if (o->type == UI_OPTIONAL_INT && !optarg && is_int(argv[optind]))
			optarg = argv[optind++];
		take(o, optarg);
	}
	free(p.longs);
	free(p.shorts);
	if (argc - optind < c->min_operands)
		ui_usage_error("missing operand: %s %s",
			       ui_command_words(c->name, words, sizeof(words)), c->usage);
	if (c->max_operands >= 0 && argc - optind > c->max_operands && !stop_at_operand)
		ui_usage_error("unexpected operand %s", argv[optind + c->max_operands]);
	return optind;
}

void ui_needs(const char *a, bool a_set, const char *b, bool b_set)
{
	if (a_set && !b_set)
		ui_usage_error("argument %s: only allowed with %s", a, b);
}

void ui_exclude(const char *a, bool a_set, const char *b, bool b_set)
{
	if (a_set && b_set)
		ui_usage_error("argument %s: not allowed with argument %s", a, b);
}
