/* name - see name.h. */
#include "name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct output {
	char *at;
	size_t left;
};

static void put(struct output *o, const char *s, bool is_value)
{
	for (; *s && o->left > 1; s++, o->left--)
		*o->at++ = is_value && *s == '/' ? '_' : *s;
	*o->at = 0;
}

/* %q{VAR}: `p` is behind the q. Returns the character after the brace, or NULL. */
static const char *put_variable(struct output *o, const char *p, char *why, size_t room)
{
	const char *const end = *p == '{' ? strchr(p, '}') : NULL;
	char name[256];

	if (!end || (size_t)(end - p) > sizeof(name)) {
		snprintf(why, room, "%%q needs the name of a variable in braces, such as %%q{HOME}");
		return NULL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)(end - p - 1), p + 1);
	const char *const value = getenv(name);

	if (!value) {
		snprintf(why, room, "%%q{%s}: the variable is not set", name);
		return NULL;
	}
	put(o, value, true);
	return end + 1;
}

static bool put_plain(struct output *o, char c, const struct name_facts *f)
{
	char value[256] = "";

	switch (c) {
	case 'p':
		snprintf(value, sizeof(value), "%u", f->pid);
		break;
	case 'e':
		snprintf(value, sizeof(value), "%s", f->executable);
		break;
	case 'h':
		gethostname(value, sizeof(value) - 1);
		break;
	case 't':
		snprintf(value, sizeof(value), "%lld", f->time);
		break;
	case '%':
		snprintf(value, sizeof(value), "%%");
		break;
	default:
		return false;
	}
	put(o, value, true);
	return true;
}

bool name_expand(const char *pattern, const struct name_facts *f, char *ret, size_t room)
{
	struct output o = { ret, room };
	char why[300];

	*ret = 0;
	while (*pattern) {
		const char plain[2] = { *pattern, 0 };

		if (*pattern != '%') {
			put(&o, plain, false);
			pattern++;
			continue;
		}
		if (pattern[1] == 'q') {
			pattern = put_variable(&o, pattern + 2, why, sizeof(why));
			if (!pattern) {
				snprintf(ret, room, "%s", why);
				return false;
			}
			continue;
		}
		if (!put_plain(&o, pattern[1], f)) {
			snprintf(ret, room, "%%%.1s is an unknown pattern; use %%p %%e %%h %%t %%q{VAR} %%%%",
				 pattern + 1);
			return false;
		}
		pattern += 2;
	}
	return true;
}
