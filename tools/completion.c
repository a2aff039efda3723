/* completion - see completion.h. */
#include "completion.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/array.h"
#include "home.h"
#include "ui/ui.h"

extern char **environ;

/* One line of --list-options, cut into its parts. */
struct listed {
	char *line;
	const char *letter; /* "": none */
	const char *name;
	const char *argument; /* "": it takes none */
	const char *choices; /* with blanks between them; "": anything */
	const char *help;
};

struct list {
	struct listed *items;
	size_t count, room;
};

/* ---- the option tables ---- */

static const char *next_part(char **at)
{
	const char *const part = *at ? strsep(at, "\t\n") : NULL;

	return part ? part : "";
}

static bool add_line(struct list *l, const char *text)
{
	char *const line = strdup(text);

	if (!line || !ARRAY_ROOM(l->items, l->room, l->count + 1, 32)) {
		free(line);
		return false;
	}

	char *at = line;
	struct listed *const o = &l->items[l->count++];

	*o = (struct listed){ .line = line };
	o->letter = next_part(&at);
	o->name = next_part(&at);
	o->argument = next_part(&at);
	o->choices = next_part(&at);
	o->help = next_part(&at);
	return true;
}

static bool read_lines(struct list *l, int fd)
{
	FILE *const f = fdopen(fd, "r");
	char *line = NULL;
	size_t room = 0;
	bool whole = f != NULL;

	while (whole && getline(&line, &room, f) > 0)
		whole = add_line(l, line);
	free(line);
	if (f)
		fclose(f);
	else
		close(fd);
	return whole;
}

/* Asks tracker-NAME. False: it did not answer. */
static bool ask(struct list *l, const char *name)
{
	char program[NAME_MAX], path[PATH_MAX], option[] = "--list-options";
	char *argv[] = { program, option, NULL };
	posix_spawn_file_actions_t actions;
	int ends[2], status = 0;
	pid_t pid = 0;

	snprintf(program, sizeof(program), "tracker-%s", name);
	if (!home_find(program, path, sizeof(path)) || pipe2(ends, O_CLOEXEC) < 0)
		return false;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
	const bool started = posix_spawn(&pid, path, &actions, NULL, argv, environ) == 0;

	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	const bool whole = read_lines(l, ends[0]);

	if (!started || waitpid(pid, &status, 0) < 0)
		return false;
	return whole && status == 0;
}

static void forget(struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->items[i].line);
	free(l->items);
	*l = (struct list){ 0 };
}

/* ---- shells ---- */

struct shell {
	const char *name;
	void (*begin)(const struct tracker_command *commands, size_t count);
	void (*command)(const struct tracker_command *c, const struct list *options);
	void (*end)(void);
};

/* Between single quotes; `specials` get a backslash in front. */
static void print_quoted(const char *text, const char *specials)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs("'\\'", stdout);
		else if (strchr(specials, *text))
			putchar('\\');
		putchar(*text);
	}
}

static bool takes_file(const struct listed *o)
{
	return strstr(o->argument, "FILE") != NULL || strcmp(o->argument, "CAPTURE") == 0;
}

