/* look_named - see look_named.h. */
#include "look_named.h"
#include "proc.h"

#include "format/look_parts.h"

#include <stdlib.h>
#include <string.h>

#define NAME_BYTES LOOK_LABEL_BYTES

static char *read_name(uint32_t pid, uint64_t from)
{
	char text[NAME_BYTES + 1];
	const size_t n = proc_read(pid, from, text, NAME_BYTES);
	const char *const start = text + (n && text[0] == '*'); /* so begins a name that counts only by its address */

	if (!n || !memchr(text, 0, n) || !*start)
		return NULL; /* it is too long */
	return strdup(start);
}

void look_named_read(struct look_named *n, uint32_t pid, uint32_t named, const struct look_marking *there)
{
	static struct look_type types[LOOK_TYPES];
	const size_t bytes = (size_t)there->block_count * sizeof(*n->of);

	look_named_finish(n);
	if (!there->type_count || proc_read(pid, (uint64_t)(uintptr_t)there->types, types, sizeof(types)) != sizeof(types))
		return;
	n->of = malloc(bytes);
	n->names = calloc(LOOK_TYPES, sizeof(*n->names));
	if (!n->of || !n->names || proc_read(pid, (uint64_t)(uintptr_t)there->stack, n->of, bytes) != bytes) {
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
