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

#include "ui/config.h"
#include "ui/ui_private.h"

enum {
	VAL_HELP = 1000,
	VAL_VERSION,
	VAL_FIRST,
};

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
	case UI_SETTINGS:
		*(const char **)o->value = text;
		break;
	case UI_OPTIONAL_INT:
		*(const char **)o->value = text ? text : "";
		break;
	}
}

union value {
	bool flag;
	uint64_t number;
	const char *text;
	struct ui_list list;
};

static size_t value_bytes(const struct ui_option *o)
{
	static const size_t bytes[] = {
		[UI_FLAG] = sizeof(bool),
		[UI_STRING] = sizeof(char *),
		[UI_UINT] = sizeof(uint64_t),
		[UI_SIZE] = sizeof(uint64_t),
		[UI_LIST] = sizeof(struct ui_list),
		[UI_OPTIONAL_INT] = sizeof(char *),
		[UI_SETTINGS] = sizeof(char *),
	};

	return bytes[o->type];
}

/* Where options were set that do not stand on the command line: messages about them say it. */
static struct place {
	const struct ui_option *option;
	const char *where;
	union value before; /* of the option, if `where` had not set it */
} * places;
static size_t place_count;

static void remember_place(const struct ui_option *o, const char *where)
{
	places = need(realloc(places, (place_count + 1) * sizeof(*places)));
	places[place_count] = (struct place){ .option = o, .where = *where ? need(strdup(where)) : where };
	memcpy(&places[place_count++].before, o->value, value_bytes(o));
}

/* The last place of "-o/--output: ..."; NULL: it stands on the command line. */
static const struct place *find_place(const char *text)
{
	const char *const dashes = strstr(text, "--");
	const size_t n = dashes ? strcspn(dashes + 2, ": ") : 0;

	for (size_t i = place_count; i-- > 0 && n;)
		if (strlen(places[i].option->long_name) == n && memcmp(places[i].option->long_name, dashes + 2, n) == 0)
			return *places[i].where ? &places[i] : NULL;
	return NULL;
}

/* Of "argument -o/--output: ..."; "": it stands on the command line. */
static const char *place_of(const char *text)
{
	const struct place *const p = strncmp(text, "argument ", 9) == 0 ? find_place(text) : NULL;

	return p ? p->where : "";
}

/* The option has the value again that it had before it was set anywhere. */
static void give_way(const struct ui_option *o)
{
	struct ui_list *const list = o->value;

	for (size_t i = place_count; i-- > 0;) {
		if (places[i].option != o)
			continue;
		if (o->type == UI_LIST)
			list->items[list->count = places[i].before.list.count] = NULL;
		else
			memcpy(o->value, &places[i].before, value_bytes(o));
	}
}

/* where: "" on the command line. */
static void take_from(const char *where, const struct ui_option *o, const char *text)
{
	if (*where || place_count)
		remember_place(o, where);
	take(o, text);
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
	add(&p, n, &ui_help_option, VAL_HELP);
	add(&p, n + 1, &ui_version_option, VAL_VERSION);
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

	snprintf(name, sizeof(name), "%.*s", (int)bytes, word + dashes);
	for (const struct ui_absent *a = c->absent; a && a->long_name; a++)
		if (strcmp(a->long_name, name) == 0)
			ui_usage_error("there is no option --%s here: %s", name, a->why);
	for (const struct ui_option *o = c->options; o->long_name; o++)
		names[n++] = o->long_name;
	names[n++] = ui_help_option.long_name;
	names[n++] = ui_version_option.long_name;
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

/* Takes the options of argv. Returns the index of the first operand. where: as in take_from. */
static int take_all(const struct ui_command *c, const struct parser *p, int argc, char **argv, const char *where)
{
	int val;

	opterr = 0;
	optind = 0; /* glibc: start anew, also in a second call */
	while ((val = getopt_long(argc, argv, p->shorts, p->longs, NULL)) >= 0) {
		if (val == ':' || val == '?')
			refuse(c, val, optopt, argv[optind - 1]);
		if (val == VAL_HELP || val == 'h')
			ui_print_help(c);
		if (val == VAL_VERSION)
			ui_print_version();
		const struct ui_option *const o = option_of(c, val);
		if (o->type == UI_OPTIONAL_INT && !optarg && is_int(argv[optind]))
			optarg = argv[optind++];
		take_from(where, o, optarg);
	}
	return optind;
}

/* ---- options that do not stand on the command line ---- */

static void take_setting(void *command, const struct config_line *line)
{
	static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false", "no", "off", "0" };
	const struct ui_command *const c = command;
	const struct ui_option *o = c->options;
	bool is_yes = !line->value, is_no = false;

	while (o->long_name && strcmp(o->long_name, line->name) != 0)
		o++;
	if (!o->long_name && line->for_all)
		return;
	ui_set_place(line->where);
	if (!o->long_name)
		refuse_word(c, line->name);
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes) && line->value; i++) {
		is_yes |= strcmp(line->value, yes[i]) == 0;
		is_no |= strcmp(line->value, no[i]) == 0;
	}
	if (o->type == UI_FLAG && !is_yes && !is_no)
		ui_usage_error("%s is true or false, not '%s'", line->name, line->value);
	if (o->type != UI_FLAG && o->type != UI_OPTIONAL_INT && !line->value)
		ui_usage_error("%s needs a value: %s = %s", line->name, line->name, o->argument);
	if (o->type == UI_SETTINGS)
		ui_usage_error("%s can only stand on the command line", line->name);
	ui_set_place("");
	if (o->type == UI_FLAG && is_no)
		*(bool *)o->value = false;
	else
		take_from(line->where, o, line->value);
}

