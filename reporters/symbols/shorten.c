/*
 * shorten - the part of a demangled name that fits a line: template arguments
 * become <...>, parameter lists, return types, qualifiers and clone suffixes go.
 *
 * Works on text from any compiler: whatever it does not understand is copied,
 * and a name that would become empty stays whole.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "symbols/stack.h"

struct shortener {
	const char *in;
	char *out;
	size_t size, room;
};

static const char ANONYMOUS[] = "(anonymous namespace)";

static void put(struct shortener *s, const char *text, size_t n)
{
	for (size_t i = 0; i < n && s->size + 1 < s->room; i++)
		s->out[s->size++] = text[i];
}

static void copy(struct shortener *s, size_t n)
{
	put(s, s->in, n);
	s->in += n;
}

static bool at(const struct shortener *s, const char *text)
{
	return strncmp(s->in, text, strlen(text)) == 0;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/*
 * Whether "<" begins a name, as in Rust's "<Vec<u8> as Drop>::drop" and gcc's "<lambda()>". Otherwise it begins
 * template arguments, which Rust also writes after "::".
 */
static bool is_angle_name(const struct shortener *s)
{
	return s->size == 0 || at(s, "<lambda") || at(s, "<unnamed") || at(s, "<impl ");
}

/* The byte after the group that opens at p; NULL if it never closes. */
static const char *group_end(const char *p, char open, char close)
{
	int depth = 0;

	for (; *p; p++) {
		depth += *p == open;
		if (*p == close && --depth == 0)
			return p + 1;
	}
	return NULL;
}

/* The same for <...>, where parentheses hide comparisons and "->" closes nothing. */
static const char *template_end(const char *p)
{
	int depth = 0;

	while (p && *p) {
		if (*p == '(') {
			p = group_end(p, '(', ')');
			continue;
		}
		if (p[0] == '-' && p[1] == '>') {
			p += 2;
			continue;
		}
		depth += *p == '<';
		if (*p++ == '>' && --depth == 0)
			return p;
	}
	return NULL;
}

static void collapse_template(struct shortener *s)
{
	const char *const end = template_end(s->in);

	if (!end) {
		copy(s, strlen(s->in));
		return;
	}
	if (end - s->in == 2)
		put(s, "<>", 2);
	else
		put(s, "<...>", 5);
	s->in = end;
}

/*
 * "{lambda(int)#1}", and "<Vec<u8> as Drop>" or "<lambda()>" at the start of a component: kept,
 * with the templates within collapsed.
 */
static void copy_group(struct shortener *s, const char *end)
{
	copy(s, 1);
	while (s->in < end) {
		if (*s->in == '<' && is_word(s->in[-1]) && template_end(s->in) &&
		    template_end(s->in) <= end)
			collapse_template(s);
		else
			copy(s, 1);
	}
}

/* The type of a conversion operator: "operator std::vector<...>". */
static void copy_conversion(struct shortener *s)
{
	while (*s->in && *s->in != '(') {
		if (*s->in == '<')
			collapse_template(s);
		else
			copy(s, 1);
	}
}

/* At "operator": copies it with its symbol, so that none of "<>()[] " in it is misread. */
static void copy_operator(struct shortener *s)
{
	static const char *const symbols[] = {
		" new[]", " delete[]", " new", " delete", " co_await", "()", "[]", "<=>", "<<=", ">>=",
		"->*", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "++", "--", "+=", "-=", "*=", "/=",
		"%=", "^=", "&=", "|=", "->", "<", ">", "+", "-", "*", "/", "%", "^", "&", "|", "~", "!",
		"=", ","
	};
	size_t i = 0;

	copy(s, strlen("operator"));
	while (i < sizeof(symbols) / sizeof(*symbols) &&
	       !(at(s, symbols[i]) &&
		 !(symbols[i][0] == ' ' && is_word(s->in[strlen(symbols[i])]))))
		i++;
	if (i < sizeof(symbols) / sizeof(*symbols)) {
		copy(s, strlen(symbols[i]));
		if (at(s, " <"))
			s->in++; /* "operator<< <char>" */
		return;
	}
	if (at(s, "\"\" "))
		copy(s, 3);
	else
		copy_conversion(s);
}