static void bash_begin(const struct tracker_command *commands, size_t count)
{
	printf("# bash completion of tracker, made by 'tracker completion bash'\n"
	       "_tracker_files() # names with blanks and asterisks are one word each\n{\n"
	       "	local IFS=$'\\n' flags=$-\n\n"
	       "	set -f\n"
	       "	COMPREPLY+=($(compgen \"$@\"))\n"
	       "	case $flags in *f*) ;; *) set +f ;; esac\n"
	       "}\n\n"
	       "_tracker()\n{\n"
	       "	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} options= i\n\n"
	       "	if [ \"$cur\" = = ]; then\n"
	       "		cur=\n"
	       "	elif [ \"$prev\" = = ]; then\n"
	       "		prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	       "	fi\n"
	       "	COMPREPLY=()\n"
	       "	if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	       "		COMPREPLY=($(compgen -W '");
	for (size_t i = 0; i < count; i++)
		printf("%s ", commands[i].name);
	printf("help --help --version --print-preload --no-pager' -- \"$cur\"))\n"
	       "		_tracker_files -f -X '!*.bin' -- \"$cur\"\n"
	       "		return\n"
	       "	fi\n"
	       "	if [ \"$command\" = run ]; then\n"
	       "		for ((i = 2; i < COMP_CWORD; i++)); do\n"
	       "			case ${COMP_WORDS[i]} in --) _tracker_files -cf -- \"$cur\"; return ;; esac\n"
	       "		done\n"
	       "	fi\n"
	       "	case \"$command $prev\" in\n");
}

static void bash_argument(const struct tracker_command *c, const struct listed *o)
{
	printf("	'%s --%s'", c->name, o->name);
	if (*o->letter)
		printf("|'%s -%s'", c->name, o->letter);
	if (*o->choices)
		printf(") COMPREPLY=($(compgen -W '%s' -- \"$cur\")); return ;;\n", o->choices);
	else
		printf(") %sreturn ;;\n", takes_file(o) ? "_tracker_files -f -- \"$cur\"; " : "");
}

static void bash_command(const struct tracker_command *c, const struct list *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (*l->items[i].argument && l->items[i].argument[0] != '[')
			bash_argument(c, &l->items[i]);
	printf("	'%s '*) options='", c->name);
	for (size_t i = 0; i < l->count; i++)
		printf("%s--%s", i ? " " : "", l->items[i].name);
	printf("' ;;\n");
}

static void bash_end(void)
{
	printf("	esac\n"
	       "	case $cur in\n"
	       "	-*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
	       "	*)\n"
	       "		case $command in\n"
	       "		run) _tracker_files -cf -- \"$cur\" ;;\n"
	       "		completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$cur\")) ;;\n"
	       "		help) COMPREPLY=($(compgen -W \"$(tracker --list-commands)\" -- \"$cur\")) ;;\n"
	       "		*) _tracker_files -f -- \"$cur\" ;;\n"
	       "		esac ;;\n"
	       "	esac\n"
	       "}\n"
	       "complete -o filenames -F _tracker tracker\n");
}

static void zsh_begin(const struct tracker_command *commands, size_t count)
{
	printf("#compdef tracker\n"
	       "# zsh completion of tracker, made by 'tracker completion zsh'\n"
	       "_tracker()\n{\n"
	       "	local -a commands\n"
	       "	commands=(\n");
	for (size_t i = 0; i < count; i++) {
		printf("		'%s:", commands[i].name);
		print_quoted(commands[i].summary, ":\\");
		printf("'\n");
	}
	printf("	)\n"
	       "	if ((CURRENT == 2)); then\n"
	       "		_describe command commands\n"
	       "		_files -g '*.bin'\n"
	       "		return\n"
	       "	fi\n"
	       "	local command=$words[2]\n"
	       "	shift words\n"
	       "	((CURRENT--))\n"
	       "	case $command in\n"
	       "	completion) _values shell bash zsh fish ;;\n"
	       "	help) _describe command commands ;;\n");
}

static void zsh_option(const char *dashes, const char *name, const struct listed *o)
{
	printf(" \\\n		'*%s%s%s[", dashes, name, *o->argument && o->argument[0] != '[' && dashes[1] ? "=" : "");
	print_quoted(o->help, "[]:\\");
	putchar(']');
	if (*o->argument && o->argument[0] != '[') {
		printf(":%s:", o->argument);
		if (*o->choices)
			printf("(%s)", o->choices);
		else if (takes_file(o))
			printf("_files");
	}
	putchar('\'');
}

static void zsh_command(const struct tracker_command *c, const struct list *l)
{
	printf("	%s) _arguments -s -S", c->name);
	for (size_t i = 0; i < l->count; i++) {
		zsh_option("--", l->items[i].name, &l->items[i]);
		if (*l->items[i].letter)
			zsh_option("-", l->items[i].letter, &l->items[i]);
	}
	printf(" \\\n		'%s' ;;\n", strcmp(c->name, "run") == 0 ? "*:::program:_normal" : "*:file:_files");
}

static void zsh_end(void)
{
	printf("	esac\n"
	       "}\n"
	       "if [ \"$funcstack[1]\" = _tracker ]; then\n"
	       "	_tracker \"$@\"\n"
	       "else\n"
	       "	compdef _tracker tracker\n"
	       "fi\n");
}

static void fish_begin(const struct tracker_command *commands, size_t count)
{
	printf("# fish completion of tracker, made by 'tracker completion fish'\n"
	       "complete -c tracker -n __fish_use_subcommand -k -a '(__fish_complete_suffix .bin)'\n");
	for (size_t i = 0; i < count; i++) {
		printf("complete -c tracker -n __fish_use_subcommand -f -a %s -d '", commands[i].name);
		print_quoted(commands[i].summary, "\\");
		printf("'\n");
	}
	printf("complete -c tracker -n '__fish_seen_subcommand_from completion' -f -a 'bash zsh fish'\n");
}

static void fish_command(const struct tracker_command *c, const struct list *l)
{
	for (size_t i = 0; i < l->count; i++) {
		const struct listed *const o = &l->items[i];

		printf("complete -c tracker -n '__fish_seen_subcommand_from %s' -l %s", c->name, o->name);
		if (*o->letter)
			printf(" -s %s", o->letter);
		if (*o->choices)
			printf(" -x -a '%s'", o->choices);
		else if (*o->argument && o->argument[0] != '[')
			printf(" -r%s", takes_file(o) ? "F" : "f");
		printf(" -d '");
		print_quoted(o->help, "\\");
		printf("'\n");
	}
}

static void fish_end(void)
{
}

static const struct shell shells[] = {
	{ "bash", bash_begin, bash_command, bash_end },
	{ "zsh", zsh_begin, zsh_command, zsh_end },
	{ "fish", fish_begin, fish_command, fish_end },
};

/* ---- */

static const struct shell *shell_of(const char *name)
{
	for (size_t i = 0; i < sizeof(shells) / sizeof(*shells); i++)
		if (name && strcmp(name, shells[i].name) == 0)
			return &shells[i];
	return NULL;
}

int completion_print(const char *name, const struct tracker_command *commands, size_t count)
{
	const struct shell *const shell = shell_of(name);

	if (!shell) {
		ui_error("%s%s: tracker completion takes the name of a shell: bash, zsh or fish", name ? "unknown shell " : "no shell", name ? name : "");
		return UI_USAGE;
	}
	shell->begin(commands, count);
	for (size_t i = 0; i < count; i++) {
		struct list options = { 0 };

		if (ask(&options, commands[i].name))
			shell->command(&commands[i], &options);
		forget(&options);
	}
	shell->end();
	return fflush(stdout) == 0 && !ferror(stdout) ? UI_OK : UI_CANNOT;
}
