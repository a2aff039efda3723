/* look_named - see look_named.h. */
#include "look_named.h"

#include "format/look_parts.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define NAME_BYTES LOOK_LABEL_BYTES

/* How many bytes could be read: fewer, where memory ends. */
static size_t read_some(uint32_t pid, uint64_t from, void *to, size_t bytes)
{
	const struct iovec target = { to, bytes }, source = { (void *)(uintptr_t)from, bytes };
	const ssize_t n = process_vm_readv((pid_t)pid, &target, 1, &source, 1, 0);

	return n > 0 ? (size_t)n : 0;
}

static char *read_name(uint32_t pid, uint64_t from)
{
	char text[NAME_BYTES + 1];
	const size_t n = read_some(pid, from, text, NAME_BYTES);
	const char *const start = text + (n && text[0] == '*'); /* so begins a name that counts only by its address */

	if (!n || !memchr(text, 0, n) || !*start)
		return NULL; /* it is too long */
	return strdup(start);
}

static bool read_all(uint32_t pid, uint64_t from, void *to, size_t bytes)
{
	const size_t most = 64u << 20;

	for (size_t at = 0; at < bytes; at += most) {
		const size_t n = bytes - at < most ? bytes - at : most;

		if (read_some(pid, from + at, (uint8_t *)to + at, n) != n)
			return false;
	}
	return true;
}

void look_named_read(struct look_named *n, uint32_t pid, uint32_t named, const struct look_marking *there)
{
	static struct look_type types[LOOK_TYPES];
	const size_t bytes = (size_t)there->block_count * sizeof(*n->of);

	look_named_finish(n);
	if (!there->type_count || !read_all(pid, (uint64_t)(uintptr_t)there->types, types, sizeof(types)))
		return;
	n->of = malloc(bytes);
	n->names = calloc(LOOK_TYPES, sizeof(*n->names));
	if (!n->of || !n->names || !read_all(pid, (uint64_t)(uintptr_t)there->stack, n->of, bytes)) {
		look_named_finish(n);
		return;
	}
	for (uint32_t i = 0; i < LOOK_TYPES; i++)
		if (types[i].table)
			n->names[i] = read_name(named, types[i].name);
}

void look_named_finish(struct look_named *n)
{
	for (uint32_t i = 0; n->names && i < LOOK_TYPES; i++)
		free(n->names[i]);
	free(n->names);
	free(n->of);
	*n = (struct look_named){ 0 };
}

uint32_t look_named_place(const struct look_named *n, uint32_t block, uint8_t *ret)
{
	const uint32_t bits = n->of ? n->of[block] : 0, place = bits ? (bits - 1) / LOOK_HELDS : LOOK_TYPES;

	*ret = (uint8_t)(bits ? (bits - 1) % LOOK_HELDS : 0);
	return place < LOOK_TYPES && n->names[place] ? place : LOOK_TYPES;
}
