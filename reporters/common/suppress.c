/* suppress - see suppress.h. */
#include "common/suppress.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"

/*
 * What runtimes allocate once and never free. A rule names frames at the top of the stack, below malloc and its like.
 * If patterns could match any frame, the loader's would silence the program's own constructors.
 */
struct rule {
	const char *what;
	const char *function; /* of the top frame; NULL: any */
	const char *module; /* of the top frames */
	const char *below; /* module of the first other frame; NULL: any */
};

static const struct rule builtin_rules[] = {
	{ "libstdc++: emergency pool for exceptions", NULL, "/libstdc++.so", "/ld-linux" },
	{ "libstdc++: emergency pool for exceptions", NULL, "/libstdc++.so", "/ld-musl" },
	/* linked into the program: the constructor's name says what it is */
	{ "libstdc++: emergency pool for exceptions", "^_GLOBAL__sub_I_*eh_alloc.cc$", NULL, NULL },
	{ "libstdc++: emergency pool for exceptions", "__gnu_cxx*__freeres", NULL, NULL },
	{ "libstdc++: emergency pool for exceptions", "^(anonymous namespace)::pool::pool", NULL, NULL },
	{ "loader: modules and thread-local storage", NULL, "/ld-linux", NULL },
	{ "loader: modules and thread-local storage", NULL, "/ld-musl", NULL },
	{ "libc: buffers of stdio streams", "^_IO_file_doallocate$", "/libc.so", NULL },
	{ "libc: thread-local storage of threads", "^_dl_allocate_tls$", NULL, NULL },
	{ "libc: locales", "^*setlocale$", "/libc.so", NULL },
	{ "libc: time zones", "^tzset*", "/libc.so", NULL },
	{ "libc: character sets", "^__gconv_*", "/libc.so", NULL },
	{ "libc: name services", "^__nss_*", "/libc.so", NULL },
};

#define BUILTIN_COUNT (sizeof(builtin_rules) / sizeof(builtin_rules[0]))

/* Whether the part before a * (or the end) begins at text. */
static const char *find_part(const char *part, size_t n, const char *text, bool at_start,
			     bool at_end)
{
	const size_t length = strlen(text);

	if (n > length)
		return NULL;
	if (at_end)
		return (at_start ? n == length : true) &&
				       memcmp(text + length - n, part, n) == 0 ?
			       text + length :
			       NULL;
	if (at_start)
		return memcmp(text, part, n) == 0 ? text + n : NULL;
	text = n ? memmem(text, length, part, n) : text;
	return text ? text + n : NULL;
}

bool suppress_pattern_matches(const char *pattern, const char *text)
{
	bool at_start = pattern[0] == '^';

	if (!text || !text[0])
		return false;
	pattern += at_start;
	for (;;) {
		const size_t n = strcspn(pattern, "*$");
		/* A $ counts at the end only. */
		const bool at_end = pattern[n] == '$' && !pattern[n + 1];

		text = find_part(pattern, n, text, at_start, at_end);
		if (!text)
			return false;
		if (!pattern[n] || at_end)
			return true;
		at_start = false;
		pattern += n + 1;
	}
}

static int add(struct suppressions *s, const char *pattern, size_t n)
{
	char *const copy = ARRAY_ROOM(s->items, s->room, s->count + 1, 16) ? strndup(pattern, n) : NULL;

	if (!copy)
		return TRK_ERR_NOMEM;
	s->items[s->count++] = (struct suppression){ .pattern = copy };
	return 0;
}

int suppressions_init(struct suppressions *s, bool builtin)
{
	int err = 0;

	*s = (struct suppressions){ 0 };
	for (size_t i = 0; builtin && i < BUILTIN_COUNT && !err; i++)
		err = add(s, builtin_rules[i].what, strlen(builtin_rules[i].what));
	s->builtin_count = s->count;
	return err;
}

void suppressions_finish(struct suppressions *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->items[i].pattern);
	for (size_t i = 0; i < s->count; i++)
		valgrind_rule_free(s->items[i].rule);
	free(s->items);
	*s = (struct suppressions){ 0 };
}

static int add_rule(struct suppressions *s, struct valgrind_rule *rule)
{
	const char *const name = valgrind_rule_name(rule);
	const int err = add(s, name, strlen(name));

	if (err)
		valgrind_rule_free(rule);
	else
		s->items[s->count - 1].rule = rule;
	return err;
}

