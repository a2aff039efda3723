/* chain_name - see chain_name.h. Works on the names that people read: symbols/shorten.c has taken parameters and most clones away. */
#include "common/chain_name.h"

#include <stdio.h>
#include <string.h>

static bool starts(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

/* ---- what does not count ---- */

/* By its linkage name: "_R...", "..17h0123456789abcdefE". */
static bool is_rust(const char *linkage)
{
	const size_t n = linkage ? strlen(linkage) : 0;

	return n > 2 && (starts(linkage, "_R") || (n > 20 && starts(linkage + n - 20, "17h") && linkage[n - 1] == 'E'));
}

static bool is_standard(const struct source_frame *f)
{
	static const char *const of_all[] = { "std::", "<std::", "__gnu_cxx::", "__cxxabiv1::" };
	static const char *const of_rust[] = { "core::", "<core::", "alloc::", "<alloc::" };

	for (size_t i = 0; i < sizeof(of_all) / sizeof(*of_all); i++)
		if (starts(f->function, of_all[i]))
			return true;
	for (size_t i = 0; i < sizeof(of_rust) / sizeof(*of_rust); i++)
		if (starts(f->function, of_rust[i]) && is_rust(f->linkage))
			return true;
	return false;
}

/* ---- names ---- */

struct chainer {
	const char *in;
	char *out;
	size_t size, room;
};

static void put(struct chainer *c, const char *text, size_t n)
{
	for (size_t i = 0; i < n && c->size + 1 < c->room; i++)
		c->out[c->size++] = text[i];
}

static const char *group_end(const char *p, char open, char close)
{
	int depth = 0;

	for (; *p; p++) {
		depth += *p == open;
		if (*p == close && --depth == 0)
			return p + 1;
	}
	return p;
}

/* "{lambda(int)#1}", "{closure#0}", "{{closure}}", "{unnamed type#2}": the words alone. */
static void put_braces(struct chainer *c)
{
	const char *const end = group_end(c->in, '{', '}');
	const char *const words = c->in + strspn(c->in, "{");

	put(c, "{", 1);
	put(c, words, strcspn(words, "(#}"));
	put(c, "}", 1);
	c->in = end;
}

/* What compilers call a lambda otherwise; 0: this is none. */
static size_t other_lambda(const char *s)
{
	if (starts(s, "$_"))
		return 2 + digits(s + 2);
	if (starts(s, "<lambda("))
		return (size_t)(group_end(s, '<', '>') - s);
	if (starts(s, "'lambda")) {
		const char *const close = strchr(s + 1, '\'');

		return close ? (size_t)(close + 1 - s) : 0;
	}
	return 0;
}

/* Go's ".func1", ".func1.2", ".gowrap1". */
static size_t go_closure(const char *s)
{
	static const char *const words[] = { ".func", ".gowrap", ".deferwrap" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		const size_t n = strlen(words[i]);

		if (starts(s, words[i]) && digits(s + n))
			return n + digits(s + n);
	}
	return 0;
}

/* At "::h": Rust's hash of 16 digits, at the end. */
static bool is_hash(const char *s)
{
	return starts(s, "::h") && strspn(s + 3, "0123456789abcdef") == 16 && !s[19];
}

/* What stands behind a name because a compiler or linker made a copy of it: "f.0", "f.__uniq.123", "f@@GLIBC_2.2.5". */
static bool is_suffix(const char *s)
{
	static const char *const words[] = { ".__uniq.", ".clone.", ".specialized.", ".resolver", ".unlikely", ".warm", ".hot" };

	if (*s == '@' || is_hash(s))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (starts(s, words[i]))
			return true;
	return *s == '.' && digits(s + 1) && !s[strspn(s, ".0123456789")];
}

static bool step(struct chainer *c)
{
	size_t n;

	if (!*c->in || (c->size && is_suffix(c->in)))
		return false;
	if (*c->in == '{') {
		put_braces(c);
	} else if ((n = other_lambda(c->in))) {
		put(c, "{lambda}", 8);
		c->in += n;
	} else if ((n = go_closure(c->in))) {
		put(c, c->in, strcspn(c->in, "0123456789"));
		c->in += n;
	} else {
		put(c, c->in++, 1);
	}
	return true;
}

/* A function without a name is known by its library; programs have other names in other builds. */
static char *module_name(const struct source_frame *f, char *out, size_t room)
{
	const char *const slash = strrchr(f->module, '/'), *const base = slash ? slash + 1 : f->module;
	const char *const library = strstr(base, ".so");

	if (library)
		snprintf(out, room, "<%.*s>", (int)(library - base) + 3, base);
	else
		snprintf(out, room, "%s", *base == '<' || *base == '[' ? base : "<program>");
	return out;
}

char *chain_name_always(const struct source_frame *f, char *out, size_t room)
{
	struct chainer c = { .in = f->function, .out = out, .room = room };

	if (!*f->function || f->placeholder)
		return module_name(f, out, room);
	while (step(&c))
		;
	out[c.size] = '\0';
	return out;
}

char *chain_name(const struct source_frame *f, char *out, size_t room)
{
	if (!f->runtime && !f->cut && !is_standard(f))
		return chain_name_always(f, out, room);
	*out = '\0';
	return out;
}