/* After a parameter list: true when the name goes on ("f(int) const::{lambda()#1}"). */
static bool skip_qualifiers(struct shortener *s)
{
	static const char *const qualifiers[] = { " const", " volatile", " &&", " &", "&&", "&",
						  " noexcept", " restrict" };

	for (size_t i = 0; i < sizeof(qualifiers) / sizeof(*qualifiers); i++) {
		if (at(s, qualifiers[i])) {
			s->in += strlen(qualifiers[i]);
			i = (size_t)-1;
		}
	}
	return at(s, "::");
}

/* At "[": "[abi:cxx11]" goes; Go's type arguments become what Go's tools print, and a method of Objective-C is kept. */
static void bracket(struct shortener *s, const char *limit)
{
	const char *const end = group_end(s->in, '[', ']');

	if (s->size == 1 && (s->out[0] == '-' || s->out[0] == '+')) {
		copy(s, strlen(s->in));
		return;
	}
	if (at(s, "[]"))
		put(s, "[]", 2);
	else if (!at(s, "[abi:"))
		put(s, "[...]", 5);
	s->in = end && end <= limit ? end : limit;
}

static void copy_or_collapse(struct shortener *s, const char *end)
{
	if (*s->in == '[')
		bracket(s, end);
	else
		copy(s, 1);
}

/* At "(": false when the name ends here. */
static bool shorten_parenthesis(struct shortener *s)
{
	const char *const end = group_end(s->in, '(', ')');

	if (at(s, ANONYMOUS)) {
		copy(s, strlen(ANONYMOUS));
		return true;
	}
	if (s->size == 0 && (s->in[1] == '*' || s->in[1] == '&')) {
		s->in += 2; /* returns a pointer to a function: "void (*name(int))(char)" */
		return true;
	}
	if (!end)
		return false;
	if (s->size && s->out[s->size - 1] == '!') {
		put(s, "(...)", 5); /* D: "app.make!(int).run" */
		s->in = end;
		return true;
	}
	if (s->size && s->out[s->size - 1] == '.') {
		while (s->in < end) /* Go: "main.(*T[...]).Method" */
			copy_or_collapse(s, end);
		return true;
	}
	if (s->size == 0 || (s->size == 8 && memcmp(s->out, "decltype", 8) == 0)) {
		s->in = end; /* part of the return type */
		return true;
	}
	s->in = end;
	return skip_qualifiers(s);
}

/* One step; false at the end of the name. */
static bool step(struct shortener *s)
{
	const char *end;

	switch (*s->in) {
	case '\0':
	case ')':
		return false;
	case '(':
		return shorten_parenthesis(s);
	case '<':
		if (!is_angle_name(s))
			collapse_template(s);
		else if ((end = template_end(s->in)))
			copy_group(s, end);
		else
			copy(s, 1);
		return true;
	case '{':
		end = group_end(s->in, '{', '}');
		copy_group(s, end ? end : s->in + strlen(s->in));
		return true;
	case '[':
		bracket(s, s->in + strlen(s->in));
		return true;
	case ' ':
		if (s->in[1] == '[')
			return false; /* "main [clone .cold]" */
		s->in++;
		s->size = 0; /* the text so far was the return type */
		return true;
	default:
		break;
	}
	if (at(s, "operator") && !is_word(s->in[8]) && (s->size == 0 || !is_word(s->out[s->size - 1])))
		copy_operator(s);
	else
		copy(s, 1);
	return true;
}

/* "read_line.constprop.0", "f.cold": what the compiler added to a function's name. */
static size_t without_clone_suffix(const char *name, size_t size)
{
	static const char *const suffixes[] = { ".cold", ".part.", ".isra.", ".constprop.",
						".lto_priv.", ".localalias", ".llvm." };

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		const char *const found = strstr(name, suffixes[i]);

		if (found && found != name && (size_t)(found - name) < size)
			size = (size_t)(found - name);
	}
	return size;
}

char *symbols_shorten(const char *full, char *out, size_t room)
{
	struct shortener s = { .in = full, .out = out, .room = room };

	if (room == 0)
		return out;
	if (strncmp(full, "__GI_", 5) == 0 && full[5])
		s.in += 5; /* glibc's own name for a function that it calls itself */
	while (step(&s))
		;
	out[s.size] = '\0';
	out[without_clone_suffix(out, s.size)] = '\0';
	if (!*out)
		snprintf(out, room, "%s", full);
	return out;
}