/* Options in a variable of the environment, as on a command line. */
static void take_variable(const struct ui_command *c, const struct parser *p)
{
	const char *const text = c->variable ? secure_getenv(c->variable) : NULL;
	char **const words = text ? config_words(text) : NULL;
	int argc = 1;

	if (!text)
		return;
	ui_set_place(c->variable);
	if (!words)
		ui_usage_error("a quote is not closed: %s", text);
	while (words[argc - 1])
		argc++;

	char **const argv = need(calloc((size_t)argc + 1, sizeof(*argv)));

	memcpy(argv + 1, words, (size_t)argc * sizeof(*argv));
	argv[0] = (char *)c->name;
	const int first = take_all(c, p, argc, argv, c->variable);

	if (first < argc)
		ui_usage_error("it holds options only, not '%s'", argv[first]);
	ui_set_place("");
	free(argv);
	free(words);
}

static bool asks_about_itself(const char *word)
{
	return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "--version") == 0;
}

/* The files of options that the command line names, wherever: what else stands there is read after them. */
static void take_files(const struct ui_command *c, const struct parser *p, int argc, char **argv)
{
	const struct ui_option *o = c->options;
	int val;

	while (o->long_name && o->type != UI_SETTINGS)
		o++;
	opterr = 0;
	optind = 0;
	while (o->long_name && (val = getopt_long(argc, argv, p->shorts, p->longs, NULL)) >= 0)
		if (val >= VAL_FIRST && option_of(c, val)->type == UI_SETTINGS)
			config_read_file(optarg, take_setting, (void *)c);
}

/* Neither matters to somebody who asks for help, perhaps about them. */
static void take_defaults(const struct ui_command *c, const struct parser *p, int argc, char **argv)
{
	const char *const dash = strchr(c->name, '-');

	ui_set_places(place_of);
	if (c->is_internal || (argc == 2 && asks_about_itself(argv[1])))
		return;
	config_read(dash ? dash + 1 : c->name, take_setting, (void *)c);
	take_variable(c, p);
}

int ui_parse(const struct ui_command *c, int argc, char **argv, bool stop_at_operand)
{
	char words[128];

	ui_set_program(c->name);
	if (argc == 2 && strcmp(argv[1], "--list-options") == 0)
		ui_list_options(c);
	if (!stop_at_operand)
		name_standard_input(argv);

	const struct parser p = parser_of(c, stop_at_operand);

	take_defaults(c, &p, argc, argv);
	take_files(c, &p, argc, argv);
	const int first = take_all(c, &p, argc, argv, "");

	free(p.longs);
	free(p.shorts);
	if (argc - first < c->min_operands)
		ui_usage_error("missing operand: %s %s",
			       ui_command_words(c->name, words, sizeof(words)), c->usage);
	if (c->max_operands >= 0 && argc - first > c->max_operands && !stop_at_operand)
		ui_usage_error("unexpected operand %s", argv[first + c->max_operands]);
	return first;
}

void ui_needs(const char *a, bool a_set, const char *b, bool b_set)
{
	if (a_set && !b_set && !find_place(a))
		ui_usage_error("argument %s: only allowed with %s", a, b);
}

void ui_exclude(const char *a, bool a_set, const char *b, bool b_set)
{
	const struct place *const of_a = a_set ? find_place(a) : NULL, *const of_b = b_set ? find_place(b) : NULL;

	if (!a_set || !b_set)
		return;
	if (!of_a == !of_b)
		ui_usage_error("argument %s: not allowed with argument %s", a, b);
	give_way((of_a ? of_a : of_b)->option);
}
