/* mkcapture_names - what statements name, and their options. */
#include "mkcapture.h"

#include <ctype.h>
#include <string.h>

uint32_t small(const char *s)
{
	const uint64_t n = number(s);

	if (n >= NAMED_MAX)
		die("too large", s);
	return (uint32_t)n;
}

struct name *name_find(struct names *t, const char *text)
{
	for (size_t i = 0; i < t->count; i++) {
		if (!strcmp(t->entries[i].text, text))
			return &t->entries[i];
	}
	return NULL;
}

void name_add(struct names *t, const char *text, uint64_t value)
{
	if (name_find(t, text))
		die("said twice", text);
	if (t->count == NAMED_MAX)
		die("too many names", text);
	t->entries[t->count++] = (struct name){ keep(text, strlen(text)), value };
}

uint64_t named(struct names *t, const char *text)
{
	const struct name *n = name_find(t, text);

	if (!n)
		die("not known", text);
	return n->value;
}

uint64_t address(const char *text)
{
	if (isdigit((unsigned char)*text))
		return number(text);
	if (!name_find(&cap.addresses, text))
		name_add(&cap.addresses, text, (uint64_t)(cap.addresses.count + 1) << 20);
	return named(&cap.addresses, text);
}

uint32_t stack(const char *text)
{
	return strcmp(text, "-") ? (uint32_t)named(&cap.stacks, text) : 0;
}

const char *option(const struct word *w, const char *key)
{
	const size_t n = strlen(key);

	return strncmp(w->text, key, n) || w->text[n] != '=' ? NULL : w->text + n + 1;
}

bool number_option(const struct word *w, const char *key, uint32_t *ret)
{
	const char *v = option(w, key);

	if (v)
		*ret = (uint32_t)number(v);
	return v;
}

bool time_option(const struct word *w, const char *key, uint64_t *ret)
{
	const char *v = option(w, key);

	if (v)
		*ret = duration(v);
	return v;
}

bool text_option(const struct word *w, const char *key, const char **ret)
{
	const char *v = option(w, key);

	if (v)
		*ret = keep(v, (size_t)(w->text + w->size - v));
	return v;
}

bool flag_option(const struct word *w, const char *key, uint32_t *ret)
{
	if (strcmp(w->text, key))
		return false;
	*ret = 1;
	return true;
}