/* "leak:PATTERN" */
static int add_line(struct suppressions *s, const char *line, const struct suppress_kind *kinds)
{
	const char *const colon = strchr(line, ':');
	uint32_t about = 0;
	int err;

	if (!colon)
		return TRK_ERR_ARG;
	for (; kinds->about; kinds++)
		if (kinds->plain && strlen(kinds->plain) == (size_t)(colon - line) && strncmp(line, kinds->plain, (size_t)(colon - line)) == 0)
			about |= kinds->about;
	if (!about)
		return 0;
	err = colon[1] ? add(s, colon + 1, strlen(colon + 1)) : TRK_ERR_ARG;
	if (!err)
		s->items[s->count - 1].about = about;
	return err;
}

/* *open: the block in braces that the line is in; NULL: none. */
static int read_line(struct suppressions *s, char *line, const struct suppress_kind *kinds, struct valgrind_rule **open)
{
	char *end = line + strlen(line);
	struct valgrind_rule *rule;
	int err;

	while (isspace((unsigned char)*line))
		line++;
	while (end > line && isspace((unsigned char)end[-1]))
		*--end = '\0';
	if (!*line || *line == '#')
		return 0;
	if (*open || !strcmp(line, "{")) {
		err = valgrind_rule_line(open, line, kinds, &rule);
		return err || !rule ? err : add_rule(s, rule);
	}
	return add_line(s, line, kinds);
}

int suppressions_read(struct suppressions *s, const char *path, const struct suppress_kind *kinds, unsigned *ret_line)
{
	FILE *f = fopen(path, "re");
	struct valgrind_rule *open = NULL;
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	if (!f)
		return TRK_ERR_IO;
	*ret_line = 0;
	while (!err && getline(&line, &room, f) >= 0) {
		++*ret_line;
		err = read_line(s, line, kinds, &open);
	}
	if (!err && ferror(f))
		err = TRK_ERR_IO;
	if (!err && open)
		err = TRK_ERR_ARG; /* no } ends it */
	valgrind_rule_free(open);
	free(line);
	fclose(f);
	return err;
}

const struct suppress_kind suppress_leaks[] = { { "leak", "Leak", 1 }, { 0 } };

int suppressions_read_files(struct suppressions *s, const struct ui_list *files, const struct suppress_kind *kinds, const char *example)
{
	int err = 0;

	for (size_t i = 0; i < files->count && !err; i++) {
		unsigned line;

		err = suppressions_read(s, files->items[i], kinds, &line);
		if (err == TRK_ERR_IO)
			ui_error("Cannot read %s: %s", files->items[i], strerror(errno));
		if (err == TRK_ERR_ARG)
			ui_error("%s:%u: not a suppression; write %s, or a block of valgrind's in braces", files->items[i], line, example);
	}
	if (err == TRK_ERR_NOMEM)
		ui_error("out of memory");
	return err ? UI_CANNOT : UI_OK;
}

/* Frames that only pass memory on: skipped ones, except a runtime that asked for itself. */
static size_t top_of(const struct source_frame *frames, size_t count)
{
	size_t i = 0;

	while (i + 1 < count && frames[i].skipped && !strstr(frames[i].module, "/libstdc++.so"))
		i++;
	return i;
}

static bool rule_matches(const struct rule *r, const struct source_frame *frames, size_t count)
{
	size_t i = top_of(frames, count);

	if (r->function && !suppress_pattern_matches(r->function, frames[i].function) &&
	    !suppress_pattern_matches(r->function, frames[i].full_function))
		return false;
	if (r->module && !strstr(frames[i].module, r->module))
		return false;
	while (r->below && i < count && strstr(frames[i].module, r->module))
		i++;
	return !r->below || (i < count && strstr(frames[i].module, r->below));
}

static bool pattern_matches(const char *pattern, const struct source_frame *frames, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct source_frame *f = &frames[i];

		if (suppress_pattern_matches(pattern, f->full_function) ||
		    suppress_pattern_matches(pattern, f->function) ||
		    suppress_pattern_matches(pattern, f->file) ||
		    suppress_pattern_matches(pattern, f->module))
			return true;
	}
	return false;
}

struct suppression *suppressions_match(struct suppressions *s, const struct source_frame *frames,
				       size_t count, const struct suppressed *what)
{
	static const struct suppressed nothing;

	for (size_t i = 0; count && i < s->count; i++) {
		const struct suppression *const item = &s->items[i];
		const uint32_t about = what && item->about ? what->about : 0;

		if (about && !(about & item->about))
			continue;
		const bool match = item->rule		? valgrind_rule_matches(item->rule, frames, count, what ? what : &nothing) :
				   i < s->builtin_count ? rule_matches(&builtin_rules[i], frames, count) :
							  pattern_matches(item->pattern, frames, count);

		if (match)
			return &s->items[i];
	}
	return NULL;
}
